//! A point at which a scripted service waits until the test lets it go on.

use std::sync::Arc;

use tokio::sync::watch;

/// Open unless it is shut; clones are the same gate.
#[derive(Clone)]
pub(crate) struct Gate {
    shut: Arc<watch::Sender<bool>>,
    waiting: Arc<watch::Sender<usize>>,
}

impl Default for Gate {
    fn default() -> Self {
        Self {
            shut: Arc::new(watch::Sender::new(false)),
            waiting: Arc::new(watch::Sender::new(0)),
        }
    }
}

impl Gate {
    pub(crate) fn shut(&self) {
        self.waiting.send_replace(0);
        self.shut.send_replace(true);
    }

    pub(crate) fn open(&self) {
        self.shut.send_replace(false);
    }

    /// Returns once somebody stands before the shut gate.
    pub(crate) async fn until_reached(&self) {
        self.until_reached_by(1).await;
    }

    /// Returns once so many came to the shut gate.
    pub(crate) async fn until_reached_by(&self, visitors: usize) {
        self.waiting
            .subscribe()
            .wait_for(|count| *count >= visitors)
            .await
            .unwrap();
    }

    /// Waits while the gate is shut.
    pub(crate) async fn pass(&self) {
        if *self.shut.borrow() {
            self.waiting.send_modify(|count| *count += 1);
        }
        self.shut.subscribe().wait_for(|shut| !shut).await.unwrap();
    }
}
