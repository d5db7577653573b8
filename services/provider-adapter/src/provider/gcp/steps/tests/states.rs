//! Which steps there are, and how far they are.

use super::*;
use crate::provider::steps::Actor;

#[test]
fn the_customer_s_half_mirrors_the_vendor_s_custom_routes() {
    for (import, export, flags) in [
        (false, false, vec![]),
        (true, false, vec!["--export-custom-routes"]),
        (false, true, vec!["--import-custom-routes"]),
        (
            true,
            true,
            vec!["--export-custom-routes", "--import-custom-routes"],
        ),
    ] {
        let mut facts = facts(State::PendingAcceptance);
        facts.options.import_custom_routes = import;
        facts.options.export_custom_routes = export;
        let guide = guide(&facts, None);
        let argv = &step(&guide, "CREATE_PEERING").commands[0].argv;
        let given = argv.iter().filter(|word| word.ends_with("-custom-routes"));
        assert_eq!(given.collect::<Vec<_>>(), flags);
        assert_eq!(codes(&guide).contains(&"CUSTOM_ROUTES"), import || export);
        assert!(
            guide
                .terraform
                .contains(&format!("export_custom_routes = {import}\n"))
        );
        assert!(
            guide
                .terraform
                .contains(&format!("import_custom_routes = {export}\n"))
        );
    }
}

#[test]
fn a_half_keeps_its_name_in_the_next_attempt_and_shares_it_with_no_other_network() {
    let name = |facts: &Facts| {
        let half = Cli::new(facts, None).half;
        assert_eq!(half.len(), "peerway-".len() + 8);
        assert!(half.parse::<types::GcpNetworkName>().is_ok(), "{half}");
        half
    };
    let first = facts(State::PendingAcceptance);
    let renewed = Facts {
        attempt: 2,
        provider_peering_id: Some("peerway-another".into()),
        ..facts(State::Active)
    };
    assert_eq!(name(&first), name(&renewed));
    let mut other = facts(State::PendingAcceptance);
    other.peer.vpc_id = "shop-2".into();
    assert_ne!(name(&first), name(&other));
    let vendor_vpc_id = Some("peerway-other".into());
    let other = Facts {
        vendor_vpc_id,
        ..facts(State::PendingAcceptance)
    };
    assert_ne!(name(&first), name(&other));
}

#[test]
fn a_step_is_as_far_as_the_facts_tell() {
    let status = |facts: &Facts, code: &str| step(&guide(facts, None), code).status;
    for (state, half, vendor, prove) in [
        (
            State::Provisioning,
            Status::Blocked,
            Status::Todo,
            Status::Blocked,
        ),
        (
            State::PendingAcceptance,
            Status::Todo,
            Status::Done,
            Status::Blocked,
        ),
        (State::Active, Status::Done, Status::Done, Status::Todo),
        (State::Degraded, Status::Done, Status::Done, Status::Todo),
    ] {
        let facts = facts(state);
        assert_eq!(status(&facts, "CREATE_PEERING"), half, "{state:?}");
        assert_eq!(status(&facts, "VENDOR_HALF"), vendor, "{state:?}");
        assert_eq!(status(&facts, "PROVE"), prove, "{state:?}");
        assert_eq!(status(&facts, "OPEN_EGRESS"), Status::Unknown, "{state:?}");
    }
    let mut active = facts(State::Active);
    for (ready, expected) in [
        (Some(true), Status::Done),
        (Some(false), Status::Todo),
        (None, Status::Unknown),
    ] {
        active.firewall_ready = ready;
        assert_eq!(status(&active, "VENDOR_FIREWALL"), expected);
    }
    active.routes_ready = None;
    assert_eq!(status(&active, "CHECK_ROUTES"), Status::Unknown);
    assert!(!codes(&guide(&active, None)).contains(&"ALLOW_LIST"));
    active.allow_listed = false;
    assert_eq!(status(&active, "ALLOW_LIST"), Status::Todo);
    assert_eq!(status(&active, "VENDOR_FIREWALL"), Status::Blocked);
}

#[test]
fn an_ended_peering_is_renewed_or_cleaned_up() {
    for state in [
        State::Rejected,
        State::Expired,
        State::Failed,
        State::Disconnected,
    ] {
        let guide = guide(&facts(state), None);
        assert_eq!(codes(&guide), ["RENEW", "CLEAN_UP"], "{state:?}");
        let renew = step(&guide, "RENEW");
        assert!(renew.commands.is_empty() && renew.why.contains("RenewPeering"));
        assert_eq!(guide.terraform, "");
    }
    let mut removed = facts(State::Disconnected);
    removed.reason = "DELETED_BY_PEER".into();
    let guided = guide(&removed, None);
    assert_eq!(codes(&guided), ["CREATE_PEERING", "RENEW", "CLEAN_UP"]);
    assert_eq!(step(&guided, "CREATE_PEERING").status, Status::Todo);
    assert_ne!(guided.terraform, "");
    for (was_active, status) in [(true, Status::Todo), (false, Status::Unknown)] {
        let facts = Facts {
            was_active,
            ..facts(State::Deleted)
        };
        let guide = guide(&facts, None);
        assert_eq!(codes(&guide), ["CLEAN_UP"]);
        assert_eq!(guide.steps[0].status, status);
    }
}

#[test]
fn the_customer_runs_nothing_for_the_vendor() {
    for facts in all() {
        for step in guide(&facts, None).steps {
            assert!(
                step.actor != Actor::Vendor || step.commands.is_empty(),
                "{}",
                step.code
            );
            assert!(
                !step.title.is_empty() && !step.why.is_empty(),
                "{}",
                step.code
            );
            let docs = step.docs_url;
            assert!(
                docs.is_empty() || docs.starts_with("https://cloud.google.com/"),
                "{docs}"
            );
        }
    }
}
