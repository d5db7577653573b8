//! Create requests into the domain, with every violation at once.

use api::peering::v1::{self as proto, CreatePeeringRequest, create_peering_request};
use prost::Message;
use runtime::hash::hex;
use runtime::status::Violations;
use sha2::{Digest, Sha256};
use tonic::Status;
use types::{
    Cidr, DisplayName, GcpNetworkRef, GcpProjectId, Invalid, Labels, NetworkId, ProviderKind,
    RequestId, TenantId,
};

use crate::domain::{Options, Wish, WishedPeer, peer_ranges};

/// The same request has the same.
pub(super) fn hash(request: &CreatePeeringRequest) -> String {
    hex(&Sha256::digest(request.encode_to_vec()))
}

/// What of a request is well-formed.
pub(super) struct Draft<'a> {
    pub(super) tenant: Option<TenantId>,
    pub(super) request_id: Option<Option<RequestId>>,
    pub(super) network: Option<NetworkId>,
    pub(super) display_name: Option<DisplayName>,
    pub(super) labels: Option<Labels>,
    pub(super) side: Option<GivenSide<'a>>,
}

/// What of the customer's side is well-formed.
pub(super) struct GivenSide<'a> {
    pub(super) provider: ProviderKind,
    /// The ranges as they were given.
    pub(super) given: &'a [String],
    /// Those of them that are well-formed.
    pub(super) cidrs: Vec<Cidr>,
    pub(super) whole: Option<WishedPeer>,
}

/// The wish that a request states.
pub(super) fn read(request: &CreatePeeringRequest) -> Result<Wish, Status> {
    let mut violations = Violations::new();
    let draft = draft(&mut violations, request);
    violations.finish()?;
    match draft {
        Draft {
            tenant: Some(tenant),
            request_id: Some(request_id),
            network: Some(network),
            display_name: Some(display_name),
            labels: Some(labels),
            side: Some(GivenSide {
                whole: Some(peer), ..
            }),
        } => Ok(Wish {
            tenant,
            request_id,
            network,
            display_name,
            labels,
            peer,
            allow_overlap: request.allow_overlap,
            options: request.options.map(options).unwrap_or_default(),
        }),
        // Each of them is there when there is no violation.
        _ => Err(Status::internal("a request was neither taken nor refused")),
    }
}

/// What of the request is well-formed; what is not joins `violations`.
pub(super) fn draft<'a>(
    violations: &mut Violations,
    request: &'a CreatePeeringRequest,
) -> Draft<'a> {
    let tenant = violations.check("tenant_id", request.tenant_id.parse());
    let request_id = optional(violations, "request_id", &request.request_id);
    let network = violations.check("network_id", request.network_id.parse());
    let display_name = violations.check("display_name", request.display_name.parse());
    let labels = violations.check("labels", Labels::new(request.labels.clone()));
    let side = match &request.peer {
        Some(create_peering_request::Peer::Aws(aws)) => Some(aws_peer(violations, aws)),
        Some(create_peering_request::Peer::Gcp(gcp)) => Some(gcp_peer(violations, gcp)),
        None => {
            violations.add("peer", "INVALID_FIELD", "one of aws and gcp must be set");
            None
        }
    };
    let provider = side.as_ref().map(|side| side.provider);
    if request.allow_overlap && provider == Some(ProviderKind::Gcp) {
        violations.add("allow_overlap", "INVALID_FIELD", "is possible on AWS only");
    }
    if let (Some(wanted), Some(provider)) = (request.options.map(options), provider)
        && !wanted.fit(provider)
    {
        let rule = format!("holds an option that {provider} does not have");
        violations.add("options", "INVALID_FIELD", rule);
    }
    Draft {
        tenant,
        request_id,
        network,
        display_name,
        labels,
        side,
    }
}

/// A field that may be empty; the outer none is a violation.
pub(super) fn optional<T: std::str::FromStr<Err = Invalid>>(
    violations: &mut Violations,
    field: &str,
    given: &str,
) -> Option<Option<T>> {
    match given {
        "" => Some(None),
        given => violations.check(field, given.parse()).map(Some),
    }
}

/// Options as they were given.
pub(super) fn options(given: proto::Options) -> Options {
    Options {
        resolve_dns: given.resolve_dns,
        import_custom_routes: given.import_custom_routes,
        export_custom_routes: given.export_custom_routes,
    }
}

fn aws_peer<'a>(violations: &mut Violations, aws: &'a proto::AwsPeer) -> GivenSide<'a> {
    let account = violations.check("aws.account_id", aws.account_id.parse());
    let region = optional(violations, "aws.region", &aws.region);
    let vpc = violations.check("aws.vpc_id", aws.vpc_id.parse());
    let (cidrs, all) = ranges(violations, "aws.cidrs", &aws.cidrs, 1);
    let whole = || {
        Some(WishedPeer::Aws {
            account: account?,
            region: region?,
            vpc: vpc?,
            cidrs: all.then(|| cidrs.clone())?,
        })
    };
    GivenSide {
        provider: ProviderKind::Aws,
        given: &aws.cidrs,
        whole: whole(),
        cidrs,
    }
}

fn gcp_peer<'a>(violations: &mut Violations, gcp: &'a proto::GcpPeer) -> GivenSide<'a> {
    let named: Result<GcpNetworkRef, Invalid> = gcp.network_name.parse();
    let (named_project, network) = match violations.check("gcp.network_name", named) {
        Some(named) => (named.project, Some(named.network)),
        None => (None, None),
    };
    let project = match (gcp.project_id.as_str(), named_project) {
        ("", Some(project)) => Some(project),
        (given, named) => {
            let given: Option<GcpProjectId> = violations.check("gcp.project_id", given.parse());
            if let (Some(given), Some(named)) = (&given, &named)
                && given != named
            {
                let rule = format!("is {given}, but network_name lies in {named}");
                violations.add("gcp.project_id", "INVALID_FIELD", rule);
            }
            given
        }
    };
    let (cidrs, all) = ranges(violations, "gcp.cidrs", &gcp.cidrs, 0);
    let whole = || {
        Some(WishedPeer::Gcp {
            project: project?,
            network: network?,
            cidrs: all.then(|| cidrs.clone())?,
        })
    };
    GivenSide {
        provider: ProviderKind::Gcp,
        given: &gcp.cidrs,
        whole: whole(),
        cidrs,
    }
}

/// The well-formed ranges, and whether these are all.
pub(super) fn ranges(
    violations: &mut Violations,
    field: &str,
    given: &[String],
    least: usize,
) -> (Vec<Cidr>, bool) {
    let (ranges, found) = peer_ranges(given, least);
    let all = found.is_empty();
    for (index, invalid) in found {
        let field = index.map_or(field.to_owned(), |index| format!("{field}[{index}]"));
        violations.add(field, invalid.reason, invalid.message);
    }
    (ranges, all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_of_labels_makes_no_other_request() {
        let pairs = [("a", "1"), ("b", "2"), ("c", "3"), ("d", "4")];
        let hash_of = |pairs: Vec<(&str, &str)>| {
            let labels = pairs.into_iter().map(|(k, v)| (k.to_owned(), v.to_owned()));
            hash(&CreatePeeringRequest {
                labels: labels.collect(),
                ..Default::default()
            })
        };
        let forward = hash_of(pairs.to_vec());
        assert_eq!(hash_of(pairs.into_iter().rev().collect()), forward);
        assert_ne!(hash_of(vec![("a", "1")]), forward);
    }
}
