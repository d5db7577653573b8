//! What the history says of a change.

use super::peering::{Condition, ConditionStatus, Peering};

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// It became part of the world.
    Created,
    /// It went to another state.
    StateChanged,
    /// A new attempt began.
    Renewed,
    /// Its owner changed it, or its network's name changed.
    Updated,
    /// A condition became another, or has another reason.
    ConditionChanged,
    /// What the cloud says of it, or what its owner is told.
    DetailsChanged,
}

impl Kind {
    /// The name in the event log.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::StateChanged => "state_changed",
            Self::Renewed => "renewed",
            Self::Updated => "updated",
            Self::ConditionChanged => "condition_changed",
            Self::DetailsChanged => "details_changed",
        }
    }
}

/// What the history says of one change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Telling {
    /// What happened.
    pub kind: Kind,
    /// A stable code that says why; may be empty.
    pub reason: String,
    /// One sentence for a person, or several.
    pub message: String,
}

/// What the history says of the change from `before`, if there was anything, to `after`.
pub fn tell(before: Option<&Peering>, after: &Peering) -> Telling {
    let of_state = |kind| Telling {
        kind,
        reason: after.reason.clone(),
        message: after.message.clone(),
    };
    let Some(before) = before else {
        return of_state(Kind::Created);
    };
    if after.attempt > before.attempt {
        return of_state(Kind::Renewed);
    }
    if after.state != before.state {
        return of_state(Kind::StateChanged);
    }
    // What somebody asked for comes before what follows from it by itself.
    if owned(before) != owned(after) {
        return of_state(Kind::Updated);
    }
    if let Some(told) = conditions(before, after) {
        return told;
    }
    if after.network_display_name != before.network_display_name {
        return of_state(Kind::Updated);
    }
    of_state(Kind::DetailsChanged)
}

/// What only its owner changes.
fn owned(peering: &Peering) -> impl PartialEq + use<'_> {
    let cidrs = peering.peer.cidrs();
    (
        &peering.display_name,
        &peering.labels,
        cidrs,
        peering.options,
    )
}

fn conditions(before: &Peering, after: &Peering) -> Option<Telling> {
    let is_new = |condition: &&Condition| !before.conditions.contains(condition);
    let mut changed: Vec<&Condition> = after.conditions.iter().filter(is_new).collect();
    changed.sort_by_key(|condition| match condition.status {
        ConditionStatus::False => 0,
        ConditionStatus::Unknown => 1,
        ConditionStatus::True => 2,
    });
    let reason = changed.first()?.reason.clone();
    let sentences: Vec<String> = changed.into_iter().map(sentence).collect();
    Some(Telling {
        kind: Kind::ConditionChanged,
        reason,
        message: sentences.join(" "),
    })
}

fn sentence(condition: &Condition) -> String {
    let Condition { name, message, .. } = condition;
    let status = match condition.status {
        ConditionStatus::True => "TRUE",
        ConditionStatus::False => "FALSE",
        ConditionStatus::Unknown => "UNKNOWN",
    };
    match message.as_str() {
        "" => format!("{name} is {status}."),
        message => format!("{name} is {status}: {message}"),
    }
}

#[cfg(test)]
mod tests {
    use super::super::peering::conditions;
    use super::super::state::State;
    use super::*;
    use crate::domain::walk::{NOW, admitted};

    fn standing() -> Peering {
        let mut peering = admitted(State::PendingAcceptance);
        peering.enter(State::Active, "", None, NOW);
        peering
    }

    #[test]
    fn each_change_has_its_kind() {
        let before = standing();
        type Change = fn(&mut Peering);
        let changes: [(Kind, Change); 9] = [
            (Kind::Renewed, |one| {
                one.attempt += 1;
                one.state = State::Provisioning;
            }),
            (Kind::StateChanged, |one| one.state = State::Degraded),
            (Kind::Updated, |one| {
                one.display_name = "other".parse().unwrap()
            }),
            (Kind::Updated, |one| one.options.resolve_dns = true),
            (Kind::Updated, |one| {
                one.labels = types::Labels::new([("a".to_owned(), "b".to_owned())]).unwrap();
            }),
            (Kind::Updated, |one| {
                one.network_display_name = "renamed".to_owned()
            }),
            (Kind::ConditionChanged, |one| {
                let name = conditions::IN_SYNC;
                one.set_condition(name, ConditionStatus::True, "", "", NOW);
            }),
            (Kind::DetailsChanged, |one| one.raw_state = "up".to_owned()),
            (Kind::DetailsChanged, |one| one.message = "Soon.".to_owned()),
        ];
        for (index, (kind, change)) in changes.into_iter().enumerate() {
            let mut after = before.clone();
            change(&mut after);
            assert_eq!(tell(Some(&before), &after).kind, kind, "{index}");
        }
        assert_eq!(tell(None, &before).kind, Kind::Created);
    }

    #[test]
    fn the_worst_condition_gives_the_reason_and_all_are_told() {
        let before = standing();
        let mut after = before.clone();
        after.set_condition(
            conditions::FIREWALL_READY,
            ConditionStatus::True,
            "",
            "",
            NOW,
        );
        let reason = "ROUTE_MISSING_VENDOR";
        let name = conditions::ROUTES_READY;
        after.set_condition(name, ConditionStatus::False, reason, "One is gone.", NOW);
        let told = tell(Some(&before), &after);
        assert_eq!(
            (told.kind, told.reason.as_str()),
            (Kind::ConditionChanged, reason)
        );
        assert_eq!(
            told.message,
            "ROUTES_READY is FALSE: One is gone. FIREWALL_READY is TRUE."
        );
    }
}
