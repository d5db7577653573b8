//! Listing the networks of a deployment in a project, in as few calls as there are pages of them. With wiring come the
//! pages of all subnets and of all firewall rules.

use std::collections::HashMap;

use api::cloud::CloudError;
use google_cloud_compute_v1::model::firewall_list::warning::Code as FirewallCode;
use google_cloud_compute_v1::model::subnetwork_aggregated_list::warning::Code as AggregateCode;
use google_cloud_compute_v1::model::subnetworks_scoped_list::warning::Code as ScopeCode;
use google_cloud_compute_v1::model::{
    Firewall as Rule, FirewallList, Network, Subnetwork, SubnetworkAggregatedList,
};
use types::NetworkId;

use super::client::{Clients, Gce};
use super::error::Failure;
use super::firewall::admitted;
use super::listing::{self, Listed, NETWORKS, against, is_of_kind};
use super::names;
use super::vpc::Part;
use super::vpc_look::is_address;
use crate::provider::{Firewall, ObserveVpcs, Subnet, Vpc, VpcObservation};

const SUBNETS: &str = "subnetworks.aggregatedList";
const FIREWALLS: &str = "firewalls.list";

/// The deployment's networks by name, whole or not at all.
pub(super) async fn all(gce: &Gce, ask: &ObserveVpcs) -> Result<Vec<VpcObservation>, CloudError> {
    look(gce, ask).await.map_err(Failure::while_looking)
}

async fn look(gce: &Gce, ask: &ObserveVpcs) -> Result<Vec<VpcObservation>, Failure> {
    let networks = listing::all(gce, NETWORKS, listing::networks).await?;
    let mut found: HashMap<String, VpcObservation> = networks
        .iter()
        .filter_map(|network| ours(network, &ask.deployment))
        .collect();
    if ask.with_wiring && !found.is_empty() {
        let subnets = listing::all(gce, SUBNETS, subnets);
        let rules = listing::all(gce, FIREWALLS, rules);
        let (subnets, rules) = futures::try_join!(subnets, rules)?;
        for seen in found.values_mut() {
            seen.vpc.parts.push(Part::Network.code().to_owned());
        }
        for subnet in &subnets {
            lay_subnet(gce, &ask.deployment, &mut found, subnet)?;
        }
        for rule in &rules {
            let name = rule.name.as_deref().unwrap_or_default();
            if let Some(seen) = found.get_mut(name) {
                let description = names::description(&ask.deployment, &seen.network_id);
                seen.firewall = admitted(rule, gce.id(), name, &description);
            }
        }
    }
    let mut seen: Vec<_> = found.into_values().collect();
    seen.sort_by(|a, b| a.vpc.id.cmp(&b.vpc.id));
    Ok(seen)
}

/// A network of the deployment's by its name, if it is one.
fn ours(network: &Network, deployment: &str) -> Option<(String, VpcObservation)> {
    let name = network.name.as_deref()?;
    let id = marked(name, network.description.as_deref(), deployment)?;
    let vpc = Vpc {
        id: Some(name.to_owned()),
        ..Vpc::default()
    };
    let seen = VpcObservation {
        network_id: id,
        vpc,
        firewall: Firewall::closed(),
        drift: Vec::new(),
    };
    Some((name.to_owned(), seen))
}

/// The network whose an object of the deployment is, by its name and its description alike.
fn marked(name: &str, description: Option<&str>, deployment: &str) -> Option<NetworkId> {
    let id = names::described(description?, deployment)?;
    (name == names::of_network(deployment, &id)).then_some(id)
}

