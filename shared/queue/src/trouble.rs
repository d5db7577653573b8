//! Says once that something fails, and once that it works again.

use std::sync::atomic::{AtomicBool, Ordering};

use crate::Error;

#[derive(Debug)]
pub(crate) struct Trouble {
    queue: &'static str,
    on: AtomicBool,
}

impl Trouble {
    pub(crate) fn new(queue: &'static str) -> Self {
        Self {
            queue,
            on: AtomicBool::new(false),
        }
    }

    pub(crate) fn is_on(&self) -> bool {
        self.on.load(Ordering::Relaxed)
    }

    pub(crate) fn begins(&self, what: &str, error: &Error) {
        let queue = self.queue;
        if self.on.swap(true, Ordering::Relaxed) {
            tracing::debug!(queue, %error, "still in trouble: {what}");
        } else {
            tracing::warn!(queue, %error, "{what}");
        }
    }

    pub(crate) fn ends(&self, what: &str) {
        if self.on.swap(false, Ordering::Relaxed) {
            tracing::info!(queue = self.queue, "{what}");
        }
    }
}
