//! Listing the peerings of a project: they stand in its networks.

use std::collections::{BTreeMap, HashSet};

use futures::{StreamExt, TryStreamExt, stream};
use google_cloud_compute_v1::model::network_list::warning::Code;
use google_cloud_compute_v1::model::{Network, NetworkList};

use super::client::{Clients, Gce};
use super::error::Failure;
use super::peering_state::observation;
use super::{names, vpc_look};
use crate::provider::{ObservePeerings, Page, Pages, PeeringObservation};

const API: &str = "networks.list";
/// A listing that is longer than this goes in a circle.
const MOST_PAGES: usize = 10_000;
/// Observations in one page of ours, whatever the cloud puts into one of its own.
const MOST_ITEMS: usize = 500;

/// All peerings of the deployment's networks, and those that the caller names. What cannot be trusted ends it.
pub(super) fn pages(gce: Gce, ask: ObservePeerings) -> Pages<PeeringObservation> {
    let listing = Listing {
        gce,
        wanted: Wanted::new(ask),
        token: None,
        tokens: HashSet::new(),
        warning: None,
    };
    stream::try_unfold(Some(listing), |listing| async {
        let Some(mut listing) = listing else {
            return Ok(None);
        };
        let (items, complete) = listing.page().await.map_err(Failure::while_looking)?;
        let rest = (!complete).then_some(listing);
        Ok(Some((chunks(items, complete), rest)))
    })
    .map_ok(|pages| stream::iter(pages.into_iter().map(Ok)))
    .try_flatten()
    .boxed()
}

struct Listing {
    gce: Gce,
    wanted: Wanted,
    token: Option<String>,
    tokens: HashSet<String>,
    /// What the cloud said against the listing.
    warning: Option<String>,
}

impl Listing {
    /// The peerings on the next page, and whether it was the last of a listing that missed nothing.
    async fn page(&mut self) -> Result<(Vec<PeeringObservation>, bool), Failure> {
        // A request of its own for each page: the caller waits for pages, not for the whole.
        let gce = Gce::new(self.gce.project.clone());
        let token = self.token.take();
        let send = |clients: &Clients| {
            let call = clients.networks.list().set_project(gce.id());
            let call = call.set_max_results(gce.project.page);
            call.set_or_clear_page_token(token.clone()).send()
        };
        let list = gce.call(API, send).await?;
        let unusable = |why: &str| gce.unusable(API, why);
        if !is_list(&list) {
            return Err(unusable("the answer shows no list of networks"));
        }
        let is_ours = |network: &Network| vpc_look::is_whole(network, gce.id());
        if !list.items.iter().all(is_ours) {
            return Err(unusable(
                "the answer shows a network that is not the project's",
            ));
        }
        let items = list.items.iter().map(|network| self.wanted.of(network));
        let items: Option<Vec<_>> = items.collect();
        let items =
            items.ok_or_else(|| unusable("the answer shows a peering without name or network"))?;
        self.warning = self.warning.take().or_else(|| warning(&list));
        let next = list.next_page_token.filter(|token| !token.is_empty());
        let Some(next) = next else {
            return match &self.warning {
                Some(code) => Err(unusable(&format!("the listing is not whole: {code}"))),
                None => Ok((items.concat(), true)),
            };
        };
        if self.tokens.len() >= MOST_PAGES || !self.tokens.insert(next.clone()) {
            return Err(unusable("the pages of the listing go in a circle"));
        }
        self.token = Some(next);
        Ok((items.concat(), false))
    }
}

/// Whether it says that it is a list of networks: an object without anything reads like an empty one.
fn is_list(list: &NetworkList) -> bool {
    match list.kind.as_deref() {
        Some(kind) => kind == "compute#networkList",
        None => !list.items.is_empty() || list.self_link.is_some() || list.id.is_some(),
    }
}

/// What the cloud says against a listing.
fn warning(list: &NetworkList) -> Option<String> {
    let warning = list.warning.as_ref()?;
    match &warning.code {
        Some(Code::NoResultsOnPage) => None,
        Some(code) => Some(code.name().unwrap_or("a warning").to_owned()),
        None => Some("a warning".to_owned()),
    }
}

/// The observations of one page of the cloud's, at least one page of ours.
fn chunks(items: Vec<PeeringObservation>, complete: bool) -> Vec<Page<PeeringObservation>> {
    let mut pages: Vec<_> = items
        .chunks(MOST_ITEMS)
        .map(|items| Page {
            items: items.to_vec(),
            complete: false,
        })
        .collect();
    match pages.last_mut() {
        Some(last) => last.complete = complete,
        None => pages.push(Page {
            items: Vec::new(),
            complete,
        }),
    }
    pages
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
    use google_cloud_compute_v1::model::network_list::Warning;
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

    #[test]
    fn a_full_network_is_spread_over_pages_of_which_only_the_last_is_complete() {
        let seen = observation("ours", &half("a")).unwrap();
        let pages = chunks(vec![seen; MOST_ITEMS + 1], true);
        let shape: Vec<_> = pages
            .iter()
            .map(|page| (page.items.len(), page.complete))
            .collect();
        assert_eq!(shape, [(MOST_ITEMS, false), (1, true)]);
        assert_eq!(chunks(Vec::new(), true).len(), 1);
    }

    #[test]
    fn a_list_says_that_it_is_one_in_any_way() {
        let list = NetworkList::new;
        for good in [
            list().set_kind("compute#networkList"),
            list().set_id("projects/p/global/networks"),
            list().set_self_link("x"),
            list().set_items([Network::new().set_name("n")]),
        ] {
            assert!(is_list(&good), "{good:?}");
        }
        assert!(!is_list(&list()) && !is_list(&list().set_kind("compute#network").set_id("1")));
    }

    #[test]
    fn only_the_warning_of_an_empty_page_says_nothing_against_a_listing() {
        let with =
            |code: &str| NetworkList::new().set_warning(Warning::new().set_code(Code::from(code)));
        assert_eq!(warning(&NetworkList::new()), None);
        assert_eq!(warning(&with("NO_RESULTS_ON_PAGE")), None);
        assert_eq!(
            warning(&with("UNREACHABLE")).as_deref(),
            Some("UNREACHABLE")
        );
        assert!(warning(&NetworkList::new().set_warning(Warning::new())).is_some());
    }
}
