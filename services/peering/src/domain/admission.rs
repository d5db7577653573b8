//! What can be said about a wished peering before anything is recorded.

use std::collections::HashSet;
use std::sync::Arc;

use types::{
    AwsAccountId, AwsVpcId, Cidr, DisplayName, GcpNetworkName, GcpProjectId, Labels, NetworkId,
    PeeringId, ProviderKind, Region, RequestId, TenantId,
};

use super::objections::{Error, may_peer};
use super::options::Options;
use super::peer::Peer;
use super::peering::{Admission, Peering, Vendor, Work};
use super::reasons;
use super::state::State;

/// A peering as it was asked for, every field well-formed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wish {
    /// Whose it shall be.
    pub tenant: TenantId,
    /// Makes the call repeatable.
    pub request_id: Option<RequestId>,
    /// The network it shall start from.
    pub network: NetworkId,
    /// The name for people.
    pub display_name: DisplayName,
    /// What the owner hangs on it.
    pub labels: Labels,
    /// The customer's side.
    pub peer: WishedPeer,
    /// Ranges may overlap those of the network's other peerings.
    pub allow_overlap: bool,
    /// What our half shall do beyond linking the two VPCs.
    pub options: Options,
}

/// The customer's side as it was given: a region that was left out is the network's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WishedPeer {
    /// A VPC in AWS.
    Aws {
        /// The VPC owner's account.
        account: AwsAccountId,
        /// The VPC's region.
        region: Option<Region>,
        /// The VPC.
        vpc: AwsVpcId,
        /// Its ranges.
        cidrs: Vec<Cidr>,
    },
    /// A VPC network in GCP.
    Gcp {
        /// The project.
        project: GcpProjectId,
        /// The network.
        network: GcpNetworkName,
        /// Its ranges.
        cidrs: Vec<Cidr>,
    },
}

impl WishedPeer {
    /// The cloud it lives in.
    pub fn provider(&self) -> ProviderKind {
        match self {
            Self::Aws { .. } => ProviderKind::Aws,
            Self::Gcp { .. } => ProviderKind::Gcp,
        }
    }

    /// The customer's side of a peering with `network`.
    pub fn placed(self, network: &Network) -> Peer {
        match self {
            Self::Aws {
                account,
                region,
                vpc,
                cidrs,
            } => {
                let region = region.unwrap_or_else(|| network.region.clone());
                Peer::Aws {
                    account,
                    region,
                    vpc,
                    cidrs,
                }
            }
            Self::Gcp {
                project,
                network,
                cidrs,
            } => Peer::Gcp {
                project,
                network,
                cidrs,
            },
        }
    }
}

/// The network of a wished peering, as the network service shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Network {
    /// Names it.
    pub id: NetworkId,
    /// Its name for people.
    pub display_name: String,
    /// Its cloud.
    pub provider: ProviderKind,
    /// Its region.
    pub region: Region,
    /// Its range.
    pub cidr: Cidr,
    /// Its state's name.
    pub state: String,
    /// Whether peerings can be attached.
    pub is_active: bool,
    /// The vendor's account or project.
    pub account_id: String,
    /// The vendor's VPC.
    pub vpc_id: String,
}

/// The vendor's accounts and projects.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct VendorAccounts(HashSet<(ProviderKind, String)>);

impl VendorAccounts {
    /// This one is the vendor's too.
    pub fn add(&mut self, provider: ProviderKind, account: &str) {
        self.0.insert((provider, account.to_owned()));
    }

    pub(super) fn own(&self, peer: &Peer) -> bool {
        self.0
            .contains(&(peer.provider(), peer.account().to_owned()))
    }
}

/// Where a customer's side may be.
#[derive(Debug, Clone)]
pub enum Policy {
    /// In any account but the vendor's: two halves of the vendor's would match without any customer.
    Customers(Arc<VendorAccounts>),
    /// Development: in the vendor's accounts as well.
    Anybody,
}

impl Network {
    /// Its side of a peering.
    pub fn vendor(&self) -> Vendor {
        Vendor {
            account_id: self.account_id.clone(),
            vpc_id: self.vpc_id.clone(),
            region: self.region.clone(),
            cidr: self.cidr,
        }
    }
}

