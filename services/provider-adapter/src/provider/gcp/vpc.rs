//! Making a network's VPC: the network, then its one subnet. Their names make each of them unique.

use api::cloud::{CloudError, CloudErrorKind};
use google_cloud_compute_v1::model::network_routing_config::RoutingMode;
use google_cloud_compute_v1::model::{Network, NetworkRoutingConfig, Operation, Subnetwork};

use super::client::{Clients, Gce};
use super::error::Failure;
use super::operation::Progress;
use super::token::{Step, Token};
use super::url;
use super::vpc_look::{self, Marks};
use crate::provider::{EnsureVpc, Underway, Vpc, VpcProgress};

/// A part of a VPC, in the order in which they are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    Network,
    Subnet,
}

impl Part {
    /// The code callers record.
    pub(super) fn code(self) -> &'static str {
        match self {
            Self::Network => "network",
            Self::Subnet => "subnet",
        }
    }

    /// The part that an operation makes.
    fn of(step: Step) -> Option<Self> {
        match step {
            Step::AddNetwork => Some(Self::Network),
            Step::AddSubnet => Some(Self::Subnet),
            _ => None,
        }
    }

    fn parse(code: &str) -> Result<Self, CloudError> {
        let mut all = [Self::Network, Self::Subnet].into_iter();
        all.find(|part| part.code() == code).ok_or_else(|| {
            let message = format!("create_part: there is no part {code:?}");
            CloudError::refused(CloudErrorKind::Invalid, "INVALID_FIELD", message)
        })
    }
}

/// Waits for what is under way, looks at what the asked part needs, and makes it if it is the next one missing.
pub(super) async fn ensure(gce: &Gce, ask: EnsureVpc) -> Result<Underway<VpcProgress>, CloudError> {
    let part = ask.create_part.as_deref().map(Part::parse).transpose()?;
    let mut work = Work {
        gce,
        marks: Marks::new(&ask.vpc, ask.known.id.as_deref()),
        vpc: ask.known.clone(),
        ask,
    };
    let token = Token::parse(&work.ask.operation_token)?;
    let mut made = None;
    if let Some(token) = &token {
        match gce.progress(token).await? {
            Progress::Running => return Ok(work.progress(token.to_string())),
            Progress::Failed(failure) if !failure.is_already() => {
                return Err(failure.of_operation());
            }
            Progress::Failed(_) | Progress::Done => made = Part::of(token.step),
            Progress::Vanished => {}
        }
    }
    // Until a look has shown what the operation did, the caller has to keep the token.
    work.look(part).await.map_err(|error| CloudError {
        refused: error.refused && token.is_none(),
        ..error
    })?;
    if let Some(made) = made
        && work.next() == Some(made)
        && part.is_none_or(|part| part == made)
    {
        let why = "its operation ended well, and it is not to be seen";
        return Err(Failure::unusable(made.code(), why).of_write());
    }
    let mut token = String::new();
    if let Some(part) = part
        && work.next() == Some(part)
    {
        token = work.make(part).await?;
    }
    Ok(work.progress(token))
}

struct Work<'a> {
    gce: &'a Gce,
    ask: EnsureVpc,
    marks: Marks,
    /// Known and seen so far.
    vpc: Vpc,
}

impl Work<'_> {
    /// Only what the part needs; everything when nothing is to be made.
    async fn look(&mut self, part: Option<Part>) -> Result<(), CloudError> {
        if part != Some(Part::Subnet) && vpc_look::network(self.gce, &self.marks).await?.is_some() {
            self.vpc.id = Some(self.marks.name.clone());
            self.record(Part::Network);
        }
        if part != Some(Part::Network)
            && self.vpc.id.is_some()
            && let Some(seen) = vpc_look::subnet(self.gce, &self.marks, &self.ask.cidr).await?
        {
            if !self.vpc.subnets.contains(&seen) {
                self.vpc.subnets.retain(|subnet| subnet.id != seen.id);
                self.vpc.subnets.push(seen);
            }
            self.record(Part::Subnet);
        }
        Ok(())
    }

    fn record(&mut self, part: Part) {
        let code = part.code();
        if !self.vpc.parts.iter().any(|one| one == code) {
            self.vpc.parts.push(code.to_owned());
        }
    }

    fn next(&self) -> Option<Part> {
        let cidr = self.ask.cidr;
        if self.vpc.id.is_none() {
            Some(Part::Network)
        } else if !self.vpc.subnets.iter().any(|subnet| subnet.cidr == cidr) {
            Some(Part::Subnet)
        } else {
            None
        }
    }

    /// The token of the operation that makes a part; empty when the cloud says that the part exists, and shows it.
    async fn make(&mut self, part: Part) -> Result<String, CloudError> {
        let (api, step) = match part {
            Part::Network => ("networks.insert", Step::AddNetwork),
            Part::Subnet => ("subnetworks.insert", Step::AddSubnet),
        };
        let answer = match part {
            Part::Network => self.make_network(api).await,
            Part::Subnet => self.make_subnet(api).await,
        };
        let region = (part == Part::Subnet).then_some(self.marks.region.as_str());
        match answer {
            Ok(operation) => self.gce.begun(api, step, region, operation),
            Err(failure) if failure.is_already() => {
                self.look(Some(part)).await?;
                if self.next() == Some(part) {
                    return Err(failure.of_write());
                }
                Ok(String::new())
            }
            Err(failure) if part == Part::Subnet && failure.is_not_found() => {
                Err(self.without_network(failure).await)
            }
            Err(failure) => Err(failure.of_write()),
        }
    }

    /// A subnet found its network missing: for good only when the network itself is not there either.
    async fn without_network(&self, failure: Failure) -> CloudError {
        match vpc_look::named(self.gce, &self.marks.name).await {
            Ok(None) => vpc_look::missing(self.gce.id(), &self.marks.name),
            Ok(Some(_)) | Err(_) => failure.of_write(),
        }
    }

    async fn make_network(&self, api: &'static str) -> Result<Operation, Failure> {
        let routing = NetworkRoutingConfig::new().set_routing_mode(RoutingMode::Regional);
        let network = Network::new()
            .set_name(&self.marks.name)
            .set_description(&self.marks.description)
            .set_auto_create_subnetworks(false)
            .set_routing_config(routing);
        let send = |clients: &Clients| {
            let call = clients.networks.insert().set_project(self.gce.id());
            call.set_body(network.clone()).send()
        };
        self.gce.call(api, send).await
    }

    async fn make_subnet(&self, api: &'static str) -> Result<Operation, Failure> {
        let subnet = Subnetwork::new()
            .set_name(&self.marks.name)
            .set_description(&self.marks.description)
            .set_network(url::of_network(self.gce.id(), &self.marks.name))
            .set_ip_cidr_range(self.ask.cidr.to_string());
        let send = |clients: &Clients| {
            let call = clients.subnetworks.insert().set_project(self.gce.id());
            call.set_region(&self.marks.region)
                .set_body(subnet.clone())
                .send()
        };
        self.gce.call(api, send).await
    }

    fn progress(self, operation_token: String) -> Underway<VpcProgress> {
        let next_part = self.next().map(|part| part.code().to_owned());
        Underway {
            now: VpcProgress {
                vpc: self.vpc,
                next_part,
                guarded: false,
            },
            operation_token,
        }
    }
}
