//! The requests about peerings.

use api::provider::v1;
use runtime::status::Violations;
use tonic::Status;
use types::{
    AwsAccountId, AwsVpcId, GcpNetworkName, GcpProjectId, GroupId, NetworkId, PeeringId,
    ProviderKind, Region,
};

use super::{deployment, finish, group, missing, object, request_at};
use crate::provider::{
    DeletePeering, EnsurePeering, EnsurePeeringOptions, ObservePeerings, Peer, PeeringOptions,
    PeeringRef,
};

pub(in crate::grpc) fn ensure_peering(
    message: v1::EnsurePeeringRequest,
) -> Result<EnsurePeering, Status> {
    let mut wrong = Violations::new();
    let peering = peering_ref(&mut wrong, message.r#ref);
    wrong.check("network_id", message.network_id.parse::<NetworkId>());
    let vendor = wrong.check("vendor_vpc_id", object(message.vendor_vpc_id));
    let kind = peering.as_ref().map(|peering| peering.group.provider);
    let peer = peer(&mut wrong, message.peer, kind);
    // AWS takes them later: they are no less to be what the cloud knows.
    let options = options(&mut wrong, message.options.unwrap_or_default(), kind);
    let operation_token = message.operation_token;
    let request_at = request_at(&mut wrong, message.request_time, &operation_token);
    finish(wrong, || {
        Some(EnsurePeering {
            peering: peering?,
            vendor_vpc_id: vendor?,
            peer: peer?,
            operation_token,
            request_at: request_at?,
            options,
        })
    })
}

pub(in crate::grpc) fn ensure_peering_options(
    message: v1::EnsurePeeringOptionsRequest,
) -> Result<EnsurePeeringOptions, Status> {
    let mut wrong = Violations::new();
    let peering = peering_ref(&mut wrong, message.r#ref);
    let id = wrong.check("provider_peering_id", object(message.provider_peering_id));
    let vendor = wrong.check("vendor_vpc_id", object(message.vendor_vpc_id));
    let kind = peering.as_ref().map(|peering| peering.group.provider);
    let peer = peer(&mut wrong, message.peer, kind);
    let options = match message.options {
        Some(wanted) => Some(options(&mut wrong, wanted, kind)),
        None => missing(&mut wrong, "options"),
    };
    let operation_token = message.operation_token;
    let request_at = request_at(&mut wrong, message.request_time, &operation_token);
    finish(wrong, || {
        Some(EnsurePeeringOptions {
            peering: peering?,
            provider_peering_id: id?,
            vendor_vpc_id: vendor?,
            peer: peer?,
            options: options?,
            operation_token,
            request_at: request_at?,
        })
    })
}

pub(in crate::grpc) fn delete_peering(
    message: v1::DeletePeeringRequest,
) -> Result<DeletePeering, Status> {
    let mut wrong = Violations::new();
    let peering = peering_ref(&mut wrong, message.r#ref);
    let id = wrong.check("provider_peering_id", object(message.provider_peering_id));
    let vendor = wrong.check("vendor_vpc_id", object(message.vendor_vpc_id));
    let operation_token = message.operation_token;
    // With the token of an addition too: the removal follows it within the call.
    let request_at = request_at(&mut wrong, message.request_time, "");
    finish(wrong, || {
        Some(DeletePeering {
            peering: peering?,
            provider_peering_id: id?,
            vendor_vpc_id: vendor?,
            operation_token,
            request_at: request_at?,
        })
    })
}

pub(in crate::grpc) fn observe_peerings(
    message: v1::ObservePeeringsRequest,
) -> Result<ObservePeerings, Status> {
    let mut wrong = Violations::new();
    let group = group(&mut wrong, "group", message.group.as_ref());
    let deployment = wrong.check("deployment", deployment(message.deployment));
    let provider_peering_ids = message.provider_peering_ids;
    let mut expected = Vec::new();
    for (n, one) in message.expected.into_iter().enumerate() {
        let id = wrong.check(format!("expected[{n}].peering_id"), one.peering_id.parse());
        expected.extend(id.map(|id| (id, one.attempt)));
    }
    let vendor_vpc_id = Some(message.vendor_vpc_id).filter(|id| !id.is_empty());
    let vendor_vpc_id = vendor_vpc_id.map(|id| wrong.check("vendor_vpc_id", object(id)));
    let mut peering_ids = Vec::new();
    for (n, id) in message.peering_ids.iter().enumerate() {
        peering_ids.extend(wrong.check(format!("peering_ids[{n}]"), id.parse::<PeeringId>()));
    }
    let has_ids = !provider_peering_ids.is_empty();
    if has_ids && !message.peering_ids.is_empty() {
        let rule = "must be empty with provider_peering_ids";
        wrong.add("peering_ids", "INVALID_FIELD", rule);
    }
    let outstanding_only = message.outstanding_only;
    if outstanding_only && (has_ids || !message.peering_ids.is_empty()) {
        let rule = "must be false with provider_peering_ids or peering_ids";
        wrong.add("outstanding_only", "INVALID_FIELD", rule);
    }
    let with_peer_cidrs = message.with_peer_cidrs;
    let region = match message.region.as_str() {
        "" if with_peer_cidrs && is_gcp(group.as_ref()) => missing(&mut wrong, "region"),
        "" => None,
        region => wrong.check("region", region.parse::<Region>()),
    };
    finish(wrong, || {
        Some(ObservePeerings {
            group: group?,
            deployment: deployment?,
            provider_peering_ids,
            expected,
            with_peer_cidrs,
            region,
            vendor_vpc_id: vendor_vpc_id.flatten(),
            outstanding_only,
            peering_ids,
        })
    })
}

fn peering_ref(wrong: &mut Violations, message: Option<v1::PeeringRef>) -> Option<PeeringRef> {
    let Some(message) = message else {
        return missing(wrong, "ref");
    };
    let group = group(wrong, "ref.group", message.group.as_ref());
    let deployment = wrong.check("ref.deployment", deployment(message.deployment));
    let peering_id = wrong.check("ref.peering_id", message.peering_id.parse());
    if message.attempt < 1 {
        wrong.add("ref.attempt", "INVALID_FIELD", "must be 1 or more");
    }
    Some(PeeringRef {
        group: group?,
        deployment: deployment?,
        peering_id: peering_id?,
        attempt: message.attempt,
    })
}

pub(in crate::grpc) fn gcp_peer(wrong: &mut Violations, message: v1::Peer) -> Option<Peer> {
    let project = wrong.check(
        "peer.account_id",
        message.account_id.parse::<GcpProjectId>(),
    );
    let network = wrong.check("peer.vpc_id", message.vpc_id.parse::<GcpNetworkName>());
    if !message.region.is_empty() {
        wrong.add("peer.region", "INVALID_FIELD", "must be empty on GCP");
    }
    Some(Peer {
        account_id: project?.into(),
        region: String::new(),
        vpc_id: network?.into(),
    })
}

pub(in crate::grpc) fn aws_peer(wrong: &mut Violations, message: v1::Peer) -> Option<Peer> {
    let account = wrong.check(
        "peer.account_id",
        message.account_id.parse::<AwsAccountId>(),
    );
    let region = wrong.check("peer.region", message.region.parse::<Region>());
    let vpc = wrong.check("peer.vpc_id", message.vpc_id.parse::<AwsVpcId>());
    Some(Peer {
        account_id: account?.into(),
        region: region?.into(),
        vpc_id: vpc?.into(),
    })
}

fn peer(
    wrong: &mut Violations,
    message: Option<v1::Peer>,
    kind: Option<ProviderKind>,
) -> Option<Peer> {
    match (message, kind) {
        (Some(peer), Some(ProviderKind::Aws)) => aws_peer(wrong, peer),
        (Some(peer), Some(ProviderKind::Gcp)) => gcp_peer(wrong, peer),
        (Some(_), None) => None,
        (None, _) => missing(wrong, "peer"),
    }
}

/// The options, none of which may be of another cloud than the peering.
fn options(
    wrong: &mut Violations,
    message: v1::PeeringOptions,
    kind: Option<ProviderKind>,
) -> PeeringOptions {
    let of = [
        ("resolve_dns", message.resolve_dns, ProviderKind::Aws),
        (
            "import_custom_routes",
            message.import_custom_routes,
            ProviderKind::Gcp,
        ),
        (
            "export_custom_routes",
            message.export_custom_routes,
            ProviderKind::Gcp,
        ),
    ];
    for (name, is_wanted, knows) in of {
        if is_wanted && kind.is_some_and(|kind| kind != knows) {
            let rule = format!("must be false: only {} knows it", word(knows));
            wrong.add(format!("options.{name}"), "INVALID_FIELD", rule);
        }
    }
    PeeringOptions {
        resolve_dns: message.resolve_dns,
        import_custom_routes: message.import_custom_routes,
        export_custom_routes: message.export_custom_routes,
    }
}

fn word(kind: ProviderKind) -> &'static str {
    match kind {
        ProviderKind::Aws => "AWS",
        ProviderKind::Gcp => "GCP",
    }
}

fn is_gcp(group: Option<&GroupId>) -> bool {
    group.is_some_and(|group| group.provider == ProviderKind::Gcp)
}
