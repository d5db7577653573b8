//! The cloud of the two: its halves, and the operations on them, known by what was asked for and when.

use super::World;
use super::happening::Fate;
use crate::domain::progress::{Refusal, RefusalKind, Removal};
use crate::domain::walk::sighting;
use crate::domain::{CloudState, Options, Sighting};

/// How long an operation that hangs keeps others out.
pub(super) const FORGOTTEN_AFTER: i64 = 24 * 3_600_000;

/// What an operation does to the half of an attempt.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum What {
    Add(i32),
    Remove(i32),
    Set(i32),
}

/// For whom an operation is, what it does, and when it was asked for.
pub(super) type Key = (usize, What, i64);

/// The vendor's half as it stands.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Half {
    pub(super) attempt: i32,
    pub(super) options: Options,
}

/// One operation, known by what was asked for and when.
pub(super) struct Operation {
    pub(super) key: Key,
    pub(super) options: Options,
    /// Its peering was renewed before anything was told of it.
    pub(super) is_left: bool,
    pub(super) began_at: i64,
    pub(super) ends_at: i64,
    pub(super) fate: Fate,
    pub(super) has_ended: bool,
}

/// What a call answers.
pub(super) enum Answer {
    Ensured(Option<Box<Sighting>>, String),
    Removed(Removal, String),
    Set(bool, String),
    Refused(Refusal),
}

pub(super) fn refusal(kind: RefusalKind, certain: bool) -> Refusal {
    Refusal {
        kind,
        reason: "SOME_REASON".to_owned(),
        message: "No.".to_owned(),
        certain,
    }
}

impl Operation {
    /// Whether it hangs for so long that it keeps nobody out any more. Whoever reads it is told that it runs.
    pub(super) fn is_forgotten(&self, now: i64) -> bool {
        self.fate == Fate::Hang && now >= self.began_at + FORGOTTEN_AFTER
    }
}

impl Operation {
    /// It does what it is for.
    pub(super) fn act(&self, halves: &mut [Option<Half>; 2]) {
        let (who, what, _) = self.key;
        let half = &mut halves[who];
        match what {
            What::Add(attempt) => {
                let options = self.options;
                *half = Some(Half { attempt, options });
            }
            What::Remove(attempt) => *half = half.filter(|half| half.attempt != attempt),
            What::Set(attempt) => {
                if let Some(half) = half.as_mut().filter(|half| half.attempt == attempt) {
                    half.options = self.options;
                }
            }
        }
    }
}

impl World {
    pub(super) fn go_on(&mut self) {
        for operation in &mut self.operations {
            let ends = operation.ends_at <= self.now && operation.fate != Fate::Hang;
            if ends && !operation.has_ended {
                operation.has_ended = true;
                if operation.fate == Fate::Good {
                    operation.act(&mut self.halves);
                }
            }
        }
    }

    pub(super) fn begin(&mut self, key: Key) -> Result<String, Refusal> {
        if let Some(n) = self.operations.iter().position(|one| one.key == key) {
            return Ok(n.to_string());
        }
        let is_open = |one: &&Operation| !one.has_ended && !one.is_forgotten(self.now);
        if let Some(open) = self.operations.iter().find(is_open) {
            // After a day whoever holds the networks loses them, also right after having begun another operation.
            let held_for = open.began_at - open.key.2;
            let hangs = open.fate == Fate::Hang || held_for >= FORGOTTEN_AFTER || open.is_left;
            assert!(hangs, "two operations at once");
            return Err(refusal(RefusalKind::InProgress, true));
        }
        let (fate, time, early) = std::mem::replace(&mut self.next, (Fate::Good, 2, false));
        let options = self.rows[key.0].options;
        self.operations.push(Operation {
            key,
            options,
            is_left: false,
            began_at: self.now,
            ends_at: self.now + time * 1_000,
            fate,
            has_ended: false,
        });
        let last = self.operations.len() - 1;
        if let (Fate::Good | Fate::Hang, What::Add(_), true) = (fate, key.1, early) {
            self.operations[last].act(&mut self.halves);
        }
        Ok(last.to_string())
    }

    pub(super) fn seen(&self, who: usize) -> Option<Sighting> {
        let state = match self.others[who] {
            true => CloudState::Active,
            false => CloudState::Inactive,
        };
        let half = self.halves[who]?;
        let id = format!("half-{who}-{}", half.attempt);
        Some(Sighting {
            attempt: half.attempt,
            options: Some(half.options),
            ..sighting(&self.rows[who], &id, state)
        })
    }

