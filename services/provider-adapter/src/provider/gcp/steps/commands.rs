//! The customer's `gcloud`: every command names the project it works in.

use std::fmt::Write as _;

use crate::provider::gcp::names;
use crate::provider::steps::{Command, Facts, Word};

/// How many bytes of a digest tell one pair of networks from another within a customer's project.
const NAME_BYTES: usize = 4;

/// What commands about one peering have in common.
pub(super) struct Cli<'a> {
    /// The customer's project.
    pub(super) project: &'a str,
    /// The customer's network.
    pub(super) network: &'a str,
    /// The name of the customer's half: the same in every attempt, as a network takes one half towards another.
    pub(super) half: String,
    /// The name of the customer's firewall rule.
    pub(super) rule: String,
    /// Where Compute Engine answers, if not where it really does.
    pub(super) compute: Option<String>,
}

impl<'a> Cli<'a> {
    pub(super) fn new(facts: &'a Facts, endpoint: Option<&str>) -> Self {
        let vendor = facts.vendor_vpc_id.as_deref().unwrap_or_default();
        let pair = [
            "half",
            &facts.vendor_account_id,
            vendor,
            &facts.peer.account_id,
            &facts.peer.vpc_id,
        ];
        let half = format!("peerway-{}", names::digest(&pair, NAME_BYTES));
        Self {
            project: &facts.peer.account_id,
            network: &facts.peer.vpc_id,
            rule: format!("{half}-egress"),
            half,
            compute: endpoint.map(|url| format!("{}/compute/v1/", url.trim_end_matches('/'))),
        }
    }

    /// Whether commands reach the real cloud, in which there is more than Compute Engine.
    pub(super) fn is_real(&self) -> bool {
        self.compute.is_none()
    }

    /// `gcloud` with these words, each of which a space ends.
    pub(super) fn run(&self, words: &str) -> Command {
        self.with(words, [])
    }

    /// `gcloud` with these words, and further ones that spaces may stand in.
    pub(super) fn with(&self, words: &str, more: impl IntoIterator<Item = Word>) -> Command {
        let environment = self.compute.iter().flat_map(|url| {
            let override_ = format!("CLOUDSDK_API_ENDPOINT_OVERRIDES_COMPUTE={url}");
            ["env".into(), Word::from(override_)]
        });
        let words = words.split(' ').map(Word::from);
        let project = ["--project".into(), self.project.into()];
        Command::new(
            environment
                .chain(["gcloud".into()])
                .chain(words)
                .chain(more)
                .chain(project),
        )
    }

    /// The customer's halves and their states, whatever their names.
    pub(super) fn list_halves(&self) -> Command {
        let network = self.network;
        self.run(&format!(
            "compute networks peerings list --network {network}"
        ))
    }

    /// The customer's half away.
    pub(super) fn delete_half(&self) -> Command {
        let (half, network) = (&self.half, self.network);
        self.run(&format!(
            "compute networks peerings delete {half} --network {network} --quiet"
        ))
    }

    /// The customer's firewall rule away.
    pub(super) fn delete_rule(&self) -> Command {
        let rule = &self.rule;
        self.run(&format!("compute firewall-rules delete {rule} --quiet"))
    }

    /// The ranges of the customer's network.
    pub(super) fn list_subnets(&self) -> Command {
        let network = self.network;
        let table = "--format=table(name,region,ipCidrRange,secondaryIpRanges[].ipCidrRange)";
        self.run(&format!(
            "compute networks subnets list --network {network} {table}"
        ))
    }
}

/// Which protocol and ports a firewall has to let out, as `gcloud` writes it.
pub(super) fn rules(ports: &[u16]) -> String {
    let mut rules = String::new();
    for port in ports {
        let comma = if rules.is_empty() { "" } else { "," };
        let _ = write!(rules, "{comma}tcp:{port}");
    }
    match rules.is_empty() {
        true => "tcp".into(),
        false => rules,
    }
}

/// Ports in a sentence: `port 6379`, or `other` when none is known.
pub(super) fn ports(ports: &[u16], other: &str) -> String {
    match ports {
        [] => other.into(),
        [one] => format!("port {one}"),
        several => format!("ports {}", list(several, "")),
    }
}

/// Things in a sentence: `6379 and 6380`, or `other` when there are none.
pub(super) fn list(items: &[impl ToString], other: &str) -> String {
    let items: Vec<_> = items.iter().map(ToString::to_string).collect();
    match items.as_slice() {
        [] => other.into(),
        [one] => one.clone(),
        [most @ .., last] => format!("{} and {last}", most.join(", ")),
    }
}
