//! What a look at a standing network means: what vanished, what others changed, and what is put back.
//!
//! An absence counts when all complete looks of `absence_grace` agree on it, since a cloud may show too little for a
//! while. What others changed of a firewall counts at once, but not before the cloud had as long to show our own change.

use std::collections::BTreeSet;
use std::time::{Duration, UNIX_EPOCH};

use humantime_serde::re::humantime::format_rfc3339_seconds;
use types::NetworkId;

use super::change::after;
use super::firewall::{DRIFT_FIGHT, FIREWALL_DRIFT};
use super::{Ahead, FirewallWanted, Network, Repaired, State, Vpc};

/// The adapter's code for a firewall that admits what no list of ranges and ports can say.
const FIREWALL: &str = "firewall";
/// The VPC of a network that was ACTIVE is gone.
pub const VPC_MISSING: &str = "VPC_MISSING";
/// Others changed the VPC.
const VPC_DRIFT: &str = "VPC_DRIFT";

/// The little of an ACTIVE network's row that a look needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Glance {
    /// Which network.
    pub id: NetworkId,
    /// Its version before the look.
    pub version: i64,
    /// What is recorded to stand.
    pub vpc: Vpc,
    /// A part may come into being right now: the work on it looks for it.
    pub is_busy: bool,
    /// See [`super::Work`].
    pub missed_at: Option<i64>,
    /// See [`super::Work`].
    pub missed: Vec<String>,
    /// See [`super::Work`].
    pub reshaped: Vec<String>,
    /// The cloud confirmed the firewall that is wanted.
    pub is_firewall_done: bool,
    /// When the cloud was last told something about this network.
    pub told_at: Option<i64>,
}

/// One VPC of a network as a listing showed it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sighting {
    /// Its id, and what of it stands.
    pub vpc: Vpc,
    /// Ranges that its firewall admits, in the cloud's spelling.
    pub cidrs: BTreeSet<String>,
    /// Ports that its firewall admits them to.
    pub ports: BTreeSet<i32>,
    /// Codes of what stands otherwise than it was made.
    pub drift: Vec<String>,
}

/// One look at all networks of a group.
#[derive(Debug, Clone, Copy)]
pub struct Look {
    /// Just before the rows were read.
    pub began_at: i64,
    /// The listing missed nothing.
    pub complete: bool,
    /// It was about more than the VPCs themselves.
    pub wired: bool,
    /// How long an absence has to last, and how long the cloud may take to show a change of ours.
    pub grace: Duration,
}

/// What a look means for one network.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Verdict {
    /// What all looks since `missed_at` missed.
    pub missed: Vec<String>,
    /// The first of those looks.
    pub missed_at: Option<i64>,
    /// What is to be told of subnets that have another range than recorded.
    pub reshaped: Vec<String>,
    /// What has to be done about it.
    pub drift: Drift,
}

/// What has to be done after a look.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Drift {
    /// Nothing.
    #[default]
    Nothing,
    /// The VPC is gone for good.
    Lost,
    /// These parts are gone, or not as they were made.
    Parts(Vec<String>),
    /// The firewall admits others than it should.
    Firewall,
    /// There is a second VPC, which a look of the work removes.
    Surplus,
}

impl Verdict {
    /// Whether nothing follows from it for a row as it was.
    pub fn is_settled(&self, glance: &Glance) -> bool {
        self.drift == Drift::Nothing
            && self.missed == glance.missed
            && self.missed_at == glance.missed_at
            && self.reshaped == glance.reshaped
    }
}

impl Look {
    /// Whether what the cloud was told at `told_at` may not be shown yet.
    pub fn is_early(&self, told_at: Option<i64>) -> bool {
        told_at.is_some_and(|at| after(at, self.grace) > self.began_at)
    }
}

