//! The words about VPCs: how they are named, asked for and shown.

use std::collections::BTreeSet;
use std::future::Future;

use api::cloud::CloudError;
use types::{Cidr, GroupId, NetworkId, Region};

use super::{Page, Pages};

/// Asks for an account with room.
#[derive(Debug, Clone)]
pub struct PlaceNetwork {
    /// Where the network is wanted.
    pub region: Region,
    /// How many networks the caller has in each group.
    pub usage: Vec<(GroupId, u32)>,
    /// Accounts whose cloud refused this network.
    pub refused: Vec<String>,
}

/// Names the VPC of a network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VpcRef {
    /// The vendor's account and region.
    pub group: GroupId,
    /// Sets apart suites that share an account.
    pub deployment: String,
    /// Whose VPC it is.
    pub network_id: NetworkId,
    /// Where its subnets are.
    pub region: Region,
}

/// The vendor's VPC as far as it is known to stand.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Vpc {
    /// The cloud's id of it.
    pub id: Option<String>,
    /// Its subnets.
    pub subnets: Vec<Subnet>,
    /// The group that holds the allow list.
    pub security_group_id: Option<String>,
    /// Codes of the parts that stand.
    pub parts: Vec<String>,
}

/// A subnet of a VPC.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subnet {
    /// The cloud's id of it.
    pub id: String,
    /// Its zone as this account calls it.
    pub zone: String,
    /// Its zone as all accounts call it; empty when the cloud did not say.
    pub zone_id: String,
    /// Its range.
    pub cidr: Cidr,
}

/// Asks for the next part of a VPC.
#[derive(Debug, Clone)]
pub struct EnsureVpc {
    /// Whose VPC.
    pub vpc: VpcRef,
    /// The network's range.
    pub cidr: Cidr,
    /// What is recorded; it counts as standing.
    pub known: Vpc,
    /// The part to make if it is missing; none: look only.
    pub create_part: Option<String>,
    /// As last answered.
    pub operation_token: String,
}

/// What stands of a VPC, and what is next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VpcProgress {
    /// Known and seen.
    pub vpc: Vpc,
    /// The part to make next; none: complete.
    pub next_part: Option<String>,
    /// Making `next_part` twice would make two.
    pub guarded: bool,
}

/// Asks to remove a VPC.
#[derive(Debug, Clone)]
pub struct DeleteVpc {
    /// Whose VPC.
    pub vpc: VpcRef,
    /// What is recorded.
    pub known: Vpc,
    /// As last answered.
    pub operation_token: String,
}

/// Asks for a firewall.
#[derive(Debug, Clone)]
pub struct EnsureFirewall {
    /// Whose VPC.
    pub vpc: VpcRef,
    /// What is recorded.
    pub known: Vpc,
    /// The whole wanted set of ranges; empty: admit nobody.
    pub cidrs: Vec<Cidr>,
    /// The whole wanted set of TCP ports.
    pub ports: Vec<u16>,
    /// As last answered.
    pub operation_token: String,
}

/// Asks for all VPCs of a group.
#[derive(Debug, Clone)]
pub struct ObserveVpcs {
    /// The vendor's account and region.
    pub group: GroupId,
    /// Whose objects they are.
    pub deployment: String,
    /// Parts and firewalls are to be looked at too.
    pub with_wiring: bool,
}

/// What a cloud shows of one network's VPC.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VpcObservation {
    /// Whose VPC it is.
    pub network_id: NetworkId,
    /// All that stands; without wiring its id only.
    pub vpc: Vpc,
    /// What comes in; without wiring nothing.
    pub firewall: Firewall,
    /// Codes of parts that stand and are not as they were made.
    pub drift: Vec<&'static str>,
}

/// Whom a firewall admits to what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Firewall {
    /// The admitted ranges.
    pub cidrs: BTreeSet<Cidr>,
    /// The admitted TCP ports.
    pub ports: BTreeSet<u16>,
    /// It admits every range to every port, and nothing else.
    pub is_plain: bool,
}

impl Firewall {
    /// Nobody is admitted.
    pub(super) fn closed() -> Self {
        Self {
            cidrs: BTreeSet::new(),
            ports: BTreeSet::new(),
            is_plain: true,
        }
    }
}

/// A look at all VPCs of a group, in pages.
pub(super) fn pages(
    look: impl Future<Output = Result<Vec<VpcObservation>, CloudError>> + Send + 'static,
) -> Pages<VpcObservation> {
    Page::of(look, weight)
}

fn weight(seen: &VpcObservation) -> usize {
    20 + seen.firewall.cidrs.len() + seen.firewall.ports.len()
}

#[cfg(test)]
mod tests {
    use futures::TryStreamExt;

    use super::*;

    #[tokio::test]
    async fn a_page_holds_no_more_ranges_than_fit_a_message() {
        let all: Cidr = "10.0.0.0/8".parse().unwrap();
        let seen = VpcObservation {
            network_id: NetworkId::generate(),
            vpc: Vpc::default(),
            firewall: Firewall {
                cidrs: all.subnets(32).take(5_000).collect(),
                ..Firewall::closed()
            },
            drift: Vec::new(),
        };
        let look = async move { Ok(vec![seen; 60]) };
        let pages: Vec<_> = pages(look).try_collect().await.unwrap();
        // gRPC takes messages of 4 MiB, which is 40 of them.
        assert!(pages.iter().all(|page| page.items.len() < 5));
        assert_eq!(pages.iter().map(|page| page.items.len()).sum::<usize>(), 60);
        let complete = pages.iter().filter(|page| page.complete).count();
        assert!(complete == 1 && pages[pages.len() - 1].complete);
    }
}
