//! A cloud in which each side makes a half of its own, by operations that take a while, one at a time on a network.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use api::cloud::{CloudError, CloudErrorKind};
use api::provider::v1::peering_observation::State as CloudState;
use api::provider::v1::*;
use tonic::Status;

use crate::told::{Told, silence};

mod options;

/// What becomes of an operation.
#[derive(Debug, Clone)]
pub(crate) enum Fate {
    /// It fails in the end, and has done nothing.
    Fail(CloudError),
    /// It never ends.
    Hang,
    /// Nobody knows it any more, and it has done nothing.
    Vanish,
}

struct Operation {
    networks: BTreeSet<String>,
    what: What,
    fate: Option<Fate>,
    ends_at: Instant,
    has_ended: bool,
}

#[derive(Clone)]
enum What {
    Add(Box<PeeringObservation>),
    Remove(String),
    Set(String, PeeringOptions),
}

#[derive(Default)]
struct State {
    delay: Duration,
    operations: BTreeMap<String, Operation>,
    by_request: BTreeMap<String, String>,
    halves: Vec<PeeringObservation>,
    reciprocal: BTreeSet<String>,
    fates: VecDeque<Fate>,
    calls: usize,
    refused: usize,
}

/// The halves of the vendor's networks and the operations on them.
#[derive(Clone, Default)]
pub(crate) struct Halves(Arc<Mutex<State>>);

