//! The step that brings the route tables of a peering's network in line.

use api::cloud::CloudError;
use runtime::failpoint;

use super::Worker;
use super::step::{CALLS, Pass};
use crate::clients::refusal;
use crate::domain::{Peering, Routing, Step, WantedRoute, progress, wanted_routes};
use crate::store::Error;

impl Worker {
    pub(super) async fn routes(
        &self,
        peering: &Peering,
        pass: &Pass<'_>,
    ) -> Result<Option<Peering>, Error> {
        let answer = self.put_routes(peering, pass).await?;
        failpoint::hit("peering.step.after_call");
        let now = self.store.now_ms().await?;
        let next = match answer {
            Ok(routing) => progress::routed(peering, &routing, now),
            Err(error) => {
                tracing::info!(%error, "the routes are not in place");
                pass.note(&error);
                progress::refused(peering, &Step::Routes, &refusal(&error), now)
            }
        };
        self.save(peering, next, now).await
    }

    /// One call makes a limited number of changes: calls again, a few times, while there is more to do.
    ///
    /// Each call sends the whole set, and whoever holds the group besides us may send another: what is wanted is read
    /// again after each call, so that the last call of all sends what was wanted last.
    async fn put_routes(
        &self,
        peering: &Peering,
        pass: &Pass<'_>,
    ) -> Result<Result<Routing, CloudError>, Error> {
        let mut wanted = self.wanted_routes(peering).await?;
        let mut missing: Vec<Vec<WantedRoute>> = Vec::with_capacity(CALLS);
        let mut routing = Routing::More;
        for _ in 0..CALLS {
            if pass.is_over() {
                return Ok(Ok(routing));
            }
            let answer = match self.provider.ensure_routes(peering, &wanted).await {
                Ok(answer) => answer,
                Err(error) => return Ok(Err(error)),
            };
            let sent = std::mem::replace(&mut wanted, self.wanted_routes(peering).await?);
            routing = if sent != wanted {
                missing.clear();
                Routing::Overtaken
            } else if answer.is_complete {
                return Ok(Ok(Routing::Done));
            } else {
                missing.push(answer.missing);
                Routing::More
            };
        }
        Ok(Ok(stuck(peering, &missing).unwrap_or(routing)))
    }

    async fn wanted_routes(&self, peering: &Peering) -> Result<Vec<WantedRoute>, Error> {
        Ok(wanted_routes(&self.store.routed(peering.network).await?))
    }
}

/// Whether all calls of a turn have left the same routes missing.
fn stuck(peering: &Peering, missing: &[Vec<WantedRoute>]) -> Option<Routing> {
    let last = missing.last().filter(|last| !last.is_empty())?;
    if missing.len() < CALLS || missing.iter().any(|one| one != last) {
        return None;
    }
    let id = peering.provider_peering_id.as_deref();
    let own = last
        .iter()
        .filter(|route| Some(route.provider_peering_id.as_str()) == id);
    Some(Routing::Stuck(own.map(|route| route.cidr).collect()))
}
