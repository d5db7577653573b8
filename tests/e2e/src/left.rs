//! What stands in the cloud, as boto3 sees it.

use serde_json::{Value, json};

use crate::{Suite, VENDOR};

impl Suite {
    /// How many objects a listing of boto3 shows.
    pub async fn count(
        &self,
        account: &str,
        region: &str,
        call: &str,
        member: &str,
        args: Value,
    ) -> usize {
        let listed = self
            .customer
            .call(account, region, call, args)
            .await
            .expect("a listing");
        listed[member].as_array().map_or(0, Vec::len)
    }

    /// The ids of all that the vendor's account still holds with our tags, ended peerings apart.
    pub async fn left_in_the_cloud(&self, region: &str) -> Vec<String> {
        let mut left = Vec::new();
        for (call, member, id) in [
            ("describe_vpcs", "Vpcs", "VpcId"),
            ("describe_subnets", "Subnets", "SubnetId"),
            ("describe_security_groups", "SecurityGroups", "GroupId"),
            (
                "describe_vpc_peering_connections",
                "VpcPeeringConnections",
                "VpcPeeringConnectionId",
            ),
        ] {
            let listed = self
                .customer
                .call(VENDOR, region, call, json!({}))
                .await
                .expect("a listing");
            for object in listed[member].as_array().expect("a list") {
                let tags = object["Tags"]
                    .as_array()
                    .map(Vec::as_slice)
                    .unwrap_or_default();
                let ours = tags.iter().any(|tag| {
                    tag["Key"]
                        .as_str()
                        .is_some_and(|key| key.starts_with("peerway:"))
                });
                let ended = ["deleted", "deleting", "rejected", "expired", "failed"];
                let ended = ended
                    .iter()
                    .any(|status| object["Status"]["Code"] == **status);
                if ours && !ended {
                    left.push(object[id].as_str().expect("an id").to_owned());
                }
            }
        }
        left
    }
}
