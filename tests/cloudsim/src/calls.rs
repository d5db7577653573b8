//! The log of calls, for tests that count them.

use std::collections::{BTreeMap, VecDeque};

use serde::{Deserialize, Serialize};

use crate::cloud::{Caller, Service};
use crate::ec2::wildcard;
use crate::faults::FaultKind;

const MOST: usize = 100_000;

/// One call as it came and went, or the end of an operation of Compute Engine (`operation.done`).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallRecord {
    pub seq: u64,
    pub time_ms: i64,
    /// `ec2`, `sts`, `compute`, `oauth2` or `iamcredentials`.
    pub service: String,
    /// The account, or Google's project.
    pub account: String,
    pub region: String,
    /// Such as `CreateVpc` or `networks.insert`.
    pub action: String,
    /// Of Google's: path, query and body, with `a.b.0` for what is nested.
    pub params: BTreeMap<String, String>,
    /// `ok`, or the code of the refusal; of a call that a fault kept from being executed, `not executed`.
    pub outcome: String,
    pub fault: Option<FaultKind>,
    /// The operation of Compute Engine that began or ended with it, if any.
    #[serde(default)]
    pub operation: String,
}

/// How many calls there were: by action, and of each by outcome.
pub type Counts = BTreeMap<String, BTreeMap<String, u64>>;

/// The latest calls, oldest first, and how many there were of each kind.
#[derive(Debug, Default)]
pub(crate) struct Calls {
    records: VecDeque<CallRecord>,
    counts: Counts,
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
        let service = match caller.map(|caller| caller.1) {
            Some(Service::Ec2) => "ec2",
            Some(Service::Sts) => "sts",
            None => "",
        };
        let caller = caller.map(|caller| caller.0);
        self.add(CallRecord {
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
            ..CallRecord::default()
        });
    }

    /// Numbers the record and keeps it.
    pub(crate) fn add(&mut self, record: CallRecord) {
        self.last_seq += 1;
        let outcomes = self.counts.entry(record.action.clone()).or_default();
        *outcomes.entry(record.outcome.clone()).or_default() += 1;
        if self.records.len() == MOST {
            self.records.pop_front();
        }
        let seq = self.last_seq;
        self.records.push_back(CallRecord { seq, ..record });
    }

    /// The calls whose action fits the pattern.
    pub(crate) fn of(&self, action: &str) -> Vec<CallRecord> {
        self.records
            .iter()
            .filter(|record| wildcard(action, &record.action))
            .cloned()
            .collect()
    }

    /// How many calls there were since they were last cleared, also of those that are kept no more.
    pub(crate) fn counts(&self) -> &Counts {
        &self.counts
    }

    pub(crate) fn clear(&mut self) {
        self.records.clear();
        self.counts.clear();
    }
}
