//! What only the customer's side can tell, each with the command that does.

use super::super::peering::Peering;
use super::{Check, Evidence};

pub(super) fn routes(peering: &Peering, evidence: &Evidence) -> Check {
    let code = "CUSTOMER_ROUTES";
    if peering.peer.has_two_halves() {
        let check = Check::unknown(
            code,
            "ROUTE_MISSING_PEER",
            "GCP exchanges subnet routes by itself; whether the customer's network takes them, only its project shows.",
        );
        return check.advising(told(
            evidence,
            "CHECK_ROUTES",
            "List the routes that the customer's network imports",
        ));
    }
    let check = Check::unknown(
        code,
        "ROUTE_MISSING_PEER",
        format!(
            "The customer's route tables are not to be seen from here. Each table of a subnet that shall reach the \
             network has to lead {} to {}.",
            peering.vendor.cidr,
            peering
                .provider_peering_id
                .as_deref()
                .unwrap_or("the peering")
        ),
    );
    check.advising(told(
        evidence,
        "ADD_ROUTES",
        "Look at the customer's route tables",
    ))
}

pub(super) fn firewall(evidence: &Evidence) -> Check {
    let check = Check::unknown(
        "CUSTOMER_FIREWALL",
        "SECURITY_RULE_MISSING",
        "The customer's security groups and firewall rules are not to be seen from here. They have to let traffic out to \
         the network's range and the datastores' ports.",
    );
    check.advising(told(
        evidence,
        "OPEN_EGRESS",
        "Look at the customer's egress rules",
    ))
}

pub(super) fn network_acl(peering: &Peering, evidence: &Evidence) -> Check {
    let code = "CUSTOMER_NETWORK_ACL";
    if peering.peer.has_two_halves() {
        return Check::pass(code, "GCP has no network ACLs.");
    }
    let check = Check::unknown(
        code,
        "SECURITY_RULE_MISSING",
        "The customer's network ACLs are not to be seen from here. They keep no state: they have to let traffic out to \
         the datastores' ports, and back in to the ports 1024-65535.",
    );
    check.advising(told(
        evidence,
        "CHECK_NETWORK_ACLS",
        "Look at the network ACLs of the customer's subnets",
    ))
}

/// The advice with the commands that verify this step.
fn told(evidence: &Evidence, step: &str, advice: &str) -> String {
    let commands = evidence.commands.as_ref().ok();
    let commands = commands.and_then(|all| all.get(step));
    match commands.filter(|commands| !commands.is_empty()) {
        Some(commands) => format!("{advice}:\n{}", commands.join("\n")),
        None => format!("{advice}; GetPeeringInstructions has the commands."),
    }
}