impl Halves {
    fn state(&self) -> MutexGuard<'_, State> {
        let mut state = self.0.lock().unwrap();
        state.go_on();
        state
    }

    /// How long an operation takes from now on.
    pub(crate) fn set_delay(&self, delay: Duration) {
        self.state().delay = delay;
    }

    /// What becomes of the next operation; several are taken one after another.
    pub(crate) fn tell(&self, fate: Fate) {
        self.state().fates.push_back(fate);
    }

    /// The customer's half towards this peering is made or removed.
    pub(crate) fn set_reciprocal(&self, peering: &str, there: bool) {
        let mut state = self.state();
        match there {
            true => state.reciprocal.insert(peering.to_owned()),
            false => state.reciprocal.remove(peering),
        };
    }

    /// The vendor's halves are gone, and nobody has asked for that.
    pub(crate) fn vanish(&self) {
        self.state().halves.clear();
    }

    pub(crate) fn count(&self) -> usize {
        self.state().halves.len()
    }

    /// Operations that were begun so far.
    pub(crate) fn begun(&self) -> usize {
        self.state().operations.len()
    }

    /// Calls that begin something or read an operation.
    pub(crate) fn calls(&self) -> usize {
        self.state().calls
    }

    /// How often somebody asked for an operation while another was under way on one of its networks.
    pub(crate) fn refused(&self) -> usize {
        self.state().refused
    }

    /// An operation of nobody's begins on the vendor's network, and ends after `time`.
    pub(crate) fn occupy(&self, network: &str, time: Duration) {
        let operation = Operation {
            networks: BTreeSet::from([network.to_owned()]),
            what: What::Remove(String::new()),
            fate: None,
            ends_at: Instant::now() + time,
            has_ended: false,
        };
        let mut state = self.state();
        let token = format!("operation-{}", state.operations.len());
        state.operations.insert(token, operation);
    }

    fn ensure(&self, request: &EnsurePeeringRequest) -> Result<EnsurePeeringResponse, CloudError> {
        let reference = request.r#ref.clone().unwrap();
        let mut state = self.state();
        state.calls += 1;
        let token = if request.operation_token.is_empty() {
            let half = half(request, &reference);
            let at = request.request_time.as_ref().map_or(0, api::millis);
            let key = format!("add {} {at}", half.provider_peering_id);
            let observation = state.shown(&half.provider_peering_id);
            // A repeated request is answered as the first one.
            if observation.is_some() && !state.by_request.contains_key(&key) {
                return Ok(answer(observation, String::new()));
            }
            state.nothing_older(&half)?;
            let networks = BTreeSet::from([
                request.vendor_vpc_id.clone(),
                request.peer.clone().unwrap().vpc_id,
            ]);
            state.begin(key, networks, What::Add(Box::new(half)))?
        } else {
            request.operation_token.clone()
        };
        let going = state.read(&token)?;
        let name = name(&reference);
        let mut observation = state.shown(&name);
        if let Some(shown) = &mut observation {
            shown.peering_id = reference.peering_id;
            shown.attempt = reference.attempt;
        }
        Ok(answer(observation, going))
    }

    fn delete(&self, request: &DeletePeeringRequest) -> Result<DeletePeeringResponse, CloudError> {
        let mut state = self.state();
        state.calls += 1;
        let id = &request.provider_peering_id;
        let at = request.request_time.as_ref().map_or(0, api::millis);
        let key = format!("remove {id} {at}");
        let mut standing = state.halves.iter();
        let standing = standing.find(|one| one.provider_peering_id == *id).cloned();
        // A repeated request is answered as the first one.
        let known = state.by_request.get(&key).cloned();
        let token = match (known, request.operation_token.as_str()) {
            (Some(token), _) => token,
            (None, "") if standing.is_none() => return Ok(removed(Removal::Absent, String::new())),
            (None, "") => String::new(),
            (None, token) => state.read(token)?,
        };
        let begun = match (token.as_str(), standing) {
            ("", Some(half)) => {
                let peer = half.peer.unwrap().vpc_id;
                let networks = BTreeSet::from([request.vendor_vpc_id.clone(), peer]);
                state.begin(key, networks, What::Remove(id.clone()))?
            }
            ("", None) => return Ok(removed(Removal::Deleted, String::new())),
            (token, _) => token.to_owned(),
        };
        let going = state.read(&begun)?;
        let removal = match going.is_empty() {
            true => Removal::Deleted,
            false => Removal::InProgress,
        };
        Ok(removed(removal, going))
    }

    /// A half of this attempt stands, and nobody has told of it.
    pub(crate) fn put(&self, peering: &api::peering::v1::Peering, attempt: i32) {
        let Some(api::peering::v1::peering::Peer::Gcp(gcp)) = peering.peer.clone() else {
            panic!("it has no halves");
        };
        let half = PeeringObservation {
            provider_peering_id: format!("half-{}-{attempt}", peering.id),
            deployment: "dev".to_owned(),
            peering_id: peering.id.clone(),
            attempt,
            vendor_vpc_id: peering.vendor.clone().unwrap().vpc_id,
            peer: Some(Peer {
                account_id: gcp.project_id,
                region: String::new(),
                vpc_id: gcp.network_name,
            }),
            ..Default::default()
        };
        self.state().halves.push(half);
    }

    /// The names of the halves there are.
    pub(crate) fn names(&self) -> Vec<String> {
        let names = |one: &PeeringObservation| one.provider_peering_id.clone();
        self.state().halves.iter().map(names).collect()
    }

    /// EnsurePeering, as told.
    pub(crate) fn told_to_ensure(
        &self,
        told: Option<&Told>,
        request: &EnsurePeeringRequest,
    ) -> Result<EnsurePeeringResponse, Status> {
        match told {
            Some(Told::Refuse(error)) => return Err(error.clone().into()),
            Some(Told::Silent) => return Err(silence()),
            _ => {}
        }
        let answer = self.ensure(request)?;
        match told {
            Some(Told::Lost) => Err(silence()),
            _ => Ok(answer),
        }
    }

    /// DeletePeering, as told; a refusal and silence came before.
    pub(crate) fn told_to_delete(
        &self,
        told: Option<&Told>,
        request: &DeletePeeringRequest,
    ) -> Result<DeletePeeringResponse, Status> {
        let answer = self.delete(request)?;
        match told {
            Some(Told::Lost) => Err(silence()),
            _ => Ok(answer),
        }
    }

    /// What a listing shows; only what is expected is named.
    pub(crate) fn list(
        &self,
        expected: &[observe_peerings_request::Attempt],
    ) -> Vec<PeeringObservation> {
        let state = self.state();
        let mut shown = state.halves.clone();
        for half in &mut shown {
            state.light(half);
            let named = |one: &&observe_peerings_request::Attempt| {
                format!("half-{}-{}", one.peering_id, one.attempt) == half.provider_peering_id
            };
            match expected.iter().find(named) {
                Some(one) => {
                    half.peering_id = one.peering_id.clone();
                    half.attempt = one.attempt;
                }
                None => {
                    half.peering_id.clear();
                    half.attempt = 0;
                    half.deployment.clear();
                }
            }
        }
        shown
    }
}