/// Lays a subnet that is ours to the network that it stands in.
fn lay_subnet(
    gce: &Gce,
    deployment: &str,
    found: &mut HashMap<String, VpcObservation>,
    subnet: &Subnetwork,
) -> Result<(), Failure> {
    let name = subnet.name.as_deref().unwrap_or_default();
    let ours = marked(name, subnet.description.as_deref(), deployment);
    let Some(seen) = found.get_mut(name).filter(|_| ours.is_some()) else {
        return Ok(());
    };
    let incomplete = || {
        gce.unusable(
            SUBNETS,
            "the answer shows a subnet without network or range",
        )
    };
    let network = subnet.network.as_deref().ok_or_else(incomplete)?;
    let cidr = subnet
        .ip_cidr_range
        .as_deref()
        .and_then(|range| range.parse().ok());
    let cidr = cidr.ok_or_else(incomplete)?;
    if is_address(network, gce.id(), name) {
        let part = Part::Subnet.code();
        if !seen.vpc.parts.iter().any(|one| one == part) {
            seen.vpc.parts.push(part.to_owned());
        }
        seen.vpc.subnets.push(Subnet {
            id: name.to_owned(),
            zone: String::new(),
            zone_id: String::new(),
            cidr,
        });
    }
    Ok(())
}

async fn subnets(gce: Gce, token: Option<String>) -> Result<Listed<Subnetwork>, Failure> {
    let send = |clients: &Clients| {
        let call = clients.subnetworks.aggregated_list().set_project(gce.id());
        let call = call.set_max_results(gce.project.page);
        call.set_or_clear_page_token(token.clone()).send()
    };
    let list = gce.call(SUBNETS, send).await?;
    listed_subnets(list).map_err(|why| gce.unusable(SUBNETS, why))
}

fn listed_subnets(list: SubnetworkAggregatedList) -> Result<Listed<Subnetwork>, &'static str> {
    if !is_list_of_subnets(&list) {
        return Err("the answer shows no list of subnets");
    }
    let warning = warning_of_subnets(&list);
    let scopes = list.items.into_values();
    let items: Vec<_> = scopes.flat_map(|scope| scope.subnetworks).collect();
    let is_subnet = |one: &Subnetwork| {
        is_of_kind(one.kind.as_deref(), "compute#subnetwork", true) && one.name.is_some()
    };
    if !items.iter().all(is_subnet) {
        return Err("the answer shows something that is no subnet");
    }
    Ok(Listed {
        items,
        warning,
        next: list.next_page_token,
    })
}

fn is_list_of_subnets(list: &SubnetworkAggregatedList) -> bool {
    let more = list.id.is_some() || list.self_link.is_some() || !list.items.is_empty();
    is_of_kind(
        list.kind.as_deref(),
        "compute#subnetworkAggregatedList",
        more,
    )
}

/// What the cloud says against a list, as a whole or of one region.
fn warning_of_subnets(list: &SubnetworkAggregatedList) -> Option<String> {
    let whole = list.warning.as_ref();
    let whole =
        whole.and_then(|warning| against(warning.code.as_ref().and_then(AggregateCode::name)));
    let mut scopes = list.items.iter().filter_map(|(scope, held)| {
        let warning = held.warning.as_ref()?;
        let code = against(warning.code.as_ref().and_then(ScopeCode::name))?;
        Some(format!("{scope}: {code}"))
    });
    let unreachable = list
        .unreachables
        .first()
        .map(|scope| format!("{scope} is unreachable"));
    whole.or_else(|| scopes.next()).or(unreachable)
}

async fn rules(gce: Gce, token: Option<String>) -> Result<Listed<Rule>, Failure> {
    let send = |clients: &Clients| {
        let call = clients.firewalls.list().set_project(gce.id());
        let call = call.set_max_results(gce.project.page);
        call.set_or_clear_page_token(token.clone()).send()
    };
    let list = gce.call(FIREWALLS, send).await?;
    listed_rules(list).map_err(|why| gce.unusable(FIREWALLS, why))
}

fn listed_rules(list: FirewallList) -> Result<Listed<Rule>, &'static str> {
    if !is_list_of_rules(&list) {
        return Err("the answer shows no list of firewall rules");
    }
    let is_rule = |one: &Rule| {
        let kind = is_of_kind(one.kind.as_deref(), "compute#firewall", true);
        kind && one.name.is_some() && one.network.is_some()
    };
    if !list.items.iter().all(is_rule) {
        return Err("the answer shows something that is no firewall rule");
    }
    let code = list
        .warning
        .as_ref()
        .map(|warning| warning.code.as_ref().and_then(FirewallCode::name));
    Ok(Listed {
        warning: code.and_then(against),
        items: list.items,
        next: list.next_page_token,
    })
}

