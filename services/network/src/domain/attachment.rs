//! What stands on a network, and whose ranges may stand together.

use std::collections::BTreeSet;
use std::fmt;

use types::{Cidr, NetworkId, ProviderKind};

use super::{Error, MOST_CONFLICTS, Network, Overlap};

/// The code where something beside the network is in the way.
const SIBLING: &str = "CIDR_OVERLAP_SIBLING";

/// What kind of thing is attached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum AttachmentKind {
    /// Claims ranges of the customer's side, outside the network's.
    Peering,
    /// Claims a range inside the network's.
    Datastore,
}

impl AttachmentKind {
    /// The name, the same in proto and SQL.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Peering => "PEERING",
            Self::Datastore => "DATASTORE",
        }
    }

    /// The kind of that name.
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Peering, Self::Datastore]
            .into_iter()
            .find(|kind| kind.as_str() == name)
    }
}

impl fmt::Display for AttachmentKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Peering => "peering",
            Self::Datastore => "datastore",
        })
    }
}

/// Something that stands on a network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attachment {
    /// What it stands on.
    pub network: NetworkId,
    /// What kind of thing it is.
    pub kind: AttachmentKind,
    /// Its own id.
    pub id: String,
    /// What it claims.
    pub cidrs: Vec<Cidr>,
    /// TCP ports of a datastore.
    pub ports: Vec<u16>,
    /// The DNS name that leads to a datastore's private address.
    pub private_name: String,
    /// The customer's VPC in one canonical spelling; empty for datastores.
    pub peer_identity: String,
    /// Its ranges may overlap those of another peering.
    pub allow_overlap: bool,
    /// When it was attached.
    pub create_time: i64,
}

impl Attachment {
    /// Whether it claims the same as `other`, whenever that was attached.
    pub fn same_claim(&self, other: &Self) -> bool {
        let at_once = Self {
            create_time: other.create_time,
            ..self.clone()
        };
        at_once == *other
    }

    pub(super) fn owner(&self) -> String {
        match self.kind {
            AttachmentKind::Peering if !self.peer_identity.is_empty() => {
                format!("{} ({} {})", self.peer_identity, self.kind, self.id)
            }
            AttachmentKind::Peering | AttachmentKind::Datastore => {
                format!("{} {}", self.kind, self.id)
            }
        }
    }
}

/// The ports of all datastores among these, ordered, each once.
pub fn open_ports<'a>(attached: impl IntoIterator<Item = &'a Attachment>) -> Vec<u16> {
    let ports: BTreeSet<u16> = attached
        .into_iter()
        .flat_map(|one| one.ports.iter().copied())
        .collect();
    ports.into_iter().collect()
}

/// What stands on a network and keeps it from being deleted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Blockers {
    /// The first of them.
    pub first: Vec<(AttachmentKind, String)>,
    /// How many there are.
    pub total: u64,
}

impl Blockers {
    pub(super) fn sentence(&self) -> String {
        let first: Vec<String> = self
            .first
            .iter()
            .take(3)
            .map(|(kind, id)| format!("{kind} {id}"))
            .collect();
        let more = self.total.saturating_sub(first.len() as u64);
        let more = match more {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        format!(
            "detach first what stands on the network: {}{more}",
            first.join(", ")
        )
    }
}

/// Another network of the tenant that is linked with the same VPC of the customer.
#[derive(Debug, Clone)]
pub struct Neighbour {
    /// The network.
    pub network: NetworkId,
    /// Its range.
    pub cidr: Cidr,
    /// The peering that links it.
    pub peering: String,
}

/// All that forbids `wanted` to stand on `network` beside `siblings` (the others that stand on it), or the network to be
/// linked with the peering's VPC beside `neighbours`: rules first, then the first [`MOST_CONFLICTS`] pairs of ranges in each
/// other's way.
pub fn against_claims(
    wanted: &Attachment,
    network: &Network,
    siblings: &[Attachment],
    neighbours: &[Neighbour],
) -> Vec<Error> {
    let rules = match wanted.kind {
        AttachmentKind::Peering => check_peering(wanted, network),
        AttachmentKind::Datastore => check_datastore(wanted, network),
    };
    let beside = siblings
        .iter()
        .flat_map(|sibling| with_sibling(wanted, sibling));
    let found: Vec<Overlap> = if wanted.kind == AttachmentKind::Peering {
        with_network(wanted, network)
            .chain(with_neighbours(wanted, network, neighbours))
            .chain(beside)
            .take(MOST_CONFLICTS)
            .collect()
    } else {
        beside.take(MOST_CONFLICTS).collect()
    };
    let overlaps = (!found.is_empty()).then_some(Error::Overlap(found));
    rules.err().into_iter().chain(overlaps).collect()
}

/// The ranges of a peering that the network itself has.
fn with_network<'a>(
    wanted: &'a Attachment,
    network: &'a Network,
) -> impl Iterator<Item = Overlap> + 'a {
    let inside = wanted
        .cidrs
        .iter()
        .filter(|cidr| cidr.overlaps(&network.cidr));
    inside.map(|cidr| Overlap {
        reason: "CIDR_OVERLAP_PEER",
        cidr: *cidr,
        owner: wanted.owner(),
        other_cidr: network.cidr,
        other_owner: format!("network {}", network.id),
        other_id: network.id.to_string(),
        so: String::new(),
    })
}

