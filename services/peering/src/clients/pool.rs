//! The vendor's accounts, as the provider-adapter knows them: which there are, and what limits they have.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use api::provider::v1::provider_service_client::ProviderServiceClient;
use api::provider::v1::{AccountLimit, GetLimitsRequest};
use runtime::client::Client;
use tonic::{Request, Status};
use types::{GroupId, Invalid};

use crate::domain::VendorAccounts;

/// What is known is asked for again after this long, in milliseconds.
const FRESH: u64 = 60_000;
/// Longest wait for the answer, in which no cloud has a part.
const PATIENCE: Duration = Duration::from_secs(3);
/// The limit on requests that nobody has accepted yet, as the adapter calls it.
const OUTSTANDING: &str = "outstanding_peerings";
/// AWS's own limit, for an account of which the adapter says nothing.
const DEFAULT_OUTSTANDING: u32 = 25;

/// Asks for the vendor's accounts when somebody wants to know, and remembers. Clones share what they know.
#[derive(Clone)]
pub struct Pool {
    client: ProviderServiceClient<Client>,
    known: Arc<Mutex<Option<Known>>>,
    /// Held by whoever asks; what the last failure said.
    asking: Arc<tokio::sync::Mutex<String>>,
    /// How often asking has failed.
    failures: Arc<AtomicU64>,
}

/// An answer, and when it was asked for last.
#[derive(Clone)]
struct Known {
    asked_at: i64,
    accounts: Arc<VendorAccounts>,
    outstanding: Arc<HashMap<GroupId, u32>>,
}

/// Nothing is known of the vendor's accounts, and the provider-adapter does not tell.
#[derive(Debug, thiserror::Error)]
#[error("the provider-adapter does not tell the vendor's accounts: {0}")]
pub struct PoolAway(String);

impl Pool {
    /// Asks through `client`.
    pub fn new(client: Client) -> Self {
        Self {
            client: ProviderServiceClient::new(client),
            known: Arc::default(),
            asking: Arc::default(),
            failures: Arc::default(),
        }
    }

    /// The vendor's accounts, as they were less than a minute before `now`, or longer ago when nobody tells.
    pub async fn accounts(&self, now: i64) -> Result<Arc<VendorAccounts>, PoolAway> {
        Ok(self.known(now).await?.accounts)
    }

    /// How many requests of a group may wait for acceptance at a time.
    pub async fn outstanding(&self, group: &GroupId, now: i64) -> u32 {
        let known = self.known(now).await.ok();
        let limit = known.and_then(|known| known.outstanding.get(group).copied());
        limit.unwrap_or(DEFAULT_OUTSTANDING)
    }

    async fn known(&self, now: i64) -> Result<Known, PoolAway> {
        let known = self.remembered();
        let is_fresh = |known: &Known| now.abs_diff(known.asked_at) < FRESH;
        if let Some(known) = known.clone().filter(is_fresh) {
            return Ok(known);
        }
        let failures = self.failures.load(Ordering::SeqCst);
        let mut asking = match known {
            // Somebody asks already; what is known does for so long.
            Some(known) => match self.asking.try_lock() {
                Ok(asking) => asking,
                Err(_) => return Ok(known),
            },
            None => self.asking.lock().await,
        };
        let known = self.remembered();
        if let Some(known) = known.clone().filter(is_fresh) {
            return Ok(known);
        }
        if known.is_none() && self.failures.load(Ordering::SeqCst) != failures {
            // Somebody asked meanwhile, in vain: all who waited for that share it, or each would wait as long again.
            return Err(PoolAway(asking.clone()));
        }
        let answer = match (self.ask().await, known) {
            (Ok((accounts, outstanding)), _) => Known {
                asked_at: now,
                accounts: Arc::new(accounts),
                outstanding: Arc::new(outstanding),
            },
            (Err(error), Some(known)) => {
                tracing::warn!(%error, "what was known of the vendor's accounts goes on");
                Known {
                    asked_at: now,
                    ..known
                }
            }
            (Err(error), None) => {
                asking.clone_from(&error.0);
                self.failures.fetch_add(1, Ordering::SeqCst);
                return Err(error);
            }
        };
        *self.known.lock().unwrap_or_else(PoisonError::into_inner) = Some(answer.clone());
        Ok(answer)
    }

    fn remembered(&self) -> Option<Known> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.clone()
    }

    async fn ask(&self) -> Result<(VendorAccounts, HashMap<GroupId, u32>), PoolAway> {
        let mut request = Request::new(GetLimitsRequest {
            without_usage: true,
            ..Default::default()
        });
        request.set_timeout(PATIENCE);
        let answer = self.client.clone().get_limits(request).await;
        let limits = answer
            .map_err(|status: Status| PoolAway(status.message().to_owned()))?
            .into_inner()
            .limits;
        let (mut accounts, mut outstanding) = (VendorAccounts::default(), HashMap::new());
        for limit in limits {
            // An account that is passed over here could be peered with as if it were a customer's.
            let group = group(&limit)
                .map_err(|invalid| PoolAway(format!("{} of a limit: {invalid}", limit.name)))?;
            if let Some(account) = &group.account {
                accounts.add(group.provider, account);
            }
            if limit.name == OUTSTANDING
                && let Ok(most) = u32::try_from(limit.limit)
            {
                outstanding.insert(group, most);
            }
        }
        Ok((accounts, outstanding))
    }
}

fn group(limit: &AccountLimit) -> Result<GroupId, Invalid> {
    let group = limit.group.as_ref();
    api::group(group.ok_or_else(|| Invalid::field("group must be set"))?)
}
