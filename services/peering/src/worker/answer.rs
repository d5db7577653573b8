//! What the answer to a create means, and how it is recorded while others write.

use api::cloud::CloudError;

use super::Worker;
use crate::clients::refusal;
use crate::domain::progress::{self, Refusal, RefusalKind};
use crate::domain::{Peering, Sighting, Step, trusted};
use crate::store::Error;

/// Tries to record an answer while others write.
const SAVES: usize = 5;

impl Worker {
    /// Records what became of a create. Others may write meanwhile: a look that does not show it yet, or its owner who
    /// wants it gone. The answer is true even so, and without it everybody would have to wait for a look.
    pub(super) async fn save_answer(
        &self,
        asking: Peering,
        step: &Step,
        answer: &Result<(Option<Sighting>, String), CloudError>,
        asked_at: i64,
    ) -> Result<Option<Peering>, Error> {
        let mut row = asking.clone();
        for _ in 0..SAVES {
            let now = self.store.now_ms().await?;
            let way = match answer {
                Ok((Some(seen), token)) => self.answered(&row, seen, token, asked_at, now),
                Ok((None, token)) => vec![progress::underway(&row, token, now)],
                Err(error) => vec![progress::refused(&row, step, &refusal(error), now)],
            };
            if let Some(saved) = self.save_way(&row, way, now).await? {
                return Ok(Some(saved));
            }
            match self.store.read(asking.id).await? {
                Some(recorded) if progress::is_open(&asking, &recorded) => row = recorded,
                _ => return Ok(None),
            }
        }
        Ok(None)
    }

    /// What the answer to a create means: ours, somebody else's, or nonsense.
    fn answered(
        &self,
        asking: &Peering,
        seen: &Sighting,
        token: &str,
        asked_at: i64,
        now: i64,
    ) -> Vec<Peering> {
        if asking.is_former(seen) {
            return vec![progress::preceded(asking, seen, now)];
        }
        let ours = seen.peering == Some(asking.id) && seen.attempt == asking.attempt;
        if !ours {
            return vec![progress::duplicate(asking, seen, now)];
        }
        if !trusted(asking, seen) {
            let nonsense = Refusal {
                kind: RefusalKind::Unknown,
                reason: "CLOUD_ERROR".to_owned(),
                message: "the cloud answered with a peering between other VPCs".to_owned(),
                certain: false,
            };
            return vec![progress::refused(asking, &Step::Request, &nonsense, now)];
        }
        progress::requested(asking, seen, token, &self.rules, asked_at, now)
    }
}