/// The networks beside which this one cannot be linked with the same VPC.
fn with_neighbours<'a>(
    wanted: &'a Attachment,
    network: &'a Network,
    neighbours: &'a [Neighbour],
) -> impl Iterator<Item = Overlap> + 'a {
    let same = neighbours
        .iter()
        .filter(|other| other.cidr.overlaps(&network.cidr));
    same.map(|neighbour| Overlap {
        reason: SIBLING,
        cidr: network.cidr,
        owner: format!("network {}", network.id),
        other_cidr: neighbour.cidr,
        other_owner: format!(
            "network {}, which is linked with {} too ({})",
            neighbour.network, wanted.peer_identity, neighbour.peering
        ),
        other_id: neighbour.network.to_string(),
        so: String::new(),
    })
}

/// The ranges that one of the others has and does not share.
fn with_sibling<'a>(
    wanted: &'a Attachment,
    sibling: &'a Attachment,
) -> impl Iterator<Item = Overlap> + 'a {
    let shares = may_overlap(wanted, sibling);
    let taken = pairs(&wanted.cidrs, &sibling.cidrs)
        .filter(move |(cidr, other)| cidr == other || (cidr.overlaps(other) && !shares));
    taken.map(|pair| overlap(wanted, sibling, pair, String::new()))
}

/// The ranges of `wanted` that one of the others has too, by the wish of their owner.
pub(super) fn shared_with<'a>(
    wanted: &'a Attachment,
    sibling: &'a Attachment,
) -> impl Iterator<Item = Overlap> + 'a {
    let shares = may_overlap(wanted, sibling);
    let shared = pairs(&wanted.cidrs, &sibling.cidrs)
        .filter(move |(cidr, other)| shares && cidr != other && cidr.overlaps(other));
    shared.map(|pair| {
        let so = "traffic goes to the one with the narrower range".to_owned();
        overlap(wanted, sibling, pair, so)
    })
}

/// The flag speaks of the ranges and not of the order in which they came, so either one's counts.
fn may_overlap(wanted: &Attachment, sibling: &Attachment) -> bool {
    wanted.kind == AttachmentKind::Peering
        && sibling.kind == AttachmentKind::Peering
        && (wanted.allow_overlap || sibling.allow_overlap)
}

fn overlap(
    wanted: &Attachment,
    sibling: &Attachment,
    (cidr, other_cidr): (Cidr, Cidr),
    so: String,
) -> Overlap {
    Overlap {
        reason: SIBLING,
        cidr,
        owner: wanted.owner(),
        other_cidr,
        other_owner: sibling.owner(),
        other_id: sibling.id.clone(),
        so,
    }
}

fn check_peering(wanted: &Attachment, network: &Network) -> Result<(), Error> {
    let cloud = wanted.peer_identity.split('/').next().unwrap_or_default();
    if cloud != network.provider.as_str() {
        let rule = format!(
            "the network is of {}, the peer of {cloud}",
            network.provider
        );
        return Err(Error::InvalidAttachment {
            field: "attachment.peer_identity",
            reason: "WRONG_PROVIDER",
            rule,
        });
    }
    if wanted.allow_overlap && network.provider != ProviderKind::Aws {
        return Err(Error::InvalidAttachment {
            field: "attachment.allow_overlap",
            reason: "INVALID_FIELD",
            rule: "only AWS can tell overlapping ranges apart".to_owned(),
        });
    }
    Ok(())
}

fn check_datastore(wanted: &Attachment, network: &Network) -> Result<(), Error> {
    match wanted
        .cidrs
        .iter()
        .find(|cidr| !network.cidr.contains(cidr))
    {
        None => Ok(()),
        Some(outside) => Err(Error::InvalidAttachment {
            field: "attachment.cidrs",
            reason: "CIDR_OUTSIDE_NETWORK",
            rule: format!(
                "{outside} does not lie in the network's range {}",
                network.cidr
            ),
        }),
    }
}

fn pairs<'a>(ours: &'a [Cidr], theirs: &'a [Cidr]) -> impl Iterator<Item = (Cidr, Cidr)> + 'a {
    ours.iter()
        .flat_map(move |our| theirs.iter().map(move |their| (*our, *their)))
}

#[cfg(test)]
mod tests;
