//! Create requests into the domain, with every violation at once.

use api::peering::v1::{self as proto, CreatePeeringRequest, create_peering_request};
use prost::Message;
use runtime::hash::hex;
use runtime::status::Violations;
use sha2::{Digest, Sha256};
use tonic::Status;
use types::{Cidr, GcpNetworkRef, GcpProjectId, Invalid, Labels};

use crate::domain::{Options, Wish, WishedPeer, peer_ranges};

/// The same request has the same.
pub(super) fn hash(request: &CreatePeeringRequest) -> String {
    hex(&Sha256::digest(request.encode_to_vec()))
}

/// The wish that a request states.
pub(super) fn read(request: &CreatePeeringRequest) -> Result<Wish, Status> {
    let mut violations = Violations::new();
    let tenant = violations.check("tenant_id", request.tenant_id.parse());
    let request_id = optional(&mut violations, "request_id", &request.request_id);
    let network = violations.check("network_id", request.network_id.parse());
    let display_name = violations.check("display_name", request.display_name.parse());
    let labels = violations.check("labels", Labels::new(request.labels.clone()));
    let peer = match &request.peer {
        Some(create_peering_request::Peer::Aws(aws)) => aws_peer(&mut violations, aws),
        Some(create_peering_request::Peer::Gcp(gcp)) => gcp_peer(&mut violations, gcp),
        None => {
            violations.add("peer", "INVALID_FIELD", "one of aws and gcp must be set");
            None
        }
    };
    if request.allow_overlap && matches!(peer, Some(WishedPeer::Gcp { .. })) {
        violations.add("allow_overlap", "INVALID_FIELD", "is possible on AWS only");
    }
    if let (Some(wanted), Some(peer)) = (request.options.map(options), &peer)
        && !wanted.fit(peer.provider())
    {
        let rule = format!("holds an option that {} does not have", peer.provider());
        violations.add("options", "INVALID_FIELD", rule);
    }
    violations.finish()?;
    match (tenant, request_id, network, display_name, labels, peer) {
        (
            Some(tenant),
            Some(request_id),
            Some(network),
            Some(display_name),
            Some(labels),
            Some(peer),
        ) => Ok(Wish {
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

fn aws_peer(violations: &mut Violations, aws: &proto::AwsPeer) -> Option<WishedPeer> {
    let account = violations.check("aws.account_id", aws.account_id.parse());
    let region = optional(violations, "aws.region", &aws.region);
    let vpc = violations.check("aws.vpc_id", aws.vpc_id.parse());
    let cidrs = ranges(violations, "aws.cidrs", &aws.cidrs, 1);
    Some(WishedPeer::Aws {
        account: account?,
        region: region?,
        vpc: vpc?,
        cidrs: cidrs?,
    })
}

fn gcp_peer(violations: &mut Violations, gcp: &proto::GcpPeer) -> Option<WishedPeer> {
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
    let cidrs = ranges(violations, "gcp.cidrs", &gcp.cidrs, 0);
    Some(WishedPeer::Gcp {
        project: project?,
        network: network?,
        cidrs: cidrs?,
    })
}

fn ranges(
    violations: &mut Violations,
    field: &str,
    given: &[String],
    least: usize,
) -> Option<Vec<Cidr>> {
    match peer_ranges(given, least) {
        Ok(ranges) => Some(ranges),
        Err(found) => {
            for (index, invalid) in found {
                let field = index.map_or(field.to_owned(), |index| format!("{field}[{index}]"));
                violations.add(field, invalid.reason, invalid.message);
            }
            None
        }
    }
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
