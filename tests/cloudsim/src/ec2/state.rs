//! What EC2 remembers. Plain data; the rules stand in the modules of the actions.

use std::collections::BTreeMap;

use ipnet::{IpNet, Ipv4Net};
use serde::{Deserialize, Serialize};

use crate::cloud::Caller;
use crate::ec2::id::Kind;
use crate::ec2::peering::Peering;

/// All objects of all accounts and regions, by id.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct State {
    pub vpcs: BTreeMap<String, Vpc>,
    pub subnets: BTreeMap<String, Subnet>,
    pub route_tables: BTreeMap<String, RouteTable>,
    pub security_groups: BTreeMap<String, SecurityGroup>,
    pub security_group_rules: BTreeMap<String, Rule>,
    pub network_acls: BTreeMap<String, NetworkAcl>,
    pub peerings: BTreeMap<String, Peering>,
    /// By id, then by `account/region`, since each side of a peering has its own.
    pub tags: BTreeMap<String, BTreeMap<String, Tags>>,
    /// What ids are drawn from.
    pub seed: u64,
}

pub type Tags = BTreeMap<String, String>;

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Vpc {
    pub id: String,
    pub owner: Caller,
    /// The first one is the primary.
    pub cidrs: Vec<VpcCidr>,
    pub tenancy: String,
    pub dns_support: bool,
    pub dns_hostnames: bool,
    pub created_ms: i64,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct VpcCidr {
    pub association_id: String,
    pub cidr: Ipv4Net,
}

impl Vpc {
    pub fn cidr(&self) -> Ipv4Net {
        self.cidrs[0].cidr
    }

    pub(crate) fn overlaps(&self, other: &Vpc) -> bool {
        let hits = |cidr: &Ipv4Net| other.cidrs.iter().any(|theirs| overlap(cidr, &theirs.cidr));
        self.cidrs.iter().any(|ours| hits(&ours.cidr))
    }
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Subnet {
    pub id: String,
    pub owner: Caller,
    pub vpc_id: String,
    pub cidr: Ipv4Net,
    pub zone: String,
    pub zone_id: String,
    pub created_ms: i64,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RouteTable {
    pub id: String,
    pub owner: Caller,
    pub vpc_id: String,
    pub routes: Vec<Route>,
    pub associations: Vec<Association>,
    pub created_ms: i64,
}

impl RouteTable {
    pub(crate) fn is_main(&self) -> bool {
        self.associations
            .iter()
            .any(|association| association.subnet_id.is_none())
    }
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Route {
    pub destination: IpNet,
    pub target: Target,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Target {
    Local,
    Peering(String),
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Association {
    pub id: String,
    /// `None` makes the table the main one.
    pub subnet_id: Option<String>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SecurityGroup {
    pub id: String,
    pub owner: Caller,
    pub vpc_id: String,
    pub name: String,
    pub description: String,
    pub created_ms: i64,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Rule {
    pub id: String,
    pub owner: Caller,
    pub group_id: String,
    pub egress: bool,
    pub permission: Permission,
    pub description: Option<String>,
    pub created_ms: i64,
}

/// What makes a rule the same as another: everything but its description.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Permission {
    pub protocol: String,
    pub ports: Option<(i64, i64)>,
    pub source: Source,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Source {
    Cidr(IpNet),
    Group {
        account: String,
        group_id: String,
        vpc_id: String,
        peering_id: Option<String>,
    },
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct NetworkAcl {
    pub id: String,
    pub owner: Caller,
    pub vpc_id: String,
    pub created_ms: i64,
}

pub(crate) fn overlap(a: &Ipv4Net, b: &Ipv4Net) -> bool {
    a.contains(b) || b.contains(a)
}

impl State {
    /// A new id, drawn from the seed: no two are alike, and their order says nothing.
    pub(crate) fn new_id(&mut self, kind: Kind) -> String {
        self.seed = self.seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut x = self.seed;
        x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        format!("{}-0{:016x}", kind.prefix(), x ^ (x >> 31))
    }

    pub(crate) fn tags_of(&self, side: &Caller, id: &str) -> Option<&Tags> {
        self.tags.get(id)?.get(&side_key(side))
    }

    pub(crate) fn tags_mut(&mut self, side: &Caller, id: &str) -> &mut Tags {
        self.tags
            .entry(id.to_owned())
            .or_default()
            .entry(side_key(side))
            .or_default()
    }

    /// Forgets an object with everything that cannot be without it. False when there is none.
    pub(crate) fn forget(&mut self, id: &str) -> bool {
        let known = match Kind::of(id) {
            Some(Kind::Vpc) => self.forget_vpc(id),
            Some(Kind::Subnet) => {
                for table in self.route_tables.values_mut() {
                    table
                        .associations
                        .retain(|association| association.subnet_id.as_deref() != Some(id));
                }
                self.subnets.remove(id).is_some()
            }
            Some(Kind::RouteTable) => self.route_tables.remove(id).is_some(),
            Some(Kind::SecurityGroup) => {
                let rules = self
                    .security_group_rules
                    .values()
                    .filter(|rule| rule.group_id == id);
                let rules: Vec<String> = rules.map(|rule| rule.id.clone()).collect();
                rules.iter().for_each(|rule| self.forget_rule(rule));
                self.security_groups.remove(id).is_some()
            }
            Some(Kind::SecurityGroupRule) => self.security_group_rules.remove(id).is_some(),
            Some(Kind::NetworkAcl) => self.network_acls.remove(id).is_some(),
            Some(Kind::Peering) => self.peerings.remove(id).is_some(),
            _ => false,
        };
        self.forget_tags(id);
        known
    }

    fn forget_vpc(&mut self, id: &str) -> bool {
        let subnets = self
            .subnets
            .values()
            .filter(|x| x.vpc_id == id)
            .map(|x| x.id.clone());
        let tables = self
            .route_tables
            .values()
            .filter(|x| x.vpc_id == id)
            .map(|x| x.id.clone());
        let groups = self
            .security_groups
            .values()
            .filter(|x| x.vpc_id == id)
            .map(|x| x.id.clone());
        let acls = self
            .network_acls
            .values()
            .filter(|x| x.vpc_id == id)
            .map(|x| x.id.clone());
        let parts: Vec<String> = subnets.chain(tables).chain(groups).chain(acls).collect();
        parts.iter().for_each(|part| {
            self.forget(part);
        });
        self.vpcs.remove(id).is_some()
    }

    fn forget_rule(&mut self, id: &str) {
        self.security_group_rules.remove(id);
        self.forget_tags(id);
    }

    fn forget_tags(&mut self, id: &str) {
        self.tags.remove(id);
    }
}

fn side_key(side: &Caller) -> String {
    format!("{}/{}", side.account, side.region)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_well_formed_and_differ() {
        let mut state = State::default();
        let ids: std::collections::BTreeSet<_> =
            (0..1000).map(|_| state.new_id(Kind::Vpc)).collect();
        assert_eq!(ids.len(), 1000);
        assert!(ids.iter().all(|id| Kind::Vpc.check(id).is_ok()));
    }
}
