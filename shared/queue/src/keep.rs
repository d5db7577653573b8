//! Keeps a lease alive while its turn runs.

use std::time::{Duration, Instant};

use crate::backend::{Backends, Claim};

/// Prolongs the lease every third of it, and returns once it must be taken for lost: refused, or unanswered
/// for so long that a cloud call begun now could outlast it.
pub(crate) async fn keep(backends: &Backends, claim: &Claim, lease: Duration) {
    let mut held_since = claim.begun;
    let mut pause = lease / 3;
    loop {
        tokio::time::sleep(pause).await;
        let asked = Instant::now();
        match backends.extend(claim).await {
            Ok(true) => {
                held_since = asked;
                pause = lease / 3;
            }
            Ok(false) => return,
            Err(_) if held_since.elapsed() >= lease / 2 => return,
            Err(error) => {
                tracing::debug!(%error, "a lease could not be prolonged yet");
                pause = lease / 20;
            }
        }
    }
}
