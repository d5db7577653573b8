//! Starting and ending the server, and what Rust tests do to it without the admin API.
//!
//! What concerns Google alone stands in `gce_handle`. A test of a client of Compute Engine's begins like this; the
//! client signs its own tokens with the key, and `endpoint` leads all calls here, over plain HTTP:
//!
//! ```ignore
//! let sim = Cloudsim::start(Options::default()).await?;
//! let key = sim.gcp_service_account("vendor-prod", "peerway", &["compute.*"]); // makes the project too
//! let credentials = service_account::Builder::new(key).build()?;
//! let networks = Networks::builder().with_endpoint(sim.endpoint()).with_credentials(credentials).build().await?;
//! networks.list().set_project("vendor-prod").send().await?;
//! ```
//!
//! An operation ends when the cloud's clock says so: `clock_advance` makes it due, or `gcp.operation_ms` and
//! `gcp.peering_operation_ms` in the configuration make it short. `calls_of("networks.*")` tells which calls came,
//! `calls_of("operation.done")` when each operation ended; both carry its name in `operation`.
//!
//! Acting as another account works with a file of type `impersonated_service_account` whose
//! `service_account_impersonation_url` begins with `endpoint`, for an account that has
//! `iam.serviceAccounts.getAccessToken` in the target's project. `with_target_principal` would go to Google itself.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::calls::{CallRecord, Counts};
use crate::cloud::State;
use crate::config::Config;
use crate::ec2;
use crate::ec2::plant::{Plant, Planted};
use crate::faults::Fault;
use crate::http;
use crate::sim;
use crate::wire::{BreakableListener, Wire};
use crate::world::{Shared, World};

/// How often a changing state is saved at most.
const SAVE_EVERY: Duration = Duration::from_millis(200);

/// What a cloud starts with.
#[derive(Clone, Debug)]
pub struct Options {
    pub listen: SocketAddr,
    pub config: Config,
    /// Loaded at start, saved on change.
    pub state_file: Option<PathBuf>,
    /// Makes the ids the same each time.
    pub seed: Option<u64>,
}

impl Options {
    pub fn new(listen: SocketAddr, config: Config, state_file: Option<PathBuf>) -> Self {
        Options {
            listen,
            config,
            state_file,
            seed: None,
        }
    }
}

impl Default for Options {
    /// A free port on this machine, nothing kept, strict.
    fn default() -> Self {
        Options::new((Ipv4Addr::LOCALHOST, 0).into(), Config::default(), None)
    }
}

/// A running cloud; it ends when this is dropped.
pub struct Cloudsim {
    shared: Arc<Shared>,
    address: SocketAddr,
    tasks: Vec<JoinHandle<()>>,
}

impl Cloudsim {
    /// Binds and serves in the background.
    ///
    /// # Errors
    /// When the address is taken, or the state file cannot be read or understood.
    pub async fn start(options: Options) -> io::Result<Cloudsim> {
        let seed = options.seed.unwrap_or_else(rand::random);
        let mut world = World::new(options.config, seed);
        if let Some(file) = &options.state_file {
            world.load(file)?;
        }
        let listener = TcpListener::bind(options.listen).await?;
        let address = listener.local_addr()?;
        world.base_url = format!("http://{address}");
        let shared = Arc::new(Shared::new(world));
        let mut tasks = vec![tokio::spawn(serve(listener, shared.clone()))];
        tasks.extend(
            options
                .state_file
                .map(|file| tokio::spawn(keep_saved(shared.clone(), file))),
        );
        Ok(Cloudsim {
            shared,
            address,
            tasks,
        })
    }

    /// The URL for `AWS_ENDPOINT_URL`, and for `with_endpoint` of Google's clients.
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Stops serving, and saves what there is to save.
    pub async fn stop(mut self) {
        self.shared.stop.cancel();
        for task in std::mem::take(&mut self.tasks) {
            if let Err(error) = task.await {
                tracing::error!(%error, "a part of the cloud ended badly");
            }
        }
    }

    pub fn now_ms(&self) -> i64 {
        self.shared.world().clock.now_ms()
    }

    /// Moves the clock; expiry, visibility and rate buckets follow it.
    pub fn clock_advance(&self, by: Duration) {
        let by_ms = i64::try_from(by.as_millis()).unwrap_or(i64::MAX);
        self.change(|world| world.clock.advance(by_ms));
    }

