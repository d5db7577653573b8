//! The step that makes the options of our half as wanted.

use runtime::failpoint;

use super::Worker;
use super::step::Pass;
use crate::clients::refusal;
use crate::domain::{Peering, Step, progress};
use crate::store::{Asked, Error};

impl Worker {
    /// Makes the options of our half as wanted, or reads how far the operation is that does.
    pub(super) async fn options(
        &self,
        peering: &Peering,
        pass: &Pass<'_>,
        now: i64,
    ) -> Result<Option<Peering>, Error> {
        let asking = if peering.sets_options_anew(now) {
            let setting = progress::setting_options(peering, now);
            match self.save_request(peering, setting, now).await? {
                Asked::Done(asking) => asking,
                Asked::Stale => return Ok(None),
                Asked::Busy => return self.put_off(peering, now).await,
                Asked::Waits(waiting) => return Ok(Some(*waiting)),
            }
        } else {
            Box::new(peering.clone())
        };
        let answer = self.provider.ensure_peering_options(&asking).await;
        failpoint::hit("peering.step.after_call");
        let now = self.store.now_ms().await?;
        let next = match answer {
            Ok((complete, token)) => progress::options_set(&asking, complete, &token, now),
            Err(error) => {
                tracing::info!(%error, "the options are not set");
                pass.note(&error);
                progress::refused(&asking, &Step::Options, &refusal(&error), now)
            }
        };
        self.save(&asking, next, now).await
    }
}
