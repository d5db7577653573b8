//! Named points at which a test lets the process die, as by `kill -9`. Debug builds only.

use std::sync::LazyLock;

static CHOSEN: LazyLock<Option<String>> = LazyLock::new(|| {
    std::env::var("PEERWAY_FAILPOINT")
        .ok()
        .filter(|name| !name.is_empty())
});

/// Aborts the process here when the environment variable `PEERWAY_FAILPOINT` is `name`.
///
/// Says `failpoint NAME` on standard error first. A release build does nothing.
pub fn hit(name: &str) {
    if cfg!(debug_assertions) && CHOSEN.as_deref() == Some(name) {
        eprintln!("failpoint {name}");
        std::process::abort();
    }
}
