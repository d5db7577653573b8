//! Following the network service's watch: for networks that are being deleted, and for what peerings copy of the others.
//!
//! A watch begins with all networks that stand. They are read one at a time and only looked at, so they cost time and no
//! memory; and they come once: a watch that breaks goes on behind the last message it had.

use std::time::Duration;

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tonic::{Code, Status};
use types::NetworkId;

use super::Worker;
use crate::domain::NetworkNews;

/// A watch that lives says something every 15 s.
const SILENCE: Duration = Duration::from_secs(60);
/// Between two tries; doubled by each that fails, up to the longest.
const PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// How far the watch is. It outlasts the watches.
#[derive(Default)]
pub(super) struct Following {
    resume_token: String,
    failures: u32,
    trouble: Trouble,
}

/// What does not work at the moment, so that the log tells it once.
#[derive(Default)]
pub(super) struct Trouble(Option<Code>);

impl Trouble {
    /// Something failed.
    pub(super) fn note(&mut self, status: &Status, what: &str) {
        if self.0.replace(status.code()) != Some(status.code()) {
            let code = status.code();
            tracing::warn!(?code, message = status.message(), "{what}");
        }
    }

    /// It works.
    pub(super) fn end(&mut self, what: &str) {
        if self.0.take().is_some() {
            tracing::info!("{what}");
        }
    }
}

impl Following {
    fn pause(&self) -> Duration {
        PAUSE
            .saturating_mul(1_u32.checked_shl(self.failures).unwrap_or(u32::MAX))
            .min(LONGEST_PAUSE)
    }

    /// What was told of may have got lost: the next watch begins with all networks.
    pub(super) fn start_over(&mut self) {
        self.resume_token.clear();
    }

    fn failed(&mut self, status: &Status) {
        self.failures = self.failures.saturating_add(1);
        // The events behind the token are gone, or the service no longer knows it: begin anew.
        if matches!(status.code(), Code::OutOfRange | Code::InvalidArgument) {
            self.resume_token.clear();
        }
        let what = "the networks are not watched; those being deleted are found by listing them";
        self.trouble.note(status, what);
    }
}

impl Worker {
    /// Tells `found` of each network that the watch shows to be DELETING, and `heard` of all others, until `stop`.
    pub(super) async fn follow_networks(
        &self,
        following: &mut Following,
        found: mpsc::Sender<NetworkId>,
        heard: mpsc::Sender<NetworkNews>,
        stop: &CancellationToken,
    ) {
        loop {
            let watching = self.watch_networks(following, &found, &heard);
            let Some(ended) = stop.run_until_cancelled(watching).await else {
                return;
            };
            let pause = following.pause();
            following.failed(&ended);
            if stop
                .run_until_cancelled(tokio::time::sleep(pause))
                .await
                .is_none()
            {
                return;
            }
        }
    }

    /// One watch; answers why it ended.
    async fn watch_networks(
        &self,
        following: &mut Following,
        found: &mpsc::Sender<NetworkId>,
        heard: &mpsc::Sender<NetworkNews>,
    ) -> Status {
        let watch = self
            .network
            .watch_networks_of_all(&following.resume_token)
            .await;
        let mut watch = match watch {
            Ok(watch) => watch,
            Err(status) => return status,
        };
        loop {
            let told = match tokio::time::timeout(SILENCE, watch.next()).await {
                Ok(Ok(Some(told))) => told,
                Ok(Ok(None)) => return Status::unavailable("the watch ended"),
                Ok(Err(status)) => return status,
                Err(_) => return Status::unavailable("the watch fell silent"),
            };
            if let Some(network) = told.deleting
                && found.try_send(network).is_err()
            {
                // The watch must not wait for the database: the list finds it.
                tracing::debug!(network.id = %network, "left to the list");
            }
            // No list tells of these, so they are waited for. A watch that is cut off for that goes on where it was.
            if let Some(news) = told.news
                && heard.send(news).await.is_err()
            {
                return Status::cancelled("nobody listens");
            }
            following.resume_token = told.resume_token;
            if !told.is_snapshot {
                following.failures = 0;
                following.trouble.end("the networks are watched again");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_does_not_answer_is_asked_ever_more_rarely() {
        let mut following = Following::default();
        let mut pauses = Vec::new();
        for _ in 0..100 {
            pauses.push(following.pause());
            following.failed(&Status::unavailable("away"));
        }
        assert_eq!(pauses[..3], [1, 2, 4].map(|tenths| PAUSE * tenths));
        assert!(pauses.is_sorted());
        assert_eq!(pauses.last(), Some(&LONGEST_PAUSE));
    }

    #[test]
    fn a_token_is_kept_until_the_service_refuses_it() {
        for (code, is_kept) in [
            (Code::Unavailable, true),
            (Code::Unimplemented, true),
            (Code::ResourceExhausted, true),
            (Code::OutOfRange, false),
            (Code::InvalidArgument, false),
        ] {
            let mut following = Following {
                resume_token: "token".to_owned(),
                ..Default::default()
            };
            following.failed(&Status::new(code, "no"));
            assert_eq!(!following.resume_token.is_empty(), is_kept, "{code:?}");
        }
    }
}
