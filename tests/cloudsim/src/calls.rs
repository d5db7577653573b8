//! The log of calls, for tests that count them.

use std::collections::{BTreeMap, VecDeque};

use serde::{Deserialize, Serialize};

use crate::cloud::{Caller, Service};
use crate::ec2::wildcard;
use crate::faults::FaultKind;

const MOST: usize = 100_000;

/// One call as it came and went.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallRecord {
    pub seq: u64,
    pub time_ms: i64,
    pub service: String,
    pub account: String,
    pub region: String,
    pub action: String,
    pub params: BTreeMap<String, String>,
    /// `ok`, or the code of the refusal; of a call that a fault kept from being executed, `not executed`.
    pub outcome: String,
    pub fault: Option<FaultKind>,
}

/// The latest calls, oldest first.
#[derive(Debug, Default)]
pub(crate) struct Calls {
    records: VecDeque<CallRecord>,
    last_seq: u64,
}

impl Calls {
    pub(crate) fn push(
        &mut self,
        time_ms: i64,
        caller: Option<(&Caller, Service)>,
        action: &str,
        params: &BTreeMap<String, String>,
        outcome: (&str, Option<FaultKind>),
    ) {
        self.last_seq += 1;
        if self.records.len() == MOST {
            self.records.pop_front();
        }
        let service = match caller.map(|caller| caller.1) {
            Some(Service::Ec2) => "ec2",
            Some(Service::Sts) => "sts",
            None => "",
        };
        let caller = caller.map(|caller| caller.0);
        self.records.push_back(CallRecord {
            seq: self.last_seq,
            time_ms,
            service: service.to_owned(),
            account: caller
                .map(|caller| caller.account.clone())
                .unwrap_or_default(),
            region: caller
                .map(|caller| caller.region.clone())
                .unwrap_or_default(),
            action: action.to_owned(),
            params: params.clone(),
            outcome: outcome.0.to_owned(),
            fault: outcome.1,
        });
    }

    /// The calls whose action fits the pattern.
    pub(crate) fn of(&self, action: &str) -> Vec<CallRecord> {
        self.records
            .iter()
            .filter(|record| wildcard(action, &record.action))
            .cloned()
            .collect()
    }

    pub(crate) fn clear(&mut self) {
        self.records.clear();
    }
}