impl State {
    /// What has ended by now.
    fn go_on(&mut self) {
        for operation in self.operations.values_mut() {
            let hangs = matches!(operation.fate, Some(Fate::Hang));
            if operation.has_ended || hangs || operation.ends_at > Instant::now() {
                continue;
            }
            operation.has_ended = true;
            if matches!(operation.fate, Some(Fate::Fail(_) | Fate::Vanish)) {
                continue;
            }
            match &operation.what {
                What::Add(half) => self.halves.push(*half.clone()),
                What::Set(id, options) => {
                    let mut halves = self.halves.iter_mut();
                    if let Some(half) = halves.find(|one| one.provider_peering_id == *id) {
                        half.options = Some(*options);
                    }
                }
                What::Remove(id) => self.halves.retain(|one| one.provider_peering_id != *id),
            }
        }
    }

    /// The cloud takes one half towards a network.
    fn nothing_older(&self, half: &PeeringObservation) -> Result<(), CloudError> {
        let is_older = |one: &&PeeringObservation| {
            one.vendor_vpc_id == half.vendor_vpc_id
                && one.peer == half.peer
                && one.provider_peering_id != half.provider_peering_id
        };
        match self.halves.iter().find(is_older) {
            None => Ok(()),
            Some(_) => Err(CloudError::refused(
                CloudErrorKind::InProgress,
                "CLOUD_OPERATION_IN_PROGRESS",
                "an older half has to go first",
            )),
        }
    }

    fn begin(
        &mut self,
        key: String,
        networks: BTreeSet<String>,
        what: What,
    ) -> Result<String, CloudError> {
        if let Some(token) = self.by_request.get(&key) {
            return Ok(token.clone());
        }
        let mut open = self.operations.values().filter(|one| !one.has_ended);
        if open.any(|one| !one.networks.is_disjoint(&networks)) {
            self.refused += 1;
            let sentence = "There is a peering operation in progress on the local or peer network.";
            return Err(CloudError::refused(
                CloudErrorKind::InProgress,
                "CLOUD_OPERATION_IN_PROGRESS",
                sentence,
            ));
        }
        let token = format!("operation-{}", self.operations.len());
        let operation = Operation {
            networks,
            what,
            fate: self.fates.pop_front(),
            ends_at: Instant::now() + self.delay,
            has_ended: false,
        };
        self.operations.insert(token.clone(), operation);
        self.by_request.insert(key, token.clone());
        self.go_on();
        Ok(token)
    }

    /// The token while the operation goes on, and nothing once it has ended well.
    fn read(&self, token: &str) -> Result<String, CloudError> {
        let operation = &self.operations[token];
        match &operation.fate {
            _ if !operation.has_ended => Ok(token.to_owned()),
            Some(Fate::Fail(error)) => Err(error.clone()),
            _ => Ok(String::new()),
        }
    }

    fn shown(&self, name: &str) -> Option<PeeringObservation> {
        let half = self
            .halves
            .iter()
            .find(|one| one.provider_peering_id == name)?;
        let mut half = half.clone();
        self.light(&mut half);
        Some(half)
    }

    fn light(&self, half: &mut PeeringObservation) {
        let (state, raw) = match self.reciprocal.contains(&half.peering_id) {
            true => (CloudState::Active, "ACTIVE"),
            false => (CloudState::Inactive, "INACTIVE"),
        };
        half.set_state(state);
        half.raw_state = raw.to_owned();
    }
}

fn name(reference: &PeeringRef) -> String {
    format!("half-{}-{}", reference.peering_id, reference.attempt)
}

fn half(request: &EnsurePeeringRequest, reference: &PeeringRef) -> PeeringObservation {
    PeeringObservation {
        provider_peering_id: name(reference),
        deployment: reference.deployment.clone(),
        peering_id: reference.peering_id.clone(),
        attempt: reference.attempt,
        vendor_vpc_id: request.vendor_vpc_id.clone(),
        peer: request.peer.clone(),
        options: request.options,
        ..Default::default()
    }
}

fn answer(
    observation: Option<PeeringObservation>,
    operation_token: String,
) -> EnsurePeeringResponse {
    EnsurePeeringResponse {
        observation,
        operation_token,
    }
}

fn removed(removal: Removal, operation_token: String) -> DeletePeeringResponse {
    DeletePeeringResponse {
        removal: removal.into(),
        operation_token,
    }
}

pub(crate) fn is_gcp(group: Option<&Group>) -> bool {
    group.is_some_and(|group| group.provider() == Provider::Gcp)
}

pub(crate) fn has_two_halves(reference: Option<&PeeringRef>) -> bool {
    is_gcp(reference.and_then(|one| one.group.as_ref()))
}
