//! What address space is: lists, looked through from one end to the other.

use std::collections::{BTreeMap, BTreeSet};

use ::network::domain::{Attachment, AttachmentKind, Severity};
use ::network::store::Asked;
use rand::RngExt;
use rand::rngs::StdRng;
use rand::seq::{IndexedRandom, IteratorRandom};
use types::{Cidr, NetworkId};

use super::NOW;
use super::words::{QUOTA, Said, Verdict, random_block, random_id, rules};

struct Standing {
    cidr: Cidr,
    group: String,
    active: bool,
    attached: BTreeMap<(String, AttachmentKind), Attachment>,
    tombstones: BTreeSet<(String, AttachmentKind)>,
}

/// One tenant's address space. Ids rise, so the last network is the newest.
#[derive(Default)]
pub(super) struct Model(BTreeMap<NetworkId, Standing>);

impl Model {
    /// The range that a create would take, with the warnings, or why it would be refused.
    pub(super) fn create(&self, asked: Asked, group: &str) -> Result<(Cidr, Said), Verdict> {
        let rules = rules();
        let broken = |cidr: Cidr| {
            !(23..=27).contains(&cidr.prefix_len())
                || !rules.private.iter().any(|allowed| allowed.contains(&cidr))
                || rules.reserved.iter().any(|kept| kept.cidr.overlaps(&cidr))
        };
        if matches!(asked, Asked::Exactly(cidr) if broken(cidr)) {
            return Err(Verdict::Rules);
        }
        if self.0.len() >= QUOTA as usize {
            return Err(Verdict::Quota);
        }
        match asked {
            Asked::FreeBlock(size) => {
                let first = self.free(size, self.newest()).first().copied();
                first
                    .map(|block| (block, Said::new()))
                    .ok_or(Verdict::NoFreeBlock)
            }
            Asked::Exactly(cidr) => {
                let mut found = self.overlaps(cidr, group);
                if found
                    .iter()
                    .any(|(severity, ..)| *severity == Severity::Error)
                {
                    return Err(Verdict::GroupOverlap);
                }
                for known in rules
                    .discouraged
                    .iter()
                    .filter(|known| known.cidr.overlaps(&cidr))
                {
                    let reason = "CIDR_DISCOURAGED".to_owned();
                    found.insert((
                        Severity::Warning,
                        reason,
                        known.cidr.to_string(),
                        String::new(),
                    ));
                }
                Ok((cidr, found))
            }
        }
    }

    /// What overlaps a range, and what that means.
    pub(super) fn overlaps(&self, cidr: Cidr, group: &str) -> Said {
        let mut found = Said::new();
        for (id, network) in &self.0 {
            if network.cidr.overlaps(&cidr) {
                let together = !group.is_empty() && network.group == group;
                let severity = if together {
                    Severity::Error
                } else {
                    Severity::Warning
                };
                let reason = "CIDR_OVERLAP_NETWORK".to_owned();
                found.insert((severity, reason, network.cidr.to_string(), id.to_string()));
            }
            for peering in network.peerings() {
                for range in peering.cidrs.iter().filter(|range| range.overlaps(&cidr)) {
                    let reason = "CIDR_OVERLAP_PEER".to_owned();
                    found.insert((
                        Severity::Warning,
                        reason,
                        range.to_string(),
                        peering.id.clone(),
                    ));
                }
            }
        }
        found
    }

    /// All free blocks, the nearest first.
    pub(super) fn free(&self, size: u8, near: Option<Cidr>) -> Vec<Cidr> {
        let rules = rules();
        let mut taken: Vec<Cidr> = self.ranges().collect();
        taken.extend(
            rules
                .reserved
                .iter()
                .chain(&rules.discouraged)
                .map(|range| range.cidr),
        );
        let first = |block: &Cidr| u32::from(block.address());
        let near = near.unwrap_or(rules.private[0]);
        let start = first(&Cidr::around(near.address(), size));
        let mut free: Vec<Cidr> = rules
            .private
            .iter()
            .flat_map(|allowed| allowed.subnets(size))
            .filter(|block| !taken.iter().any(|taken| taken.overlaps(block)))
            .collect();
        free.sort_by_key(|block| (first(block).abs_diff(start), first(block) < start));
        free
    }

