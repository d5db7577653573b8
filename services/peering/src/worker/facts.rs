//! The steps that keep a peering and its network in line: what it has to know of it, and what it claims of it.

use runtime::failpoint;

use super::Worker;
use crate::clients::{AttachError, NetworkError};
use crate::domain::{Peering, progress};
use crate::store::Error;

impl Worker {
    /// Asks the network what has changed of it.
    pub(super) async fn ask_network(&self, peering: &Peering) -> Result<Option<Peering>, Error> {
        let answer = self.network.facts(&peering.tenant, peering.network).await;
        let now = self.store.now_ms().await?;
        let next = match answer {
            Ok(facts) => progress::told_of_network(peering, &facts, now),
            Err(error @ NetworkError::NotFound(_)) => {
                tracing::warn!(%error, "the network does not tell what has changed of it");
                progress::network_unknown(peering, now)
            }
            Err(error) => {
                tracing::info!(%error, "the network is asked again");
                progress::network_silent(peering, now)
            }
        };
        self.save(peering, next, now).await
    }

    /// Has the network claim exactly what is recorded.
    pub(super) async fn claims(&self, peering: &Peering) -> Result<Option<Peering>, Error> {
        let answer = self.network.attach(peering).await;
        failpoint::hit("peering.claims.after_attach");
        let now = self.store.now_ms().await?;
        let next = match answer {
            Ok(()) => progress::claimed(peering, now),
            Err(AttachError::Unanswered(status)) => {
                tracing::info!(message = status.message(), "the claims are asked for again");
                progress::network_silent(peering, now)
            }
            Err(AttachError::Refused(status)) => {
                // What is recorded was claimed once, so the network is on its way out or never gave it back: asking
                // again leads nowhere, and holds up what else is to be done.
                tracing::error!(
                    code = ?status.code(),
                    message = status.message(),
                    "the network refuses the claims of a peering that it holds"
                );
                progress::claimed(peering, now)
            }
        };
        self.save(peering, next, now).await
    }
}