/// The peering that a wish asks for, unadmitted, if nothing that can be known here forbids it.
pub fn admissible(
    wish: Wish,
    network: &Network,
    policy: &Policy,
    now: i64,
) -> Result<Peering, Error> {
    let peer = wish.peer.placed(network);
    may_peer(&peer, network, policy)?;
    Ok(Peering {
        id: PeeringId::generate(),
        tenant: wish.tenant,
        version: 1,
        network: network.id,
        network_display_name: network.display_name.clone(),
        display_name: wish.display_name,
        labels: wish.labels,
        attempt: 1,
        attempt_at: now,
        peer,
        allow_overlap: wish.allow_overlap,
        options: wish.options,
        vendor: network.vendor(),
        state: State::Provisioning,
        reason: String::new(),
        message: reasons::message(State::Provisioning, ""),
        raw_state: String::new(),
        conditions: Vec::new(),
        provider_peering_id: None,
        expire_at: None,
        activate_at: None,
        create_at: now,
        update_at: now,
        delete_at: None,
        purge_at: None,
        work: Work {
            admission: Admission::Unadmitted,
            create_request_id: wish.request_id.map(String::from),
            lane_since: now,
            observe_at: None,
            step_at: None,
            requested_at: None,
            operation_token: String::new(),
            missed_at: None,
            failures: 0,
            suspended_at: None,
            gone: false,
            routes_due: false,
            traceparent: None,
            busy_since: None,
            waits_for: None,
            hint_at: None,
            inactive_at: None,
            former: None,
            options_due: false,
            sets_options: false,
            options_told_at: None,
            network_due: false,
            allow_list_version: 0,
            leaving: Vec::new(),
            end_reason: String::new(),
            claims_at: None,
            repairs: Vec::new(),
            routes_told_at: None,
            observed_cidrs: Vec::new(),
            puts_back: false,
        },
    })
}

impl Peering {
    /// The network has taken it: it is part of the world, and its first step is due.
    pub fn admit(&mut self, now: i64) {
        self.work.admission = Admission::Admitted;
        self.attempt_at = now;
        self.update_at = now;
        self.work.lane_since = now;
        self.work.step_at = Some(now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::walk::{NOW, network, wish};

    fn strict() -> Policy {
        let mut vendor = VendorAccounts::default();
        vendor.add(ProviderKind::Aws, "333333333333");
        vendor.add(ProviderKind::Gcp, "222222222222");
        Policy::Customers(Arc::new(vendor))
    }

    #[test]
    fn a_wish_that_nothing_forbids_becomes_a_peering_in_the_network_s_region() {
        let peering = admissible(wish(), &network(), &strict(), NOW).unwrap();
        assert_eq!(
            peering.peer.identity(),
            "aws/222222222222/eu-west-1/vpc-0a0a0a0a"
        );
        assert_eq!(peering.state, State::Provisioning);
        assert_eq!(peering.work.admission, Admission::Unadmitted);
        assert_eq!(peering.group().to_string(), "aws/111111111111/eu-west-1");
        assert!(!peering.is_cross_region());
    }

    #[test]
    fn each_rule_refuses() {
        let inactive = Network {
            is_active: false,
            state: "PENDING".to_owned(),
            ..network()
        };
        assert!(matches!(
            admissible(wish(), &inactive, &strict(), NOW),
            Err(Error::NetworkNotActive { .. })
        ));
        let other = Network {
            provider: ProviderKind::Gcp,
            ..network()
        };
        assert!(matches!(
            admissible(wish(), &other, &strict(), NOW),
            Err(Error::WrongProvider { .. })
        ));
        let overlapping = Network {
            cidr: "10.1.128.0/17".parse().unwrap(),
            ..network()
        };
        assert!(matches!(
            admissible(wish(), &overlapping, &strict(), NOW),
            Err(Error::CidrOverlap { .. })
        ));
        let same_account = Network {
            account_id: "222222222222".to_owned(),
            ..network()
        };
        assert!(matches!(
            admissible(wish(), &same_account, &strict(), NOW),
            Err(Error::PeerIsVendor { .. })
        ));
        let mut elsewhere = wish();
        if let WishedPeer::Aws { account, .. } = &mut elsewhere.peer {
            *account = "333333333333".parse().unwrap();
        }
        assert_eq!(
            admissible(elsewhere.clone(), &network(), &strict(), NOW),
            Err(Error::PeerIsVendor {
                account: "333333333333".to_owned()
            })
        );
        assert!(admissible(elsewhere, &network(), &Policy::Anybody, NOW).is_ok());
        assert!(admissible(wish(), &same_account, &Policy::Anybody, NOW).is_ok());
        let same_vpc = Network {
            vpc_id: "vpc-0a0a0a0a".to_owned(),
            ..same_account
        };
        assert_eq!(
            admissible(wish(), &same_vpc, &Policy::Anybody, NOW),
            Err(Error::SelfPeering)
        );
    }
}
