//! What an attach claims, checked field by field.

use api::network::v1 as proto;
use runtime::status::Violations;
use tonic::Status;
use types::{Cidr, Invalid, TenantId};

use super::networks::unread;
use crate::domain::{Attachment, AttachmentKind, nobodys};

/// A peering has at most 64; while these become others, both.
const MOST_CIDRS: usize = 128;
const MOST_PORTS: usize = 16;

/// Whose claim an attach is, and what it claims.
pub(super) fn claim(
    request: proto::AttachResourceRequest,
) -> Result<(TenantId, Attachment), Status> {
    let mut violations = Violations::new();
    let tenant = violations.check("tenant_id", request.tenant_id.parse::<TenantId>());
    let Some(given) = request.attachment else {
        violations.add("attachment", "INVALID_FIELD", "must be set");
        violations.finish()?;
        return Err(unread());
    };
    let network = violations.check("attachment.network_id", given.network_id.parse());
    let kind = violations.check("attachment.kind", kind(given.kind));
    let id = violations.check("attachment.id", attached_id(given.id));
    let cidrs = ranges(&mut violations, &given.cidrs);
    let ports = ports(&mut violations, &given.ports);
    let of_peerings = !given.peer_identity.is_empty() || given.allow_overlap;
    let of_datastores = !given.ports.is_empty() || !given.private_name.is_empty();
    match kind {
        Some(AttachmentKind::Peering) => {
            let identity = peer_identity(&given.peer_identity);
            violations.check("attachment.peer_identity", identity);
            if of_datastores {
                let rule = "ports and private_name are for datastores only";
                violations.add("attachment", "INVALID_FIELD", rule);
            }
        }
        Some(AttachmentKind::Datastore) => {
            if given.cidrs.is_empty() {
                violations.add("attachment.cidrs", "INVALID_FIELD", "must hold a range");
            }
            if of_peerings {
                let rule = "peer_identity and allow_overlap are for peerings only";
                violations.add("attachment", "INVALID_FIELD", rule);
            }
        }
        None => {}
    }
    let named = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
    if given.private_name.len() > 253 || !given.private_name.bytes().all(named) {
        let rule = "must be a DNS name of at most 253 characters";
        violations.add("attachment.private_name", "INVALID_FIELD", rule);
    }
    violations.finish()?;
    let (Some(tenant), Some(network), Some(kind), Some(id)) = (tenant, network, kind, id) else {
        return Err(unread());
    };
    let attachment = Attachment {
        network,
        kind,
        id,
        cidrs,
        ports,
        private_name: given.private_name,
        peer_identity: given.peer_identity,
        allow_overlap: given.allow_overlap,
        create_time: 0,
    };
    Ok((tenant, attachment))
}

fn ranges(violations: &mut Violations, given: &[String]) -> Vec<Cidr> {
    if given.len() > MOST_CIDRS {
        let rule = format!("must be at most {MOST_CIDRS} ranges, not {}", given.len());
        violations.add("attachment.cidrs", "INVALID_FIELD", rule);
        return Vec::new();
    }
    let mut cidrs = Vec::with_capacity(given.len());
    for (at, text) in given.iter().enumerate() {
        let field = format!("attachment.cidrs[{at}]");
        let Some(cidr) = violations.check(field.as_str(), text.parse::<Cidr>()) else {
            continue;
        };
        if cidrs.contains(&cidr) {
            violations.add(field, "INVALID_FIELD", format!("{cidr} is there twice"));
        } else if let Some(rule) = nobodys(cidr) {
            violations.add(field, "CIDR_NOT_PRIVATE", rule);
        }
        cidrs.push(cidr);
    }
    cidrs
}

fn ports(violations: &mut Violations, given: &[i32]) -> Vec<u16> {
    if given.len() > MOST_PORTS {
        let rule = format!("must be at most {MOST_PORTS} ports, not {}", given.len());
        violations.add("attachment.ports", "INVALID_FIELD", rule);
        return Vec::new();
    }
    let mut ports = Vec::with_capacity(given.len());
    for (at, port) in given.iter().enumerate() {
        match u16::try_from(*port) {
            Ok(port) if ports.contains(&port) => {
                let rule = format!("{port} is there twice");
                violations.add(format!("attachment.ports[{at}]"), "INVALID_FIELD", rule);
            }
            Ok(port) if port > 0 => ports.push(port),
            _ => {
                let rule = format!("must be a TCP port, 1-65535, not {port}");
                violations.add(format!("attachment.ports[{at}]"), "INVALID_FIELD", rule);
            }
        }
    }
    ports
}

/// Checks that it is `aws/ACCOUNT/REGION/VPC` or `gcp/PROJECT/NETWORK`, each part in its cloud's form.
fn peer_identity(given: &str) -> Result<(), Invalid> {
    let parts: Vec<&str> = given.split('/').collect();
    match parts[..] {
        ["aws", account, region, vpc] => {
            account.parse::<types::AwsAccountId>()?;
            region.parse::<types::Region>()?;
            vpc.parse::<types::AwsVpcId>()?;
        }
        ["gcp", project, network] => {
            project.parse::<types::GcpProjectId>()?;
            network.parse::<types::GcpNetworkName>()?;
        }
        _ => {
            return Err(Invalid::field(
                "must be aws/ACCOUNT/REGION/VPC or gcp/PROJECT/NETWORK",
            ));
        }
    }
    Ok(())
}

pub(super) fn attached_id(given: String) -> Result<String, Invalid> {
    if (1..=64).contains(&given.len()) && given.bytes().all(|b| b.is_ascii_graphic()) {
        return Ok(given);
    }
    Err(Invalid::field(
        "must be 1-64 printable ASCII characters without spaces",
    ))
}

pub(super) fn kind(given: i32) -> Result<AttachmentKind, Invalid> {
    match proto::attachment::Kind::try_from(given) {
        Ok(proto::attachment::Kind::Peering) => Ok(AttachmentKind::Peering),
        Ok(proto::attachment::Kind::Datastore) => Ok(AttachmentKind::Datastore),
        Ok(proto::attachment::Kind::Unspecified) | Err(_) => {
            Err(Invalid::field("must be KIND_PEERING or KIND_DATASTORE"))
        }
    }
}
