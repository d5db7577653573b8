//! What network engineers ask, answered for one peering.

use super::accept::time;
use super::commands::Cli;
use super::security::ports;
use super::{is_accepted, live};
use crate::provider::steps::{Answer, Facts, State, list};

/// All answers, in the order in which the questions come up.
pub(super) fn all(facts: &Facts, cli: &Cli<'_>) -> Vec<Answer> {
    vec![
        ids(facts, cli),
        ranges(facts, cli),
        waiting(facts),
        route_tables(facts, cli),
        network_acls(facts, cli),
        reach(facts, cli),
        permissions(),
        transit(cli),
        proof(facts),
        undo(facts, cli),
        names(facts, cli),
        cost(facts),
        zones(facts),
        mtu(facts),
        ipv6(),
        encryption(facts),
        changes(cli),
    ]
}

fn answer(question: &str, answer: impl Into<String>) -> Answer {
    Answer {
        question: question.into(),
        answer: answer.into(),
    }
}

fn is_one_region(facts: &Facts) -> bool {
    facts.vendor_region.to_string() == facts.peer.region
}

fn ids(facts: &Facts, cli: &Cli<'_>) -> Answer {
    let vendor = facts.vendor_vpc_id.as_deref();
    answer(
        "Which ids belong to whom?",
        format!(
            "Yours are account {} and {} in {}. Ours are account {} and {} in {}, with the range {}. With shared \
             subnets give us the account that owns the VPC, not a participant's.",
            facts.peer.account_id,
            cli.vpc,
            cli.region,
            facts.vendor_account_id,
            vendor.unwrap_or("a VPC whose id follows"),
            facts.vendor_region,
            cli.vendor,
        ),
    )
}

fn ranges(facts: &Facts, cli: &Cli<'_>) -> Answer {
    let known = match facts.peer_cidrs.as_slice() {
        [] => "We know none of your ranges yet.".into(),
        ranges => format!("The peering names {}.", list(ranges, "")),
    };
    let show = cli.show(
        &format!("describe-vpcs --vpc-ids {}", cli.vpc),
        "Vpcs[].CidrBlockAssociationSet[?CidrBlockState.State==`\"associated\"`][].CidrBlock",
    );
    answer(
        "Which of my ranges have to be named?",
        format!(
            "{known} All ranges from which something connects belong there and on the allow list. Don't forget \
             secondary ones, such as 100.64.0.0/10 for pods of EKS. This lists them: {}",
            show.shell
        ),
    )
}

fn waiting(facts: &Facts) -> Answer {
    let text = match (facts.state, facts.expire_at) {
        (State::Provisioning, _) => {
            "Our request is not there yet; wait for that first. It takes seconds.".into()
        }
        (State::PendingAcceptance, _) if is_accepted(facts) => {
            "It is accepted, and becomes active within seconds.".into()
        }
        (State::PendingAcceptance, Some(at)) => format!(
            "The request waits for you to accept it until {}. After that it expires, and RenewPeering sends a new one. \
             You don't see it? Look in {}, in account {}.",
            time(at),
            facts.peer.region,
            facts.peer.account_id
        ),
        (State::PendingAcceptance, None) => format!(
            "The request waits for you to accept it, for 7 days. You don't see it? Look in {}, in account {}.",
            facts.peer.region, facts.peer.account_id
        ),
        (State::Active | State::Degraded, _) => {
            "It is active. That alone moves no packet: routes and rules on both sides do.".into()
        }
        (State::Deleting | State::Deleted, _) => "It was deleted on request.".into(),
        _ => "This attempt has ended, and AWS never makes an ended peering active again. RenewPeering begins a new one.".into(),
    };
    answer("Why is the peering not active yet?", text)
}

fn route_tables(facts: &Facts, cli: &Cli<'_>) -> Answer {
    let former = match &facts.former_provider_peering_id {
        Some(id) => format!(
            " Routes that still lead to {id} have to be replaced, as a second route to the same range is refused."
        ),
        None => String::new(),
    };
    answer(
        "Which route tables need a route?",
        format!(
            "Every table whose subnets hold machines that connect: those associated with a subnet, and the main table, \
             which serves all other subnets. Leave tables of gateways alone. The route is {} to {}.{former} The step \
             ADD_ROUTES has a command for all tables at once.",
            cli.vendor,
            live(facts).unwrap_or("the peering's id")
        ),
    )
}

fn network_acls(facts: &Facts, cli: &Cli<'_>) -> Answer {
    answer(
        "What do my network ACLs need?",
        format!(
            "They are stateless, so both directions: outbound TCP to {} on {}, and inbound TCP from there to ports \
             1024-65535. The default one allows everything.",
            cli.vendor,
            ports(facts)
        ),
    )
}

fn reach(facts: &Facts, cli: &Cli<'_>) -> Answer {
    let groups = match is_one_region(facts) {
        true => "",
        false => " Between regions security groups can't refer to each other; use ranges.",
    };
    answer(
        "What can you reach in my VPC?",
        format!(
            "Nothing unless you let us. We open no connections to you: only your egress matters, and you need no \
             ingress rule for us. Look through ingress rules that allow all of 10.0.0.0/8 or the like: they may allow \
             {} as well.{groups}",
            cli.vendor
        ),
    )
}

