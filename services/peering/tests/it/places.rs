//! Waiting for one of the few places that AWS has for requests which nobody has accepted yet.

use std::collections::BTreeMap;
use std::time::Duration;

use ::peering::domain::progress::requesting;
use ::peering::domain::{Quotas, TenantQuotas};
use ::peering::store::{Asked, Cause, Change, Store};
use api::peering::v1::peering::State;
use api::peering::v1::*;

use crate::suite::{Kind, Suite, TENANT, aws_peer, on_both_databases, request};

on_both_databases!(
    forty_of_eight_tenants_are_served_in_turn,
    a_tenant_at_its_limit_is_told_what_is_in_the_way,
    a_tenant_sees_how_many_places_it_holds,
    racing_requests_never_take_a_place_too_many,
);

const PATIENCE: Duration = Duration::from_secs(120);
const LIMIT: &str = "OUTSTANDING_LIMIT";

/// A request of `tenant` on a network of its own, the `index`th of all.
fn wish(suite: &Suite, tenant: &str, index: usize) -> CreatePeeringRequest {
    let aws = AwsPeer {
        vpc_id: format!("vpc-{index:08x}"),
        ..aws_peer()
    };
    CreatePeeringRequest {
        tenant_id: tenant.to_owned(),
        display_name: format!("peer {index}"),
        peer: Some(create_peering_request::Peer::Aws(aws)),
        ..request(&suite.network.add(tenant))
    }
}

/// Returns once it is done. Each look at the cloud that begins is a chance.
async fn in_time(suite: &Suite, what: &str, done: impl AsyncFn() -> bool) {
    let waiting = async {
        loop {
            let looks = suite.cloud.looks();
            if done().await {
                return;
            }
            suite.cloud.until_looked(looks + 1).await;
        }
    };
    let waited = tokio::time::timeout(PATIENCE, waiting).await;
    waited.unwrap_or_else(|_| panic!("{what} in time"));
}

/// Everybody's peerings.
async fn all(suite: &Suite) -> Vec<Peering> {
    let request = ListPeeringsRequest {
        tenant_id: "-".to_owned(),
        ..Default::default()
    };
    let answer = suite.api.clone().list_peerings(request).await.unwrap();
    answer.into_inner().peerings
}

/// How many of these each tenant has.
fn by_tenant<'a>(
    ids: impl IntoIterator<Item = &'a String>,
    owners: &BTreeMap<String, String>,
) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for id in ids {
        *counts.entry(owners[id].clone()).or_default() += 1;
    }
    counts
}

