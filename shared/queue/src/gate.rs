//! Gates: how long a group is left alone, and why. Reads and writes have one each, since clouds count them
//! apart.

use std::time::Duration;

use rand::{Rng, RngExt};
use runtime::clock::millis;
use runtime::config::QueueConfig;
use sea_orm::{DbErr, QueryResult, Value};
use types::{GroupId, ProviderKind};

use crate::schema::text;
use crate::{Gate, Lane};

const MINUTE_MS: i64 = 60_000;

/// One direction's gate as it stands in the group's row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Door {
    until: Option<i64>,
    /// How long it was shut last, which throttling doubles; 0 when the last turn was good.
    length_ms: i64,
}

/// The group's row.
#[derive(Debug, Clone)]
pub(crate) struct Gates {
    read: Door,
    write: Door,
    suspended: bool,
}

impl Gates {
    pub(crate) fn read(row: &QueryResult) -> Result<Self, DbErr> {
        let suspended_at: Option<i64> = row.try_get("", "suspended_at")?;
        let door = |name: &str| {
            let until = row.try_get("", &format!("{name}_gate_until"))?;
            let length_ms = row.try_get("", &format!("{name}_gate_ms"))?;
            Ok::<_, DbErr>(Door { until, length_ms })
        };
        Ok(Self {
            read: door("read")?,
            write: door("write")?,
            suspended: suspended_at.is_some(),
        })
    }

    /// How long the lane is not to be run; none when it may be now.
    pub(crate) fn shut_for(&self, lane: Lane, now: i64, config: &QueueConfig) -> Option<Duration> {
        let gate = self.door(lane).until.map_or(0, |until| until - now);
        let gate = Duration::from_millis(u64::try_from(gate).unwrap_or(0));
        let suspended = self.suspended.then_some(config.suspended_interval);
        (!gate.is_zero()).then_some(gate).max(suspended)
    }

    fn door(&self, lane: Lane) -> Door {
        match lane {
            Lane::Work => self.write,
            Lane::Pending | Lane::Drift => self.read,
        }
    }

    /// What a turn's end makes of the gates; none when nothing changes.
    pub(crate) fn after(
        &self,
        group: &GroupId,
        lane: Lane,
        gate: Option<Gate>,
        now: i64,
        config: &QueueConfig,
        random: &mut impl Rng,
    ) -> Option<Change> {
        let own = Doors::of(lane);
        let door = self.door(lane);
        match (gate, group.provider) {
            (None, _)
                if door
                    == (Door {
                        until: None,
                        length_ms: 0,
                    }) =>
            {
                None
            }
            (None, _) => Some(Change {
                doors: own,
                until: None,
                length_ms: 0,
                reason: None,
            }),
            (Some(Gate::Paced(length)), _) => Some(Change {
                doors: own,
                until: Some(now + millis(length)),
                length_ms: 0,
                reason: Some("WRITES_PACED"),
            }),
            // The limit is the project's and is lifted for everyone when the next minute begins.
            (Some(Gate::Throttled(_)), ProviderKind::Gcp) => {
                let minute = (now / MINUTE_MS + 1) * MINUTE_MS;
                let until = Some(minute + random.random_range(0..1_000));
                Some(Change {
                    doors: Doors::Both,
                    until,
                    length_ms: 0,
                    reason: Some("CLOUD_THROTTLED"),
                })
            }
            (Some(Gate::Throttled(asked)), ProviderKind::Aws) => {
                let doubled = Duration::from_millis(u64::try_from(door.length_ms * 2).unwrap_or(0));
                let wanted = doubled
                    .max(config.gate_first)
                    .max(asked.unwrap_or_default());
                let length_ms = millis(wanted.min(config.gate_longest));
                let until =
                    Some(now + millis(spread(Duration::from_millis(length_ms as u64), random)));
                Some(Change {
                    doors: own,
                    until,
                    length_ms,
                    reason: Some("CLOUD_THROTTLED"),
                })
            }
            (Some(Gate::Unauthorized), _) => {
                let until = Some(now + millis(spread(config.gate_unauthorized, random)));
                Some(Change {
                    doors: own,
                    until,
                    length_ms: 0,
                    reason: Some("CLOUD_UNAUTHORIZED"),
                })
            }
        }
    }
}

/// Moves a duration by up to a tenth either way, so that many of the same length don't end together.
pub(crate) fn spread(length: Duration, random: &mut impl Rng) -> Duration {
    length.mul_f64(random.random_range(0.9..=1.1))
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Doors {
    Read,
    Write,
    Both,
}

impl Doors {
    fn of(lane: Lane) -> Self {
        match lane {
            Lane::Work => Self::Write,
            Lane::Pending | Lane::Drift => Self::Read,
        }
    }
}

/// One update of the group's row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Change {
    doors: Doors,
    /// When the gate opens; none opens it.
    pub(crate) until: Option<i64>,
    length_ms: i64,
    reason: Option<&'static str>,
}

