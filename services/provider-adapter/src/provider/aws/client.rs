//! One EC2 client per account and region: how it is built, and how every call through it is made.

use std::future::Future;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use api::cloud::{CloudError, CloudErrorKind};
use aws_config::SdkConfig;
use aws_config::sts::AssumeRoleProvider;
use aws_sdk_ec2::Client;
use aws_sdk_ec2::config::http::HttpResponse;
use aws_sdk_ec2::config::retry::RetryConfig;
use aws_sdk_ec2::config::{Region, SharedCredentialsProvider};
use aws_sdk_ec2::error::{ProvideErrorMetadata, SdkError};
use tokio::sync::Mutex;
use tracing::Instrument;
use tracing::field::Empty;

use super::error::{self, Failure};
use super::guard::WellFormed;
use super::identity::Identity;
use crate::config::{AccountConfig, AwsConfig, AwsWriteConfig, PageConfig};
use crate::provider::pace::{Pace, Writes};

/// How long the zones of a region are remembered.
const ZONES_KEPT: Duration = Duration::from_secs(600);

/// A zone of a region.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Zone {
    /// As this account calls it.
    pub(super) name: String,
}

/// EC2 in one region, as one of the vendor's accounts.
pub(super) struct Ec2 {
    /// The SDK's client: calls go through [`Ec2::call`].
    pub(super) client: Client,
    /// The vendor's account.
    pub(super) account: String,
    /// The region.
    pub(super) region: String,
    /// Objects per page.
    pub(super) pages: PageConfig,
    /// How long one call of the service may begin writes.
    pub(super) write_budget: Duration,
    /// Whose the credentials are.
    pub(super) identity: Identity,
    writes: Writes,
    zones: Mutex<Option<(Instant, Vec<Zone>)>>,
    works: AtomicBool,
}

impl Ec2 {
    /// A client for `account` in `region`; asks nobody yet.
    pub(super) async fn build(
        base: &SdkConfig,
        config: &AwsConfig,
        account: &AccountConfig,
        region: &str,
    ) -> Self {
        let mut sdk = base.to_builder().region(Region::new(region.to_owned()));
        sdk.set_endpoint_url(account.endpoint_url.clone());
        let mut sdk = sdk.build();
        if let Some(role) = &account.role_arn {
            let credentials = assume(&sdk, role, account.external_id.as_deref()).await;
            sdk = sdk.to_builder().credentials_provider(credentials).build();
        }
        // A create has no client token: a second try of the SDK's own could make a second object.
        let ec2 = aws_sdk_ec2::config::Builder::from(&sdk)
            .retry_config(RetryConfig::disabled())
            .interceptor(WellFormed)
            .build();
        Self {
            client: Client::from_conf(ec2),
            account: account.account_id.to_string(),
            region: region.to_owned(),
            pages: config.pages.clone(),
            write_budget: config.write_budget,
            identity: Identity::new(&sdk),
            writes: Writes::new(pace(&config.writes)),
            zones: Mutex::new(None),
            works: AtomicBool::new(true),
        }
    }

    /// Sends one call in a span of its own and says what became of it. A write waits for its turn first.
    pub(super) async fn call<T, E>(
        &self,
        api: &'static str,
        sending: impl Future<Output = Result<T, SdkError<E, HttpResponse>>>,
    ) -> Result<T, Failure>
    where
        E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
    {
        self.await_turn(api).await?;
        let span = tracing::info_span!(
            "cloud.call",
            otel.name = api,
            otel.kind = "client",
            rpc.method = api,
            cloud.provider = "aws",
            cloud.region = %self.region,
            error.r#type = Empty,
        );
        let answer = sending.instrument(span.clone()).await.map_err(|error| {
            let failure = error::classify(&self.account, api, error);
            span.record("error.type", failure.label());
            self.log(api, &failure);
            failure
        });
        if answer.as_ref().is_err_and(Failure::is_unauthorized) {
            self.identity.doubt();
        }
        let works = answer.as_ref().err().is_none_or(Failure::is_answer);
        self.works.store(works, Ordering::Relaxed);
        answer
    }

