//! What Redis says of due times and leases to those who only look.

use std::time::Duration;

use ::redis::{Script, Value, from_redis_value};
use runtime::clock::millis as ms;
use types::GroupId;

use super::Redis;
use crate::backend::{Depth, Held};
use crate::{Error, Lane};

/// The most groups one script is asked about.
const BATCH: usize = 100;

impl Redis {
    /// How each of these groups stands in a lane, in their order.
    pub(in crate::backend) async fn held(
        &self,
        lane: Lane,
        groups: &[GroupId],
    ) -> Result<Vec<Held>, Error> {
        let script = Script::new(include_str!("../scripts/view.lua"));
        let keys = self.keys(lane);
        let mut held = Vec::with_capacity(groups.len());
        for batch in groups.chunks(BATCH) {
            let mut view = script.key(&keys.due);
            view.key(&keys.lease).arg(ms(self.lease));
            for group in batch {
                view.arg(group.to_string());
            }
            let answer: Vec<Value> = self.ask(&view).await?;
            let mut answer = answer.into_iter();
            while let (Some(left), Some(leased)) = (answer.next(), answer.next()) {
                let leased: i64 = from_redis_value(leased).map_err(::redis::RedisError::from)?;
                held.push(Held {
                    // Text stands for a group that was lost.
                    left: from_redis_value(left).ok(),
                    leased: leased == 1,
                });
            }
        }
        Ok(held)
    }

    /// How many groups of a lane wait for a worker, and how long the first has.
    pub(in crate::backend) async fn depth(&self, lane: Lane) -> Result<Depth, Error> {
        let script = Script::new(include_str!("../scripts/figures.lua"));
        let figures = script.key(&self.keys(lane).due);
        let (overdue, lag): (i64, u64) = self.ask(&figures).await?;
        let lag = Duration::from_millis(lag);
        Ok(Depth { overdue, lag })
    }
}
