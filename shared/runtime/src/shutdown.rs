//! Waiting for the operating system to ask the process to end.

/// Returns at the first SIGINT or SIGTERM.
///
/// When the handlers cannot be installed it logs why and never returns: a service that cannot hear a
/// signal still serves, and is ended by SIGKILL.
pub async fn signal() {
    use tokio::signal::unix::{SignalKind, signal};
    let handlers = signal(SignalKind::interrupt())
        .and_then(|interrupt| Ok((interrupt, signal(SignalKind::terminate())?)));
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