fn is_list_of_rules(list: &FirewallList) -> bool {
    let more = list.id.is_some() || list.self_link.is_some() || !list.items.is_empty();
    is_of_kind(list.kind.as_deref(), "compute#firewallList", more)
}

#[cfg(test)]
mod tests {
    use super::*;
    use google_cloud_compute_v1::model::subnetworks_scoped_list::Warning;
    use google_cloud_compute_v1::model::{
        SubnetworksScopedList, firewall_list, subnetwork_aggregated_list,
    };

    #[test]
    fn name_and_description_together_make_a_network_ours() {
        let id = NetworkId::generate();
        let name = names::of_network("dev", &id);
        let words = names::description("dev", &id);
        assert_eq!(marked(&name, Some(&words), "dev"), Some(id));
        let other = names::description("dev", &NetworkId::generate());
        for (name, words, deployment) in [
            ("n", Some(&*words), "dev"),
            (&*name, None, "dev"),
            (&*name, Some(&*other), "dev"),
            (&*name, Some(&*words), "other"),
        ] {
            assert_eq!(marked(name, words, deployment), None);
        }
    }

    fn subnets(scope: SubnetworksScopedList) -> SubnetworkAggregatedList {
        SubnetworkAggregatedList::new().set_items([("regions/a", scope)])
    }

    #[test]
    fn a_region_that_was_not_reached_speaks_against_the_whole_list() {
        let with = |code: &str| {
            let warning = Warning::new().set_code(ScopeCode::from(code));
            let list = subnets(SubnetworksScopedList::new().set_warning(warning));
            listed_subnets(list).unwrap().warning
        };
        assert_eq!(with("NO_RESULTS_ON_PAGE"), None);
        assert_eq!(
            with("UNREACHABLE").as_deref(),
            Some("regions/a: UNREACHABLE")
        );
        let list = subnets(SubnetworksScopedList::new());
        assert_eq!(listed_subnets(list.clone()).unwrap().warning, None);
        let lost = list.clone().set_unreachables(["regions/b"]);
        assert!(listed_subnets(lost).unwrap().warning.is_some());
        let warning = subnetwork_aggregated_list::Warning::new();
        assert!(
            listed_subnets(list.set_warning(warning))
                .unwrap()
                .warning
                .is_some()
        );
        let warning = firewall_list::Warning::new().set_code("UNREACHABLE");
        let rules = FirewallList::new().set_id("x").set_warning(warning);
        assert!(listed_rules(rules).unwrap().warning.is_some());
    }

    #[test]
    fn what_is_no_list_or_holds_something_else_is_refused() {
        let holding = |subnet: Subnetwork| {
            let scope = SubnetworksScopedList::new().set_subnetworks([subnet]);
            listed_subnets(subnets(scope)).is_ok()
        };
        let named = Subnetwork::new().set_name("n");
        assert!(holding(named.clone()) && holding(named.clone().set_kind("compute#subnetwork")));
        assert!(!holding(Subnetwork::new()) && !holding(named.set_kind("compute#firewall")));
        let list = SubnetworkAggregatedList::new;
        assert!(listed_subnets(list().set_kind("compute#subnetworkAggregatedList")).is_ok());
        assert!(listed_subnets(list()).is_err());
        assert!(listed_subnets(list().set_kind("compute#firewallList").set_id("x")).is_err());

        let holding = |rule: Rule| listed_rules(FirewallList::new().set_items([rule])).is_ok();
        let named = Rule::new().set_name("n");
        assert!(holding(named.clone().set_network("x")));
        assert!(!holding(Rule::new().set_network("x")) && !holding(named.clone()));
        assert!(!holding(named.set_network("x").set_kind("compute#network")));
        let list = FirewallList::new;
        assert!(listed_rules(list().set_kind("compute#firewallList")).is_ok());
        assert!(listed_rules(list()).is_err());
        assert!(listed_rules(list().set_kind("compute#networkList").set_id("x")).is_err());
    }
}
