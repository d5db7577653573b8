//! One project: its clients, and how every call through them is made.

use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use futures::FutureExt;
use google_cloud_auth::credentials::Credentials;
use google_cloud_compute_v1::client::{
    Firewalls, GlobalOperations, Networks, Projects, RegionOperations, Subnetworks,
};
use google_cloud_gax::client_builder;
use google_cloud_gax::error::Error;
use google_cloud_gax::retry_policy::NeverRetry;
use http::Extensions;
use runtime::clock::Clock;
use tokio::sync::Mutex;
use tracing::Instrument;
use tracing::field::Empty;

use super::credentials;
use super::error::{self, Failure, no_token};
use crate::config::{GcpConfig, GcpWriteConfig, ProjectConfig};
use crate::provider::pace::{Pace, Writes};

/// The longest that all calls for one request of the contract may take together.
const LONGEST: Duration = Duration::from_secs(8);
/// Clients whose credentials the cloud refuses from the start are built anew ever less often, between these bounds: it
/// helps against a token that was revoked, and against nothing else.
const RENEWALS: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(60));

/// One of the vendor's projects.
pub(super) struct Project {
    /// Its settings.
    pub(super) config: ProjectConfig,
    /// Objects per page of a listing.
    pub(super) page: u32,
    id: String,
    call_timeout: Duration,
    writes: Writes,
    held: Mutex<Held>,
    works: AtomicBool,
}

/// What a project's calls go through.
#[derive(Default)]
struct Held {
    clients: Option<Arc<Clients>>,
    /// When the cloud's refusal last had them built anew, and how long not to do so again if that does not help.
    renewed: Option<(Instant, Duration)>,
}

/// The SDK's clients with the same credentials: calls go through [`Gce::call`].
pub(super) struct Clients {
    credentials: Credentials,
    /// The cloud has answered them.
    proven: AtomicBool,
    pub(super) networks: Networks,
    pub(super) subnetworks: Subnetworks,
    pub(super) firewalls: Firewalls,
    pub(super) global_operations: GlobalOperations,
    pub(super) region_operations: RegionOperations,
    pub(super) projects: Projects,
}

impl Project {
    /// Asks nobody yet.
    pub(super) fn new(config: &GcpConfig, project: &ProjectConfig) -> Self {
        Self {
            config: project.clone(),
            page: config.pages.networks,
            id: project.project_id.to_string(),
            call_timeout: config.call_timeout,
            writes: Writes::new(pace(&config.writes)),
            held: Mutex::default(),
            works: AtomicBool::new(true),
        }
    }

    /// Whether the last call had an answer that can be worked with, be it a refusal; true before the first.
    pub(super) fn works(&self) -> bool {
        self.works.load(Ordering::Relaxed)
    }

    /// The clients with a token to ask with; built at their first use.
    async fn ready(&self) -> Result<Arc<Clients>, Failure> {
        let clients = self.clients().await?;
        self.token(&clients).await?;
        Ok(clients)
    }

    async fn clients(&self) -> Result<Arc<Clients>, Failure> {
        let mut held = self.held.lock().await;
        match &held.clients {
            Some(clients) => Ok(clients.clone()),
            None => Ok(held.clients.insert(self.build().await?).clone()),
        }
    }

    async fn build(&self) -> Result<Arc<Clients>, Failure> {
        let credentials = credentials::build(&self.config)
            .await
            .map_err(|why| Failure::no_credentials(&self.id, &why))?;
        let clients = Clients::build(self.config.endpoint.as_deref(), credentials).await;
        clients
            .map(Arc::new)
            .map_err(|error| Failure::no_credentials(&self.id, &error::deepest(&error)))
    }

