//! Listing the peerings of a project: they stand in its networks.

use std::collections::{BTreeMap, HashSet};

use futures::{StreamExt, TryStreamExt, stream};
use google_cloud_compute_v1::model::Network;
use types::Region;

use super::client::Gce;
use super::error::Failure;
use super::listing::{self, NETWORKS, Paging};
use super::peering_state::observation;
use super::{names, peering_routes, vpc_look};
use crate::provider::{ObservePeerings, Page, Pages, PeeringObservation, PeeringState};

/// Observations in one page of ours, whatever the cloud puts into one of its own.
const MOST_ITEMS: usize = 500;

/// All peerings of the deployment's networks, and those that the caller names. What cannot be trusted ends it.
pub(super) fn pages(gce: Gce, ask: ObservePeerings) -> Pages<PeeringObservation> {
    let listing = Listing {
        gce,
        vpc: ask.vendor_vpc_id.clone(),
        ranges_in: ask.region.clone().filter(|_| ask.with_peer_cidrs),
        wanted: Wanted::new(ask),
        paging: Paging::new(NETWORKS),
    };
    stream::try_unfold(Some(listing), |listing| async {
        let Some(mut listing) = listing else {
            return Ok(None);
        };
        let (items, complete) = listing.page().await.map_err(Failure::while_looking)?;
        let rest = (!complete).then_some(listing);
        let pages = Page::cut(items, complete, MOST_ITEMS, |_| 1);
        Ok(Some((pages, rest)))
    })
    .map_ok(|pages| stream::iter(pages.into_iter().map(Ok)))
    .try_flatten()
    .boxed()
}

struct Listing {
    gce: Gce,
    /// The only network to look at.
    vpc: Option<String>,
    /// The region in which the ranges behind the named peerings are looked at.
    ranges_in: Option<Region>,
    wanted: Wanted,
    paging: Paging,
}

impl Listing {
    /// The peerings on the next page, and whether it was the last of a listing that missed nothing.
    async fn page(&mut self) -> Result<(Vec<PeeringObservation>, bool), Failure> {
        // A request of its own for each page: the caller waits for pages, not for the whole.
        let gce = Gce::new(self.gce.project.clone());
        let (networks, complete) = match &self.vpc {
            Some(name) => {
                let found = vpc_look::named(&gce, name).await?;
                (found.into_iter().collect(), true)
            }
            None => {
                let page = listing::networks(gce.clone(), self.paging.token()).await?;
                self.paging.turn(&gce, page)?
            }
        };
        let items = networks.iter().map(|network| self.wanted.of(network));
        let items: Option<Vec<_>> = items.collect();
        let items = items.ok_or_else(|| {
            let why = "the answer shows a peering without name or network";
            gce.unusable(NETWORKS, why)
        })?;
        let mut items = items.concat();
        self.look_at_ranges(&mut items).await?;
        Ok((items, complete))
    }

    /// Puts the ranges behind the named peerings to them. Those that are not active have none to show.
    async fn look_at_ranges(&self, items: &mut [PeeringObservation]) -> Result<(), Failure> {
        let Some(region) = &self.ranges_in else {
            return Ok(());
        };
        for half in items {
            let is_named = self.wanted.ids.contains(&half.provider_peering_id);
            if is_named && half.state == PeeringState::Active {
                // A request of its own for each, as for pages.
                let gce = Gce::new(self.gce.project.clone());
                half.peer_cidrs = peering_routes::incoming(&gce, half, region).await?;
            }
        }
        Ok(())
    }
}

/// Which peerings the caller wants to see, and what it knows about some.
struct Wanted {
    deployment: String,
    prefix: String,
    ids: HashSet<String>,
    /// Attempts by the names of their peerings.
    expected: BTreeMap<String, (String, i32)>,
}

impl Wanted {
    fn new(ask: ObservePeerings) -> Self {
        let attempts = ask.expected.iter().map(|(id, attempt)| {
            let name = names::of_peering(&ask.deployment, id, *attempt);
            (name, (id.to_string(), *attempt))
        });
        Self {
            prefix: names::prefix(&ask.deployment),
            expected: attempts.collect(),
            ids: ask.provider_peering_ids.into_iter().collect(),
            deployment: ask.deployment,
        }
    }

    /// The wanted halves of a network; none when one of them lacks what makes it one.
    fn of(&self, network: &Network) -> Option<Vec<PeeringObservation>> {
        let of = network.name.as_deref()?;
        let ours = of.starts_with(&self.prefix);
        let halves = network.peerings.iter().filter(|half| {
            let name = half.name.as_deref();
            ours || name.is_some_and(|name| self.ids.contains(name))
        });
        halves
            .map(|half| Some(self.marked(observation(of, half)?)))
            .collect()
    }

    fn marked(&self, seen: PeeringObservation) -> PeeringObservation {
        let Some((peering_id, attempt)) = self.expected.get(&seen.provider_peering_id) else {
            return seen;
        };
        PeeringObservation {
            deployment: self.deployment.clone(),
            peering_id: peering_id.clone(),
            attempt: *attempt,
            ..seen
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use google_cloud_compute_v1::model::NetworkPeering;
    use google_cloud_compute_v1::model::network_peering::State;
    use types::{GroupId, PeeringId};

    fn half(name: &str) -> NetworkPeering {
        NetworkPeering::new()
            .set_name(name)
            .set_network("projects/customer-1/global/networks/main")
            .set_state(State::Active)
    }

    #[test]
    fn expected_attempts_are_named_and_strangers_left_out() {
        let id = PeeringId::generate();
        let wanted = Wanted::new(ObservePeerings {
            group: GroupId::gcp("acme-prod"),
            deployment: "dev".into(),
            provider_peering_ids: vec!["named".into()],
            expected: vec![(id, 2)],
            with_peer_cidrs: false,
            region: None,
            vendor_vpc_id: None,
            outstanding_only: false,
            peering_ids: Vec::new(),
        });
        let expected = names::of_peering("dev", &id, 2);
        let halves = || [half(&expected), half("named"), half("other")];
        let ours = Network::new()
            .set_name(names::prefix("dev") + "x")
            .set_peerings(halves());
        let seen = wanted.of(&ours).unwrap();
        assert_eq!(seen.len(), 3);
        assert_eq!((&*seen[0].deployment, seen[0].attempt), ("dev", 2));
        assert_eq!(seen[0].peering_id, id.to_string());
        assert_eq!((&*seen[2].deployment, seen[2].attempt), ("", 0));
        let strange = Network::new().set_name("default").set_peerings(halves());
        let seen = wanted.of(&strange).unwrap();
        assert_eq!(seen.len(), 1);
        assert_eq!(seen[0].provider_peering_id, "named");
    }
}
