//! How a process ends: it hears the operating system, and all that runs in it ends together.

use std::future::Future;

use tokio::task::{JoinError, JoinSet};
use tokio_util::sync::CancellationToken;

/// Hears SIGINT and SIGTERM from now on; what it returns ends at the first of them.
///
/// When the handlers cannot be installed it logs why and never ends: a service that cannot hear a
/// signal still serves, and is ended by SIGKILL.
pub fn signal() -> impl Future<Output = ()> {
    use tokio::signal::unix::{SignalKind, signal};
    let handlers = signal(SignalKind::interrupt())
        .and_then(|interrupt| Ok((interrupt, signal(SignalKind::terminate())?)));
    async {
        match handlers {
            Ok((mut interrupt, mut terminate)) => {
                tokio::select! {
                    _ = interrupt.recv() => {}
                    _ = terminate.recv() => {}
                }
            }
            Err(error) => {
                tracing::error!(%error, "signals cannot be heard");
                std::future::pending::<()>().await;
            }
        }
    }
}

/// What runs side by side in a process: each part until [`Parts::stop`] is cancelled, and no longer than the others.
#[derive(Default)]
pub struct Parts {
    stop: CancellationToken,
    running: JoinSet<anyhow::Result<()>>,
}

impl Parts {
    /// Cancelled when the parts are to end.
    pub fn stop(&self) -> CancellationToken {
        self.stop.clone()
    }

    /// Starts a part.
    pub fn spawn(&mut self, part: impl Future<Output = anyhow::Result<()>> + Send + 'static) {
        self.running.spawn(part);
    }

    /// Lets the parts run until `shutdown`, then stops them and waits until the last has ended.
    ///
    /// # Errors
    /// What a part failed with; also when one ended by itself, which stops the others.
    pub async fn run(mut self, shutdown: impl Future<Output = ()>) -> anyhow::Result<()> {
        let alone = tokio::select! {
            () = shutdown => None,
            ended = self.running.join_next() => ended,
        };
        self.stop.cancel();
        let mut whole = match alone.map(flat) {
            None => Ok(()),
            Some(Err(failure)) => Err(failure),
            Some(Ok(())) => Err(anyhow::anyhow!("a part of the process ended by itself")),
        };
        while let Some(ended) = self.running.join_next().await {
            whole = whole.and(flat(ended));
        }
        whole
    }
}

fn flat(ended: Result<anyhow::Result<()>, JoinError>) -> anyhow::Result<()> {
    ended.map_err(anyhow::Error::from).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_a_patient_part() -> (Parts, tokio::sync::oneshot::Receiver<()>) {
        let mut parts = Parts::default();
        let (tell, told) = tokio::sync::oneshot::channel();
        let stop = parts.stop();
        parts.spawn(async move {
            stop.cancelled().await;
            tell.send(()).ok();
            Ok(())
        });
        (parts, told)
    }

    #[tokio::test]
    async fn a_shutdown_ends_all_parts_well() {
        let (parts, told) = with_a_patient_part();
        parts.run(std::future::ready(())).await.unwrap();
        told.await.unwrap();
    }

    #[tokio::test]
    async fn a_part_that_fails_takes_the_others_with_it() {
        let (mut parts, told) = with_a_patient_part();
        parts.spawn(async { anyhow::bail!("the port is gone") });
        let failure = parts.run(std::future::pending()).await.unwrap_err();
        assert_eq!(failure.to_string(), "the port is gone");
        told.await.unwrap();
    }

    #[tokio::test]
    async fn a_part_that_ends_by_itself_is_a_failure() {
        let (mut parts, told) = with_a_patient_part();
        parts.spawn(async { Ok(()) });
        parts.run(std::future::pending()).await.unwrap_err();
        told.await.unwrap();
    }
}
