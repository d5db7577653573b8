//! The network service: whose networks these are, and the claims that peerings have on them.

use api::network::v1::network_service_client::NetworkServiceClient;
use api::network::v1::{
    AttachResourceRequest, Attachment, DetachResourceRequest, GetNetworkRequest,
    Network as NetworkMessage, attachment, network,
};
use runtime::client::Client;
use tonic::{Code, Status};
use types::{Cidr, NetworkId, ProviderKind, TenantId};

use crate::domain::progress::{Refusal, RefusalKind};
use crate::domain::{Network, Peering};

/// Calls the network service. Clones share the connection.
#[derive(Clone)]
pub struct NetworkClient(pub(super) NetworkServiceClient<Client>);

/// Why a network is not known.
#[derive(Debug, thiserror::Error)]
pub enum NetworkError {
    /// The tenant has no such network.
    #[error("there is no network {0}")]
    NotFound(NetworkId),
    /// The network service did not answer.
    #[error("the network service does not answer: {0}")]
    Unanswered(String),
    /// It answered with something that cannot be right.
    #[error("the network service answered with nonsense: {0}")]
    Nonsense(String),
}

/// Why a peering is not attached.
#[derive(Debug)]
pub enum AttachError {
    /// The network service says no, with the reason for the caller.
    Refused(Box<Status>),
    /// Nobody knows whether it is attached.
    Unanswered(Box<Status>),
}

impl NetworkClient {
    /// Calls through `client`.
    pub fn new(client: Client) -> Self {
        Self(NetworkServiceClient::new(client))
    }

    /// A tenant's network.
    pub async fn get(&self, tenant: &TenantId, id: NetworkId) -> Result<Network, NetworkError> {
        let request = GetNetworkRequest {
            tenant_id: tenant.to_string(),
            network_id: id.to_string(),
        };
        let answer = self
            .0
            .clone()
            .get_network(request)
            .await
            .map_err(|status| unanswered(id, &status))?;
        let message = answer
            .into_inner()
            .network
            .ok_or_else(|| nonsense("no network"))?;
        read(message)
    }

    /// Claims the ranges that the peering holds. Attaching it again is no error.
    pub async fn attach(&self, peering: &Peering) -> Result<(), AttachError> {
        self.claim(peering, &peering.held_ranges()).await
    }

    /// Claims exactly these ranges for the peering.
    pub async fn claim(&self, peering: &Peering, ranges: &[Cidr]) -> Result<(), AttachError> {
        let attachment = Attachment {
            network_id: peering.network.to_string(),
            kind: attachment::Kind::Peering.into(),
            id: peering.id.to_string(),
            cidrs: ranges.iter().map(ToString::to_string).collect(),
            peer_identity: peering.peer.identity(),
            allow_overlap: peering.allow_overlap,
            ..Default::default()
        };
        let request = AttachResourceRequest {
            tenant_id: peering.tenant.to_string(),
            attachment: Some(attachment),
            validate_only: false,
        };
        match self.0.clone().attach_resource(request).await {
            Ok(_) => Ok(()),
            Err(status) if is_answer(&status) => Err(AttachError::Refused(Box::new(status))),
            Err(status) => Err(AttachError::Unanswered(Box::new(status))),
        }
    }

    /// Gives the peering's claims back; it can't be attached again after that. What is not attached, to whatever
    /// network, needs no detaching.
    pub async fn detach(&self, peering: &Peering) -> Result<(), Refusal> {
        let request = DetachResourceRequest {
            tenant_id: peering.tenant.to_string(),
            network_id: peering.network.to_string(),
            kind: attachment::Kind::Peering.into(),
            id: peering.id.to_string(),
        };
        match self.0.clone().detach_resource(request).await {
            Ok(_) => Ok(()),
            Err(status) if status.code() == Code::NotFound => Ok(()),
            Err(status) => Err(refusal(&status)),
        }
    }
}

/// Whether the status is the network service's verdict, and not a sign of its absence.
pub(super) fn is_answer(status: &Status) -> bool {
    matches!(
        status.code(),
        Code::FailedPrecondition
            | Code::NotFound
            | Code::InvalidArgument
            | Code::AlreadyExists
            | Code::OutOfRange
            | Code::PermissionDenied
            | Code::ResourceExhausted
    )
}

fn refusal(status: &Status) -> Refusal {
    let kind = match status.code() {
        Code::Unavailable
        | Code::DeadlineExceeded
        | Code::Cancelled
        | Code::Aborted
        | Code::ResourceExhausted => RefusalKind::Passing,
        _ => RefusalKind::Unknown,
    };
    Refusal {
        kind,
        reason: runtime::status::reason(status).unwrap_or_default(),
        message: status.message().to_owned(),
        certain: is_answer(status),
    }
}

/// Why the network `id` is not known.
pub(super) fn unanswered(id: NetworkId, status: &Status) -> NetworkError {
    match status.code() {
        Code::NotFound => NetworkError::NotFound(id),
        Code::Unavailable | Code::DeadlineExceeded | Code::Cancelled => {
            NetworkError::Unanswered(status.message().to_owned())
        }
        code => NetworkError::Nonsense(format!("{code:?}: {}", status.message())),
    }
}

pub(super) fn nonsense(what: impl ToString) -> NetworkError {
    NetworkError::Nonsense(what.to_string())
}

fn read(message: NetworkMessage) -> Result<Network, NetworkError> {
    let state = message.state();
    let name = state.as_str_name().trim_start_matches("STATE_").to_owned();
    Ok(Network {
        id: message.id.parse().map_err(nonsense)?,
        provider: ProviderKind::try_from(message.provider()).map_err(nonsense)?,
        region: message.region.parse().map_err(nonsense)?,
        cidr: message.cidr.parse().map_err(nonsense)?,
        display_name: message.display_name,
        state: name,
        is_active: state == network::State::Active,
        account_id: message.provider_account_id,
        vpc_id: message.provider_vpc_id,
    })
}
