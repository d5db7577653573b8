//! The program killed at each named point of a life, and started again on what it left, wherever its queue stands.

use api::network::v1::condition::Status as Held;
use api::peering::v1::peering::State;
use api::peering::v1::*;

use crate::cloud::Cloud;
use crate::network::ScriptedNetwork;
use crate::suite::{TENANT, is_routed, request};
use crate::update::to_ranges;

mod program;

use program::{Place, Program};

/// Makes a test of each point, in each place that a queue can have.
macro_rules! killed_at {
    ($($scenario:ident { $($name:ident: $point:literal),* $(,)? })*) => {
        killed_at!(@place on_sqlite Sqlite $($scenario { $($name: $point),* })*);
        killed_at!(@place on_postgres Postgres $($scenario { $($name: $point),* })*);
        killed_at!(@place on_redis Redis $($scenario { $($name: $point),* })*);
        killed_at!(@place on_valkey Valkey $($scenario { $($name: $point),* })*);
        killed_at!(@place on_cluster Cluster $($scenario { $($name: $point),* })*);
    };
    (@place $module:ident $place:ident $($scenario:ident { $($name:ident: $point:literal),* })*) => {
        mod $module {
            $($(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                super::$scenario(super::Place::$place, $point).await;
            })*)*
        }
    };
}

killed_at! {
    a_life_with_a_death {
        killed_after_the_insertion: "peering.create.after_insert",
        killed_after_the_attachment: "peering.create.after_attach",
        killed_after_the_admission: "peering.create.after_admit",
        killed_before_a_create_goes_out: "peering.step.after_requested",
        killed_after_a_call: "peering.step.after_call",
        killed_after_a_step: "peering.step.after_save",
        killed_before_a_look_is_recorded: "peering.look.before_commit",
        killed_before_the_detachment: "peering.delete.before_detach",
        killed_after_the_detachment: "peering.delete.after_detach",
        killed_before_a_cascade_is_recorded: "peering.cascade.before_commit",
        killed_after_a_cascade_is_recorded: "peering.cascade.after_commit",
    }
    a_renewal_with_a_death {
        renewal_killed_after_a_call: "peering.step.after_call",
        renewal_killed_after_a_step: "peering.step.after_save",
        renewal_killed_before_a_create_goes_out: "peering.step.after_requested",
    }
    a_change_of_ranges_with_a_death {
        change_killed_before_the_claims: "peering.update.after_begin",
        change_killed_after_the_claims: "peering.update.after_claim",
        change_killed_before_the_old_claims_are_gone: "peering.claims.after_attach",
    }
}

/// A whole life, in which the program dies once, where it is told to. Nothing is lost, nothing is made twice.
async fn a_life_with_a_death(place: Place, point: &str) {
    let (network, network_address) = ScriptedNetwork::start().await;
    let (cloud, cloud_address) = Cloud::start().await;
    let mut program = Program::start(place, network_address, cloud_address, point).await;
    let home = network.add(TENANT);
    let wish = CreatePeeringRequest {
        request_id: "once".to_owned(),
        ..request(&home)
    };
    let created = program
        .call(async |mut api| api.create_peering(wish.clone()).await)
        .await;
    let id = created.into_inner().peering.unwrap().id;
    program
        .until(&id, |peering| peering.state() == State::PendingAcceptance)
        .await;
    cloud.accept(&id);
    program.until(&id, is_routed).await;
    if point.starts_with("peering.cascade.") {
        network.delete(&home);
    } else {
        let end = DeletePeeringRequest {
            tenant_id: TENANT.to_owned(),
            peering_id: id.clone(),
            ..Default::default()
        };
        program
            .call(async |mut api| api.delete_peering(end.clone()).await)
            .await;
    }
    program
        .until(&id, |peering| peering.state() == State::Deleted)
        .await;
    assert_eq!(program.deaths, 1, "it died where it was told to");
    assert_eq!((cloud.made(), cloud.live()), (1, 0));
    assert!(network.attached().is_empty());
    let all = ListPeeringsRequest {
        tenant_id: TENANT.to_owned(),
        show_deleted: true,
        ..Default::default()
    };
    let all = program
        .call(async |mut api| api.list_peerings(all.clone()).await)
        .await;
    assert_eq!(all.into_inner().peerings.len(), 1);
    let ended = program.process.terminate().await;
    assert!(ended.success(), "{}", program.process.logs());
}

/// A renewal whose old object still stands, in which the program dies once, where it is told to.
async fn a_renewal_with_a_death(place: Place, point: &str) {
    let (network, network_address) = ScriptedNetwork::start().await;
    let (cloud, cloud_address) = Cloud::start().await;
    let mut program = Program::start(place, network_address, cloud_address, "nowhere").await;
    let wish = request(&network.add(TENANT));
    let created = program
        .call(async |mut api| api.create_peering(wish.clone()).await)
        .await;
    let id = created.into_inner().peering.unwrap().id;
    let waiting = program
        .until(&id, |peering| peering.state() == State::PendingAcceptance)
        .await;
    let object = cloud.objects().pop().unwrap();
    cloud.vanish();
    program
        .until(&id, |peering| peering.state() == State::Disconnected)
        .await;
    cloud.add(object);
    program.restart(point).await;
    let renewal = RenewPeeringRequest {
        tenant_id: TENANT.to_owned(),
        peering_id: id.clone(),
        request_id: "once".to_owned(),
        ..Default::default()
    };
    program
        .call(async |mut api| api.renew_peering(renewal.clone()).await)
        .await;
    let again = program
        .until(&id, |peering| {
            peering.attempt == 2 && peering.state() == State::PendingAcceptance
        })
        .await;
    assert_ne!(again.provider_peering_id, waiting.provider_peering_id);
    assert_eq!(program.deaths, 1, "it died where it was told to");
    assert_eq!((cloud.made(), cloud.live()), (2, 1));
    let ended = program.process.terminate().await;
    assert!(ended.success(), "{}", program.process.logs());
}

/// Other ranges for a peering that is up; the program dies once, where it is told to.
async fn a_change_of_ranges_with_a_death(place: Place, point: &str) {
    let (network, network_address) = ScriptedNetwork::start().await;
    let (cloud, cloud_address) = Cloud::start().await;
    let mut program = Program::start(place, network_address, cloud_address, "nowhere").await;
    let home = network.add(TENANT);
    network.set_firewall(&home, Held::True, "");
    let wish = request(&home);
    let created = program
        .call(async |mut api| api.create_peering(wish.clone()).await)
        .await;
    let id = created.into_inner().peering.unwrap().id;
    program
        .until(&id, |peering| peering.state() == State::PendingAcceptance)
        .await;
    cloud.accept(&id);
    program.until(&id, is_routed).await;
    program.restart(point).await;
    let change = UpdatePeeringRequest {
        request_id: "once".to_owned(),
        ..to_ranges(&id, &["10.7.0.0/16"])
    };
    program
        .call(async |mut api| api.update_peering(change.clone()).await)
        .await;
    let led = |_: &Peering| {
        let routes = cloud.routes(&network.vpc(&home));
        let claims = network.attached().pop().unwrap().cidrs;
        routes.len() == 1 && routes[0].0 == "10.7.0.0/16" && claims == ["10.7.0.0/16"]
    };
    program.until(&id, led).await;
    assert_eq!(program.deaths, 1, "it died where it was told to");
    assert_eq!((cloud.made(), cloud.live()), (1, 1));
    let ended = program.process.terminate().await;
    assert!(ended.success(), "{}", program.process.logs());
}