/// What a look that showed `seen` of a network means for it. `wanted` is its firewall.
pub fn judge(glance: &Glance, look: &Look, seen: &[Sighting], wanted: &FirewallWanted) -> Verdict {
    let unchanged = doubt(glance, glance.missed.clone(), glance.missed_at);
    let Some(id) = glance.vpc.id.as_ref().filter(|_| !glance.is_busy) else {
        // A request's own `missed_at` is none of the look's business.
        return unchanged;
    };
    let own = seen.iter().find(|one| one.vpc.id.as_ref() == Some(id));
    let Some(own) = own else {
        return match look.complete {
            true => absent(glance, look, id),
            false => unchanged,
        };
    };
    let reshaped = reshaped(&glance.vpc, own);
    let missing = match (look.complete, look.wired) {
        (true, true) => {
            let untold = reshaped.iter().filter(|one| !glance.reshaped.contains(one));
            let missing = missing(&glance.vpc, own);
            missing.into_iter().chain(untold.cloned()).collect()
        }
        // The parts were not looked at, and may be missed as before.
        _ => glance
            .missed
            .iter()
            .filter(|one| *one != id)
            .cloned()
            .collect(),
    };
    let mut verdict = still_missing(glance, look, missing);
    if !(look.complete && look.wired) {
        return verdict;
    }
    verdict.reshaped.retain(|one| reshaped.contains(one));
    if counts(&verdict, look) {
        let (told, gone) = verdict
            .missed
            .into_iter()
            .partition(|one| reshaped.contains(one));
        let told: Vec<String> = told;
        verdict.reshaped.extend(told);
        verdict.missed = gone;
        verdict.missed_at = verdict.missed_at.filter(|_| !verdict.missed.is_empty());
        if !verdict.missed.is_empty() {
            verdict.drift = Drift::Parts(verdict.missed.clone());
        }
    }
    if !verdict.missed.is_empty() {
        return verdict;
    }
    let is_firewall_known = glance.is_firewall_done && !look.is_early(glance.told_at);
    if is_firewall_known && !admits(own, wanted) {
        // Before a second VPC: somebody may be let in who must not be.
        verdict.drift = Drift::Firewall;
    } else if seen.len() > 1 {
        verdict.drift = Drift::Surplus;
    }
    verdict
}

fn doubt(glance: &Glance, missed: Vec<String>, missed_at: Option<i64>) -> Verdict {
    Verdict {
        missed,
        missed_at,
        reshaped: glance.reshaped.clone(),
        drift: Drift::Nothing,
    }
}

/// The VPC is not shown: says nothing about its parts.
fn absent(glance: &Glance, look: &Look, id: &String) -> Verdict {
    let missed_at = match glance.missed.contains(id) {
        // A request may have begun the time anew.
        true => glance.missed_at.or(Some(look.began_at)),
        false => Some(look.began_at),
    };
    let mut verdict = doubt(glance, vec![id.clone()], missed_at);
    if counts(&verdict, look) {
        verdict.drift = Drift::Lost;
    }
    verdict
}

/// What was missed before and still is; when that is nothing, what is missing for the first time.
fn still_missing(glance: &Glance, look: &Look, missing: Vec<String>) -> Verdict {
    let still: Vec<String> = glance
        .missed
        .iter()
        .filter(|one| missing.contains(one))
        .cloned()
        .collect();
    let (missed, missed_at) = match (still.is_empty(), missing.is_empty()) {
        (false, _) => (still, glance.missed_at.or(Some(look.began_at))),
        (true, false) => (missing, Some(look.began_at)),
        (true, true) => (Vec::new(), None),
    };
    doubt(glance, missed, missed_at)
}

fn counts(verdict: &Verdict, look: &Look) -> bool {
    verdict
        .missed_at
        .is_some_and(|at| look.began_at >= after(at, look.grace))
}

/// What is recorded and not seen, or not as it was made: codes of parts, and ids of what another has taken the place of.
fn missing(known: &Vpc, own: &Sighting) -> Vec<String> {
    let changed = |code: &String| !own.vpc.has(code) || own.drift.contains(code);
    let parts = known.parts.iter().filter(|code| changed(code));
    let shows = |id: &String| own.vpc.subnets.iter().any(|subnet| subnet.id == *id);
    let subnets = known.subnets.iter().map(|subnet| &subnet.id);
    let group = known.security_group_id.iter();
    let group = group.filter(|id| own.vpc.security_group_id.as_ref() != Some(id));
    parts
        .chain(subnets.filter(|id| !shows(id)))
        .chain(group)
        .cloned()
        .collect()
}

/// The subnets that are seen with another range than the recorded one, in words.
fn reshaped(known: &Vpc, own: &Sighting) -> Vec<String> {
    let seen = own.vpc.subnets.iter();
    let pairs = seen.filter_map(|seen| {
        let recorded = known.subnets.iter().find(|one| one.id == seen.id)?;
        (recorded.cidr != seen.cidr).then_some((recorded, seen))
    });
    pairs
        .map(|(recorded, seen)| {
            format!(
                "subnet {} has the range {}, not {}",
                seen.id, seen.cidr, recorded.cidr
            )
        })
        .collect()
}

/// Whether the firewall that is seen is the wanted one.
fn admits(own: &Sighting, wanted: &FirewallWanted) -> bool {
    if own.drift.iter().any(|code| code == FIREWALL) {
        return false;
    }
    let nobody_is_seen = own.cidrs.is_empty() || own.ports.is_empty();
    let nobody_is_wanted = wanted.cidrs.is_empty() || wanted.ports.is_empty();
    if nobody_is_seen || nobody_is_wanted {
        return nobody_is_seen == nobody_is_wanted;
    }
    let cidrs: BTreeSet<String> = wanted.cidrs.iter().map(ToString::to_string).collect();
    let ports: BTreeSet<i32> = wanted.ports.iter().copied().map(i32::from).collect();
    own.cidrs == cidrs && own.ports == ports
}

