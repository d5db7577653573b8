//! Waiting for what comes of a wish, where nothing tells but another question.

use std::time::Duration;

use tonic::{Code, Status};

/// Far above what anything takes, the minutes in which absence ripens included.
pub(crate) const PATIENCE: Duration = Duration::from_secs(120);
/// Between two questions while something is waited for that tells nobody.
const PAUSE: Duration = Duration::from_millis(50);

/// Asks until there is an answer that will do; says what was seen last when none comes.
pub(crate) async fn until<T: std::fmt::Debug, E: std::fmt::Debug>(
    what: &str,
    ask: impl AsyncFn() -> Result<T, E>,
    will_do: impl Fn(&T) -> bool,
) -> T {
    let started = tokio::time::Instant::now();
    loop {
        let seen = ask().await;
        match seen {
            Ok(seen) if will_do(&seen) => return seen,
            seen if started.elapsed() > PATIENCE => {
                panic!("waited in vain for {what}; last seen: {seen:#?}")
            }
            _ => tokio::time::sleep(PAUSE).await,
        }
    }
}

/// Whether a program that is being started again may have caused it.
pub(crate) fn passes(status: &Status) -> bool {
    matches!(
        status.code(),
        Code::Unavailable
            | Code::DeadlineExceeded
            | Code::Aborted
            | Code::Cancelled
            | Code::Unknown
    )
}