    pub(super) fn newest(&self) -> Option<Cidr> {
        self.0.last_key_value().map(|(_, network)| network.cidr)
    }

    pub(super) fn created(&mut self, id: NetworkId, cidr: Cidr, group: &str) {
        let standing = Standing {
            cidr,
            group: group.to_owned(),
            active: false,
            attached: BTreeMap::new(),
            tombstones: BTreeSet::new(),
        };
        assert!(
            self.0
                .last_key_value()
                .is_none_or(|(newest, _)| *newest < id)
        );
        self.0.insert(id, standing);
    }

    pub(super) fn activated(&mut self, id: NetworkId) {
        self.0.get_mut(&id).unwrap().active = true;
    }

    pub(super) fn any_network(&self, random: &mut StdRng) -> Option<NetworkId> {
        self.0.keys().choose(random).copied()
    }

    pub(super) fn random_attachment(&self, random: &mut StdRng, network: NetworkId) -> Attachment {
        let cidr = self.0[&network].cidr;
        let peering = random.random_bool(0.7);
        let cidrs: BTreeSet<Cidr> = if peering {
            (0..random.random_range(0..3))
                .map(|_| random_block(random, 22..=28))
                .collect()
        } else if random.random_bool(0.8) {
            cidr.subnets(random.random_range(27..=29))
                .choose(random)
                .into_iter()
                .collect()
        } else {
            [random_block(random, 24..=28)].into()
        };
        let vpc = random.random_range(1..5);
        Attachment {
            network,
            kind: if peering {
                AttachmentKind::Peering
            } else {
                AttachmentKind::Datastore
            },
            id: random_id(random),
            cidrs: cidrs.into_iter().collect(),
            ports: Vec::new(),
            private_name: String::new(),
            peer_identity: if peering {
                format!("aws/222233334444/eu-west-1/vpc-{vpc:08x}")
            } else {
                String::new()
            },
            allow_overlap: peering && *[true, false, false].choose(random).unwrap(),
            create_time: NOW,
        }
    }

    /// Attaches what may be attached.
    pub(super) fn attach(&mut self, wanted: &Attachment) -> Result<(), Verdict> {
        let key = (wanted.id.clone(), wanted.kind);
        let network = &self.0[&wanted.network];
        if network.attached.get(&key) == Some(wanted) {
            return Ok(());
        }
        if network.tombstones.contains(&key) {
            return Err(Verdict::Detached);
        }
        if !network.active {
            return Err(Verdict::NotActive);
        }
        if wanted.kind == AttachmentKind::Datastore
            && !wanted
                .cidrs
                .iter()
                .all(|range| network.cidr.contains(range))
        {
            return Err(Verdict::OutsideNetwork);
        }
        let others = network.attached.iter().filter(|(other, _)| **other != key);
        let sibling = others
            .into_iter()
            .any(|(_, other)| in_each_other_s_way(wanted, other));
        if sibling || self.is_apart(wanted.network, wanted).is_err() {
            return Err(Verdict::Overlap);
        }
        let network = self.0.get_mut(&wanted.network).unwrap();
        network.attached.insert(key, wanted.clone());
        Ok(())
    }

    /// Whether a peering's ranges are apart from its network's, and the network from those linked with the same VPC.
    fn is_apart(&self, id: NetworkId, peering: &Attachment) -> Result<(), String> {
        let network = &self.0[&id];
        if peering.kind == AttachmentKind::Datastore {
            return Ok(());
        }
        if let Some(range) = peering
            .cidrs
            .iter()
            .find(|range| range.overlaps(&network.cidr))
        {
            return Err(format!("{range} over {}", network.cidr));
        }
        let linked = |other: &&Standing| {
            other
                .peerings()
                .any(|one| one.peer_identity == peering.peer_identity)
        };
        let others = self.0.iter().filter(|(other, _)| **other != id);
        let mut neighbours = others.map(|(_, other)| other).filter(linked);
        match neighbours.find(|other| other.cidr.overlaps(&network.cidr)) {
            None => Ok(()),
            Some(other) => Err(format!("{} and {} at one VPC", network.cidr, other.cidr)),
        }
    }

