//! A provider-adapter with a small cloud behind it, which does what the test says.

mod service;
mod standing;

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard};

use api::cloud::{CloudError, CloudErrorKind};
use api::provider::v1::provider_service_server::ProviderServiceServer;
use api::provider::v1::*;
use tonic::Status;
use tonic::transport::server::TcpIncoming;

pub(crate) use standing::{Admits, Listing};

/// The parts of a VPC, in the order in which they are made.
pub(crate) const PARTS: [&str; 5] = ["vpc", "subnet/a", "subnet/b", "subnet/c", "security-group"];

/// What becomes of one call.
#[derive(Debug, Clone)]
pub(crate) enum Mood {
    /// It works.
    Work,
    /// It works, and its answer is lost.
    LoseAnswer,
    /// It is lost on the way.
    LoseRequest,
    /// It works, and what it made does not show in this many looks.
    Hide(u32),
    /// The cloud says no, and did nothing.
    Refuse(CloudErrorKind, &'static str),
    /// The cloud takes it on, and works on it for this many more calls.
    TakeOn(u32),
    /// The cloud takes it on, and says no in the end.
    TakeOnAndRefuse(CloudErrorKind, &'static str),
}

/// What the cloud works on.
#[derive(Debug)]
struct Operation {
    part: String,
    calls_left: u32,
    refusal: Option<(CloudErrorKind, &'static str)>,
}

#[derive(Debug, Default)]
struct Part {
    made: u32,
    hidden_looks: u32,
}

#[derive(Debug, Default)]
struct Cloud {
    /// Of each network's parts, by account: how many there are.
    parts: BTreeMap<(String, String), BTreeMap<String, Part>>,
    on_place: VecDeque<Mood>,
    on_look: VecDeque<Mood>,
    on_make: HashMap<String, VecDeque<Mood>>,
    on_delete: VecDeque<Mood>,
    operations: BTreeMap<String, Operation>,
    usages: Vec<Vec<place_network_request::Usage>>,
    calls: Vec<String>,
    full_accounts: Vec<String>,
    standing: standing::Standing,
}

/// The scripted provider-adapter. Clones are the same one.
#[derive(Debug, Clone, Default)]
pub(crate) struct Provider(Arc<Mutex<Cloud>>);

impl Provider {
    /// Serves on a free port until the test's runtime ends.
    pub(crate) async fn start() -> (Self, SocketAddr) {
        let provider = Self::default();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let server = tonic::transport::Server::builder()
            .add_service(ProviderServiceServer::new(provider.clone()))
            .serve_with_incoming(TcpIncoming::from(listener));
        tokio::spawn(server);
        (provider, address)
    }

    fn cloud(&self) -> MutexGuard<'_, Cloud> {
        self.0.lock().unwrap()
    }

    /// What becomes of the next calls of PlaceNetwork.
    pub(crate) fn on_place(&self, moods: impl IntoIterator<Item = Mood>) {
        self.cloud().on_place.extend(moods);
    }

    /// What becomes of the next looks.
    pub(crate) fn on_look(&self, moods: impl IntoIterator<Item = Mood>) {
        self.cloud().on_look.extend(moods);
    }

    /// What becomes of the next calls that make this part.
    pub(crate) fn on_make(&self, part: &str, moods: impl IntoIterator<Item = Mood>) {
        self.cloud()
            .on_make
            .entry(part.to_owned())
            .or_default()
            .extend(moods);
    }

    /// What becomes of the next calls of DeleteVpc.
    pub(crate) fn on_delete(&self, moods: impl IntoIterator<Item = Mood>) {
        self.cloud().on_delete.extend(moods);
    }

    /// An account whose cloud takes no more VPCs.
    pub(crate) fn fill(&self, account: &str) {
        self.cloud().full_accounts.push(account.to_owned());
    }

    /// How many of each part of a network there are, over all accounts.
    pub(crate) fn parts_of(&self, network: &str) -> BTreeMap<String, u32> {
        let mut counts = BTreeMap::new();
        for ((owner, _), parts) in &self.cloud().parts {
            for (name, part) in parts.iter().filter(|_| owner == network) {
                *counts.entry(name.clone()).or_default() += part.made;
            }
        }
        counts
    }

    /// Whether exactly one of each part of a network stands.
    pub(crate) fn has_one_of_each(&self, network: &str) -> bool {
        let parts = self.parts_of(network);
        parts.len() == PARTS.len() && parts.values().all(|made| *made == 1)
    }

    /// How many networks each call of PlaceNetwork that found a place counted in all.
    pub(crate) fn counted(&self) -> Vec<i32> {
        let sum = |usage: &Vec<place_network_request::Usage>| {
            usage.iter().map(|usage| usage.networks).sum()
        };
        self.cloud().usages.iter().map(sum).collect()
    }

    /// The calls so far, such as `EnsureVpc vpc`.
    pub(crate) fn calls(&self) -> Vec<String> {
        self.cloud().calls.clone()
    }
}

/// A connection that breaks says nothing of ours.
fn silence() -> Status {
    Status::unavailable("connection reset")
}

fn refusal(kind: CloudErrorKind, reason: &str) -> Status {
    CloudError::refused(kind, reason, format!("the cloud says {reason}")).into()
}

/// The answer while the cloud works on a part.
fn still_working(request: &EnsureVpcRequest, part: &str, token: &str) -> EnsureVpcResponse {
    EnsureVpcResponse {
        vpc: request.known.clone(),
        next_part: part.to_owned(),
        guarded: false,
        operation_token: token.to_owned(),
    }
}

fn subnet(name: &str) -> vpc::Subnet {
    let zone = name.rsplit('/').next().unwrap_or_default();
    vpc::Subnet {
        id: format!("subnet-{zone}"),
        zone: format!("eu-west-1{zone}"),
        zone_id: format!("euw1-az-{zone}"),
        cidr: "10.20.0.0/18".to_owned(),
    }
}

impl Cloud {
    fn ensure(&mut self, request: &EnsureVpcRequest) -> Result<EnsureVpcResponse, Status> {
        let reference = request.r#ref.clone().unwrap();
        let account = reference.group.unwrap().account_id;
        self.remove_surplus(&reference.network_id);
        let is_full = self.full_accounts.contains(&account);
        let Some(ended) = self.read_operation(&request.operation_token)? else {
            let part = &self.operations[&request.operation_token].part;
            return Ok(still_working(request, part, &request.operation_token));
        };
        let mood = match request.create_part.as_str() {
            _ if ended.is_some() => None,
            "" => self.on_look.pop_front(),
            part => self.on_make.get_mut(part).and_then(VecDeque::pop_front),
        };
        match mood {
            Some(Mood::LoseRequest) => return Err(silence()),
            Some(Mood::Refuse(kind, reason)) => return Err(refusal(kind, reason)),
            Some(Mood::TakeOn(calls)) => return Ok(self.take_on(request, calls, None)),
            Some(Mood::TakeOnAndRefuse(kind, reason)) => {
                return Ok(self.take_on(request, 1, Some((kind, reason))));
            }
            _ => {}
        }
        let standing = self
            .parts
            .entry((reference.network_id, account))
            .or_default();
        if let Some(part) = &ended {
            standing.entry(part.clone()).or_default().made += 1;
        }
        let mut seen = request.known.clone().unwrap_or_default();
        for (name, part) in standing.iter_mut() {
            if part.hidden_looks > 0 {
                part.hidden_looks -= 1;
            } else if part.made > 0 && !seen.parts.contains(name) {
                seen.parts.push(name.clone());
            }
        }
        let missing = |seen: &Vpc| {
            PARTS
                .into_iter()
                .find(|name| !seen.parts.contains(&(*name).to_owned()))
        };
        if let Some(next) = missing(&seen).filter(|next| *next == request.create_part) {
            if next == "vpc" && is_full {
                return Err(refusal(CloudErrorKind::Quota, "VPC_LIMIT"));
            }
            let part = standing.entry(next.to_owned()).or_default();
            part.made += 1;
            if let Some(Mood::Hide(looks)) = mood {
                part.hidden_looks = looks;
            }
            seen.parts.push(next.to_owned());
        }
        let has = |name: &str| seen.parts.iter().any(|part| part == name);
        let vpc = Vpc {
            vpc_id: if has("vpc") {
                "vpc-0a1b2c3d".to_owned()
            } else {
                String::new()
            },
            subnets: seen
                .parts
                .iter()
                .filter(|part| part.starts_with("subnet/"))
                .map(|part| subnet(part))
                .collect(),
            security_group_id: if has("security-group") {
                "sg-1".to_owned()
            } else {
                String::new()
            },
            parts: seen.parts.clone(),
        };
        // An answer that is lost after the work was done, or that hides it, is no answer.
        if matches!(mood, Some(Mood::LoseAnswer | Mood::Hide(_))) {
            return Err(silence());
        }
        let next_part = missing(&vpc).unwrap_or_default().to_owned();
        Ok(EnsureVpcResponse {
            vpc: Some(vpc),
            next_part,
            guarded: true,
            operation_token: String::new(),
        })
    }

    /// The part whose operation has ended; the inner none: there was no operation; none: it goes on.
    fn read_operation(&mut self, token: &str) -> Result<Option<Option<String>>, Status> {
        if token.is_empty() {
            return Ok(Some(None));
        }
        let operation = self.operations.get_mut(token).expect("a token of ours");
        if operation.calls_left > 0 {
            operation.calls_left -= 1;
            return Ok(None);
        }
        let operation = self.operations.remove(token).expect("it is there");
        match operation.refusal {
            Some((kind, reason)) => Err(refusal(kind, reason)),
            None => Ok(Some(Some(operation.part))),
        }
    }

    fn take_on(
        &mut self,
        request: &EnsureVpcRequest,
        calls_left: u32,
        refusal: Option<(CloudErrorKind, &'static str)>,
    ) -> EnsureVpcResponse {
        let token = format!("operation-{}", self.calls.len());
        let part = request.create_part.clone();
        self.calls.push(format!("begin {part}"));
        let answer = still_working(request, &part, &token);
        let operation = Operation {
            part,
            calls_left,
            refusal,
        };
        self.operations.insert(token, operation);
        answer
    }

    /// Removes one part a call, the last one first.
    fn delete(&mut self, request: &DeleteVpcRequest) -> Result<Removal, Status> {
        let reference = request.r#ref.clone().unwrap();
        let mood = self.on_delete.pop_front();
        match mood {
            Some(Mood::LoseRequest) => return Err(silence()),
            Some(Mood::Refuse(kind, reason)) => return Err(refusal(kind, reason)),
            _ => {}
        }
        let key = (reference.network_id, reference.group.unwrap().account_id);
        let known = request.known.clone().unwrap_or_default();
        let removal = match self.parts.get_mut(&key) {
            Some(parts) if !parts.is_empty() => {
                let last = PARTS
                    .into_iter()
                    .rev()
                    .find(|name| parts.contains_key(*name))
                    .unwrap();
                parts.remove(last);
                if parts.is_empty() {
                    Removal::Deleted
                } else {
                    Removal::InProgress
                }
            }
            _ if known.parts.is_empty() => Removal::Absent,
            _ => Removal::Deleted,
        };
        match mood {
            Some(Mood::LoseAnswer) => Err(silence()),
            _ => Ok(removal),
        }
    }

    fn place(&mut self, request: &PlaceNetworkRequest) -> Result<Group, Status> {
        match self.on_place.pop_front() {
            Some(Mood::Refuse(kind, reason)) => return Err(refusal(kind, reason)),
            Some(Mood::LoseAnswer | Mood::LoseRequest) => return Err(silence()),
            _ => {}
        }
        let free = ["111122223333", "444455556666"]
            .into_iter()
            .find(|account| !request.refused_account_ids.contains(&(*account).to_owned()));
        let Some(account) = free else {
            return Err(refusal(CloudErrorKind::Quota, "NO_ROOM"));
        };
        let region = match request.provider() {
            api::provider::v1::Provider::Gcp => String::new(),
            _ => request.region.clone(),
        };
        self.usages.push(request.usage.clone());
        Ok(Group {
            provider: request.provider,
            account_id: account.to_owned(),
            region,
        })
    }
}
