//! One project: its clients, and how every call through them is made.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use google_cloud_auth::credentials::Credentials;
use google_cloud_compute_v1::client::{
    Firewalls, GlobalOperations, Networks, Projects, RegionOperations, Subnetworks,
};
use google_cloud_gax::client_builder;
use google_cloud_gax::error::Error;
use google_cloud_gax::retry_policy::NeverRetry;
use runtime::clock::Clock;
use tokio::sync::Mutex;
use tracing::Instrument;
use tracing::field::Empty;

use super::credentials;
use super::error::{self, Failure};
use crate::config::{GcpConfig, ProjectConfig};

/// The longest that all calls for one request of the contract may take together.
const LONGEST: Duration = Duration::from_secs(9);

/// One of the vendor's projects.
pub(super) struct Project {
    /// Its settings.
    pub(super) config: ProjectConfig,
    /// Networks per page of a listing.
    pub(super) page: u32,
    id: String,
    call_timeout: Duration,
    clients: Mutex<Option<Arc<Clients>>>,
    works: AtomicBool,
}

/// The SDK's clients with the same credentials: calls go through [`Gce::call`].
pub(super) struct Clients {
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
            clients: Mutex::new(None),
            works: AtomicBool::new(true),
        }
    }

    /// Whether the last call had an answer that can be worked with, be it a refusal; true before the first.
    pub(super) fn works(&self) -> bool {
        self.works.load(Ordering::Relaxed)
    }

    /// The clients, built at their first use, and again when those that are there are the refused ones.
    async fn clients(&self, refused: Option<&Arc<Clients>>) -> Result<Arc<Clients>, Failure> {
        let mut held = self.clients.lock().await;
        if let Some(clients) = held.as_ref()
            && refused.is_none_or(|refused| !Arc::ptr_eq(refused, clients))
        {
            return Ok(clients.clone());
        }
        let credentials = credentials::build(&self.config)
            .await
            .map_err(|why| Failure::no_credentials(&self.id, &why))?;
        let clients = Clients::build(self.config.endpoint.as_deref(), &credentials)
            .await
            .map_err(|error| Failure::no_credentials(&self.id, &error::deepest(&error)))?;
        Ok(held.insert(Arc::new(clients)).clone())
    }

    /// Has the clients built anew at the next call: credentials that failed once would repeat that for ever.
    async fn forget(&self) {
        *self.clients.lock().await = None;
    }
}

impl Clients {
    async fn build(
        endpoint: Option<&str>,
        credentials: &Credentials,
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

    async fn in_time<T, F>(
        &self,
        api: &'static str,
        send: &impl Fn(&Clients) -> F,
    ) -> Result<T, Failure>
    where
        F: Future<Output = Result<T, Error>>,
    {
        let left = self.until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(Failure::unsent(
                api,
                "the cloud is too slow for one more call",
            ));
        }
        let wait = left.min(self.project.call_timeout);
        tokio::time::timeout(wait, self.once_more(api, send))
            .await
            .unwrap_or_else(|_| Err(Failure::unusable(api, "no answer in time")))
    }

    /// Refused credentials may only have been revoked: they are built anew once.
    async fn once_more<T, F>(
        &self,
        api: &'static str,
        send: &impl Fn(&Clients) -> F,
    ) -> Result<T, Failure>
    where
        F: Future<Output = Result<T, Error>>,
    {
        let clients = self.project.clients(None).await?;
        let mut answer = send(&clients).await;
        if answer.as_ref().is_err_and(error::is_unauthenticated) {
            let clients = self.project.clients(Some(&clients)).await?;
            answer = send(&clients).await;
        }
        if answer.as_ref().is_err_and(Error::is_authentication) {
            self.project.forget().await;
        }
        let config = &self.project.config;
        answer.map_err(|error| error::classify(api, config, &error, Clock::system().now_ms()))
    }
}
