//! For tests: peerings to begin with, and walks of the whole loop through a simulated cloud.

use proptest::test_runner::{Config, RngSeed};
use types::{Labels, NetworkId, ProviderKind};

use super::admission::{Network, Policy, Wish, WishedPeer, admissible};
use super::observe::Rules;
use super::peering::{Peering, Work};
use super::sighting::{CloudState, Sighting};
use super::state::State;

mod simulation;
mod two_halves;

/// Some time.
pub(crate) const NOW: i64 = 1_800_000_000_000;

/// The rules of the default settings.
pub(crate) const RULES: Rules = Rules {
    absence_grace: 60_000,
    provision_timeout: 24 * 3_600_000,
    hint_after: 600_000,
};

/// A network in AWS.
pub(crate) fn network() -> Network {
    Network {
        id: NetworkId::generate(),
        display_name: "main".to_owned(),
        provider: ProviderKind::Aws,
        region: "eu-west-1".parse().unwrap(),
        cidr: "10.20.0.0/16".parse().unwrap(),
        state: "ACTIVE".to_owned(),
        is_active: true,
        account_id: "111111111111".to_owned(),
        vpc_id: "vpc-0b0b0b0b".to_owned(),
    }
}

/// A wish for a peering with it.
pub(crate) fn wish() -> Wish {
    Wish {
        tenant: "acme".parse().unwrap(),
        request_id: None,
        network: network().id,
        display_name: "to my apps".parse().unwrap(),
        labels: Labels::default(),
        peer: WishedPeer::Aws {
            account: "222222222222".parse().unwrap(),
            region: None,
            vpc: "vpc-0a0a0a0a".parse().unwrap(),
            cidrs: vec!["10.1.0.0/16".parse().unwrap()],
        },
        allow_overlap: false,
        options: Default::default(),
    }
}

/// The network of a peering, as it was when the peering was made.
pub(crate) fn home(peering: &Peering) -> Network {
    let vendor = peering.vendor.clone();
    Network {
        id: peering.network,
        display_name: peering.network_display_name.clone(),
        provider: peering.peer.provider(),
        region: vendor.region,
        cidr: vendor.cidr,
        account_id: vendor.account_id,
        vpc_id: vendor.vpc_id,
        ..network()
    }
}

/// An admitted peering in `state`, with nothing to do and nothing known about the cloud.
pub(crate) fn admitted(state: State) -> Peering {
    let mut peering = admissible(wish(), &network(), &Policy::Anybody, NOW).unwrap();
    peering.admit(NOW);
    peering.work.step_at = None;
    peering.state = state;
    peering
}

/// The same in a cloud where each side makes a half of its own; `n` tells the customer's networks apart.
pub(crate) fn admitted_half(state: State, n: usize) -> Peering {
    let network = Network {
        provider: ProviderKind::Gcp,
        region: "europe-west1".parse().unwrap(),
        account_id: "vendor-prod".to_owned(),
        vpc_id: "net-main".to_owned(),
        ..network()
    };
    let peer = WishedPeer::Gcp {
        project: "customer-prod".parse().unwrap(),
        network: format!("apps-{n}").parse().unwrap(),
        cidrs: vec!["10.1.0.0/16".parse().unwrap()],
    };
    let wish = Wish { peer, ..wish() };
    let mut peering = admissible(wish, &network, &Policy::Anybody, NOW).unwrap();
    peering.admit(NOW);
    peering.work.step_at = None;
    peering.state = state;
    peering
}

/// The peering as the cloud may show it.
pub(crate) fn sighting(peering: &Peering, id: &str, state: CloudState) -> Sighting {
    Sighting {
        provider_peering_id: id.to_owned(),
        peering: Some(peering.id),
        attempt: peering.attempt,
        state,
        reason: String::new(),
        message: String::new(),
        raw_state: format!("{state:?}"),
        expire_at: None,
        vendor_vpc: peering.vendor.vpc_id.clone(),
        peer: (
            peering.peer.account().to_owned(),
            peering.peer.region().to_owned(),
            peering.peer.vpc().to_owned(),
        ),
        peer_cidrs: Vec::new(),
        options: None,
    }
}

/// Something of it is done.
fn without(peering: &Peering, done: impl FnOnce(&mut Work)) -> Peering {
    let mut next = peering.clone();
    done(&mut next.work);
    next
}

/// So many walks, the same ones each time; PROPTEST_CASES and PROPTEST_RNG_SEED walk others.
fn walks(cases: u32) -> Config {
    Config {
        cases,
        rng_seed: RngSeed::Fixed(1),
        // What went wrong once stands as a test of its own.
        failure_persistence: None,
        ..Config::default()
    }
}