impl Network {
    /// Takes in what a look means.
    pub fn observed(&mut self, verdict: Verdict, now: i64) {
        let last_seen = verdict.missed_at;
        let was_in_doubt = self.is_vpc_in_doubt();
        self.work.missed = verdict.missed;
        self.work.missed_at = verdict.missed_at;
        let is_news = self.work.reshaped != verdict.reshaped && self.work.ahead == Ahead::Complete;
        self.work.reshaped = verdict.reshaped;
        let was_fight = self.reason == DRIFT_FIGHT;
        if was_fight && self.work.missed.is_empty() || is_news && !was_fight {
            self.explain();
        }
        if was_in_doubt && !self.is_vpc_in_doubt() {
            self.work.step_at = Some(now);
        }
        match verdict.drift {
            Drift::Nothing => {}
            Drift::Lost => self.lose(last_seen.unwrap_or(now), now),
            Drift::Parts(gone) => self.put_back(&gone, now),
            Drift::Firewall => self.put_firewall_back(now),
            Drift::Surplus => {
                self.work.ahead = Ahead::Unknown;
                self.work.step_at = Some(now);
            }
        }
    }

    /// Whether the last look did not show the VPC.
    pub(super) fn is_vpc_in_doubt(&self) -> bool {
        let id = self.vpc.id.as_ref();
        id.is_some_and(|id| self.work.missed.contains(id))
    }

    /// What there is to say of a network about which nothing is to be done.
    pub(super) fn explain(&mut self) {
        self.reason.clear();
        self.message.clear();
        if self.state == State::Active && !self.work.reshaped.is_empty() {
            VPC_DRIFT.clone_into(&mut self.reason);
            self.message = format!(
                "{}: no call of Peerway's asked for that, and none takes it back; claims are checked against the \
                 network's own range {} only",
                self.work.reshaped.join(", "),
                self.cidr
            );
        }
    }

    fn lose(&mut self, missed_at: i64, now: i64) {
        let millis = u64::try_from(missed_at).unwrap_or(0);
        let since = format_rfc3339_seconds(UNIX_EPOCH + Duration::from_millis(millis));
        let id = self.vpc.id.clone().unwrap_or_default();
        let account = self.account.clone().unwrap_or_default();
        self.enter(State::Failed, now);
        VPC_MISSING.clone_into(&mut self.reason);
        self.message = format!(
            "VPC {id} is not in the vendor's account {account} any more, which no call of Peerway's asked for; since \
             {since} no look has shown it. Its range stays taken until the network is deleted"
        );
    }

    /// Forgets the parts, so that the work makes them again.
    fn put_back(&mut self, gone: &[String], now: i64) {
        let what = gone.join(", ");
        let id = self.vpc.id.clone().unwrap_or_default();
        if !self.may_repair(Repaired::Parts, now) {
            self.reason = DRIFT_FIGHT.to_owned();
            self.message = format!(
                "{what} of VPC {id} was put back three times within an hour and is gone or changed again: somebody has to \
                 stop that; it is put back an hour after the first time"
            );
            return;
        }
        self.repaired(Repaired::Parts, now);
        self.whole.get_or_insert_with(|| self.vpc.clone());
        let is_gone = |id: &String| gone.contains(id);
        let group_gone = self.vpc.security_group_id.as_ref().is_some_and(is_gone);
        self.vpc.parts.retain(|code| !is_gone(code));
        self.vpc.subnets.retain(|subnet| !is_gone(&subnet.id));
        if group_gone {
            self.vpc.security_group_id = None;
            let message = "the security group is gone and is being put back".to_owned();
            self.firewall.lost(FIREWALL_DRIFT, message, now);
        }
        VPC_DRIFT.clone_into(&mut self.reason);
        self.message = format!("{what} of VPC {id} is gone or changed, and is being put back");
        self.miss_nothing();
        self.steps_went_well();
        self.work.ahead = Ahead::Unknown;
        self.work.step_at = Some(now);
    }

    /// Has the firewall sent again: now, or when the fight is over.
    fn put_firewall_back(&mut self, now: i64) {
        if self.may_repair(Repaired::Firewall, now) {
            self.repaired(Repaired::Firewall, now);
            let message =
                "the firewall admitted others than the allow list says, and is being put back";
            self.firewall.lost(FIREWALL_DRIFT, message.to_owned(), now);
        } else {
            let message = "the firewall was put back three times within an hour and admits others than the allow list \
                           says again: somebody has to stop that; it is put back an hour after the first time";
            let at = self.may_repair_at(Repaired::Firewall, now);
            self.firewall.lost(DRIFT_FIGHT, message.to_owned(), at);
        }
    }
}

#[cfg(test)]
mod tests;
