//! Tests of diagnoses: one table of what was found and what it means.

use super::super::options::Options;
use super::super::peering::ConditionStatus;
use super::super::sighting::CloudState;
use super::super::state::State;
use super::*;
use crate::domain::walk::{admitted, admitted_half, sighting};

const ID: &str = "pcx-1";

fn peering(is_gcp: bool) -> Peering {
    let mut peering = match is_gcp {
        true => admitted_half(State::Active, 0),
        false => admitted(State::Active),
    };
    peering.provider_peering_id = Some(ID.to_owned());
    peering
}

/// Everything as it should be.
fn healthy(peering: &Peering) -> Evidence {
    let mut seen = sighting(peering, ID, CloudState::Active);
    seen.peer_cidrs = peering.peer.cidrs().to_vec();
    seen.options = Some(peering.options);
    let route = |&cidr: &Cidr| SeenRoute {
        cidr,
        provider_peering_id: ID.to_owned(),
        state: RouteState::Active,
    };
    Evidence {
        look: Ok(Some(seen)),
        routes: Ok(peering.peer.cidrs().iter().map(route).collect()),
        network: Ok(NetworkFacts {
            display_name: "main".to_owned(),
            firewall: (ConditionStatus::True, String::new(), String::new()),
            allow_list_version: 1,
            allowed: vec!["10.0.0.0/8".parse().unwrap()],
            ports: vec![6379],
            endpoints: Vec::new(),
        }),
        limits: Ok(vec![usage(1, 50)]),
        commands: Ok(BTreeMap::from([(
            "ADD_ROUTES".to_owned(),
            vec!["look".to_owned()],
        )])),
    }
}

fn usage(used: u32, limit: u32) -> Usage {
    Usage {
        name: "peerings_per_network".to_owned(),
        used: Some(used),
        limit,
    }
}

fn ranges(text: &str) -> Vec<Cidr> {
    vec![text.parse().unwrap()]
}

fn shown(evidence: &mut Evidence) -> &mut Sighting {
    evidence.look.as_mut().unwrap().as_mut().unwrap()
}

fn network(evidence: &mut Evidence) -> &mut NetworkFacts {
    evidence.network.as_mut().unwrap()
}

fn found(peering: &Peering, evidence: &Evidence, code: &str) -> (Verdict, String) {
    let checks = diagnose(peering, evidence);
    let check = checks.into_iter().find(|check| check.code == code).unwrap();
    assert!(!check.evidence.is_empty(), "{check:?}");
    (check.verdict, check.reason)
}

#[test]
fn what_is_healthy_passes_in_order() {
    for is_gcp in [false, true] {
        let peering = peering(is_gcp);
        let checks = diagnose(&peering, &healthy(&peering));
        let (own, customer) = checks.split_at(8);
        assert!(
            own.iter().all(|one| one.verdict == Verdict::Pass),
            "{own:#?}"
        );
        let codes: Vec<_> = customer.iter().map(|one| one.code).collect();
        assert_eq!(
            codes,
            [
                "CUSTOMER_ROUTES",
                "CUSTOMER_FIREWALL",
                "CUSTOMER_NETWORK_ACL"
            ]
        );
        assert_eq!(customer[0].verdict, Verdict::Unknown);
    }
}

