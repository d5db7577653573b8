//! What has to let packets pass on the customer's side.

use super::commands::{Cli, SECURITY_GROUP};
use crate::provider::steps::{Actor, Facts, Status, Step, list};

/// Security groups, which remember connections.
pub(super) fn open_egress(facts: &Facts, cli: &Cli<'_>) -> Step {
    let ports = ports(facts);
    Step {
        why: format!(
            "A new security group lets all traffic out, so look first: the check prints the egress rules of a group. If \
             none of them covers TCP to {} on {ports}, add the rule, to each group of the machines that connect to us. \
             Groups are stateful: replies pass by themselves, and you need no inbound rule, as we open no connections \
             to you.{}",
            cli.vendor,
            no_references(facts)
        ),
        console_path: format!(
            "VPC > Security groups > Outbound rules > Edit outbound rules (region {})",
            cli.region
        ),
        commands: vec![cli.egress("authorize", &facts.ports)],
        verify: vec![cli.of(
            "describe-security-groups --group-ids",
            SECURITY_GROUP,
            [
                "--query".into(),
                "SecurityGroups[].IpPermissionsEgress[].[IpProtocol, FromPort, ToPort, IpRanges[].CidrIp]".into(),
                "--output".into(),
                "json".into(),
            ],
        )],
        undo: vec![cli.egress("revoke", &facts.ports)],
        permissions: vec![
            "ec2:DescribeSecurityGroups",
            "ec2:AuthorizeSecurityGroupEgress",
            "ec2:RevokeSecurityGroupEgress",
        ],
        docs_url: "https://docs.aws.amazon.com/vpc/latest/userguide/security-group-rules.html",
        ..Step::new(
            "OPEN_EGRESS",
            Actor::Customer,
            // Nothing has to be done where all is let out, and only the customer sees that.
            Status::Unknown,
            &format!("Let traffic out to {}", cli.vendor),
        )
    }
}

/// Network ACLs, which don't.
pub(super) fn check_network_acls(facts: &Facts, cli: &Cli<'_>) -> Step {
    let acls = "NetworkAcls[].{acl: NetworkAclId, default: IsDefault, subnets: Associations[].SubnetId, \
                rules: Entries[].[Egress, RuleNumber, RuleAction, Protocol, CidrBlock, PortRange.From, PortRange.To]}";
    Step {
        why: format!(
            "The default network ACL allows everything. One of your own is stateless and needs both directions: \
             outbound TCP to {} on {}, and inbound TCP from {} to ports 1024-65535 for the replies. The check prints \
             the rules; protocol 6 is TCP and -1 is all. A rule with a lower number wins.",
            cli.vendor,
            ports(facts),
            cli.vendor
        ),
        console_path: format!("VPC > Network ACLs (region {})", cli.region),
        verify: vec![cli.show_json(
            &format!(
                "describe-network-acls --filters Name=vpc-id,Values={}",
                cli.vpc
            ),
            acls,
        )],
        permissions: vec!["ec2:DescribeNetworkAcls"],
        docs_url: "https://docs.aws.amazon.com/vpc/latest/userguide/vpc-network-acls.html",
        ..Step::new(
            "CHECK_NETWORK_ACLS",
            Actor::Customer,
            Status::Unknown,
            "Check your network ACLs",
        )
    }
}

/// In a sentence: where datastores listen.
pub(super) fn ports(facts: &Facts) -> String {
    match facts.ports.as_slice() {
        [] => "the ports of your datastores (all, as none is known yet)".into(),
        [port] => format!("port {port}"),
        ports => format!("ports {}", list(ports, "")),
    }
}

fn no_references(facts: &Facts) -> &'static str {
    match facts.vendor_region.to_string() == facts.peer.region {
        true => "",
        false => " Between regions a rule can't name a group of the other side, only a range.",
    }
}
