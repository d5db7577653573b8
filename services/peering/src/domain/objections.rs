//! What forbids a well-formed wish, as far as can be known here: all of it for a check before creation, the first thing
//! for a creation.

use types::{Cidr, NetworkId, ProviderKind};

use super::admission::{Network, Policy};
use super::peer::Peer;

/// Why a well-formed wish is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The arm that was filled is not the network's cloud.
    #[error("the network is in {network}, so the {network} side must be given, not {peer}")]
    WrongProvider {
        /// The network's cloud.
        network: ProviderKind,
        /// The given arm.
        peer: ProviderKind,
    },
    /// The network can't be peered yet, or any more.
    #[error("the network is {state}; peerings start from an ACTIVE one")]
    NetworkNotActive {
        /// The network's state.
        state: String,
    },
    /// Both sides are the same VPC.
    #[error("the given VPC is the network's own")]
    SelfPeering,
    /// The customer's ranges and the network's share addresses.
    #[error("{cidr} of {owner} overlaps {network_cidr} of network {network}")]
    CidrOverlap {
        /// The customer's range.
        cidr: Cidr,
        /// The customer's VPC.
        owner: String,
        /// The network's range.
        network_cidr: Cidr,
        /// The network.
        network: NetworkId,
    },
    /// The other side is the vendor's too, so no customer would ever have to agree.
    #[error("account {account} is the vendor's own")]
    PeerIsVendor {
        /// The account.
        account: String,
    },
}

/// A customer's side, as much of it as is well-formed.
#[derive(Debug, Clone, Copy)]
pub struct Side<'a> {
    /// The cloud it is said to be in.
    pub provider: ProviderKind,
    /// Its ranges.
    pub cidrs: &'a [Cidr],
    /// All of it, if nothing is malformed.
    pub whole: Option<&'a Peer>,
}

/// Whether a network and a customer's side may be linked, as far as can be known here.
pub fn may_peer(peer: &Peer, network: &Network, policy: &Policy) -> Result<(), Error> {
    let side = Side {
        provider: peer.provider(),
        cidrs: peer.cidrs(),
        whole: Some(peer),
    };
    let first = objections(side, network, policy).into_iter().next();
    first.map_or(Ok(()), Err)
}

/// All that forbids to link a network and a customer's side, as far as can be known here.
pub fn objections(side: Side<'_>, network: &Network, policy: &Policy) -> Vec<Error> {
    let mut found = Vec::new();
    if side.provider != network.provider {
        found.push(Error::WrongProvider {
            network: network.provider,
            peer: side.provider,
        });
    }
    if !network.is_active {
        found.push(Error::NetworkNotActive {
            state: network.state.clone(),
        });
    }
    let is_same =
        |peer: &&Peer| peer.account() == network.account_id && peer.vpc() == network.vpc_id;
    if side.whole.filter(is_same).is_some() {
        found.push(Error::SelfPeering);
    }
    let owner = side.whole.map(Peer::identity);
    let overlapping = side
        .cidrs
        .iter()
        .filter(|range| range.overlaps(&network.cidr));
    found.extend(overlapping.map(|&cidr| Error::CidrOverlap {
        cidr,
        owner: owner.clone().unwrap_or_else(|| "the given VPC".to_owned()),
        network_cidr: network.cidr,
        network: network.id,
    }));
    if let (Policy::Customers(vendor), Some(peer)) = (policy, side.whole)
        && (peer.account() == network.account_id || vendor.own(peer))
    {
        found.push(Error::PeerIsVendor {
            account: peer.account().to_owned(),
        });
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::VendorAccounts;
    use crate::domain::walk::{network, wish};

    #[test]
    fn all_that_forbids_is_found_at_once() {
        let network = Network {
            state: "PENDING".to_owned(),
            is_active: false,
            cidr: "10.1.0.0/24".parse().unwrap(),
            account_id: "222222222222".to_owned(),
            vpc_id: "vpc-0a0a0a0a".to_owned(),
            ..network()
        };
        let peer = wish().peer.placed(&network);
        let policy = Policy::Customers(VendorAccounts::default().into());
        let side = Side {
            provider: ProviderKind::Gcp,
            cidrs: peer.cidrs(),
            whole: Some(&peer),
        };
        let found = objections(side, &network, &policy);
        assert!(
            matches!(
                found[..],
                [
                    Error::WrongProvider { .. },
                    Error::NetworkNotActive { .. },
                    Error::SelfPeering,
                    Error::CidrOverlap { .. },
                    Error::PeerIsVendor { .. }
                ]
            ),
            "{found:?}"
        );
        assert_eq!(may_peer(&peer, &network, &policy), Err(found[1].clone()));
        let malformed = Side {
            whole: None,
            ..side
        };
        assert_eq!(objections(malformed, &network, &policy).len(), 3);
    }
}