    /// Other clients than those whose credentials the cloud refused; none: that was tried not long before `now`.
    async fn renewed(
        &self,
        refused: &Arc<Clients>,
        now: Instant,
    ) -> Result<Option<Arc<Clients>>, Failure> {
        let mut held = self.held.lock().await;
        let current = held.clients.clone();
        if let Some(current) = current.filter(|current| !Arc::ptr_eq(current, refused)) {
            return Ok(Some(current));
        }
        let (first, longest) = RENEWALS;
        let pause = match held.renewed {
            Some((at, pause)) if !refused.proven.load(Ordering::Relaxed) => {
                if now.saturating_duration_since(at) < pause {
                    return Ok(None);
                }
                longest.min(pause * 2)
            }
            _ => first,
        };
        held.renewed = Some((now, pause));
        Ok(Some(held.clients.insert(self.build().await?).clone()))
    }

    /// Has a token fetched if need be. Error: none, so that the project cannot be asked.
    async fn token(&self, clients: &Arc<Clients>) -> Result<(), Failure> {
        let headers = clients.credentials.headers(Extensions::new());
        // The library panics at some answers of a token's issuer, and from then on at every call.
        let failure = match AssertUnwindSafe(headers).catch_unwind().await {
            Ok(Ok(_)) => return Ok(()),
            Ok(Err(error)) => {
                let failure = no_token(&self.id, self.config.impersonate.as_deref(), &error);
                if error.is_transient() {
                    return Err(failure);
                }
                failure
            }
            Err(_) => Failure::no_credentials(&self.id, "the token's issuer answers nonsense"),
        };
        self.forget(clients).await;
        Err(failure)
    }

    /// Has these clients built anew at the next call: credentials that failed once would repeat that for ever.
    async fn forget(&self, failed: &Arc<Clients>) {
        let mut held = self.held.lock().await;
        held.clients.take_if(|held| Arc::ptr_eq(held, failed));
    }
}

impl Clients {
    async fn build(
        endpoint: Option<&str>,
        credentials: Credentials,
    ) -> client_builder::Result<Self> {
        // A repetition is the caller's to decide: it knows what it has recorded.
        macro_rules! client {
            ($service:ident) => {{
                let mut builder = $service::builder()
                    .with_credentials(credentials.clone())
                    .with_retry_policy(NeverRetry);
                if let Some(endpoint) = endpoint {
                    builder = builder.with_endpoint(endpoint);
                }
                builder.build().await?
            }};
        }
        Ok(Self {
            networks: client!(Networks),
            subnetworks: client!(Subnetworks),
            firewalls: client!(Firewalls),
            global_operations: client!(GlobalOperations),
            region_operations: client!(RegionOperations),
            projects: client!(Projects),
            credentials,
            proven: AtomicBool::new(false),
        })
    }
}

/// A project during one request of the contract.
#[derive(Clone)]
pub(super) struct Gce {
    /// Whose objects are asked for.
    pub(super) project: Arc<Project>,
    until: Instant,
}

impl Gce {
    /// For a request that begins now.
    pub(super) fn new(project: Arc<Project>) -> Self {
        let until = Instant::now() + LONGEST;
        Self { project, until }
    }

    /// The project's id.
    pub(super) fn id(&self) -> &str {
        &self.project.id
    }

    /// Sends one call in a span of its own and says what became of it.
    pub(super) async fn call<T, F>(
        &self,
        api: &'static str,
        send: impl Fn(&Clients) -> F,
    ) -> Result<T, Failure>
    where
        F: Future<Output = Result<T, Error>>,
    {
        let span = tracing::info_span!(
            "cloud.call",
            otel.name = api,
            otel.kind = "client",
            rpc.method = api,
            cloud.provider = "gcp",
            cloud.account.id = self.id(),
            error.r#type = Empty,
        );
        let answer = self.in_time(api, &send).instrument(span.clone()).await;
        if let Err(failure) = &answer {
            span.record("error.type", failure.label());
            span.in_scope(|| failure.log(api, self.id()));
        }
        let works = answer.as_ref().err().is_none_or(Failure::is_answer);
        self.project.works.store(works, Ordering::Relaxed);
        answer
    }