    pub(super) fn detach(&mut self, network: NetworkId, kind: AttachmentKind, id: &str) {
        let network = self.0.get_mut(&network).unwrap();
        network.attached.remove(&(id.to_owned(), kind));
        network.tombstones.insert((id.to_owned(), kind));
    }

    /// Removes a network on which nothing stands; says whether it did.
    pub(super) fn delete(&mut self, id: NetworkId) -> bool {
        let empty = self.0[&id].attached.is_empty();
        if empty {
            self.0.remove(&id);
        }
        empty
    }

    /// Peerings and datastores.
    pub(super) fn counts(&self, id: NetworkId) -> (i32, i32) {
        let network = &self.0[&id];
        let peerings = network.peerings().count();
        let datastores = network.attached.len() - peerings;
        (
            i32::try_from(peerings).unwrap(),
            i32::try_from(datastores).unwrap(),
        )
    }

    /// What stands on each network, by id and kind as text.
    pub(super) fn attachments(&self) -> impl Iterator<Item = (NetworkId, Vec<Attachment>)> {
        self.0.iter().map(|(id, network)| {
            let mut attached: Vec<_> = network.attached.values().cloned().collect();
            attached.sort_by_key(|one| (one.id.clone(), one.kind.as_str()));
            (*id, attached)
        })
    }

    fn ranges(&self) -> impl Iterator<Item = Cidr> {
        self.0.values().flat_map(|network| {
            let peered = network.peerings().flat_map(|peering| peering.cidrs.clone());
            [network.cidr].into_iter().chain(peered)
        })
    }

    /// First and last addresses of all claims, in order.
    pub(super) fn claimed(&self) -> Vec<(i64, i64)> {
        let bounds = |range: Cidr| {
            let first = i64::from(u32::from(range.address()));
            (first, first + (1 << (32 - range.prefix_len())) - 1)
        };
        let mut claimed: Vec<_> = self.ranges().map(bounds).collect();
        claimed.sort_unstable();
        claimed
    }

    pub(super) fn live(&self) -> i64 {
        i64::try_from(self.0.len()).unwrap()
    }

    /// Checks every two things that stand.
    pub(super) fn assert_allowed(&self) {
        for (id, network) in &self.0 {
            for other in self
                .0
                .iter()
                .filter(|(other, _)| *other != id)
                .map(|(_, other)| other)
            {
                let together = !network.group.is_empty() && network.group == other.group;
                assert!(
                    !together || !network.cidr.overlaps(&other.cidr),
                    "{} and {}",
                    network.cidr,
                    other.cidr
                );
            }
            for (key, attached) in &network.attached {
                assert_eq!(self.is_apart(*id, attached), Ok(()));
                let others = network.attached.iter().filter(|(other, _)| *other != key);
                for (_, other) in others {
                    assert!(
                        !in_each_other_s_way(attached, other),
                        "{attached:?} and {other:?}"
                    );
                }
            }
        }
    }
}

impl Standing {
    fn peerings(&self) -> impl Iterator<Item = &Attachment> {
        self.attached
            .values()
            .filter(|one| one.kind == AttachmentKind::Peering)
    }
}

/// Whether two things cannot stand on one network.
fn in_each_other_s_way(one: &Attachment, other: &Attachment) -> bool {
    let peerings = one.kind == AttachmentKind::Peering && other.kind == AttachmentKind::Peering;
    let may_overlap = peerings && (one.allow_overlap || other.allow_overlap);
    let mut pairs = one
        .cidrs
        .iter()
        .flat_map(|a| other.cidrs.iter().map(move |b| (a, b)));
    pairs.any(|(a, b)| a == b || (!may_overlap && a.overlaps(b)))
}