    /// Whether the half of this attempt stands.
    pub(super) fn stands(&self, who: usize, attempt: i32) -> bool {
        self.halves[who].is_some_and(|half| half.attempt == attempt)
    }

    /// The token while the operation runs.
    pub(super) fn read(&self, token: &str) -> Result<String, Refusal> {
        let operation = &self.operations[token.parse::<usize>().unwrap()];
        match operation.fate {
            _ if !operation.has_ended => Ok(token.to_owned()),
            Fate::Fail(kind) => Err(refusal(kind, true)),
            Fate::Good | Fate::Hang | Fate::Vanish => Ok(String::new()),
        }
    }

    pub(super) fn ensure(&mut self, who: usize) -> Result<Answer, Refusal> {
        let (work, attempt) = (self.rows[who].work.clone(), self.rows[who].attempt);
        let token = match work.operation_token.as_str() {
            "" => {
                let key = (who, What::Add(attempt), work.requested_at.unwrap());
                let is_known = self.operations.iter().any(|one| one.key == key);
                // A repeated request is answered as the first one, whatever stands.
                match self.halves[who].filter(|_| !is_known) {
                    Some(half) if half.attempt == attempt => {
                        return Ok(Answer::Ensured(self.seen(who).map(Box::new), String::new()));
                    }
                    // An older half has to go first.
                    Some(_) => return Err(refusal(RefusalKind::InProgress, true)),
                    None => self.begin(key)?,
                }
            }
            token => token.to_owned(),
        };
        let going = self.read(&token)?;
        let seen = self
            .seen(who)
            .filter(|_| self.stands(who, attempt) && going.is_empty());
        Ok(Answer::Ensured(seen.map(Box::new), going))
    }

    pub(super) fn remove(&mut self, who: usize, attempt: i32) -> Result<Answer, Refusal> {
        let work = self.rows[who].work.clone();
        if !work.operation_token.is_empty() {
            let going = self.read(&work.operation_token);
            let key = self.operations[work.operation_token.parse::<usize>().unwrap()].key;
            let removes = matches!(key.1, What::Remove(_));
            match going {
                Ok(going) if !going.is_empty() => {
                    return Ok(Answer::Removed(Removal::InProgress, going));
                }
                Err(refusal) if removes => return Err(refusal),
                Ok(_) if removes && self.stands(who, attempt) => {
                    return Ok(Answer::Removed(Removal::InProgress, String::new()));
                }
                Ok(_) if removes => return Ok(Answer::Removed(Removal::Deleted, String::new())),
                _ => {}
            }
        }
        let key = (who, What::Remove(attempt), work.busy_since.unwrap());
        // A repeated request is answered as the first one, whatever stands.
        if !self.stands(who, attempt) && self.operations.iter().all(|one| one.key != key) {
            return Ok(Answer::Removed(Removal::Absent, String::new()));
        }
        let token = self.begin(key)?;
        // Should it have ended, then what stands now was made since, or never went.
        Ok(Answer::Removed(Removal::InProgress, self.read(&token)?))
    }

    pub(super) fn set(&mut self, who: usize) -> Result<Answer, Refusal> {
        let row = &self.rows[who];
        let (work, attempt, options) = (row.work.clone(), row.attempt, row.options);
        let token = match work.operation_token.as_str() {
            "" => {
                let key = (who, What::Set(attempt), work.busy_since.unwrap());
                let is_known = self.operations.iter().any(|one| one.key == key);
                let half = self.halves[who].filter(|half| half.attempt == attempt);
                // A repeated request is answered as the first one, whatever stands.
                match half.filter(|_| !is_known) {
                    Some(half) if half.options == options => String::new(),
                    None if !is_known => {
                        return Err(Refusal {
                            reason: "PEERING_MISSING".to_owned(),
                            ..refusal(RefusalKind::Terminal, true)
                        });
                    }
                    _ => self.begin(key)?,
                }
            }
            token => token.to_owned(),
        };
        let going = match token.as_str() {
            "" => String::new(),
            token => self.read(token)?,
        };
        let are_set = self.halves[who].is_some_and(|half| half.options == options);
        Ok(Answer::Set(are_set && going.is_empty(), going))
    }
}
