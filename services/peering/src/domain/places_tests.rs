use proptest::prelude::*;

use super::*;
use crate::domain::quota::TenantQuotas;
use crate::domain::walk::{NOW, admitted};

const TWO: Quotas = Quotas {
    outstanding_peerings: 2,
    tenants: BTreeMap::new(),
};
const PLACES: Places<'_> = Places {
    in_group: 3,
    quotas: &TWO,
};

/// A claim of `tenant`, older the smaller `age` is.
fn claim(tenant: &str, age: i64, state: State) -> Claim {
    Claim {
        tenant: tenant.parse().unwrap(),
        display_name: format!("{tenant} {age}"),
        attempt_at: NOW - 1_000 + age,
        step_at: Some(NOW),
        ..Claim::of(&admitted(state))
    }
}

fn holder(tenant: &str, age: i64) -> Claim {
    claim(tenant, age, State::PendingAcceptance)
}

fn waiter(tenant: &str, age: i64) -> Claim {
    claim(tenant, age, State::Provisioning)
}

fn names_of(ids: &[PeeringId], claims: &[Claim]) -> Vec<String> {
    let name = |id| {
        claims
            .iter()
            .find(|one| one.id == id)
            .unwrap()
            .display_name
            .clone()
    };
    ids.iter().map(|id| name(*id)).collect()
}

#[test]
fn a_place_is_held_from_the_request_until_the_cloud_counts_it_no_more() {
    let mut requested = waiter("acme", 1);
    requested.is_requested = true;
    assert!(requested.holds() && !requested.waits(NOW));
    assert!(waiter("acme", 1).waits(NOW) && !waiter("acme", 1).holds());
    let mut accepted = holder("acme", 1);
    assert!(accepted.holds());
    accepted.reason = reasons::ACCEPTED_ACTIVATING.to_owned();
    assert!(!accepted.holds());
    let deleting = claim("acme", 1, State::Deleting);
    for (is_requested, was_active, is_gone, holds) in [
        (false, false, false, false),
        (true, false, false, true),
        (true, true, false, false),
        (true, false, true, false),
    ] {
        let deleting = Claim {
            is_requested,
            was_active,
            is_gone,
            ..deleting.clone()
        };
        assert_eq!(deleting.holds(), holds, "{deleting:?}");
    }
    use State::*;
    for state in [
        Active,
        Degraded,
        Disconnected,
        Rejected,
        Expired,
        Failed,
        Deleted,
    ] {
        let ended = claim("acme", 1, state);
        assert!(!ended.holds() && !ended.waits(NOW), "{state}");
    }
}

#[test]
fn the_tenant_with_the_fewest_places_comes_first_and_then_the_oldest() {
    let claims = [
        holder("acme", 0),
        waiter("acme", 1),
        waiter("acme", 2),
        waiter("beta", 3),
        waiter("beta", 4),
        waiter("beta", 5),
        waiter("ceta", 6),
    ];
    let line = next_in_line(&claims, 9, &TWO, NOW);
    // The second of acme and the third of beta have to wait for their own tenants.
    assert_eq!(
        names_of(&line, &claims),
        ["beta 3", "ceta 6", "acme 1", "beta 4"]
    );
    for claim in &claims[1..] {
        let expected = ["beta 3", "ceta 6"].contains(&claim.display_name.as_str());
        let turn = turn(&claims, claim.id, PLACES, NOW);
        assert_eq!(turn == Turn::Now, expected, "{}", claim.display_name);
    }
}

#[test]
fn a_named_tenant_has_places_of_its_own_number() {
    let own = TenantQuotas {
        outstanding_peerings: 3,
    };
    let quotas = Quotas {
        tenants: BTreeMap::from([("acme".parse().unwrap(), own)]),
        ..TWO
    };
    let claims = [
        holder("acme", 0),
        holder("acme", 1),
        holder("beta", 2),
        holder("beta", 3),
        waiter("acme", 4),
        waiter("acme", 5),
        waiter("beta", 6),
    ];
    let line = next_in_line(&claims, 9, &quotas, NOW);
    assert_eq!(names_of(&line, &claims), ["acme 4"]);
    let places = Places {
        in_group: 9,
        quotas: &quotas,
    };
    assert_eq!(turn(&claims, claims[4].id, places, NOW), Turn::Now);
    for (at, most) in [(5, 3), (6, 2)] {
        let Turn::Later(why) = turn(&claims, claims[at].id, places, NOW) else {
            panic!("the tenant has all it may have");
        };
        let words = format!("The tenant may have {most} requests");
        assert!(why.starts_with(&words), "{why}");
    }
}

#[test]
fn who_waits_is_told_the_place_in_line_and_what_of_its_own_is_in_the_way() {
    let claims = [
        holder("acme", 0),
        holder("beta", 1),
        holder("beta", 2),
        waiter("ceta", 3),
        waiter("acme", 4),
        waiter("beta", 5),
        waiter("beta", 6),
    ];
    let told = |at: usize| match turn(&claims, claims[at].id, PLACES, NOW) {
        Turn::Later(why) => why,
        Turn::Now => panic!("there is no place"),
    };
    assert_eq!(
        told(3),
        "The vendor's 3 places for requests that nobody has accepted yet are taken; this one is number 1 in line. \
         None of the tenant's own holds a place."
    );
    assert_eq!(
        told(4),
        "The vendor's 3 places for requests that nobody has accepted yet are taken; this one is number 2 in line. \
         Of the tenant's own, \"acme 0\" holds a place."
    );
    assert_eq!(
        told(6),
        "The tenant may have 2 requests that nobody has accepted yet; this one is number 2 in the tenant's own line. \
         Of the tenant's own, \"beta 1\", \"beta 2\" hold a place each."
    );
}