impl Change {
    /// The statement. It is compare-and-set on the lane's own gate, so that two turns throttled by one burst
    /// don't double it twice.
    pub(crate) fn statement(
        &self,
        group: &GroupId,
        lane: Lane,
        seen: &Gates,
    ) -> (String, Vec<Value>) {
        let columns = match self.doors {
            Doors::Read => "read_gate_until = $2, read_gate_ms = $3",
            Doors::Write => "write_gate_until = $2, write_gate_ms = $3",
            Doors::Both => {
                "read_gate_until = $2, read_gate_ms = $3, write_gate_until = $2, write_gate_ms = $3"
            }
        };
        let (own, other) = match lane {
            Lane::Work => ("write", "read"),
            Lane::Pending | Lane::Drift => ("read", "write"),
        };
        // The reason goes when neither gate is left, unless it says why an operator suspended the group.
        let sql = format!(
            "UPDATE check_group SET {columns}, reason = CASE WHEN suspended_at IS NOT NULL \
             OR (CAST($4 AS TEXT) IS NULL AND {other}_gate_until IS NOT NULL) THEN reason \
             ELSE CAST($4 AS TEXT) END \
             WHERE group_id = $1 AND {own}_gate_ms = $5 AND COALESCE({own}_gate_until, 0) = $6"
        );
        let door = seen.door(lane);
        let values = vec![
            text(group),
            self.until.into(),
            self.length_ms.into(),
            self.reason.map(str::to_owned).into(),
            door.length_ms.into(),
            door.until.unwrap_or(0).into(),
        ];
        (sql, values)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;
    use rand::rngs::StdRng;

    const OPEN: Door = Door {
        until: None,
        length_ms: 0,
    };

    fn gates(read: Door, write: Door) -> Gates {
        Gates {
            read,
            write,
            suspended: false,
        }
    }

    fn throttled(seen: &Gates, group: &GroupId, asked: Option<Duration>) -> Change {
        let gate = Some(Gate::Throttled(asked));
        let config = QueueConfig::default();
        seen.after(
            group,
            Lane::Pending,
            gate,
            90_000,
            &config,
            &mut StdRng::seed_from_u64(1),
        )
        .unwrap()
    }

    #[test]
    fn throttling_doubles_the_gate_up_to_its_longest() {
        let group = GroupId::aws("111122223333", "eu-west-1");
        let mut seen = gates(OPEN, OPEN);
        let mut lengths = Vec::new();
        for _ in 0..11 {
            let change = throttled(&seen, &group, None);
            let waits = change.until.unwrap() - 90_000;
            assert!(waits * 10 >= change.length_ms * 9 && waits * 10 <= change.length_ms * 11);
            lengths.push(change.length_ms / 1_000);
            seen.read = Door {
                until: change.until,
                length_ms: change.length_ms,
            };
        }
        assert_eq!(lengths, [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300]);
    }

    #[test]
    fn what_we_hold_back_ourselves_waits_as_long_as_it_has_to_however_often() {
        let config = QueueConfig::default();
        let gate = Some(Gate::Paced(Duration::from_millis(300)));
        let mut random = StdRng::seed_from_u64(1);
        for group in [
            GroupId::gcp("acme-prod"),
            GroupId::aws("111122223333", "eu-west-1"),
        ] {
            let change = gates(OPEN, OPEN)
                .after(&group, Lane::Work, gate, 90_000, &config, &mut random)
                .unwrap();
            assert_eq!((change.until, change.length_ms), (Some(90_300), 0));
            assert_eq!(change.doors, Doors::Write);
        }
    }

    #[test]
    fn the_wait_a_cloud_asks_for_is_kept() {
        let group = GroupId::aws("111122223333", "eu-west-1");
        let change = throttled(&gates(OPEN, OPEN), &group, Some(Duration::from_secs(30)));
        assert_eq!(change.length_ms, 30_000);
    }

    #[test]
    fn a_throttled_project_is_left_alone_in_both_directions_until_the_next_minute() {
        let change = throttled(&gates(OPEN, OPEN), &GroupId::gcp("acme-prod"), None);
        assert_eq!(change.doors, Doors::Both);
        assert!((120_000..121_000).contains(&change.until.unwrap()));
    }

    #[test]
    fn a_gate_shuts_its_own_direction_only_and_until_its_time() {
        let shut = Door {
            until: Some(5_000),
            length_ms: 1_000,
        };
        let seen = gates(shut, OPEN);
        let config = QueueConfig::default();
        assert_eq!(
            seen.shut_for(Lane::Drift, 4_000, &config),
            Some(Duration::from_secs(1))
        );
        assert_eq!(seen.shut_for(Lane::Pending, 5_000, &config), None);
        assert_eq!(seen.shut_for(Lane::Work, 4_000, &config), None);
    }

    #[test]
    fn a_good_turn_opens_what_was_shut_and_changes_nothing_else() {
        let group = GroupId::aws("111122223333", "eu-west-1");
        let config = QueueConfig::default();
        let mut random = StdRng::seed_from_u64(1);
        let shut = Door {
            until: Some(5_000),
            length_ms: 1_000,
        };
        let change =
            gates(shut, OPEN).after(&group, Lane::Drift, None, 6_000, &config, &mut random);
        assert_eq!(change.unwrap().until, None);
        let change = gates(shut, OPEN).after(&group, Lane::Work, None, 6_000, &config, &mut random);
        assert_eq!(change, None);
    }
}
