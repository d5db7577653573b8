//! Parts of a VPC that were lost are put back one by one: the caller drops them from what it knows and asks again.

use api::provider::v1::Vpc;
use cloudsim::ec2::state::State;

use crate::network::{CIDR, Network};
use crate::support::*;

impl Network {
    /// Has `part` put back from what is still `known`; answers what then stands, and the writes that it took.
    async fn repair(&self, known: &Vpc, part: &str, guarded: bool) -> (Vpc, Vec<String>) {
        self.suite.cloud.clear_calls();
        let look = vpc_request(self.id, CIDR, known, "");
        let look = self.suite.ensure_vpc(look).await.unwrap();
        assert_eq!((&*look.next_part, look.guarded), (part, guarded));
        assert_eq!(look.vpc.as_ref().unwrap().vpc_id, known.vpc_id);
        let make = vpc_request(self.id, CIDR, &look.vpc.unwrap(), part);
        let made = self.suite.ensure_vpc(make).await.unwrap();
        assert_eq!(made.next_part, "");
        let calls = self.suite.cloud.calls().into_iter().map(|call| call.action);
        let writes = calls.filter(|call| !call.starts_with("Describe") && !call.starts_with("Get"));
        (made.vpc.unwrap(), writes.collect())
    }

    /// What stands, told by what it is for instead of by ids.
    fn state(&self) -> Vec<String> {
        self.suite.cloud.state(|state| standing(state))
    }
}

fn standing(state: &State) -> Vec<String> {
    let vpcs = state
        .vpcs
        .values()
        .map(|one| format!("{} {}", one.id, one.dns_hostnames));
    let subnets = state.subnets.values();
    let subnets = subnets.map(|one| format!("{} {} {}", one.vpc_id, one.cidr, one.zone));
    let groups = state.security_groups.values();
    let groups = groups.map(|one| format!("{} {}", one.vpc_id, one.name));
    let mut all: Vec<_> = vpcs.chain(subnets).chain(groups).collect();
    all.push(format!("{} rules", state.security_group_rules.len()));
    all.sort();
    all
}

/// What is known without a part.
fn without(vpc: &Vpc, part: &str) -> Vpc {
    let mut known = vpc.clone();
    known.parts.retain(|one| one != part);
    known
}

#[tokio::test]
async fn a_lost_subnet_is_put_back_where_it_was() {
    let network = Network::start().await;
    let before = network.state();
    let lost = network.vpc.subnets[1].clone();
    let call = network.suite.vendor().delete_subnet();
    call.subnet_id(&lost.id).send().await.unwrap();
    let mut known = without(&network.vpc, "subnet-2");
    known.subnets.remove(1);
    let (vpc, writes) = network.repair(&known, "subnet-2", true).await;
    assert_eq!(writes, ["CreateSubnet"]);
    let new = vpc
        .subnets
        .iter()
        .find(|one| one.cidr == lost.cidr)
        .unwrap();
    assert_ne!(new.id, lost.id);
    assert_eq!((&new.zone, vpc.subnets.len()), (&lost.zone, 3));
    assert_eq!(vpc.parts, network.vpc.parts);
    assert_eq!(network.state(), before);
}

#[tokio::test]
async fn a_lost_security_group_is_put_back_under_its_name() {
    let network = Network::start().await;
    let before = network.state();
    let lost = network.vpc.security_group_id.clone();
    let call = network.suite.vendor().delete_security_group();
    call.group_id(&lost).send().await.unwrap();
    let mut known = without(&network.vpc, "security-group");
    known.security_group_id.clear();
    let (vpc, writes) = network.repair(&known, "security-group", true).await;
    assert_eq!(writes, ["CreateSecurityGroup"]);
    assert!(!vpc.security_group_id.is_empty() && vpc.security_group_id != lost);
    assert_eq!(vpc.subnets, network.vpc.subnets);
    assert_eq!(vpc.parts, network.vpc.parts);
    assert_eq!(network.state(), before);
}

#[tokio::test]
async fn dns_that_was_switched_off_is_switched_on() {
    let network = Network::start().await;
    let before = network.state();
    network.suite.cloud.state(|state| {
        let vpc = state.vpcs.get_mut(&network.vpc.vpc_id).unwrap();
        vpc.dns_hostnames = false;
    });
    let known = without(&network.vpc, "dns");
    let (vpc, writes) = network.repair(&known, "dns", false).await;
    assert_eq!(writes, ["ModifyVpcAttribute"]);
    assert_eq!(vpc, network.vpc);
    assert_eq!(network.state(), before);
}

#[tokio::test]
async fn a_default_group_that_was_opened_is_emptied() {
    let network = Network::start().await;
    let before = network.state();
    let default = network.default_group();
    let call = network.suite.vendor().authorize_security_group_ingress();
    let call = call
        .group_id(default)
        .ip_protocol("tcp")
        .from_port(22)
        .to_port(22);
    call.cidr_ip("10.0.0.0/8").send().await.unwrap();
    let known = without(&network.vpc, "default-group");
    let (vpc, writes) = network.repair(&known, "default-group", false).await;
    assert_eq!(writes, ["RevokeSecurityGroupIngress"]);
    assert_eq!(vpc, network.vpc);
    assert_eq!(network.state(), before);
}

#[tokio::test]
async fn a_part_that_was_given_up_and_stands_is_taken_back_as_it_is() {
    let network = Network::start().await;
    let mut known = network.vpc.clone();
    known.subnets.remove(0);
    known.security_group_id.clear();
    known
        .parts
        .retain(|part| part != "subnet-1" && part != "security-group");
    let look = vpc_request(network.id, CIDR, &known, "");
    let look = network.suite.ensure_vpc(look).await.unwrap();
    assert_eq!(look.next_part, "");
    let mut vpc = look.vpc.unwrap();
    vpc.subnets.sort_by(|a, b| a.cidr.cmp(&b.cidr));
    assert_eq!(vpc.parts, network.vpc.parts);
    assert_eq!(vpc.security_group_id, network.vpc.security_group_id);
    assert_eq!(vpc.subnets.len(), 3);
}
