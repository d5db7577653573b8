//! What a peering has to know of its network beyond what it copied when it was created.

use types::{Cidr, NetworkId};

use super::peering::{Condition, ConditionStatus, Peering, conditions};

/// A network, as far as its peerings depend on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NetworkFacts {
    /// Its name for people.
    pub display_name: String,
    /// Whether the vendor's firewall carries the allow list, with reason and sentence.
    pub firewall: (ConditionStatus, String, String),
    /// Rises with every change of the allow list and the ports.
    pub allow_list_version: i64,
    /// The ranges that the firewall shall admit.
    pub allowed: Vec<Cidr>,
    /// The ports of its datastores, ordered, each once.
    pub ports: Vec<u16>,
    /// The DNS names that lead to its datastores.
    pub endpoints: Vec<String>,
}

/// What is told of a network when it changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NetworkNews {
    /// Which network.
    pub id: NetworkId,
    /// Its name for people.
    pub display_name: String,
    /// See [`NetworkFacts::firewall`].
    pub firewall: (ConditionStatus, String, String),
    /// See [`NetworkFacts::allow_list_version`].
    pub allow_list_version: i64,
}

/// What a peering knows of its network: as much of its row as tells whether news are any.
#[derive(Debug, Clone, PartialEq)]
pub struct KnownNetwork {
    /// The network's name.
    pub display_name: String,
    /// The peering's conditions; none while it is not up.
    pub conditions: Vec<Condition>,
    /// The version of the allow list that they speak of.
    pub allow_list_version: i64,
}

impl NetworkNews {
    /// Whether a peering that knows so much of the network has to ask it what has changed.
    pub fn are_new_to(&self, known: &KnownNetwork) -> bool {
        let (status, reason, message) = &self.firewall;
        let mut conditions = known.conditions.iter();
        let firewall = conditions.find(|one| one.name == conditions::FIREWALL_READY);
        let is_other = firewall.is_some_and(|one| {
            one.status != *status
                || one.status == ConditionStatus::False
                    && (one.reason != *reason || one.message != *message)
        });
        let is_later = firewall.is_some() && known.allow_list_version != self.allow_list_version;
        known.display_name != self.display_name || is_other || is_later
    }
}

impl NetworkFacts {
    /// The ranges among these that the allow list does not cover.
    pub fn not_allowed(&self, ranges: &[Cidr]) -> Vec<Cidr> {
        let covered = |range: &Cidr| self.allowed.iter().any(|allowed| allowed.contains(range));
        ranges
            .iter()
            .filter(|range| !covered(range))
            .copied()
            .collect()
    }
}

impl Peering {
    /// Takes in what its network says.
    pub fn learn(&mut self, facts: &NetworkFacts, now: i64) {
        self.network_display_name.clone_from(&facts.display_name);
        self.work.allow_list_version = facts.allow_list_version;
        self.work.network_due = false;
        let name = conditions::FIREWALL_READY;
        let (status, reason, message) = &facts.firewall;
        match status {
            ConditionStatus::True => self.set_condition(name, *status, "", "", now),
            ConditionStatus::False => self.set_condition(name, *status, reason, message, now),
            ConditionStatus::Unknown => {
                let message = "The vendor's firewall has not yet taken the latest allow list.";
                self.set_condition(name, *status, "NOT_LOOKED_AT", message, now);
            }
        }
        self.compare_allow_list(facts, now);
        self.work.step_at = Some(now);
        self.let_go(now);
    }

    fn compare_allow_list(&mut self, facts: &NetworkFacts, now: i64) {
        let missing = facts.not_allowed(self.ranges());
        let (status, reason, message) = if self.ranges().is_empty() {
            let message = "The ranges of the customer's network are not recorded, so nobody can compare them with the \
                allow list.";
            (
                ConditionStatus::Unknown,
                "NOT_LOOKED_AT",
                message.to_owned(),
            )
        } else if missing.is_empty() {
            (ConditionStatus::True, "", String::new())
        } else {
            let message = format!(
                "The network's allow list does not hold {} of the customer's VPC, so the firewall keeps them out.",
                list(&missing)
            );
            (ConditionStatus::False, "ALLOW_LIST_MISSING", message)
        };
        self.set_condition(conditions::ALLOW_LISTED, status, reason, &message, now);
    }
}

