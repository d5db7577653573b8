//! What comes once packets may pass: names, a proof, and in the end a new attempt or none.

use super::commands::{Cli, ROUTE_TABLE, SECURITY_GROUP};
use super::live;
use crate::provider::steps::{
    Actor, Command, Facts, Script, State, Status, Step, Variable, Word, connections, list,
    sentence, shell,
};

const SOURCE: &str = "SOURCE_INSTANCE_ID";
const ADDRESS: &str = "ENDPOINT_ADDRESS";
const PATH: &str = "NETWORK_INSIGHTS_PATH_ID";
const FLOW_LOGS: &str = "FLOW_LOG_GROUP";

/// The customer's part of names that resolve to private addresses.
pub(super) fn dns(facts: &Facts, cli: &Cli<'_>) -> Step {
    let vpc = cli.vpc;
    let ask = |attribute: &str, answer: &str| {
        cli.show(
            &format!("describe-vpc-attribute --vpc-id {vpc} --attribute {attribute}"),
            format!("{answer}.Value"),
        )
    };
    let set = |flag: &str| cli.ec2(&format!("modify-vpc-attribute --vpc-id {vpc} {flag}"));
    Step {
        why: "The peering has the option resolve_dns: we switch it on for our side, and public names of our machines \
              then resolve to private addresses in your VPC. AWS wants DNS resolution and DNS host names on in both \
              VPCs. The check prints True twice if yours has them already."
            .into(),
        console_path: format!(
            "VPC > Your VPCs > Actions > Edit VPC settings (region {})",
            cli.region
        ),
        commands: vec![set("--enable-dns-support"), set("--enable-dns-hostnames")],
        verify: vec![
            ask("enableDnsSupport", "EnableDnsSupport"),
            ask("enableDnsHostnames", "EnableDnsHostnames"),
        ],
        permissions: vec!["ec2:ModifyVpcAttribute", "ec2:DescribeVpcAttribute"],
        docs_url: "https://docs.aws.amazon.com/vpc/latest/peering/vpc-peering-dns.html",
        optional: true,
        ..Step::new(
            "DNS",
            Actor::Customer,
            // Known only where the vendor's option has been taken, and even then not for long.
            Status::Unknown,
            &format!("Switch DNS on in {}", facts.peer.vpc_id),
        )
    }
}

/// A connection, and who stops it.
pub(super) fn prove(facts: &Facts, cli: &Cli<'_>) -> Step {
    let analysis = live(facts).filter(|_| facts.has_target() && cli.is_real());
    let status = match facts.is_up() && facts.has_target() {
        true => Status::Todo,
        false => Status::Blocked,
    };
    let mut why = match facts.has_target() {
        true => "Run this on a machine in your VPC; it says whether the port answers.".to_owned(),
        false => format!(
            "There is no datastore with a private endpoint in {} yet. Create one, and its name and port stand here.",
            cli.vendor
        ),
    };
    let mut permissions = vec![];
    if analysis.is_some() {
        why.push_str(
            " Reachability Analyzer looks at your configuration without sending packets: the next three commands \
             create a path, analyse it and print what stops packets. AWS charges 0.10 USD for an analysis. Where flow \
             logs go to CloudWatch, the last command prints what was sent to us within the last hour.",
        );
        permissions = vec![
            "ec2:CreateNetworkInsightsPath",
            "ec2:StartNetworkInsightsAnalysis",
            "ec2:DescribeNetworkInsightsPaths",
            "ec2:DescribeNetworkInsightsAnalyses",
            "ec2:DeleteNetworkInsightsPath",
            "ec2:DeleteNetworkInsightsAnalysis",
            "ec2:DescribeInstances",
            "tiros:CreateQuery",
            "tiros:GetQueryAnswer",
            "tiros:GetQueryExplanation",
            "ec2:DescribeFlowLogs",
            "logs:StartQuery",
            "logs:GetQueryResults",
        ];
    }
    Step {
        why,
        console_path: format!(
            "Network Manager > Reachability Analyzer (region {})",
            cli.region
        ),
        commands: connections(facts),
        verify: analysis.map_or(vec![], |id| investigations(facts, cli, id)),
        undo: analysis.map_or(vec![], |_| vec![forget_path(cli)]),
        permissions,
        docs_url: "https://docs.aws.amazon.com/vpc/latest/reachability/getting-started-cli.html",
        optional: true,
        ..Step::new(
            "PROVE",
            Actor::Customer,
            status,
            "Prove that you reach the datastores",
        )
    }
}

