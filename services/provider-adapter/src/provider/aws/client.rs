//! One EC2 client per account and region: how it is built, and how every call through it is made.

use std::collections::HashSet;
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
use crate::config::{AccountConfig, AwsConfig, PageConfig};

/// A listing that is longer than this goes in a circle.
const MOST_PAGES: usize = 10_000;
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
            zones: Mutex::new(None),
            works: AtomicBool::new(true),
        }
    }

    /// Sends one call in a span of its own and says what became of it.
    pub(super) async fn call<T, E>(
        &self,
        api: &'static str,
        sending: impl Future<Output = Result<T, SdkError<E, HttpResponse>>>,
    ) -> Result<T, Failure>
    where
        E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
    {
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

    /// All objects of a listing. `fetch` makes one call with a page's token and answers its objects and the next token.
    pub(super) async fn all<T, F, Fut>(
        &self,
        api: &'static str,
        mut fetch: F,
    ) -> Result<Vec<T>, Failure>
    where
        F: FnMut(Option<String>) -> Fut,
        Fut: Future<Output = Result<(Option<Vec<T>>, Option<String>), Failure>>,
    {
        let mut tokens = Tokens::new(api);
        let mut found = Vec::new();
        let mut token = None;
        loop {
            let (items, next) = fetch(token).await?;
            found.extend(items.ok_or_else(|| Failure::unusable(api, "the answer lacks its set"))?);
            token = tokens.next(next)?;
            if token.is_none() {
                return Ok(found);
            }
        }
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

/// The page tokens of one listing, none of which may come twice.
pub(super) struct Tokens {
    api: &'static str,
    seen: HashSet<String>,
}

impl Tokens {
    /// For a listing that has just begun.
    pub(super) fn new(api: &'static str) -> Self {
        Self {
            api,
            seen: HashSet::new(),
        }
    }

    /// The token of the next page; none: that was the last.
    pub(super) fn next(&mut self, token: Option<String>) -> Result<Option<String>, Failure> {
        let Some(token) = token.filter(|token| !token.is_empty()) else {
            return Ok(None);
        };
        if self.seen.len() >= MOST_PAGES || !self.seen.insert(token.clone()) {
            return Err(Failure::unusable(
                self.api,
                "the pages of the listing go in a circle",
            ));
        }
        Ok(Some(token))
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_that_comes_again_ends_the_listing_with_an_error() {
        let mut tokens = Tokens::new("DescribeVpcs");
        assert_eq!(tokens.next(Some("a".into())).unwrap().as_deref(), Some("a"));
        assert_eq!(tokens.next(Some("b".into())).unwrap().as_deref(), Some("b"));
        assert!(tokens.next(Some("a".into())).is_err());
        assert_eq!(tokens.next(Some(String::new())).unwrap(), None);
        assert_eq!(tokens.next(None).unwrap(), None);
    }
}
