//! The step that removes what an earlier attempt left in the cloud.

use runtime::failpoint;

use super::Worker;
use super::step::Pass;
use crate::clients::refusal;
use crate::domain::{Former, Peering, Step, progress};
use crate::store::{Asked, Error};

impl Worker {
    /// Removes the vendor half of an earlier attempt.
    pub(super) async fn clear(
        &self,
        peering: &Peering,
        former: &Former,
        pass: &Pass<'_>,
        now: i64,
    ) -> Result<Option<Peering>, Error> {
        let asking = if peering.removes_anew(now) {
            let removing = progress::removing(peering, now);
            match self.save_request(peering, removing, now).await? {
                Asked::Done(asking) => asking,
                Asked::Stale => return Ok(None),
                Asked::Busy => return self.put_off(peering, now).await,
                Asked::Waits(waiting) => return Ok(Some(*waiting)),
            }
        } else {
            Box::new(peering.clone())
        };
        let (id, attempt) = (&former.provider_peering_id, former.attempt);
        let answer = self.provider.delete_peering(&asking, id, attempt).await;
        failpoint::hit("peering.step.after_call");
        let now = self.store.now_ms().await?;
        let next = match answer {
            Ok((removal, token)) => progress::cleared(&asking, removal, &token, &self.rules, now),
            Err(error) => {
                tracing::info!(%error, "the half of an earlier attempt is not removed");
                pass.note(&error);
                let step = Step::Clear(former.clone());
                progress::refused(&asking, &step, &refusal(&error), now)
            }
        };
        self.save(&asking, next, now).await
    }
}
