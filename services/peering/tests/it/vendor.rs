//! The vendor's accounts and their limits, as the scripted provider-adapter tells them.

use std::sync::{Arc, Mutex, MutexGuard};

use api::provider::v1::{
    AccountLimit, GetLimitsRequest, GetLimitsResponse, PeeringObservation, account_limit,
    peering_observation,
};
use tonic::Status;
use types::GroupId;

use crate::network::ACCOUNT;

struct State {
    limits: Vec<AccountLimit>,
    asked: usize,
    is_away: bool,
    crowds: Vec<Vec<String>>,
}

/// At first one AWS account, that of all networks, with AWS's own limits.
#[derive(Clone)]
pub(crate) struct Vendor(Arc<Mutex<State>>);

impl Default for Vendor {
    fn default() -> Self {
        let group = GroupId::aws(ACCOUNT, "eu-west-1");
        let limits = vec![
            limit(&group, "networks", 5),
            limit(&group, "outstanding_peerings", 25),
        ];
        Self(Arc::new(Mutex::new(State {
            limits,
            asked: 0,
            is_away: false,
            crowds: Vec::new(),
        })))
    }
}

impl Vendor {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }

    /// One account more.
    pub(crate) fn add(&self, group: &GroupId) {
        let limit = limit(group, "networks", 5);
        self.state().limits.push(limit);
    }

    /// So many requests may wait for acceptance in the account of all networks.
    pub(crate) fn set_outstanding(&self, most: i32) {
        for limit in &mut self.state().limits {
            if limit.name == "outstanding_peerings" {
                limit.limit = most;
            }
        }
    }

    /// GetLimits is away, or answers again.
    pub(crate) fn set_away(&self, is_away: bool) {
        self.state().is_away = is_away;
    }

    /// How often somebody asked.
    pub(crate) fn asked(&self) -> usize {
        self.state().asked
    }

    /// What waited for acceptance each time that something was made.
    pub(crate) fn crowds(&self) -> Vec<Vec<String>> {
        self.state().crowds.clone()
    }

    pub(crate) fn count(&self, objects: &[PeeringObservation]) {
        let waits = |one: &&PeeringObservation| {
            one.state() == peering_observation::State::PendingAcceptance
        };
        let waiting = objects.iter().filter(waits);
        let crowd = waiting.map(|one| one.peering_id.clone()).collect();
        self.state().crowds.push(crowd);
    }

    pub(crate) fn answer(&self, request: &GetLimitsRequest) -> Result<GetLimitsResponse, Status> {
        let mut state = self.state();
        state.asked += usize::from(request.without_usage);
        if state.is_away {
            return Err(Status::unavailable("away"));
        }
        let mut limits = state.limits.clone();
        if !request.without_usage {
            limits.iter_mut().for_each(|limit| limit.used = 1);
        }
        Ok(GetLimitsResponse { limits })
    }
}

fn limit(group: &GroupId, name: &str, limit: i32) -> AccountLimit {
    AccountLimit {
        group: api::provider_group(group),
        name: name.to_owned(),
        used: -1,
        limit,
        source: account_limit::Source::Config.into(),
    }
}