#[test]
fn each_fault_has_its_check_and_its_reason() {
    use Verdict::{Fail, Unknown};
    type Break = fn(&mut Evidence);
    #[rustfmt::skip]
    let rows: &[(&str, Verdict, &str, Break)] = &[
        ("CLOUD_STATE", Fail, "LOST_OUT_OF_BAND", |e| e.look = Ok(None)),
        ("CLOUD_STATE", Fail, "DELETED_BY_PEER", |e| shown(e).state = CloudState::Deleted),
        ("CLOUD_STATE", Fail, "DELETED_BY_PEER", |e| shown(e).state = CloudState::Inactive),
        ("CLOUD_STATE", Unknown, "CLOUD_ERROR", |e| shown(e).state = CloudState::Unrecognized),
        ("CLOUD_STATE", Unknown, "CLOUD_ERROR", |e| shown(e).vendor_vpc = "vpc-other".to_owned()),
        ("VENDOR_ROUTES", Fail, "ROUTE_MISSING_VENDOR", |e| e.routes = Ok(Vec::new())),
        ("VENDOR_ROUTES", Fail, "ROUTE_MISSING_VENDOR", |e| e.routes.as_mut().unwrap()[0].provider_peering_id = "pcx-2".to_owned()),
        ("VENDOR_ROUTES", Fail, "ROUTE_BLACKHOLE", |e| e.routes.as_mut().unwrap()[0].state = RouteState::Blackhole),
        ("VENDOR_FIREWALL", Fail, "DRIFT_FIGHT", |e| network(e).firewall = (ConditionStatus::False, "DRIFT_FIGHT".to_owned(), "So.".to_owned())),
        ("VENDOR_FIREWALL", Unknown, "NOT_OBSERVED", |e| network(e).firewall = (ConditionStatus::Unknown, "NOT_OBSERVED".to_owned(), "So.".to_owned())),
        ("ALLOW_LIST", Fail, "ALLOW_LIST_MISSING", |e| network(e).allowed.clear()),
        ("PEER_CIDRS_COMPLETE", Fail, "PEER_CIDRS_INCOMPLETE", |e| shown(e).peer_cidrs = ranges("10.9.0.0/16")),
        ("PEER_CIDRS_COMPLETE", Fail, "CIDR_OVERLAP_PEER", |e| shown(e).peer_cidrs = ranges("10.20.9.0/24")),
        ("PEER_CIDRS_COMPLETE", Unknown, "NOT_SHOWN", |e| shown(e).peer_cidrs.clear()),
        ("DATASTORE_PORTS", Fail, "NO_DATASTORE", |e| network(e).ports.clear()),
        ("DNS_OPTION", Fail, "OPTIONS_DIFFER", |e| shown(e).options = Some(Options { resolve_dns: true, ..Options::default() })),
        ("DNS_OPTION", Unknown, "NOT_SHOWN", |e| shown(e).options = None),
        ("QUOTA", Fail, "CLOUD_LIMIT", |e| e.limits = Ok(vec![usage(50, 50)])),
        ("QUOTA", Unknown, "NOT_SHOWN", |e| e.limits = Ok(Vec::new())),
    ];
    let peering = peering(false);
    for (code, verdict, reason, break_it) in rows {
        let mut evidence = healthy(&peering);
        break_it(&mut evidence);
        let found = found(&peering, &evidence, code);
        assert_eq!(found, (*verdict, (*reason).to_owned()), "{code} {reason}");
    }
}

#[test]
fn what_could_not_be_asked_is_unknown() {
    let peering = peering(false);
    let mut evidence = healthy(&peering);
    let away = Away {
        reason: "CLOUD_THROTTLED".to_owned(),
        message: "Later.".to_owned(),
    };
    evidence.look = Err(away.clone());
    evidence.routes = Err(away.clone());
    evidence.network = Err(away.clone());
    evidence.limits = Err(away.clone());
    evidence.commands = Err(away.clone());
    for check in diagnose(&peering, &evidence) {
        assert_eq!(check.verdict, Verdict::Unknown, "{check:?}");
        assert!(!check.advice.is_empty());
    }
}

#[test]
fn an_option_that_is_wanted_and_missing_keeps_names_public() {
    let mut peering = peering(false);
    let evidence = healthy(&peering);
    peering.options.resolve_dns = true;
    let found = found(&peering, &evidence, "DNS_OPTION");
    assert_eq!(
        found,
        (Verdict::Fail, "DNS_PRIVATE_RESOLUTION_OFF".to_owned())
    );
}

#[test]
fn a_network_that_tells_no_ranges_is_judged_by_those_that_gcp_shows() {
    let mut peering = peering(true);
    let evidence = healthy(&peering);
    if let crate::domain::Peer::Gcp { cidrs, .. } = &mut peering.peer {
        cidrs.clear();
    }
    assert_eq!(found(&peering, &evidence, "ALLOW_LIST").0, Verdict::Pass);
    assert_eq!(
        found(&peering, &evidence, "PEER_CIDRS_COMPLETE").0,
        Verdict::Pass
    );
    let mut silent = evidence;
    shown(&mut silent).peer_cidrs.clear();
    let found = found(&peering, &silent, "ALLOW_LIST");
    assert_eq!(found, (Verdict::Unknown, "NO_RANGES".to_owned()));
}

#[test]
fn little_left_of_a_limit_is_said_and_no_fault() {
    let peering = peering(false);
    let mut evidence = healthy(&peering);
    evidence.limits = Ok(vec![usage(40, 50)]);
    let checks = diagnose(&peering, &evidence);
    let quota = checks.iter().find(|check| check.code == "QUOTA").unwrap();
    assert_eq!(quota.verdict, Verdict::Pass);
    assert!(quota.advice.contains("40 of 50"), "{quota:?}");
}
