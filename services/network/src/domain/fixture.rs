//! What the tests of the domain begin with.

use std::time::Duration;

use types::{Labels, ProviderKind};

use super::{Network, NewNetwork, Timing};

/// A wish of the tenant `acme` for 10.20.0.0/16.
pub(super) fn wish(provider: ProviderKind) -> NewNetwork {
    let region = match provider {
        ProviderKind::Aws => "eu-west-1",
        ProviderKind::Gcp => "europe-west1",
    };
    NewNetwork {
        tenant: "acme".parse().unwrap(),
        display_name: "main".parse().unwrap(),
        provider,
        region: region.parse().unwrap(),
        cidr: "10.20.0.0/16".parse().unwrap(),
        labels: Labels::default(),
        multi_region_group: String::new(),
    }
}

/// What becomes of that wish at `now`.
pub(super) fn network(provider: ProviderKind, now: i64) -> Network {
    Network::new(wish(provider), None, now)
}

/// The waits of the default settings.
pub(super) fn timing() -> Timing {
    Timing {
        absence_grace: Duration::from_secs(60),
        look_soon: Duration::from_secs(1),
        look_later: Duration::from_secs(5),
        soon_for: Duration::from_secs(60),
        removal: Duration::from_millis(250),
        operation: Duration::from_secs(1),
    }
}
