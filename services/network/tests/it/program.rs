//! The built program: its schema, and its death at every named point.

use std::process::Command;

use api::network::v1::network::State;
use testkit::{Process, TestDatabase};

use crate::provider::Provider;
use crate::suite::{Client, attaching, connect, deletion, get, peering, settings, until_it, wish};

fn program(arguments: &[&str], settings: &[(String, String)]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_network"));
    command.args(arguments).envs(settings.iter().cloned());
    command
}

pub(crate) async fn serve(settings: &[(String, String)], failpoint: &str) -> (Process, Client) {
    let process = Process::spawn(program(&["serve"], settings).env("PEERWAY_FAILPOINT", failpoint));
    let line = process.line("the network service is up").await;
    let address = line
        .split("address=")
        .nth(1)
        .unwrap()
        .split_whitespace()
        .next()
        .unwrap();
    (process, connect(address.parse().unwrap()).await)
}

/// Brings the database's schema up to date.
pub(crate) async fn migrate(settings: &[(String, String)]) {
    let migrated = Process::spawn(&mut program(&["migrate"], settings));
    assert!(migrated.wait().await.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn it_serves_no_old_schema_and_says_what_to_run() {
    let database = testkit::sqlite();
    let (_provider, address) = Provider::start().await;
    let settings = settings(&database, address);
    let refused = Process::spawn(&mut program(&["serve"], &settings));
    assert!(!refused.wait().await.success());
    assert!(
        refused.logs().contains("network migrate"),
        "{}",
        refused.logs()
    );
    for _ in 0..2 {
        assert!(
            Process::spawn(&mut program(&["migrate"], &settings))
                .wait()
                .await
                .success()
        );
    }
    let (process, _client) = serve(&settings, "").await;
    assert!(process.terminate().await.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_setting_stops_the_start_and_is_named() {
    let settings = [("PEERWAY_NETWORK__WORK__PACE".to_owned(), "1s".to_owned())];
    let refused = Process::spawn(&mut program(&["serve"], &settings));
    assert!(!refused.wait().await.success());
    assert!(refused.logs().contains("work.pace"), "{}", refused.logs());
}

/// Whether its VPC is being made, or its firewall not confirmed yet.
fn is_on_its_way(network: &api::network::v1::Network) -> bool {
    let firewall = crate::firewall::firewall(network).0;
    match network.state() {
        State::Pending => true,
        State::Active => firewall != api::network::v1::condition::Status::True,
        _ => false,
    }
}

/// Drives a whole life, in which a call whose answer did not come is simply made again.
async fn live(client: &Client) -> Result<(), tonic::Status> {
    let mut client = client.clone();
    let mut request = wish("main", "10.20.0.0/16");
    request.request_id = "create".to_owned();
    let created = client
        .create_network(request)
        .await?
        .into_inner()
        .network
        .unwrap();
    let began = std::time::Instant::now();
    while is_on_its_way(&get(&client, &created.id).await?) {
        assert!(began.elapsed().as_secs() < 30, "it is still on its way");
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    let first = peering(&created.id, 1, &["10.1.0.0/16"]);
    if get(&client, &created.id).await?.state() == State::Active {
        let attached = client.attach_resource(attaching(first.clone())).await;
        let refused = attached
            .err()
            .filter(|status| status.code() != tonic::Code::FailedPrecondition);
        refused.map_or(Ok(()), Err)?;
    }
    let detach = api::network::v1::DetachResourceRequest {
        tenant_id: "acme".to_owned(),
        network_id: created.id.clone(),
        kind: first.kind,
        id: first.id,
    };
    client.detach_resource(detach).await?;
    client.delete_network(deletion(&created.id)).await?;
    Ok(())
}

async fn dies_and_goes_on(failpoint: &str) {
    let database: TestDatabase = testkit::sqlite();
    let (provider, address) = Provider::start().await;
    let settings = settings(&database, address);
    migrate(&settings).await;
    let (dying, client) = serve(&settings, failpoint).await;
    assert!(live(&client).await.is_err(), "{failpoint} was not reached");
    dying.wait().await;
    assert!(dying.logs().contains(failpoint), "{}", dying.logs());

    let (_process, client) = serve(&settings, "").await;
    live(&client).await.unwrap();
    let mut request = wish("main", "10.20.0.0/16");
    request.request_id = "create".to_owned();
    let first = client
        .clone()
        .create_network(request)
        .await
        .unwrap()
        .into_inner()
        .network
        .unwrap();
    until_it(&client, &first.id, |network| {
        network.state() == State::Deleted
    })
    .await;
    assert_eq!(
        provider.parts_of(&first.id).len(),
        0,
        "{failpoint}: {:?}",
        provider.calls()
    );
    for part in crate::provider::PARTS {
        let asked = provider
            .calls()
            .iter()
            .filter(|call| **call == format!("EnsureVpc {part}"))
            .count();
        assert!(
            asked <= 1,
            "{failpoint}: {part} was asked for {asked} times"
        );
    }
}

macro_rules! dies_at {
    ($($name:ident: $failpoint:literal,)*) => {$(
        #[tokio::test(flavor = "multi_thread")]
        async fn $name() {
            dies_and_goes_on($failpoint).await;
        }
    )*};
}

dies_at! {
    dies_before_a_create_is_committed: "network.create.before_commit",
    dies_after_a_create_is_committed: "network.create.after_commit",
    dies_after_a_request_is_committed: "network.step.after_requested",
    dies_after_the_cloud_was_called: "network.step.after_call",
    dies_after_a_firewall_was_sent: "network.firewall.after_call",
    dies_after_an_attach_is_committed: "network.attach.after_commit",
    dies_after_a_detach_is_committed: "network.detach.after_commit",
    dies_after_a_delete_is_committed: "network.delete.after_commit",
}
