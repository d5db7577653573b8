//! The customer at AWS, and whoever else uses the cloud's own tools: boto3 in a process of its own.

use serde_json::{Value, json};

use crate::python::{Python, Refusal};

/// The account that peerings lead to.
pub const CUSTOMER: &str = "444455556666";

/// How an emulator tells accounts apart.
#[derive(Debug, Clone, Copy)]
pub enum Accounts {
    /// By the access key, as cloudsim does.
    ByKey,
    /// By the role assumed, as moto does.
    ByRole,
}

/// boto3 against one endpoint, for any account and region.
pub struct Customer(Python);

impl Customer {
    /// boto3 against `endpoint`.
    pub fn new(endpoint: &str, accounts: Accounts) -> Self {
        let way = match accounts {
            Accounts::ByKey => "key",
            Accounts::ByRole => "assume",
        };
        Self(Python::new("customer.py", [endpoint, way]))
    }

    /// One call of boto3's EC2 client as `account` in `region`.
    pub async fn call(
        &self,
        account: &str,
        region: &str,
        call: &str,
        args: Value,
    ) -> Result<Value, Refusal> {
        let call = json!({"account": account, "region": region, "call": call, "args": args});
        self.0.call(&call).await
    }

    /// A VPC of the customer's; its id.
    pub async fn vpc(&self, region: &str, cidr: &str) -> String {
        let made = self
            .call(CUSTOMER, region, "create_vpc", json!({"CidrBlock": cidr}))
            .await;
        made.expect("the customer makes a VPC")["Vpc"]["VpcId"]
            .as_str()
            .expect("an id")
            .to_owned()
    }

    /// Accepts a peering.
    pub async fn accept(&self, region: &str, pcx: &str) {
        self.peering(region, "accept_vpc_peering_connection", pcx)
            .await;
    }

    /// Declines a peering.
    pub async fn reject(&self, region: &str, pcx: &str) {
        self.peering(region, "reject_vpc_peering_connection", pcx)
            .await;
    }

    /// Deletes a peering.
    pub async fn delete(&self, region: &str, pcx: &str) {
        self.peering(region, "delete_vpc_peering_connection", pcx)
            .await;
    }

    async fn peering(&self, region: &str, call: &str, pcx: &str) {
        let args = json!({"VpcPeeringConnectionId": pcx});
        self.call(CUSTOMER, region, call, args)
            .await
            .unwrap_or_else(|no| panic!("{call}: {no:?}"));
    }
}