    /// Waits until a call may be sent: reads at once, since those who ask for them keep to a rate of their own.
    async fn await_turn(&self, api: &'static str) -> Result<(), Failure> {
        if ["Describe", "Get"].iter().any(|read| api.starts_with(read)) {
            return Ok(());
        }
        self.writes.turn(api).await.map_err(|retry_after| {
            let (account, region) = (&self.account, &self.region);
            tracing::info!(api, %account, %region, "a write was held back, as aws.writes demands");
            let why = format!("account {account} sends no more of them in {region} just now");
            Failure::held_back(api, &why, retry_after)
        })
    }

    /// Once for every call that failed; a refusal may be what the caller expects, a missing answer is not.
    fn log(&self, api: &'static str, failure: &Failure) {
        let (account, region) = (&self.account, &self.region);
        let error = failure.message();
        if failure.is_answer() {
            tracing::info!(api, %account, %region, error, "the cloud refused a call");
        } else {
            tracing::warn!(api, %account, %region, error, "a call of the cloud failed");
        }
    }

    /// Whether the last call had an answer that can be worked with, be it a refusal; true before the first.
    pub(super) fn works(&self) -> bool {
        self.works.load(Ordering::Relaxed)
    }

    /// Records that the answer cannot be worked with all the same.
    pub(super) fn fails(&self) {
        self.works.store(false, Ordering::Relaxed);
    }

    /// The zones where subnets can stand, in order of their names.
    pub(super) async fn zones(&self) -> Result<Vec<Zone>, Failure> {
        let mut kept = self.zones.lock().await;
        if let Some((at, zones)) = kept.as_ref()
            && at.elapsed() < ZONES_KEPT
        {
            return Ok(zones.clone());
        }
        let zones = super::vpc_look::zones(self).await?;
        *kept = Some((Instant::now(), zones.clone()));
        Ok(zones)
    }

    /// Whether an object is the account's, as far as it tells.
    pub(super) fn is_own(&self, owner: Option<&str>) -> bool {
        owner.is_none_or(|owner| owner == self.account)
    }

    /// Refuses to go on with an object of another account: the credentials are not those of the configured one.
    pub(super) fn own(&self, owner: Option<&str>, what: &str) -> Result<(), CloudError> {
        match owner {
            Some(owner) if owner != self.account => Err(CloudError::unknown_outcome(
                CloudErrorKind::Unauthorized,
                "CLOUD_UNAUTHORIZED",
                format!(
                    "{what} belongs to account {owner}, but the credentials should be those of {}",
                    self.account
                ),
            )),
            _ => Ok(()),
        }
    }
}

/// How fast one API may be called.
fn pace(config: &AwsWriteConfig) -> Pace {
    Pace {
        burst: f64::from(config.burst) * config.share,
        per_second: config.per_second * config.share,
    }
}

async fn assume(
    sdk: &SdkConfig,
    role: &str,
    external_id: Option<&str>,
) -> SharedCredentialsProvider {
    let mut builder = AssumeRoleProvider::builder(role)
        .configure(sdk)
        .session_name("peerway-provider-adapter");
    if let Some(id) = external_id {
        builder = builder.external_id(id);
    }
    SharedCredentialsProvider::new(match sdk.credentials_provider() {
        Some(own) => builder.build_from_provider(own).await,
        None => builder.build().await,
    })
}

/// How many writes one call may still begin, and until when.
pub(super) struct Budget {
    until: Instant,
    left: u32,
}

impl Budget {
    /// At most `writes`, none after the client's write budget.
    pub(super) fn new(ec2: &Ec2, writes: u32) -> Self {
        Self {
            until: Instant::now() + ec2.write_budget,
            left: writes,
        }
    }

    /// Leaves none.
    pub(super) fn end(&mut self) {
        self.left = 0;
    }

    /// Takes one, if there is one left.
    pub(super) fn take(&mut self) -> bool {
        if self.left == 0 || Instant::now() >= self.until {
            return false;
        }
        self.left -= 1;
        true
    }
}
