//! What its owner's wishes, and what stands on it, make of a network.

use types::{DisplayName, Labels};

use super::{Blockers, Error, Network, State};

/// Why a network that is to be deleted is left alone.
const WAITING_FOR_PEERINGS: &str = "WAITING_FOR_PEERINGS";

/// A wish to change a network.
#[derive(Debug, Clone, Default)]
pub struct Update {
    /// As the caller knows the network; empty: as it is.
    pub etag: String,
    /// Another name.
    pub display_name: Option<DisplayName>,
    /// Other labels instead of all there are.
    pub labels: Option<Labels>,
}

impl Network {
    /// The owner wants another name or other labels. False when they are as wanted already.
    ///
    /// # Errors
    /// A stale etag, or a network that is leaving.
    pub fn update(&mut self, wish: Update, now: i64) -> Result<bool, Error> {
        self.check_stays()?;
        self.check_etag(&wish.etag)?;
        let before = (self.display_name.clone(), self.labels.clone());
        self.display_name = wish.display_name.unwrap_or(self.display_name.clone());
        self.labels = wish.labels.unwrap_or(self.labels.clone());
        let changed = (&before.0, &before.1) != (&self.display_name, &self.labels);
        if changed {
            self.update_time = now;
        }
        Ok(changed)
    }

    /// The owner wants it gone. False when that was said before: then nothing changes. `blockers` are what forbids it;
    /// peerings that are not among them are deleted first, and the network waits for that.
    ///
    /// # Errors
    /// A stale etag, or something that stands on it.
    pub fn delete(
        &mut self,
        etag: &str,
        blockers: Blockers,
        traceparent: Option<String>,
        now: i64,
    ) -> Result<bool, Error> {
        if self.state.is_leaving() {
            return Ok(false);
        }
        self.check_etag(etag)?;
        if blockers.total > 0 {
            return Err(Error::NetworkInUse(blockers));
        }
        self.enter(State::Deleting, now);
        self.traceparent = traceparent;
        self.work.step_at = Some(now);
        self.wait_for_peerings(now);
        Ok(true)
    }

    /// A network that is to be deleted is left alone while peerings stand on it, and goes on when none does.
    pub fn wait_for_peerings(&mut self, now: i64) {
        if self.state != State::Deleting {
            return;
        }
        if self.peering_count > 0 {
            let are = if self.peering_count == 1 {
                "peering is"
            } else {
                "peerings are"
            };
            WAITING_FOR_PEERINGS.clone_into(&mut self.reason);
            self.message = format!("{} {are} being deleted first", self.peering_count);
            self.work.step_at = None;
        } else if self.reason == WAITING_FOR_PEERINGS {
            self.reason.clear();
            self.message.clear();
            self.work.step_at = Some(now);
        }
    }

    /// The firewall is to admit other ranges or ports than those of its goal so far.
    pub fn raise_firewall_goal(&mut self, traceparent: Option<String>, now: i64) {
        self.hasten_firewall(now);
        self.firewall.goal += 1;
        self.traceparent = traceparent.or(self.traceparent.take());
    }

    /// Checks that its owner has not asked for its end.
    ///
    /// # Errors
    /// [`Error::NetworkDeleted`].
    pub fn check_stays(&self) -> Result<(), Error> {
        if !self.state.is_leaving() {
            return Ok(());
        }
        Err(Error::NetworkDeleted {
            id: self.id,
            state: self.state,
        })
    }

    fn check_etag(&self, etag: &str) -> Result<(), Error> {
        let current = self.etag();
        if etag.is_empty() || etag == current {
            return Ok(());
        }
        Err(Error::EtagMismatch {
            given: etag.to_owned(),
            now: current,
        })
    }
}

#[cfg(test)]
mod tests;
