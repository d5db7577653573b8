//! `grpc.health.v1`: what works, asked each second.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;
use tokio::task::JoinSet;
use tokio::time::MissedTickBehavior;
use tonic_health::ServingStatus;
use tonic_health::pb::health_server::HealthServer;
use tonic_health::server::{HealthReporter, HealthService};

const PERIOD: Duration = Duration::from_secs(1);
/// A check without an answer for this long has failed.
const PATIENCE: Duration = Duration::from_secs(2);

type Check = Arc<dyn Fn() -> BoxFuture<'static, bool> + Send + Sync>;

/// Names and how to find out about each.
pub(super) struct Health {
    reporter: HealthReporter,
    checks: Vec<(&'static str, Check)>,
    /// Names that have the health of the empty one.
    mirrors: Vec<&'static str>,
}

/// The checks of a running server.
pub(super) struct Running {
    reporter: HealthReporter,
    names: Vec<&'static str>,
    tasks: JoinSet<()>,
}

impl Health {
    pub(super) fn new() -> (Self, HealthServer<HealthService>) {
        let reporter = HealthReporter::new();
        let service = HealthService::from_health_reporter(reporter.clone());
        (
            Self {
                reporter,
                checks: Vec::new(),
                mirrors: Vec::new(),
            },
            HealthServer::new(service),
        )
    }

    pub(super) fn reporter(&self) -> HealthReporter {
        self.reporter.clone()
    }

    pub(super) fn mirror(&mut self, name: &'static str) {
        self.mirrors.push(name);
    }

    /// The services that have the health of the empty name.
    pub(super) fn names(&self) -> impl Iterator<Item = &'static str> {
        self.mirrors.iter().copied()
    }

    pub(super) fn check<F, Fut>(&mut self, name: &'static str, check: F)
    where
        F: Fn() -> Fut + Send + Sync + 'static,
        Fut: Future<Output = bool> + Send + 'static,
    {
        self.checks.push((name, Arc::new(move || check().boxed())));
    }

    /// Everything is NOT_SERVING until its first check has answered.
    pub(super) async fn start(self) -> Running {
        let mut checks = self.checks;
        if !checks.iter().any(|(name, _)| name.is_empty()) {
            checks.push(("", Arc::new(|| async { true }.boxed())));
        }
        let mut running = Running {
            reporter: self.reporter,
            names: self.mirrors.clone(),
            tasks: JoinSet::new(),
        };
        running.names.extend(checks.iter().map(|(name, _)| *name));
        running.report_all(ServingStatus::NotServing).await;
        for (name, check) in checks {
            let mut names = vec![name];
            if name.is_empty() {
                names.extend(&self.mirrors);
            }
            running
                .tasks
                .spawn(watch(running.reporter.clone(), names, check));
        }
        running
    }
}

impl Running {
    /// Ends the checks; everything is NOT_SERVING from now on.
    pub(super) async fn stop(mut self) {
        self.tasks.shutdown().await;
        self.report_all(ServingStatus::NotServing).await;
    }

    async fn report_all(&self, status: ServingStatus) {
        for name in &self.names {
            self.reporter.set_service_status(name, status).await;
        }
    }
}

/// Reports what `check` says under each of `names`, for ever. A change is logged once.
async fn watch(reporter: HealthReporter, names: Vec<&'static str>, check: Check) {
    let mut last = None;
    let mut period = tokio::time::interval(PERIOD);
    period.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        period.tick().await;
        let works = tokio::time::timeout(PATIENCE, check())
            .await
            .unwrap_or(false);
        if last.replace(works) == Some(works) {
            continue;
        }
        let name = names[0];
        match works {
            true => tracing::info!(name, "healthy"),
            false => tracing::warn!(name, "not healthy"),
        }
        let status = if works {
            ServingStatus::Serving
        } else {
            ServingStatus::NotServing
        };
        for name in &names {
            reporter.set_service_status(name, status).await;
        }
    }
}
