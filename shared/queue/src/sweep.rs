//! The sweep: lays every lane's due time into the queue again and again, so that a lost nudge, a wipe or a
//! clock that was set back costs seconds and nothing else.

use std::collections::HashMap;

use runtime::leader;
use sea_orm::DbErr;
use tokio_util::sync::CancellationToken;
use types::GroupId;

use crate::backend::Kind;
use crate::{Error, Lane, Queue, schema};

impl Queue {
    /// Sweeps while this process leads, until `stop`; out of turn also when this process saw Redis wiped or
    /// the queue change its place. `least_step` answers for each group the least `step_at` of its rows, in
    /// milliseconds since the epoch; groups without steps are left out.
    pub async fn run_sweep<F, Fut>(&self, stop: CancellationToken, least_step: F)
    where
        F: Fn() -> Fut,
        Fut: Future<Output = Result<Vec<(GroupId, i64)>, DbErr>>,
    {
        let lead = format!("{}-sweep", self.0.name);
        let mut asked = false;
        while !stop.is_cancelled() {
            if let Err(error) = self.sweep_in_turn(&lead, asked, &least_step).await {
                self.0.trouble.begins("the sweep fails", &error);
            }
            tokio::select! {
                () = stop.cancelled() => {}
                () = self.0.refill.notified() => asked = true,
                () = tokio::time::sleep(self.0.config.sweep) => asked = false,
            }
        }
        // Best effort: the next leader waits for the lead's end otherwise.
        leader::release(&self.0.db, &lead, &self.0.holder)
            .await
            .ok();
    }

    async fn sweep_in_turn<F, Fut>(
        &self,
        lead: &str,
        asked: bool,
        least_step: &F,
    ) -> Result<(), Error>
    where
        F: Fn() -> Fut,
        Fut: Future<Output = Result<Vec<(GroupId, i64)>, DbErr>>,
    {
        let leads = leader::hold(&self.0.db, lead, &self.0.holder, self.0.config.sweep).await?;
        if leads || asked {
            self.sweep(&least_step().await?).await?;
        }
        Ok(())
    }

    /// One sweep, given the least `step_at` of each group that has steps.
    ///
    /// # Errors
    /// When the database or Redis failed; what was laid in until then stays.
    pub async fn sweep(&self, least_step: &[(GroupId, i64)]) -> Result<(), Error> {
        let now = self.0.db.now_ms().await?;
        let steps: HashMap<_, _> = least_step.iter().map(|(group, at)| (group, *at)).collect();
        match self.0.backends.in_use() {
            Kind::Redis => {
                for lane in Lane::ALL {
                    let mut due = self.0.backends.table.due(lane).await?;
                    if lane == Lane::Work {
                        for (group, delay) in &mut due {
                            *delay = steps.get(group).map_or(*delay, |at| at - now);
                        }
                    }
                    self.0.backends.fill(lane, &due).await?;
                }
            }
            Kind::Table => {
                for (group, delay) in self.0.backends.table.due(Lane::Work).await? {
                    let Some(step_at) = steps.get(&group) else {
                        continue;
                    };
                    if step_at - now < delay {
                        schema::hasten(self.0.db.write(), &group, Lane::Work, *step_at).await?;
                        self.0.wakes.wake(Lane::Work);
                    }
                }
            }
        }
        Ok(())
    }
}
