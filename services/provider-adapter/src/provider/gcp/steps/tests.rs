//! What a customer reads in every state, and whether it can be run.

mod commands;
mod states;
mod terraform;

use std::fmt::Write as _;

use super::*;
use crate::provider::Peer;
use crate::provider::steps::{Command, Options};

const STATES: [State; 10] = [
    State::Provisioning,
    State::PendingAcceptance,
    State::Active,
    State::Degraded,
    State::Disconnected,
    State::Rejected,
    State::Expired,
    State::Failed,
    State::Deleting,
    State::Deleted,
];

/// A peering in its first attempt, as it is in this state.
fn facts(state: State) -> Facts {
    let has_half = !matches!(state, State::Provisioning | State::Failed | State::Deleted);
    let is_up = matches!(state, State::Active | State::Degraded);
    Facts {
        state,
        reason: String::new(),
        message: String::new(),
        provider_peering_id: has_half
            .then(|| "peerway-0a1b2c3d4e5f6071-00112233445566778899aabbccddeeff".into()),
        vendor_account_id: "acme-peering-prod".into(),
        vendor_vpc_id: Some("peerway-0a1b2c3d4e5f6071-ffeeddccbbaa99887766554433221100".into()),
        vendor_region: "europe-west1".parse().unwrap(),
        vendor_cidr: "10.20.0.0/20".parse().unwrap(),
        peer: Peer {
            account_id: "customer-shop".into(),
            region: String::new(),
            vpc_id: "shop".into(),
        },
        peer_cidrs: vec![
            "10.1.0.0/16".parse().unwrap(),
            "10.2.0.0/20".parse().unwrap(),
        ],
        ports: vec![6379, 6380],
        attempt: 1,
        allow_listed: true,
        expire_at: None,
        options: Options::default(),
        endpoints: vec!["cache-1.db.example.com".into()],
        routes_ready: is_up.then_some(true),
        firewall_ready: is_up.then_some(true),
        former_provider_peering_id: None,
        was_active: is_up
            || matches!(
                state,
                State::Disconnected | State::Deleting | State::Deleted
            ),
    }
}

/// Peerings that are not as plain as [`facts`], by a word for each.
fn others() -> Vec<(&'static str, Facts)> {
    let pending = || facts(State::PendingAcceptance);
    let options = Options {
        import_custom_routes: true,
        export_custom_routes: true,
        ..Options::default()
    };
    vec![
        (
            "custom_routes",
            Facts {
                options,
                ..pending()
            },
        ),
        (
            "nothing_known",
            Facts {
                ports: vec![],
                endpoints: vec![],
                peer_cidrs: vec![],
                allow_listed: false,
                ..pending()
            },
        ),
        (
            "not_admitted",
            Facts {
                allow_listed: false,
                ..facts(State::Active)
            },
        ),
        (
            "renewed",
            Facts {
                attempt: 2,
                former_provider_peering_id: Some("peerway-0a1b2c3d4e5f6071-0123".into()),
                ..pending()
            },
        ),
        (
            "no_vendor_network",
            Facts {
                vendor_vpc_id: None,
                ..facts(State::Provisioning)
            },
        ),
        (
            "deleted_by_peer",
            Facts {
                reason: "DELETED_BY_PEER".into(),
                ..facts(State::Disconnected)
            },
        ),
        (
            "refused",
            Facts {
                reason: "CIDR_OVERLAP_PEER".into(),
                message: "10.20.0.0/20 overlaps 10.20.4.0/24 of the customer's network".into(),
                ..facts(State::Failed)
            },
        ),
    ]
}

fn all() -> impl Iterator<Item = Facts> {
    let others = others().into_iter().map(|(_, facts)| facts);
    STATES.into_iter().map(facts).chain(others)
}

fn step<'a>(guide: &'a Guide, code: &str) -> &'a Step {
    let found = guide.steps.iter().find(|step| step.code == code);
    found.unwrap_or_else(|| panic!("no step {code}"))
}

fn codes(guide: &Guide) -> Vec<&'static str> {
    guide.steps.iter().map(|step| step.code).collect()
}

/// Every command that a guide has.
fn commands(guide: &Guide) -> Vec<&Command> {
    let steps = guide.steps.iter();
    let steps = steps.flat_map(|step| step.commands.iter().chain(&step.verify).chain(&step.undo));
    steps
        .chain(guide.variables.iter().map(|one| &one.find))
        .collect()
}

/// The steps and variables as a person reads them.
fn page(guide: &Guide) -> String {
    let mut page = String::new();
    for step in &guide.steps {
        let optional = if step.optional { ", optional" } else { "" };
        let (code, actor, status) = (step.code, step.actor, step.status);
        let _ = writeln!(
            page,
            "## {} ({code}, {actor:?}, {status:?}{optional})",
            step.title
        );
        let _ = writeln!(page, "{}", step.why);
        for (word, commands) in [
            ("run", &step.commands),
            ("check", &step.verify),
            ("undo", &step.undo),
        ] {
            for command in commands {
                let _ = writeln!(page, "  {word}: {}", command.shell);
            }
        }
        for (word, text) in [
            ("console", step.console_path.as_str()),
            ("needs", &step.permissions.join(" ")),
            ("docs", step.docs_url),
        ] {
            if !text.is_empty() {
                let _ = writeln!(page, "  {word}: {text}");
            }
        }
        page.push('\n');
    }
    for variable in &guide.variables {
        let (name, find) = (variable.name, &variable.find.shell);
        let _ = writeln!(page, "${name}: {}\n  find: {find}", variable.description);
    }
    page
}

#[test]
fn a_customer_reads_what_fits_the_state() {
    for state in STATES {
        let name = format!("state_{state:?}").to_lowercase();
        insta::assert_snapshot!(name, page(&guide(&facts(state), None)));
    }
}

#[test]
fn a_customer_reads_what_fits_the_peering() {
    for (name, facts) in others() {
        insta::assert_snapshot!(format!("other_{name}"), page(&guide(&facts, None)));
    }
}

#[test]
fn engineers_are_answered_with_figures_of_their_peering() {
    let answers = |facts: &Facts| {
        let answers = guide(facts, None).answers.into_iter();
        let texts = answers.map(|one| format!("## {}\n{}\n", one.question, one.answer));
        texts.collect::<Vec<_>>().join("\n")
    };
    insta::assert_snapshot!("answers_pending", answers(&facts(State::PendingAcceptance)));
    insta::assert_snapshot!("answers_nothing_known", answers(&others()[1].1));
    insta::assert_snapshot!("answers_active", answers(&facts(State::Active)));
}

#[test]
fn a_customer_applies_a_file_of_their_own() {
    let facts = others().swap_remove(0).1;
    insta::assert_snapshot!("terraform", guide(&facts, None).terraform);
}