fn investigations(facts: &Facts, cli: &Cli<'_>, id: &str) -> Vec<Command> {
    let port = facts.ports.first().map_or(0, |port| *port);
    let target = [
        "--destination".into(),
        Word::from(id),
        "--destination-ip".into(),
        Word::Variable(ADDRESS),
        "--protocol".into(),
        "tcp".into(),
        "--destination-port".into(),
        port.to_string().into(),
    ];
    let found = [
        "--query".into(),
        "NetworkInsightsAnalyses[].[Status, NetworkPathFound, Explanations[].ExplanationCode]"
            .into(),
        "--output".into(),
        "json".into(),
    ];
    vec![
        cli.of("create-network-insights-path --source", SOURCE, target),
        cli.of(
            "start-network-insights-analysis --network-insights-path-id",
            PATH,
            [],
        ),
        cli.of(
            "describe-network-insights-analyses --network-insights-path-id",
            PATH,
            found,
        ),
        flows(cli),
    ]
}

/// What was sent to the vendor within the last hour.
fn flows(cli: &Cli<'_>) -> Command {
    let query = format!(
        "fields @timestamp, srcAddr, dstAddr, dstPort, action | filter isIpv4InSubnet(dstAddr, \"{}\") | sort \
         @timestamp desc | limit 20",
        cli.vendor
    );
    let start = cli.aws(
        "logs start-query --log-group-name",
        [
            Word::Variable(FLOW_LOGS),
            "--start-time".into(),
            Word::Variable("start"),
            "--end-time".into(),
            Word::Variable("end"),
            "--query-string".into(),
            query.into(),
            "--query".into(),
            "queryId".into(),
            "--output".into(),
            "text".into(),
        ],
    );
    let result = cli.aws(
        "logs get-query-results --query-id",
        [Word::Variable("query")],
    );
    Command::script(Script(format!(
        "end=$(date +%s)\nstart=$((end - 3600))\nquery=$({}) && sleep 10 && {}",
        start.shell, result.shell
    )))
}

/// What the commands of these steps need to know.
pub(super) fn variables(steps: &[Step], facts: &Facts, cli: &Cli<'_>) -> Vec<Variable> {
    let vpc = cli.vpc;
    let in_vpc = |what: &str| format!("{what} --filters Name=vpc-id,Values={vpc}");
    let endpoint = facts.endpoints.first().map_or("", String::as_str);
    let instances = "Reservations[].Instances[].[InstanceId, PrivateIpAddress, Tags[?Key==`\"Name\"`] | [0].Value]";
    let paths = "NetworkInsightsPaths[].[NetworkInsightsPathId, Source, Destination]";
    let all = [
        Variable {
            name: ROUTE_TABLE,
            description: format!(
                "A route table of {vpc}; the command prints those that subnets use"
            ),
            find: cli.list_routes(),
        },
        Variable {
            name: SECURITY_GROUP,
            description: "A security group of the machines that connect to us".into(),
            find: cli.show(
                &in_vpc("describe-security-groups"),
                "SecurityGroups[].[GroupId, GroupName]",
            ),
        },
        Variable {
            name: SOURCE,
            description: format!("A machine in {vpc} that is to connect"),
            find: cli.show(&in_vpc("describe-instances"), instances),
        },
        Variable {
            name: ADDRESS,
            description: format!("The private address behind {endpoint}, in {}", cli.vendor),
            find: Command::new(["dig".into(), "+short".into(), endpoint.into()]),
        },
        Variable {
            name: PATH,
            description: "The path that the first command of the check creates".into(),
            find: cli.show("describe-network-insights-paths", paths),
        },
        Variable {
            name: FLOW_LOGS,
            description: format!("The log group that the flow logs of {vpc} go to"),
            find: cli.show(
                "describe-flow-logs --filter Name=log-destination-type,Values=cloud-watch-logs",
                "FlowLogs[].[ResourceId, LogGroupName]",
            ),
        },
    ];
    let is_needed = |one: &Variable| {
        let name = format!("\"${}\"", one.name);
        let of = |step: &Step| [&step.commands, &step.verify, &step.undo].map(Clone::clone);
        let mut commands = steps.iter().flat_map(of).flatten();
        commands.any(|command| command.shell.contains(&name))
    };
    all.into_iter().filter(is_needed).collect()
}