    /// Records that the answer cannot be worked with all the same.
    pub(super) fn unusable(&self, api: &'static str, why: impl std::fmt::Display) -> Failure {
        self.project.works.store(false, Ordering::Relaxed);
        let failure = Failure::unusable(api, why);
        failure.log(api, self.id());
        failure
    }

    /// Refused credentials may only have been revoked: then they are built anew.
    async fn in_time<T, F>(
        &self,
        api: &'static str,
        send: &impl Fn(&Clients) -> F,
    ) -> Result<T, Failure>
    where
        F: Future<Output = Result<T, Error>>,
    {
        let project = &self.project;
        let mut clients = self.unsent(api, project.ready()).await?;
        let mut answer = self.sent(api, &clients, send).await?;
        if answer.as_ref().is_err_and(error::is_unauthenticated) {
            let renewed = project.renewed(&clients, Instant::now());
            if let Some(renewed) = self.unsent(api, renewed).await? {
                clients = renewed;
                self.unsent(api, project.token(&clients)).await?;
                answer = self.sent(api, &clients, send).await?;
            }
        }
        if answer.is_ok() {
            clients.proven.store(true, Ordering::Relaxed);
        }
        if answer.as_ref().is_err_and(error::has_no_token_for_good) {
            project.forget(&clients).await;
        }
        answer.map_err(|error| {
            error::classify(api, &project.config, &error, Clock::system().now_ms())
        })
    }

    /// Waits for what a call needs before it can be sent.
    async fn unsent<T>(
        &self,
        api: &'static str,
        step: impl Future<Output = Result<T, Failure>>,
    ) -> Result<T, Failure> {
        let wait = self.left(api)?;
        tokio::time::timeout(wait, step)
            .await
            .unwrap_or_else(|_| Err(Failure::unsent(api, "no token in time")))
    }

    /// Sends a call; a write only when there is time for its answer.
    async fn sent<T, F>(
        &self,
        api: &'static str,
        clients: &Clients,
        send: &impl Fn(&Clients) -> F,
    ) -> Result<Result<T, Error>, Failure>
    where
        F: Future<Output = Result<T, Error>>,
    {
        if is_write(api) {
            self.await_turn(api).await?;
        }
        let wait = self.left(api)?;
        if is_write(api) && wait < self.project.call_timeout / 2 {
            return Err(Failure::unsent(api, "too little time is left for a write"));
        }
        let call = AssertUnwindSafe(send(clients)).catch_unwind();
        match tokio::time::timeout(wait, call).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(_)) => Err(Failure::unusable(api, "the cloud's library failed")),
            Err(_) => Err(Failure::unusable(api, "no answer in time")),
        }
    }

    /// Waits until a write may be sent; the cloud counts those of all kinds together.
    async fn await_turn(&self, api: &'static str) -> Result<(), Failure> {
        self.project.writes.turn("write").await.map_err(|retry| {
            let why = format!("project {} sends no more writes just now", self.id());
            Failure::held_back(api, &why, retry)
        })
    }

    /// How long the next step of a call may take.
    fn left(&self, api: &'static str) -> Result<Duration, Failure> {
        let left = self.until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            let why = "the cloud is too slow for one more call";
            return Err(Failure::unsent(api, why));
        }
        Ok(left.min(self.project.call_timeout))
    }
}

/// How fast a project may be written to. Whatever minute the cloud counts, burst and refill stay below the share of it.
fn pace(config: &GcpWriteConfig) -> Pace {
    let per_minute = f64::from(config.per_minute) * config.share;
    let burst = per_minute / 6.0;
    Pace {
        burst,
        per_second: (per_minute - burst) / 60.0,
    }
}

fn is_write(api: &str) -> bool {
    ![".get", ".list", ".aggregatedList"]
        .iter()
        .any(|read| api.ends_with(read))
}

#[cfg(test)]
mod tests;
