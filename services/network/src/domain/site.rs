//! The place where something is to be attached: all that forbids it, what is to be warned of, and what comes of it.

use super::allow_list::{Entry, Follow, check_entry, check_room, follow};
use super::attachment::{Attachment, AttachmentKind, Neighbour, against_claims, shared_with};
use super::{
    DATASTORES_PER_NETWORK, Error, Finding, Limits, NamedRange, Network, PEERINGS_PER_NETWORK,
    Severity, State, open_ports,
};

/// A network, and what is of concern to something that is to stand on it.
#[derive(Debug, Clone)]
pub struct Site {
    /// The network.
    pub network: Network,
    /// The others that stand on it.
    pub siblings: Vec<Attachment>,
    /// The claim that would be replaced.
    pub recorded: Option<Attachment>,
    /// The id was detached within the last day.
    pub is_detached: bool,
    /// The tenant's other networks that are linked with the same VPC.
    pub neighbours: Vec<Neighbour>,
    /// The network's allow list.
    pub entries: Vec<Entry>,
}

impl Site {
    /// Whether just this is attached already.
    pub fn has(&self, wanted: &Attachment) -> bool {
        let recorded = self.recorded.as_ref();
        recorded.is_some_and(|recorded| recorded.same_claim(wanted))
    }

    /// All that forbids `wanted`, what an attach names first.
    pub fn objections(&self, wanted: &Attachment, limits: &Limits) -> Vec<Error> {
        if self.has(wanted) {
            return Vec::new();
        }
        let network = &self.network;
        let detached = self.is_detached.then(|| Error::AttachmentDetached {
            kind: wanted.kind,
            id: wanted.id.clone(),
        });
        let inactive = (network.state != State::Active).then_some(Error::NetworkNotActive {
            id: network.id,
            state: network.state,
        });
        let quota = self.check_quota(wanted.kind, limits).err();
        let mut found: Vec<Error> = detached.into_iter().chain(inactive).chain(quota).collect();
        found.extend(against_claims(
            wanted,
            network,
            &self.siblings,
            &self.neighbours,
        ));
        let follow = self.follow(wanted);
        let unfit = follow.new.iter();
        found.extend(unfit.filter_map(|(cidr, _)| check_entry("attachment.cidrs", *cidr).err()));
        found.extend(self.check_firewall(wanted, &follow, limits).err());
        found
    }

    /// What does not forbid `wanted`, though its owner may regret it.
    pub fn warnings(&self, wanted: &Attachment, discouraged: &[NamedRange]) -> Vec<Finding> {
        if wanted.kind != AttachmentKind::Peering {
            return Vec::new();
        }
        let shared = self.siblings.iter();
        let shared = shared.flat_map(|sibling| shared_with(wanted, sibling));
        let shared = shared.map(|overlap| Finding {
            severity: Severity::Warning,
            reason: overlap.reason,
            message: overlap.sentence(),
            cidr: overlap.cidr.to_string(),
            owner: overlap.owner,
            other_cidr: Some(overlap.other_cidr),
            other_id: overlap.other_id,
            other_owner: overlap.other_owner,
        });
        let known = wanted.cidrs.iter().flat_map(|cidr| {
            let known = discouraged.iter();
            let known = known.filter(|known| known.cidr.overlaps(cidr));
            known.map(move |known| Finding {
                severity: Severity::Warning,
                reason: "WELL_KNOWN_DEFAULT",
                message: format!("{cidr} overlaps {}: {}", known.cidr, known.why),
                cidr: cidr.to_string(),
                owner: wanted.owner(),
                other_cidr: Some(known.cidr),
                other_id: String::new(),
                other_owner: known.why.clone(),
            })
        });
        shared.chain(known).collect()
    }

    /// What becomes of the entries that follow the peering.
    pub fn follow(&self, wanted: &Attachment) -> Follow {
        let Some(recorded) = &self.recorded else {
            return Follow::default();
        };
        let others = self.siblings.iter().chain([wanted]);
        follow(
            &self.entries,
            &wanted.id,
            &recorded.cidrs,
            &peerings(others),
        )
    }

    /// The ports that the firewall opens, and those that it would.
    pub fn ports(&self, wanted: &Attachment) -> (Vec<u16>, Vec<u16>) {
        let siblings = || self.siblings.iter();
        let had = open_ports(siblings().chain(&self.recorded));
        (had, open_ports(siblings().chain([wanted])))
    }

    fn check_firewall(
        &self,
        wanted: &Attachment,
        follow: &Follow,
        limits: &Limits,
    ) -> Result<(), Error> {
        let (had, has) = self.ports(wanted);
        let ranges = self.entries.len();
        let stay = ranges - follow.gone.len() + follow.new.len();
        let limit = limits.firewall(self.network.provider);
        check_room(&self.network, (ranges, had.len()), (stay, has.len()), limit)
    }

    /// Checks that one more of the kind may stand beside those that do.
    fn check_quota(&self, kind: AttachmentKind, limits: &Limits) -> Result<(), Error> {
        if self.recorded.is_some() {
            return Ok(());
        }
        let alike = self.siblings.iter().filter(|one| one.kind == kind);
        let used = u32::try_from(alike.count()).unwrap_or(u32::MAX);
        let (quotas, tenant) = (&limits.quotas, &self.network.tenant);
        let (quota, limit) = match kind {
            AttachmentKind::Peering => (
                PEERINGS_PER_NETWORK,
                quotas.peerings_per_network(tenant, self.network.provider),
            ),
            AttachmentKind::Datastore => (
                DATASTORES_PER_NETWORK,
                quotas.datastores_per_network(tenant),
            ),
        };
        if used < limit {
            return Ok(());
        }
        Err(Error::QuotaExceeded { quota, used, limit })
    }
}

/// The peerings among these, with their ranges.
pub fn peerings<'a>(
    attached: impl IntoIterator<Item = &'a Attachment>,
) -> Vec<(&'a str, &'a [types::Cidr])> {
    let peerings = attached.into_iter();
    let peerings = peerings.filter(|one| one.kind == AttachmentKind::Peering);
    peerings
        .map(|one| (one.id.as_str(), one.cidrs.as_slice()))
        .collect()
}
