//! Changes that a network's owner asks for: each under the network's lock, with its event and the answer to its call.

use prost::Message;
use runtime::request_ids::{self, Key};
use runtime::{failpoint, status};
use sea_orm::DatabaseTransaction;
use types::{NetworkId, TenantId};

use super::networks::lock_network;
use super::{Error, Happening, Origin, Store, labels};
use crate::domain::{self, Network, Update};

/// One call of a network's owner.
pub struct Call<'a> {
    /// Whose network.
    pub tenant: &'a TenantId,
    /// Which one.
    pub id: NetworkId,
    /// Trace context of the call.
    pub traceparent: Option<String>,
    /// Who calls.
    pub origin: &'a Origin,
    /// What a repetition is recognised by.
    pub key: &'a Key,
    /// When.
    pub now: i64,
}

impl Store {
    /// Changes a network's name or labels.
    ///
    /// # Errors
    /// What [`Network::update`] refuses, [`domain::Error::NameInUse`].
    pub async fn update<A: Message + Default>(
        &self,
        call: &Call<'_>,
        wish: Update,
        answer: impl FnOnce(&Network) -> A,
    ) -> Result<A, Error> {
        let txn = self.db.begin().await?;
        let mut network = lock_network(&txn, call.tenant, call.id).await?;
        if let Some(answer) = request_ids::replay(&txn, call.key, call.now).await? {
            return Ok(answer);
        }
        let before = network.clone();
        if network.update(wish, call.now)? {
            let happening = Some(Happening::Updated);
            let written = self.write(
                &txn,
                &before,
                &mut network,
                happening,
                call.origin,
                call.now,
            );
            match written.await {
                Err(Error::Database(error)) if status::is_unique_violation(&error) => {
                    let name = network.display_name.to_string();
                    return Err(domain::Error::NameInUse(name).into());
                }
                other => other?,
            }
            if before.labels != network.labels {
                labels::put(&txn, &network).await?;
            }
        }
        let answer = answer(&network);
        self.finish(txn, call, &answer).await?;
        Ok(answer)
    }

    /// Keeps the answer to a call and commits.
    pub(super) async fn finish(
        &self,
        txn: DatabaseTransaction,
        call: &Call<'_>,
        answer: &impl Message,
    ) -> Result<(), Error> {
        request_ids::store(&txn, call.key, answer, call.now).await?;
        txn.commit().await?;
        failpoint::hit("network.change.after_commit");
        self.written.notify_one();
        Ok(())
    }
}

/// Pulls the group's work lane forward to the network's next step.
pub(super) async fn hasten(
    txn: &DatabaseTransaction,
    network: &Network,
    now: i64,
) -> Result<(), Error> {
    if let (Some(group), Some(at)) = (network.group(), network.due_at()) {
        queue::hasten(txn, &group, queue::Lane::Work, at.max(now)).await?;
    }
    Ok(())
}