#[test]
fn what_rests_for_another_reason_keeps_nobody_from_a_place() {
    let mut resting = waiter("acme", 1);
    resting.step_at = Some(NOW + WAITER_RETRY + 1);
    let claims = [holder("beta", 0), resting, waiter("beta", 2)];
    let line = next_in_line(&claims, 9, &TWO, NOW);
    assert_eq!(names_of(&line, &claims), ["beta 2"]);
}

#[test]
fn what_the_cloud_refuses_for_another_reason_holds_up_nobody_and_may_ask_again() {
    let mut refused = waiter("acme", 1);
    refused.reason = "ACTIVE_LIMIT".to_owned();
    let claims = [holder("beta", 0), refused, waiter("beta", 2)];
    let one_place = Places {
        in_group: 2,
        ..PLACES
    };
    for asking in &claims[1..] {
        assert_eq!(turn(&claims, asking.id, one_place, NOW), Turn::Now);
    }
    let line = next_in_line(&claims, 9, &TWO, NOW);
    assert_eq!(names_of(&line, &claims), ["beta 2"]);
}

#[test]
fn a_place_is_free_when_it_was_held_and_nobody_asks_for_it_again() {
    let pending = admitted(State::PendingAcceptance);
    let to = |state| Peering {
        state,
        ..pending.clone()
    };
    for state in [
        State::Active,
        State::Rejected,
        State::Expired,
        State::Disconnected,
    ] {
        assert!(frees_place(&pending, &to(state)), "{state}");
    }
    assert!(!frees_place(&pending, &pending));
    assert!(!frees_place(&to(State::Active), &to(State::Disconnected)));
    let mut deleting = to(State::Deleting);
    deleting.provider_peering_id = Some("pcx-1".to_owned());
    assert!(!frees_place(&pending, &deleting));
    let mut gone = deleting.clone();
    gone.work.gone = true;
    assert!(frees_place(&deleting, &gone));
    // The cloud had no place for it after all: it waits again.
    let waiting = to(State::Provisioning);
    let mut asking = waiting.clone();
    asking.work.requested_at = Some(NOW);
    assert!(!frees_place(&asking, &waiting));
    let mut refused = waiting.clone();
    refused.reason = "ACTIVE_LIMIT".to_owned();
    assert!(frees_place(&asking, &refused));
    assert!(frees_place(&asking, &to(State::Failed)));
}

#[test]
fn a_renewed_request_stands_in_line_by_its_new_attempt_once_the_old_one_is_gone() {
    let mut renewed = admitted(State::Rejected);
    renewed.activate_at = Some(NOW - 9);
    let home = crate::domain::walk::home(&renewed);
    renewed.renew(&home, None, NOW);
    let claim = Claim::of(&renewed);
    assert!(claim.waits(NOW) && !claim.holds());
    assert_eq!(claim.attempt_at, NOW);
    let older = waiter("beta", 2);
    let line = next_in_line(&[claim, older.clone()], 1, &TWO, NOW);
    assert_eq!(line, [older.id]);
    renewed.state = State::Disconnected;
    renewed.provider_peering_id = Some("pcx-1".to_owned());
    renewed.renew(&home, None, NOW);
    let claim = Claim::of(&renewed);
    assert!(
        !claim.waits(NOW) && claim.holds(),
        "the cloud may count the old one"
    );
}

fn any_claims() -> impl Strategy<Value = Vec<Claim>> {
    let any_claim = (0..4_usize, 0..50_i64, any::<bool>()).prop_map(|(tenant, age, holds)| {
        let tenant = ["acme", "beta", "ceta", "deta"][tenant];
        if holds {
            holder(tenant, age)
        } else {
            waiter(tenant, age)
        }
    });
    prop::collection::vec(any_claim, 0..30)
}

proptest! {
    #[test]
    fn places_go_to_whoever_has_fewest_until_there_are_no_more(
        claims in any_claims(), in_group in 1..30_u32, per_tenant in 1..6_u32,
    ) {
        let quotas = Quotas::same(per_tenant);
        let places = Places { in_group, quotas: &quotas };
        let held = |tenant: &TenantId| {
            claims.iter().filter(|one| one.holds() && one.tenant == *tenant).count()
        };
        let all = claims.iter().filter(|one| one.holds()).count();
        let free = (in_group as usize).saturating_sub(all);
        let served = next_in_line(&claims, free, &quotas, NOW);
        prop_assert!(served.len() <= free);
        let is_served = |claim: &Claim| served.contains(&claim.id);
        let served_of = |tenant: &TenantId| {
            claims.iter().filter(|one| is_served(one) && one.tenant == *tenant).count()
        };
        for claim in claims.iter().filter(|one| one.waits(NOW)) {
            let now = turn(&claims, claim.id, places, NOW) == Turn::Now;
            prop_assert_eq!(now, is_served(claim));
        }
        for one in claims.iter().filter(|one| is_served(one)) {
            let after = held(&one.tenant) + served_of(&one.tenant);
            prop_assert!(after <= per_tenant as usize);
            for other in claims.iter().filter(|other| other.waits(NOW) && !is_served(other)) {
                if other.tenant == one.tenant {
                    prop_assert!(age(one) < age(other), "its own tenant's elder comes first");
                } else {
                    let others = held(&other.tenant) + served_of(&other.tenant);
                    prop_assert!(after <= others + 1 || others >= per_tenant as usize);
                }
            }
        }
        // What is left waits for a place or for its own tenant.
        if served.len() < free {
            for claim in claims.iter().filter(|one| one.waits(NOW) && !is_served(one)) {
                let tenant = &claim.tenant;
                prop_assert!(held(tenant) + served_of(tenant) >= per_tenant as usize);
            }
        }
    }
}