/// Ranges in a sentence.
pub(super) fn list(ranges: &[Cidr]) -> String {
    let ranges: Vec<String> = ranges.iter().map(ToString::to_string).collect();
    ranges.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::state::State;
    use crate::domain::walk::{NOW, admitted, admitted_half};
    use ConditionStatus::{False, True, Unknown};

    fn facts(allowed: &[&str]) -> NetworkFacts {
        NetworkFacts {
            display_name: "renamed".to_owned(),
            firewall: (True, String::new(), String::new()),
            allow_list_version: 3,
            allowed: allowed.iter().map(|range| range.parse().unwrap()).collect(),
            ports: Vec::new(),
            endpoints: Vec::new(),
        }
    }

    fn up(mut peering: Peering) -> Peering {
        peering.enter(State::Active, "", None, NOW);
        peering.work.network_due = true;
        peering
    }

    fn condition<'a>(peering: &'a Peering, name: &str) -> &'a Condition {
        let mut all = peering.conditions.iter();
        all.find(|one| one.name == name).unwrap()
    }

    #[test]
    fn the_name_the_firewall_and_the_allow_list_are_taken_in() {
        let mut peering = up(admitted(State::PendingAcceptance));
        peering.learn(&facts(&["10.0.0.0/8"]), NOW + 1);
        assert_eq!(peering.network_display_name, "renamed");
        assert_eq!(peering.work.allow_list_version, 3);
        assert!(!peering.work.network_due);
        assert_eq!(condition(&peering, conditions::FIREWALL_READY).status, True);
        assert_eq!(condition(&peering, conditions::ALLOW_LISTED).status, True);
        peering.learn(&facts(&["10.1.0.0/24"]), NOW + 2);
        let listed = condition(&peering, conditions::ALLOW_LISTED);
        assert_eq!(
            (listed.status, listed.reason.as_str()),
            (False, "ALLOW_LIST_MISSING")
        );
        assert!(listed.message.contains("10.1.0.0/16"), "{}", listed.message);
        let refused = NetworkFacts {
            firewall: (
                False,
                "ALLOW_LIST_FULL".to_owned(),
                "It is full.".to_owned(),
            ),
            ..facts(&[])
        };
        peering.learn(&refused, NOW + 3);
        let firewall = condition(&peering, conditions::FIREWALL_READY);
        assert_eq!(
            (
                firewall.status,
                firewall.reason.as_str(),
                firewall.message.as_str()
            ),
            (False, "ALLOW_LIST_FULL", "It is full.")
        );
    }

    #[test]
    fn without_ranges_nobody_can_tell_whether_they_are_allowed() {
        let mut peering = up(admitted_half(State::PendingAcceptance, 0));
        peering.peer.set_cidrs(Vec::new());
        peering.learn(&facts(&[]), NOW);
        assert_eq!(
            condition(&peering, conditions::ALLOW_LISTED).status,
            Unknown
        );
    }

    #[test]
    fn news_are_those_that_the_peering_does_not_know() {
        let mut peering = up(admitted(State::PendingAcceptance));
        peering.learn(&facts(&[]), NOW);
        let known = |peering: &Peering| KnownNetwork {
            display_name: peering.network_display_name.clone(),
            conditions: peering.conditions.clone(),
            allow_list_version: peering.work.allow_list_version,
        };
        let told = NetworkNews {
            id: peering.network,
            display_name: "renamed".to_owned(),
            firewall: (True, String::new(), "Said in passing.".to_owned()),
            allow_list_version: 3,
        };
        assert!(!told.are_new_to(&known(&peering)));
        let renamed = NetworkNews {
            display_name: "again".to_owned(),
            ..told.clone()
        };
        let widened = NetworkNews {
            allow_list_version: 4,
            ..told.clone()
        };
        let shut = NetworkNews {
            firewall: (False, "CLOUD_UNAVAILABLE".to_owned(), String::new()),
            ..told.clone()
        };
        for news in [&renamed, &widened, &shut] {
            assert!(news.are_new_to(&known(&peering)), "{news:?}");
        }
        // What is not up has no use for anything but the name.
        peering.enter(State::Disconnected, "", None, NOW);
        assert!(renamed.are_new_to(&known(&peering)));
        assert!(!widened.are_new_to(&known(&peering)) && !shut.are_new_to(&known(&peering)));
    }
}