async fn forty_of_eight_tenants_are_served_in_turn(kind: Kind) {
    const PLACES: usize = 25;
    const PER_TENANT: usize = 5;
    let suite = Suite::start(kind).await;
    // One tenant asks for as many as three others.
    let tenants = (0..40).map(|index| match index {
        0..12 => "tenant-0".to_owned(),
        _ => format!("tenant-{}", 1 + index % 7),
    });
    // Nothing goes on in the cloud until everybody has asked, but what is begun before that.
    suite.cloud.requesting.shut();
    let wishes = tenants
        .enumerate()
        .map(|(index, tenant)| wish(&suite, &tenant, index));
    let created = futures::future::join_all(wishes.map(|wish| suite.create_with(wish))).await;
    let owners: BTreeMap<String, String> = created
        .into_iter()
        .map(|one| one.map(|one| (one.id, one.tenant_id)).unwrap())
        .collect();
    assert_eq!(owners.len(), 40);
    suite.cloud.requesting.open();

    in_time(&suite, "25 are requested and 15 wait", async || {
        let peerings = all(&suite).await;
        let count = |wanted: &dyn Fn(&&Peering) -> bool| peerings.iter().filter(wanted).count();
        count(&|one| one.state() == State::PendingAcceptance) == PLACES
            && count(&|one| one.state() == State::Provisioning && one.reason == LIMIT) == 15
    })
    .await;
    let first = suite.cloud.vendor.crowds().pop().unwrap();
    let held = by_tenant(&first, &owners);
    assert_eq!(held.len(), 8, "{held:?}");
    assert!(held.values().all(|held| [3, 4].contains(held)), "{held:?}");

    // Each place that becomes free goes to one of those who have fewest and want more.
    let mut waiting = first;
    while suite.cloud.made() < owners.len() {
        let served = suite.cloud.made();
        let made: Vec<String> = suite
            .cloud
            .objects()
            .into_iter()
            .map(|one| one.peering_id)
            .collect();
        let accepted = waiting.remove(served * 7 % waiting.len());
        let held = by_tenant(&waiting, &owners);
        let held_by = |tenant: &String| held.get(tenant).copied().unwrap_or(0);
        let wanting = by_tenant(owners.keys().filter(|id| !made.contains(id)), &owners);
        let fewest = wanting.keys().map(held_by).min().unwrap();
        suite.cloud.accept(&accepted);
        if fewest == PER_TENANT {
            continue;
        }
        in_time(&suite, "a place is taken", async || {
            suite.cloud.made() > served
        })
        .await;
        let next = suite.cloud.objects().swap_remove(served).peering_id;
        assert_eq!(
            held_by(&owners[&next]),
            fewest,
            "{} of {held:?}, {wanting:?}",
            owners[&next]
        );
        waiting.push(next);
    }
    for crowd in suite.cloud.vendor.crowds() {
        assert!(crowd.len() <= PLACES);
        let held = by_tenant(&crowd, &owners);
        assert!(held.values().all(|held| *held <= PER_TENANT), "{held:?}");
    }
    for object in suite.cloud.objects() {
        suite.cloud.accept(&object.peering_id);
    }
    in_time(&suite, "all are active", async || {
        all(&suite)
            .await
            .iter()
            .all(|one| one.state() == State::Active)
    })
    .await;
    assert_eq!(suite.cloud.made(), 40);
}

async fn a_tenant_at_its_limit_is_told_what_is_in_the_way(kind: Kind) {
    let suite = Suite::start_with(kind, |config| config.quotas.outstanding_peerings = 1).await;
    let create = async |index| {
        suite
            .create_with(wish(&suite, TENANT, index))
            .await
            .unwrap()
            .id
    };
    let first = create(1).await;
    suite.until_state(&first, State::PendingAcceptance).await;
    let (second, third) = (create(2).await, create(3).await);
    let number = |number: usize| {
        move |one: &Peering| {
            one.message
                .contains(&format!("number {number} in the tenant's own line"))
        }
    };
    let waiting = suite.until(&second, "first in line", number(1)).await;
    assert_eq!(
        (waiting.state(), waiting.reason.as_str()),
        (State::Provisioning, LIMIT)
    );
    assert!(
        waiting.message.contains("\"peer 1\" holds a place"),
        "{}",
        waiting.message
    );
    assert_eq!(waiting.next_action.unwrap().code, "WAIT_FOR_PLACE");
    suite.until(&third, "second in line", number(2)).await;
    // Somebody else is not concerned.
    let other = suite
        .create_with(wish(&suite, "other", 4))
        .await
        .unwrap()
        .id;
    in_time(&suite, "another tenant is served", async || {
        suite
            .cloud
            .objects()
            .iter()
            .any(|one| one.peering_id == other)
    })
    .await;

    suite.delete(&second).await.unwrap();
    suite.until_state(&second, State::Deleted).await;
    suite.until(&third, "first in line", number(1)).await;
    let told = suite.events(&third, State::Provisioning).await;
    let waits = told.iter().filter(|one| one.reason == LIMIT).count();
    assert_eq!(waits, 1, "that the line moves on is no news: {told:#?}");
    assert_eq!(suite.cloud.made(), 2);

    suite.delete(&first).await.unwrap();
    suite.until_state(&first, State::Deleted).await;
    let served = suite.until_state(&third, State::PendingAcceptance).await;
    assert_eq!(served.reason, "AWAITING_CUSTOMER_ACCEPTANCE");
}