/// A new attempt, which only Peerway can begin.
pub(super) fn renew(facts: &Facts) -> Step {
    let message = sentence(&facts.message);
    let cause = match facts.state {
        State::Rejected => "Talk to whoever rejected the request, then begin anew.",
        State::Expired => "Nobody accepted the request in time; AWS keeps one for 7 days.",
        State::Failed => "Put right what is wrong, then begin anew.",
        _ => {
            "The peering ended from outside, without a call to Peerway. Begin anew if it is still wanted."
        }
    };
    Step {
        why: format!(
            "{message}{cause} Call RenewPeering of Peerway's PeeringService with the peering's id. It sends a new \
             request with a new id, which you accept; routes that lead to the old id are replaced in a later step."
        ),
        ..Step::new(
            "RENEW",
            Actor::Customer,
            Status::Todo,
            "Begin a new attempt",
        )
    }
}

/// What is left in the customer's account.
pub(super) fn clean_up(facts: &Facts, cli: &Cli<'_>) -> Step {
    let ids = [
        &facts.provider_peering_id,
        &facts.former_provider_peering_id,
    ];
    let ids: Vec<_> = ids.iter().filter_map(|id| id.as_deref()).collect();
    let status = match facts.is_going() {
        _ if ids.is_empty() => Status::Done,
        true if facts.was_active => Status::Todo,
        _ => Status::Unknown,
    };
    let mut step = Step {
        console_path: format!("VPC > Route tables > Routes (region {})", cli.region),
        permissions: vec![
            "ec2:DescribeRouteTables",
            "ec2:DeleteRoute",
            "ec2:DescribeSecurityGroups",
            "ec2:RevokeSecurityGroupEgress",
        ],
        docs_url: "https://docs.aws.amazon.com/vpc/latest/peering/delete-vpc-peering-connection.html",
        optional: !facts.is_going(),
        ..Step::new(
            "CLEAN_UP",
            Actor::Customer,
            status,
            "Delete routes that lead nowhere",
        )
    };
    if ids.is_empty() {
        step.why = "There never was a peering in AWS, so nothing of yours leads to it.".into();
        return step;
    }
    step.why = why_clean_up(facts, &ids);
    step.commands = vec![cli.delete_routes(&ids), cli.egress("revoke", &facts.ports)];
    step.verify.push(cli.list_routes_to(&ids));
    step
}

fn why_clean_up(facts: &Facts, ids: &[&str]) -> String {
    let when = match facts.is_going() {
        true => "We can't delete what is yours.",
        false => "Only if you don't begin anew.",
    };
    format!(
        "{when} Routes to a peering that has ended stay in your tables as blackholes: they swallow packets, and count \
         against the tables' limits. The first command deletes every route of your VPC that leads to {}, and no other. \
         The second takes the egress rule out of a security group; if you made none, it finds none. The check prints \
         your tables, each with the routes that are left.",
        list(ids, "")
    )
}

/// EC2 keeps a path as long as it has an analysis.
fn forget_path(cli: &Cli<'_>) -> Command {
    let region = shell(cli.region);
    Command::script(Script(format!(
        "for analysis in $(aws ec2 describe-network-insights-analyses --network-insights-path-id \"${PATH}\" --query \
         'NetworkInsightsAnalyses[].NetworkInsightsAnalysisId' --output text --region {region}); do\n  \
         aws ec2 delete-network-insights-analysis --network-insights-analysis-id \"$analysis\" --region {region}\n\
         done\naws ec2 delete-network-insights-path --network-insights-path-id \"${PATH}\" --region {region}"
    )))
}
