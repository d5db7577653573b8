//! DiagnosePeering: who is asked, and what their silence means.

use std::collections::BTreeMap;

use api::cloud::{CloudError, CloudErrorKind};
use api::network::v1::condition::Status as Firewall;
use api::peering::v1::check::Result as Found;
use api::peering::v1::*;
use tonic::{Code, Status};

use crate::suite::{Kind, Suite, TENANT, fact, on_both_databases, reason};
use crate::told::{Listing, Told};

on_both_databases!(
    what_works_passes_and_the_customer_s_side_gets_commands,
    each_fault_is_found,
    who_does_not_answer_makes_no_fault,
    what_is_not_up_is_not_diagnosed,
);

async fn ask(suite: &Suite, id: &str) -> Result<BTreeMap<String, Check>, Status> {
    let request = DiagnosePeeringRequest {
        tenant_id: TENANT.to_owned(),
        peering_id: id.to_owned(),
    };
    let answer = suite.api.clone().diagnose_peering(request).await?;
    let checks = answer.into_inner().checks.into_iter();
    Ok(checks.map(|check| (check.code.clone(), check)).collect())
}

/// A peering that works as far as can be told.
async fn working(suite: &Suite) -> Peering {
    let active = suite.active().await;
    let network = active.network_id.as_str();
    for range in ["10.1.0.0/16", "100.64.0.0/16"] {
        suite.network.allow(network, range);
    }
    suite.network.add_datastore(network, 6379, "a.db.example");
    suite.network.set_firewall(network, Firewall::True, "");
    suite.cloud.change(&active.id, |object| {
        object.peer_cidrs = vec!["10.1.0.0/16".to_owned()];
    });
    active
}

async fn what_works_passes_and_the_customer_s_side_gets_commands(kind: Kind) {
    let suite = Suite::start(kind).await;
    let active = working(&suite).await;
    let checks = ask(&suite, &active.id).await.unwrap();
    let result = |code: &str| checks[code].result();
    for code in [
        "CLOUD_STATE",
        "VENDOR_ROUTES",
        "VENDOR_FIREWALL",
        "ALLOW_LIST",
        "PEER_CIDRS_COMPLETE",
        "DATASTORE_PORTS",
        "DNS_OPTION",
    ] {
        assert_eq!(result(code), Found::Pass, "{:?}", checks[code]);
    }
    for (code, command) in [
        ("CUSTOMER_ROUTES", "verify ADD_ROUTES"),
        ("CUSTOMER_FIREWALL", "verify OPEN_EGRESS"),
        ("CUSTOMER_NETWORK_ACL", "verify CHECK_NETWORK_ACLS"),
    ] {
        assert_eq!(result(code), Found::Unknown, "{code}");
        assert!(checks[code].advice.contains(command), "{:?}", checks[code]);
    }
    assert!(checks.values().all(|check| check.observe_time.is_some()));
}

async fn each_fault_is_found(kind: Kind) {
    let suite = Suite::start(kind).await;
    let active = working(&suite).await;
    let network = active.network_id.as_str();
    let vpc = suite.network.vpc(network);
    suite
        .network
        .set_firewall(network, Firewall::False, "ALLOW_LIST_FULL");
    suite.cloud.blackhole("100.64.0.0/16");
    suite.cloud.change(&active.id, |object| {
        object.peer_cidrs = vec!["10.1.0.0/16".to_owned(), "10.9.0.0/16".to_owned()];
    });
    let failed = |checks: &BTreeMap<String, Check>, code: &str, reason: &str| {
        let check = &checks[code];
        assert_eq!(
            (check.result(), check.reason.as_str()),
            (Found::Fail, reason),
            "{check:?}"
        );
        assert!(!check.advice.is_empty());
    };
    let checks = ask(&suite, &active.id).await.unwrap();
    failed(&checks, "VENDOR_ROUTES", "ROUTE_BLACKHOLE");
    failed(&checks, "VENDOR_FIREWALL", "ALLOW_LIST_FULL");
    failed(&checks, "PEER_CIDRS_COMPLETE", "PEER_CIDRS_INCOMPLETE");
    suite.cloud.cut_route(&vpc, "10.1.0.0/16");
    let checks = ask(&suite, &active.id).await.unwrap();
    failed(&checks, "VENDOR_ROUTES", "ROUTE_MISSING_VENDOR");
    assert!(
        checks["VENDOR_ROUTES"]
            .evidence
            .contains("Missing: 10.1.0.0/16")
    );
}

async fn who_does_not_answer_makes_no_fault(kind: Kind) {
    let suite = Suite::start(kind).await;
    let active = working(&suite).await;
    suite.network.set_away(true);
    let refusal = CloudError::refused(CloudErrorKind::Throttled, "CLOUD_THROTTLED", "slowly");
    suite.cloud.tell("ObserveRoutes", Told::Refuse(refusal));
    suite.cloud.set_listing(Some(Listing::Cut));
    suite.cloud.vendor.set_away(true);
    let checks = ask(&suite, &active.id).await.unwrap();
    let unknown: Vec<_> = checks
        .values()
        .filter(|check| check.result() == Found::Unknown)
        .collect();
    assert_eq!(unknown.len(), checks.len(), "{checks:#?}");
    assert_eq!(checks["VENDOR_ROUTES"].reason, "CLOUD_THROTTLED");
    assert_eq!(checks["ALLOW_LIST"].reason, "NETWORK_SERVICE_UNAVAILABLE");
    assert!(
        checks["CUSTOMER_ROUTES"]
            .advice
            .contains("GetPeeringInstructions")
    );
}

async fn what_is_not_up_is_not_diagnosed(kind: Kind) {
    let suite = Suite::start(kind).await;
    let created = suite.create().await;
    let status = ask(&suite, &created.id).await.unwrap_err();
    assert_eq!(status.code(), Code::FailedPrecondition);
    assert_eq!(reason(&status), "PEERING_NOT_ACTIVE");
    assert!(!fact(&status, "state").is_empty());
}