async fn a_tenant_sees_how_many_places_it_holds(kind: Kind) {
    let suite = Suite::start_with(kind, |config| {
        let own = TenantQuotas {
            outstanding_peerings: 2,
        };
        config.quotas.outstanding_peerings = 1;
        config.quotas.tenants.insert(TENANT.parse().unwrap(), own);
    })
    .await;
    let limits = async |tenant: &str| {
        let request = GetTenantLimitsRequest {
            tenant_id: tenant.to_owned(),
        };
        let answer = suite.api.clone().get_tenant_limits(request).await;
        answer.map(|answer| answer.into_inner().limits)
    };
    let shows = async |tenant: &str, used, limit| {
        let limits = limits(tenant).await.unwrap();
        assert_eq!(limits.len(), 1);
        assert_eq!(limits[0].name, "outstanding_peerings");
        assert_eq!((limits[0].used, limits[0].limit), (used, limit), "{tenant}");
    };
    shows(TENANT, 0, 2).await;
    let mut ids = Vec::new();
    for index in 0..3 {
        let created = suite.create_with(wish(&suite, TENANT, index)).await;
        ids.push(created.unwrap().id);
        let last = &ids[index];
        match index {
            2 => {
                suite
                    .until(last, "waiting", |one| one.reason == LIMIT)
                    .await
            }
            _ => suite.until_state(last, State::PendingAcceptance).await,
        };
    }
    shows(TENANT, 2, 2).await;
    // In another region there are other places.
    let elsewhere = suite.network.add_with(TENANT, |network| {
        network.region = "us-east-1".to_owned();
    });
    let elsewhere = CreatePeeringRequest {
        network_id: elsewhere,
        ..wish(&suite, TENANT, 3)
    };
    let elsewhere = suite.create_with(elsewhere).await.unwrap();
    suite
        .until_state(&elsewhere.id, State::PendingAcceptance)
        .await;
    shows(TENANT, 2, 2).await;
    shows("other", 0, 1).await;

    suite.delete(&ids[2]).await.unwrap();
    suite.until_state(&ids[2], State::Deleted).await;
    suite.cloud.accept(&ids[0]);
    suite.until_state(&ids[0], State::Active).await;
    shows(TENANT, 1, 2).await;
    for (tenant, words) in [("", "tenant_id"), ("-", "tenant_id")] {
        let status = limits(tenant).await.unwrap_err();
        assert_eq!(status.code(), tonic::Code::InvalidArgument);
        assert!(status.message().contains(words), "{status:?}");
    }
}

async fn racing_requests_never_take_a_place_too_many(kind: Kind) {
    let mut suite = Suite::start(kind).await;
    suite.cloud.vendor.set_outstanding(0);
    let mut ids = Vec::new();
    for index in 0..12 {
        let tenant = format!("tenant-{}", index % 6);
        let created = suite
            .create_with(wish(&suite, &tenant, index))
            .await
            .unwrap();
        ids.push(created.id.parse().unwrap());
    }
    in_time(&suite, "all wait", async || {
        all(&suite).await.iter().all(|one| one.reason == LIMIT)
    })
    .await;
    suite.stop().await;
    assert_eq!(suite.cloud.made(), 0);

    let cause = Cause {
        actor: "worker".to_owned(),
        request_id: String::new(),
        trace_id: String::new(),
    };
    let worker = async || {
        let db = suite.database.connect().await;
        let store =
            Store::new(db, |_| Vec::new(), std::sync::Arc::default()).with_quotas(Quotas::same(1));
        let mut requested = Vec::new();
        for id in &ids {
            let now = store.now_ms().await.unwrap();
            let peering = store.read(*id).await.unwrap().unwrap();
            if peering.work.requested_at.is_some() {
                continue;
            }
            let change = Change::to(&peering, requesting(&peering, now));
            if let Asked::Done(peering) = store
                .commit_request_in_turn(change, 3, &cause, now)
                .await
                .unwrap()
            {
                requested.push(peering);
            }
        }
        requested
    };
    let (mut requested, others, more) = tokio::join!(worker(), worker(), worker());
    requested.extend(others.into_iter().chain(more));
    assert_eq!(requested.len(), 3);
    let tenants: std::collections::BTreeSet<_> = requested.iter().map(|one| &one.tenant).collect();
    assert_eq!(tenants.len(), 3);
}
