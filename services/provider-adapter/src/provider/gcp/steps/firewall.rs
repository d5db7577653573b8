//! What has to let packets pass: the customer's egress, and the vendor's allow list.

use super::commands::{Cli, list, ports, rules};
use super::is_up;
use crate::provider::steps::{Actor, Facts, Status, Step};

/// Before the rules that deny with the usual priority of 1000.
pub(super) const PRIORITY: u16 = 900;

/// The customer's firewall.
pub(super) fn open_egress(facts: &Facts, cli: &Cli) -> Step {
    let (rule, network) = (&cli.rule, cli.network);
    let (cidr, allowed) = (&facts.vendor_cidr, rules(&facts.ports));
    let ports = ports(&facts.ports, "all ports, as none is known yet,");
    Step {
        code: "OPEN_EGRESS",
        actor: Actor::Customer,
        // Nothing has to be done where no rule denies, and only the customer sees that.
        status: Status::Unknown,
        title: format!("Let traffic out to {cidr}"),
        why: format!(
            "A network lets all traffic out unless a rule denies it, so look first: the check lists the rules that \
             count, those of your organisation's policies too. If one denies egress, create this rule. It allows TCP \
             to {cidr} on {ports} with priority {PRIORITY}, before rules with the usual 1000. A policy of your \
             organisation may come before it. You need no ingress rule: we open no connections to you, and replies \
             pass by themselves."
        ),
        console_path: "VPC network > Firewall > Create firewall rule".into(),
        commands: vec![cli.run(&format!(
            "compute firewall-rules create {rule} --network {network} --direction EGRESS --action ALLOW --rules \
             {allowed} --destination-ranges {cidr} --priority {PRIORITY}"
        ))],
        verify: vec![cli.run(&format!(
            "compute networks get-effective-firewalls {network}"
        ))],
        undo: vec![cli.delete_rule()],
        permissions: vec![
            "compute.networks.getEffectiveFirewalls",
            "compute.firewalls.create",
            "compute.firewalls.delete",
            "compute.firewalls.get",
            "compute.networks.updatePolicy",
            "compute.globalOperations.get",
        ],
        docs_url: "https://cloud.google.com/firewall/docs/using-firewalls",
        optional: false,
    }
}

/// The network's allow list, which does not hold the customer's ranges yet.
pub(super) fn allow_list(facts: &Facts) -> Step {
    let whose = match facts.peer_cidrs.as_slice() {
        [] => "the peering names none of yours yet. Name them with UpdatePeering of Peerway's PeeringService, then call"
            .to_owned(),
        ranges => format!("{} can't connect yet. Call", list(ranges, "")),
    };
    Step {
        code: "ALLOW_LIST",
        actor: Actor::Customer,
        status: Status::Todo,
        title: "Put your ranges on the allow list".into(),
        why: format!(
            "Datastores take connections only from ranges on their network's allow list, and {whose} AllowPeeredCidrs \
             of Peerway's NetworkService with the network's id: it admits the ranges of all its peerings."
        ),
        console_path: String::new(),
        commands: vec![],
        verify: vec![],
        undo: vec![],
        permissions: vec![],
        docs_url: "",
        optional: false,
    }
}

/// The vendor's firewall, which carries the allow list.
pub(super) fn vendor_firewall(facts: &Facts) -> Step {
    Step {
        code: "VENDOR_FIREWALL",
        actor: Actor::Vendor,
        status: match facts.firewall_ready {
            _ if !facts.allow_listed => Status::Blocked,
            Some(true) => Status::Done,
            Some(false) => Status::Todo,
            None if is_up(facts) => Status::Unknown,
            None => Status::Blocked,
        },
        title: "Peerway opens its firewall to the allow list".into(),
        why: "Our firewall follows the allow list by itself. There is nothing to do for you."
            .into(),
        console_path: String::new(),
        commands: vec![],
        verify: vec![],
        undo: vec![],
        permissions: vec![],
        docs_url: "",
        optional: false,
    }
}