    /// Stops the clock, or lets it run again.
    pub fn clock_freeze(&self, frozen: bool) {
        self.change(|world| world.clock.freeze(frozen));
    }

    pub fn config(&self) -> Config {
        self.shared.world().state.config.clone()
    }

    /// Turns switches.
    pub fn configure(&self, how: impl FnOnce(&mut Config)) {
        self.change(|world| how(&mut world.state.config));
    }

    /// Adds a fault to those that wait.
    pub fn fault(&self, fault: Fault) {
        self.faults([fault]);
    }

    /// Adds faults to those that wait.
    pub fn faults(&self, faults: impl IntoIterator<Item = Fault>) {
        self.shared.world().faults.0.extend(faults);
    }

    pub fn clear_faults(&self) {
        self.shared.world().faults.0.clear();
    }

    /// The calls so far, oldest first.
    pub fn calls(&self) -> Vec<CallRecord> {
        self.calls_of("*")
    }

    /// The calls so far whose action fits a pattern such as `Describe*`.
    pub fn calls_of(&self, action: &str) -> Vec<CallRecord> {
        let mut world = self.shared.world();
        world.settle();
        world.calls.of(action)
    }

    /// How many calls there were since they were last cleared, however many.
    pub fn call_counts(&self) -> Counts {
        let mut world = self.shared.world();
        world.settle();
        world.calls.counts().clone()
    }

    pub fn clear_calls(&self) {
        self.shared.world().calls.clear();
    }

    /// Looks at EC2's objects, or changes them, with everything due done.
    pub fn state<T>(&self, how: impl FnOnce(&mut ec2::state::State) -> T) -> T {
        self.change(|world| {
            world.settle();
            how(&mut world.state.ec2)
        })
    }

    /// Puts many VPCs with peerings in place at once, past quotas and rates. Tags are set through
    /// [`state`](Self::state).
    pub fn plant_aws(&self, plant: &Plant) -> Vec<Planted> {
        self.change(|world| {
            let now_ms = world.clock.now_ms();
            let State { config, ec2, .. } = &mut world.state;
            ec2.plant(plant, config, now_ms)
        })
    }

    /// Removes an object as if it never was. False when there is none.
    pub fn vanish(&self, id: &str) -> bool {
        self.change(|world| world.state.ec2.forget(id))
    }

    /// Sets the raw status of a peering, which stays until somebody acts. False without such a peering.
    pub fn force_peering(&self, id: &str, status: &str, message: &str) -> bool {
        self.change(|world| sim::force(world, id, status, message))
    }

    /// Back to an empty cloud with the configuration of the start.
    pub fn reset(&self) {
        self.change(World::reset);
    }

    pub(crate) fn change<T>(&self, how: impl FnOnce(&mut World) -> T) -> T {
        let changed = how(&mut self.shared.world());
        self.shared.changed.notify_one();
        changed
    }
}

impl Drop for Cloudsim {
    fn drop(&mut self) {
        self.shared.stop.cancel();
    }
}

async fn serve(listener: TcpListener, shared: Arc<Shared>) {
    let stop = shared.stop.clone();
    let service = http::router(shared).into_make_service_with_connect_info::<Wire>();
    let served = axum::serve(BreakableListener(listener), service)
        .with_graceful_shutdown(stop.cancelled_owned())
        .await;
    if let Err(error) = served {
        tracing::error!(%error, "the server ended by itself");
    }
}

/// Saves after changes, and once more at the end.
async fn keep_saved(shared: Arc<Shared>, file: PathBuf) {
    loop {
        let stopped = tokio::select! {
            () = shared.changed.notified() => false,
            () = shared.stop.cancelled() => true,
        };
        if !stopped {
            tokio::select! {
                () = tokio::time::sleep(SAVE_EVERY) => {}
                () = shared.stop.cancelled() => {}
            }
        }
        if let Err(error) = save(&shared, &file).await {
            tracing::error!(%error, file = %file.display(), "the state cannot be saved");
        }
        if stopped {
            return;
        }
    }
}

/// Writes beside the file and renames, so that a crash leaves the old or the new one.
async fn save(shared: &Shared, file: &Path) -> io::Result<()> {
    let bytes = shared.world().save()?;
    let mut beside = file.as_os_str().to_owned();
    beside.push(".new");
    tokio::fs::write(&beside, bytes).await?;
    tokio::fs::rename(&beside, file).await
}
