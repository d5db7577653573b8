//! The customer's `aws`: every command names the region it works in.

use crate::provider::steps::{Command, Facts, Script, Word, shell};

pub(super) const ROUTE_TABLE: &str = "ROUTE_TABLE_ID";
pub(super) const SECURITY_GROUP: &str = "SECURITY_GROUP_ID";

/// Tables that subnets use: those associated with one, and the main one, which serves all others.
const USED: &str = "[?Associations[?Main || SubnetId]]";

/// What commands about one peering have in common.
pub(super) struct Cli<'a> {
    /// The customer's region.
    pub(super) region: &'a str,
    /// The customer's VPC.
    pub(super) vpc: &'a str,
    /// The range of the vendor's network, as a destination.
    pub(super) vendor: String,
    /// Where EC2 answers, if not where it really does.
    pub(super) endpoint: Option<&'a str>,
}

impl<'a> Cli<'a> {
    pub(super) fn new(facts: &'a Facts, endpoint: Option<&'a str>) -> Self {
        Self {
            region: &facts.peer.region,
            vpc: &facts.peer.vpc_id,
            vendor: facts.vendor_cidr.to_string(),
            endpoint,
        }
    }

    /// Whether commands reach the real cloud, in which there is more than VPCs.
    pub(super) fn is_real(&self) -> bool {
        self.endpoint.is_none()
    }

    /// `aws` with these words, each of which a space ends, and further ones that spaces may stand in.
    pub(super) fn aws(&self, words: &str, more: impl IntoIterator<Item = Word>) -> Command {
        let words = words.split(' ').map(Word::from);
        let region = ["--region".into(), Word::from(self.region)];
        let endpoint = self.endpoint.iter();
        let endpoint = endpoint.flat_map(|url| ["--endpoint-url".into(), Word::from(*url)]);
        Command::new(
            [Word::from("aws")]
                .into_iter()
                .chain(words)
                .chain(more)
                .chain(region)
                .chain(endpoint),
        )
    }

    /// `aws ec2` with these words.
    pub(super) fn ec2(&self, words: &str) -> Command {
        self.aws(&format!("ec2 {words}"), [])
    }

    /// `aws ec2` that prints a part of the answer, a line for each item.
    pub(super) fn show(&self, words: &str, query: impl Into<String>) -> Command {
        self.printed(words, query, "text")
    }

    /// `aws ec2` that prints a part of the answer whose shape matters.
    pub(super) fn show_json(&self, words: &str, query: impl Into<String>) -> Command {
        self.printed(words, query, "json")
    }

    fn printed(&self, words: &str, query: impl Into<String>, form: &str) -> Command {
        let query = ["--query".into(), Word::Plain(query.into())];
        let form = ["--output".into(), form.into()];
        self.aws(&format!("ec2 {words}"), query.into_iter().chain(form))
    }

    /// `aws ec2` with a variable behind a flag, and further words.
    pub(super) fn of(
        &self,
        words: &str,
        variable: &'static str,
        more: impl IntoIterator<Item = Word>,
    ) -> Command {
        let more = [Word::Variable(variable)].into_iter().chain(more);
        self.aws(&format!("ec2 {words}"), more)
    }

    /// A line for each table that subnets use: its id, where the vendor's range leads, and the route's state.
    pub(super) fn list_routes(&self) -> Command {
        let route = format!("Routes[?DestinationCidrBlock==`\"{}\"`] | [0]", self.vendor);
        let query = format!(
            "RouteTables{USED}.[RouteTableId, {route}.VpcPeeringConnectionId, {route}.State]"
        );
        self.show(&self.describe_tables(), query)
    }

    /// A line for each table of the VPC: its id, and every destination that leads to one of the peerings.
    pub(super) fn list_routes_to(&self, peerings: &[&str]) -> Command {
        let leads = |id: &&str| format!("VpcPeeringConnectionId==`\"{id}\"`");
        let leads: Vec<_> = peerings.iter().map(leads).collect();
        let query = format!(
            "RouteTables[].[RouteTableId, join(`\" \"`, Routes[?{}].DestinationCidrBlock)]",
            leads.join(" || ")
        );
        self.show(&self.describe_tables(), query)
    }

    fn describe_tables(&self) -> String {
        format!(
            "describe-route-tables --filters Name=vpc-id,Values={}",
            self.vpc
        )
    }

    /// One command on the route to the vendor in a table.
    pub(super) fn route(&self, verb: &str, table: &'static str, peering: &str) -> Command {
        let more = [
            "--destination-cidr-block".into(),
            Word::from(&*self.vendor),
            "--vpc-peering-connection-id".into(),
            peering.into(),
        ];
        self.of(&format!("{verb} --route-table-id"), table, more)
    }

    /// A route in every table that subnets use; fails when a table is left without.
    pub(super) fn add_routes(&self, peering: &str, former: Option<&str>) -> Command {
        let former = former.map(|id| format!(" | {}' '*", shell(id)));
        Command::script(Script(format!(
            r#"(
  failed=0
  tables=$({list}) || exit
  [ -n "$tables" ] || {{ echo 'no route table found' >&2; exit 1; }}
  while read -r table target state; do
    case "$target $state" in
      {peering}' '*) ;;
      'None None') {create} >/dev/null || failed=1 ;;
      *' blackhole'{former}) {replace} >/dev/null || failed=1 ;;
      *) echo "$table: the range leads elsewhere already" >&2; failed=1 ;;
    esac
  done <<TABLES
$tables
TABLES
  exit $failed
)"#,
            list = self.list_routes().shell,
            peering = shell(peering),
            create = self.route("create-route", "table", peering).shell,
            former = former.unwrap_or_default(),
            replace = self.route("replace-route", "table", peering).shell,
        )))
    }

    /// Every route of the VPC that leads to one of the peerings away; fails when one stays.
    pub(super) fn delete_routes(&self, peerings: &[&str]) -> Command {
        let more = [
            "--destination-cidr-block".into(),
            Word::Variable("destination"),
        ];
        let delete = self.of("delete-route --route-table-id", "table", more);
        Command::script(Script(format!(
            r#"(
  failed=0
  tables=$({list}) || exit
  routes=$(printf '%s\n' "$tables" | awk '{{ for (i = 2; i <= NF; i++) print $1, $i }}')
  while read -r table destination; do
    [ -z "$table" ] || {delete} || failed=1
  done <<ROUTES
$routes
ROUTES
  exit $failed
)"#,
            list = self.list_routes_to(peerings).shell,
            delete = delete.shell,
        )))
    }

    /// Egress to the vendor on these ports, or on all while none is known: `verb` is `authorize` or `revoke`.
    pub(super) fn egress(&self, verb: &str, ports: &[u16]) -> Command {
        let ranges: Vec<_> = match ports {
            [] => vec![(0, 65535)],
            ports => ports.iter().map(|port| (*port, *port)).collect(),
        };
        let rule = |(from, to): (u16, u16)| {
            let cidr = &self.vendor;
            Word::from(format!(
                "IpProtocol=tcp,FromPort={from},ToPort={to},IpRanges=[{{CidrIp={cidr}}}]"
            ))
        };
        let rules = ranges.into_iter().map(rule);
        let more = [Word::from("--ip-permissions")].into_iter().chain(rules);
        let words = format!("{verb}-security-group-egress --group-id");
        self.of(&words, SECURITY_GROUP, more)
    }
}
