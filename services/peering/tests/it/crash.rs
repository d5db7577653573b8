//! The program killed at each named point of a life, and started again on what it left.

use std::net::{SocketAddr, TcpListener};
use std::process::Command;
use std::time::Duration;

use api::network::v1::condition::Status as Held;
use api::peering::v1::peering::State;
use api::peering::v1::peering_service_client::PeeringServiceClient;
use api::peering::v1::*;
use testkit::{Process, TestDatabase};
use tonic::transport::Channel;
use tonic::{Code, Status};

use crate::cloud::Cloud;
use crate::network::ScriptedNetwork;
use crate::suite::{TENANT, is_routed, request};
use crate::update::to_ranges;

/// Makes a test of each point.
macro_rules! killed_at {
    ($($name:ident: $point:literal),* $(,)?) => {
        $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $name() {
            a_life_with_a_death($point).await;
        })*
    };
}

killed_at! {
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

/// The same of each point of a renewal.
macro_rules! renewal_killed_at {
    ($($name:ident: $point:literal),* $(,)?) => {
        $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $name() {
            a_renewal_with_a_death($point).await;
        })*
    };
}

renewal_killed_at! {
    renewal_killed_after_a_call: "peering.step.after_call",
    renewal_killed_after_a_step: "peering.step.after_save",
    renewal_killed_before_a_create_goes_out: "peering.step.after_requested",
}

/// The same of each point of a change of ranges.
macro_rules! change_killed_at {
    ($($name:ident: $point:literal),* $(,)?) => {
        $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $name() {
            a_change_of_ranges_with_a_death($point).await;
        })*
    };
}

change_killed_at! {
    change_killed_before_the_claims: "peering.update.after_begin",
    change_killed_after_the_claims: "peering.update.after_claim",
    change_killed_before_the_old_claims_are_gone: "peering.claims.after_attach",
}

/// The program, started again whenever it has died.
struct Program {
    database: TestDatabase,
    network: SocketAddr,
    cloud: SocketAddr,
    address: SocketAddr,
    process: Process,
    deaths: usize,
}

impl Program {
    async fn start(network: SocketAddr, cloud: SocketAddr, point: &str) -> Self {
        let database = testkit::sqlite();
        let address = TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap();
        let mut migrate = command(&database, network, cloud, address);
        let migrated = Process::spawn(migrate.arg("migrate")).wait().await;
        assert!(migrated.success());
        let mut serve = command(&database, network, cloud, address);
        let process = Process::spawn(serve.arg("serve").env("PEERWAY_FAILPOINT", point));
        process.port(address).await;
        Self {
            database,
            network,
            cloud,
            address,
            process,
            deaths: 0,
        }
    }

    /// A call, repeated until the program has answered it.
    async fn call<T>(
        &mut self,
        call: impl AsyncFn(PeeringServiceClient<Channel>) -> Result<T, Status>,
    ) -> T {
        for _ in 0..1_000 {
            let endpoint = format!("http://{}", self.address);
            let Ok(api) = PeeringServiceClient::connect(endpoint).await else {
                self.revive().await;
                continue;
            };
            match call(api).await {
                Ok(answer) => return answer,
                Err(status) => {
                    let passes = [
                        Code::Unavailable,
                        Code::Unknown,
                        Code::Cancelled,
                        Code::Internal,
                    ];
                    assert!(passes.contains(&status.code()), "{status:?}");
                    self.revive().await;
                }
            }
        }
        panic!("the call is never answered:\n{}", self.process.logs());
    }

    async fn revive(&mut self) {
        self.process.wait().await;
        assert!(
            self.process.logs().contains("failpoint"),
            "{}",
            self.process.logs()
        );
        self.deaths += 1;
        let mut serve = command(&self.database, self.network, self.cloud, self.address);
        self.process = Process::spawn(serve.arg("serve"));
        self.process.port(self.address).await;
    }

    /// Ends well, and starts again to die at `point`.
    async fn restart(&mut self, point: &str) {
        assert!(self.process.terminate().await.success());
        let mut serve = command(&self.database, self.network, self.cloud, self.address);
        self.process = Process::spawn(serve.arg("serve").env("PEERWAY_FAILPOINT", point));
        self.process.port(self.address).await;
    }

    async fn until(&mut self, id: &str, wanted: impl Fn(&Peering) -> bool) -> Peering {
        let reached = async {
            loop {
                let request = RefreshPeeringRequest {
                    tenant_id: TENANT.to_owned(),
                    peering_id: id.to_owned(),
                };
                let refresh = async |mut api: PeeringServiceClient<Channel>| {
                    api.refresh_peering(request.clone()).await
                };
                let peering = self.call(refresh).await.into_inner().peering.unwrap();
                if wanted(&peering) {
                    return peering;
                }
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(60), reached)
            .await
            .expect("it comes in time")
    }
}

fn command(
    database: &TestDatabase,
    network: SocketAddr,
    cloud: SocketAddr,
    address: SocketAddr,
) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_peering"));
    command
        .env("PEERWAY_PEERING__DATABASE__URL", database.url())
        .env("PEERWAY_PEERING__SERVER__LISTEN", address.to_string())
        .env("PEERWAY_PEERING__NETWORK__ENDPOINT", format!("http://{network}"))
        .env("PEERWAY_PEERING__PROVIDER_ADAPTER__ENDPOINT", format!("http://{cloud}"))
        .env("PEERWAY_PEERING__QUEUE__ABSENCE_GRACE", "0s")
        .env("PEERWAY_PEERING__CASCADE_INTERVAL", "100ms")
        // What the dead one held is free again after this.
        .env("PEERWAY_PEERING__QUEUE__LEASE", "1s")
        .env("PEERWAY_PEERING__PROVIDER_ADAPTER__TIMEOUT", "900ms");
    command
}

/// A whole life, in which the program dies once, where it is told to. Nothing is lost, nothing is made twice.
async fn a_life_with_a_death(point: &str) {
    let (network, network_address) = ScriptedNetwork::start().await;
    let (cloud, cloud_address) = Cloud::start().await;
    let mut program = Program::start(network_address, cloud_address, point).await;
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
async fn a_renewal_with_a_death(point: &str) {
    let (network, network_address) = ScriptedNetwork::start().await;
    let (cloud, cloud_address) = Cloud::start().await;
    let mut program = Program::start(network_address, cloud_address, "nowhere").await;
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
async fn a_change_of_ranges_with_a_death(point: &str) {
    let (network, network_address) = ScriptedNetwork::start().await;
    let (cloud, cloud_address) = Cloud::start().await;
    let mut program = Program::start(network_address, cloud_address, "nowhere").await;
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