fn permissions() -> Answer {
    answer(
        "Who may do this?",
        "Each step lists the IAM actions that its commands call. A service control policy of your organization can deny \
         ec2:AcceptVpcPeeringConnection whatever your role; its administrator then has to allow it for our account.",
    )
}

fn transit(cli: &Cli<'_>) -> Answer {
    answer(
        "Can I connect from on-premises, over VPN or a transit gateway, or from a second VPC?",
        format!(
            "No. Peering on AWS is not transitive: only machines in {} reach us. A second VPC needs a peering of its \
             own. From elsewhere, connect to a proxy in {}.",
            cli.vpc, cli.vpc
        ),
    )
}

fn proof(facts: &Facts) -> Answer {
    let port = facts.ports.first().map_or("PORT".into(), u16::to_string);
    let endpoint = facts.endpoints.first().map_or("ENDPOINT", String::as_str);
    answer(
        "How do I prove that it works?",
        format!(
            "Run nc -vz {endpoint} {port} on a machine in your VPC. A refusal means that packets pass, a timeout that a \
             route, a rule or the allow list is missing. Reachability Analyzer names what is missing without sending a \
             packet; VPC flow logs show what was sent. The step PROVE has the commands."
        ),
    )
}

fn undo(facts: &Facts, cli: &Cli<'_>) -> Answer {
    let end = live(facts).map(|id| {
        let delete = cli.ec2(&format!(
            "delete-vpc-peering-connection --vpc-peering-connection-id {id}"
        ));
        format!(" This ends the peering: {}", delete.shell)
    });
    answer(
        "How do I undo it?",
        format!(
            "Each step shows what takes it back. AWS leaves your routes behind as blackholes, whoever ends the peering; \
             delete them yourself. The step CLEAN_UP has the command once the peering has ended.{}",
            end.unwrap_or_default()
        ),
    )
}

fn names(facts: &Facts, cli: &Cli<'_>) -> Answer {
    let which = match facts.endpoints.as_slice() {
        [] => "The name of a datastore's private endpoint".into(),
        [one] => one.clone(),
        endpoints => format!("Each of {}", list(endpoints, "")),
    };
    let option = match facts.options.resolve_dns {
        true => {
            "This peering has the option resolve_dns, so AWS's public names of our machines do so too, from within \
             your VPC."
        }
        false => {
            "AWS's public names of our machines resolve to public addresses, as this peering is without the option \
             resolve_dns."
        }
    };
    answer(
        "Which name gives the private address?",
        format!(
            "{which} resolves to an address in {}. {option} Resolvers with rebinding protection drop private addresses \
             from public names; except our names from it.",
            cli.vendor
        ),
    )
}

fn cost(facts: &Facts) -> Answer {
    let region = &facts.vendor_region;
    let traffic = match is_one_region(facts) {
        true => format!(
            "Traffic is free within an availability zone of {region}, across accounts too, and costs 0.01 USD per GB in \
             each direction between zones."
        ),
        false => format!(
            "Traffic between {} and {region} is charged to the sender like any between regions, from 0.01 USD per GB \
             and in most regions 0.02 USD or more. A client in {region} would be cheaper and faster.",
            facts.peer.region
        ),
    };
    answer(
        "What does it cost?",
        format!(
            "The peering itself is free. {traffic} Prices: https://aws.amazon.com/ec2/pricing/on-demand/"
        ),
    )
}

fn zones(facts: &Facts) -> Answer {
    answer(
        "Do regions and zones matter?",
        format!(
            "The peering serves all availability zones of both VPCs and has no single point of failure. Names of zones \
             differ between accounts; compare zone ids, such as use1-az1. Ours is in {}, yours in {}.",
            facts.vendor_region, facts.peer.region
        ),
    )
}

fn mtu(facts: &Facts) -> Answer {
    let text = match is_one_region(facts) {
        true => "9,001 bytes within a region, so jumbo frames pass.",
        false => {
            "8,500 bytes between regions (1,500 before March 2025). Machines send up to 9,001 bytes by default: TCP \
             adapts if ICMP \"fragmentation needed\" may come in, so let it pass your network ACLs."
        }
    };
    answer("Which MTU?", text)
}

fn ipv6() -> Answer {
    answer(
        "And IPv6?",
        "Our network has IPv4 only, so only IPv4 passes. Your VPC may use IPv6 for other things.",
    )
}

fn encryption(facts: &Facts) -> Answer {
    let text = match is_one_region(facts) {
        true => {
            "It never leaves AWS's network. Within a region AWS encrypts it between many current instance types, but \
             not between all. Use TLS to the datastore."
        }
        false => {
            "It never leaves AWS's network, and AWS encrypts all traffic between regions. Use TLS to the datastore \
             nevertheless: it proves to whom you speak."
        }
    };
    answer("Is the traffic encrypted?", text)
}

fn changes(cli: &Cli<'_>) -> Answer {
    answer(
        "Does changing ranges cut traffic?",
        format!(
            "No. You may add ranges to {} while the peering stands; they must not overlap {}. Name new ones in the \
             peering and on the allow list: we then route to them, and nothing connects from them before that. \
             From ranges that you take off the list no new connection gets through; open ones last until they are \
             closed or time out, unless the range leaves the peering too.",
            cli.vpc, cli.vendor
        ),
    )
}
