//! What the owner of a peering does with it once it is there, and what it tells.

use std::collections::BTreeSet;

use api::peering::v1 as peering;
use api::peering::v1::condition::Status as Holds;
use api::peering::v1::{Check, Condition, Peering, PeeringEvent};
use cloudsim::ec2::state::{Target, VpcCidr};
use tonic::Status;

use crate::cloud::Simulated;
use crate::peerings::Named;
use crate::wait::until;
use crate::{Suite, TENANT, VENDOR};

/// One of a peering's conditions.
pub fn condition<'a>(peering: &'a Peering, name: &str) -> &'a Condition {
    let found = peering.conditions.iter().find(|one| one.r#type == name);
    found.unwrap_or_else(|| panic!("there is no {name} in {:?}", peering.conditions))
}

impl Suite {
    /// Waits until a condition of a peering is false for a reason, which a refresh may show first.
    pub async fn until_unmet(&self, peering: &impl Named, name: &str, reason: &str) -> Peering {
        let ask = async || Ok::<_, Status>(self.refreshed(peering.id()).await);
        let is_unmet = |seen: &Peering| {
            let condition = condition(seen, name);
            condition.status() == Holds::False && condition.reason == reason
        };
        until(reason, ask, is_unmet).await
    }

    /// Waits until a condition of a peering is met, which a refresh may show first.
    pub async fn until_met(&self, peering: &impl Named, name: &str) -> Peering {
        let ask = async || Ok::<_, Status>(self.refreshed(peering.id()).await);
        until(name, ask, |seen| {
            condition(seen, name).status() == Holds::True
        })
        .await
    }

    /// Wishes a new attempt.
    pub async fn try_renew(&self, peering: &Peering) -> Result<Peering, Status> {
        let request = peering::RenewPeeringRequest {
            tenant_id: TENANT.to_owned(),
            peering_id: peering.id.clone(),
            etag: peering.etag.clone(),
            ..Default::default()
        };
        let answer = self.peerings().renew_peering(request).await?;
        Ok(answer.into_inner().peering.expect("a peering"))
    }

    /// Wishes a new attempt, which must be recorded.
    pub async fn renew(&self, peering: &Peering) -> Peering {
        self.try_renew(peering).await.expect("a new attempt begins")
    }

    /// Wishes other ranges of the customer's.
    pub async fn change_ranges(&self, peering: &Peering, cidrs: &[&str]) -> Peering {
        let mut request = peering::UpdatePeeringRequest {
            tenant_id: TENANT.to_owned(),
            peering_id: peering.id.clone(),
            etag: peering.etag.clone(),
            cidrs: cidrs.iter().map(|cidr| (*cidr).to_owned()).collect(),
            ..Default::default()
        };
        request.update_mask.get_or_insert_default().paths = vec!["cidrs".to_owned()];
        let answer = self.peerings().update_peering(request).await;
        let changed = answer.expect("the change is recorded").into_inner();
        changed.peering.expect("a peering")
    }

    /// The whole history of a peering, oldest first.
    pub async fn peering_events(&self, peering: &impl Named) -> Vec<PeeringEvent> {
        let request = peering::ListPeeringEventsRequest {
            tenant_id: TENANT.to_owned(),
            peering_id: peering.id().to_owned(),
            page_size: 1_000,
            ..Default::default()
        };
        let listed = self.peerings().list_peering_events(request).await;
        listed.expect("a history").into_inner().events
    }

    /// What is left to do for a peering.
    pub async fn instructions(
        &self,
        peering: &impl Named,
    ) -> peering::GetPeeringInstructionsResponse {
        let request = peering::GetPeeringInstructionsRequest {
            tenant_id: TENANT.to_owned(),
            peering_id: peering.id().to_owned(),
        };
        let told = self.peerings().get_peering_instructions(request).await;
        told.expect("instructions").into_inner()
    }

    /// Diagnoses a peering; the check with this code.
    pub async fn check(&self, peering: &impl Named, code: &str) -> Check {
        let request = peering::DiagnosePeeringRequest {
            tenant_id: TENANT.to_owned(),
            peering_id: peering.id().to_owned(),
        };
        let found = self.peerings().diagnose_peering(request).await;
        let checks = found.expect("a diagnosis").into_inner().checks;
        let check = checks.iter().find(|check| check.code == code);
        check
            .unwrap_or_else(|| panic!("there is no {code} in {checks:#?}"))
            .clone()
    }

    /// Waits until the routes of a VPC at AWS lead to peerings so and no other way: range and peering.
    pub async fn until_routed(&self, vpc: &str, wanted: &[(&str, &str)]) {
        let ask = async || Ok::<_, Status>(self.cloudsim().routes_of(vpc));
        let wanted: BTreeSet<(String, String)> = wanted
            .iter()
            .map(|(range, pcx)| ((*range).to_owned(), (*pcx).to_owned()))
            .collect();
        until("the VPC's routes", ask, |seen| *seen == wanted).await;
    }
}

impl Simulated {
    /// The routes to peerings in the route tables of a VPC at AWS: range and peering.
    pub fn routes_of(&self, vpc: &str) -> BTreeSet<(String, String)> {
        self.0.state(|ec2| {
            let tables = ec2.route_tables.values();
            let tables = tables.filter(|table| table.vpc_id == vpc);
            let routes = tables.flat_map(|table| &table.routes);
            routes
                .filter_map(|route| match &route.target {
                    Target::Peering(pcx) => Some((route.destination.to_string(), pcx.clone())),
                    Target::Local => None,
                })
                .collect()
        })
    }

    /// What the vendor did to routes at AWS so far, oldest first: action and range.
    pub fn route_changes(&self) -> Vec<(String, String)> {
        let actions = ["CreateRoute", "ReplaceRoute", "DeleteRoute"];
        let calls = self.0.calls().into_iter();
        let done = calls.filter(|call| {
            call.account == VENDOR
                && call.outcome == "ok"
                && actions.contains(&call.action.as_str())
        });
        done.map(|call| {
            let range = call.params.get("DestinationCidrBlock");
            (call.action.clone(), range.cloned().unwrap_or_default())
        })
        .collect()
    }

    /// The route tables of a VPC at AWS.
    pub fn tables_of(&self, vpc: &str) -> Vec<String> {
        self.0.state(|ec2| {
            let tables = ec2.route_tables.values();
            let tables = tables.filter(|table| table.vpc_id == vpc);
            tables.map(|table| table.id.clone()).collect()
        })
    }

    /// The raw states of the peerings between two VPCs at AWS that stand, as the cloud has them.
    pub fn standing_between(&self, ours: &str, theirs: &str) -> Vec<String> {
        self.0.state(|ec2| {
            let all = ec2.peerings.values();
            let between =
                all.filter(|one| one.requester.vpc_id == ours && one.accepter.vpc_id == theirs);
            let standing = between
                .filter(|one| matches!(one.status.code.as_str(), "pending-acceptance" | "active"));
            standing.map(|one| one.id.clone()).collect()
        })
    }

    /// A VPC at AWS has one range more, whatever that overlaps.
    pub fn grow(&self, vpc: &str, cidr: &str) {
        let range = VpcCidr {
            association_id: "vpc-cidr-assoc-0123456789abcdef0".to_owned(),
            cidr: cidr.parse().expect("a range"),
        };
        self.0.state(|ec2| {
            let vpc = ec2.vpcs.get_mut(vpc).expect("a VPC");
            vpc.cidrs.push(range);
        });
    }

    /// Turns switches of the cloud.
    pub fn configure(&self, how: impl FnOnce(&mut cloudsim::Config)) {
        self.0.configure(how);
    }
}
