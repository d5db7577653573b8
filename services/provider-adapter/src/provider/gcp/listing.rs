//! What the listings of Compute Engine have in common: pages that must not go in a circle, and warnings that something
//! is missing.

use std::collections::HashSet;
use std::future::Future;

use google_cloud_compute_v1::model::network_list::warning::Code;
use google_cloud_compute_v1::model::{Network, NetworkList};

use super::client::{Clients, Gce};
use super::error::Failure;
use super::vpc_look;

pub(super) const NETWORKS: &str = "networks.list";
/// A listing that is longer than this goes in a circle.
const MOST_PAGES: usize = 10_000;

/// A page as the cloud gave it.
pub(super) struct Listed<T> {
    /// What it shows.
    pub(super) items: Vec<T>,
    /// What it says against the listing.
    pub(super) warning: Option<String>,
    /// The token of the next page.
    pub(super) next: Option<String>,
}

/// Where a listing stands.
pub(super) struct Paging {
    api: &'static str,
    token: Option<String>,
    tokens: HashSet<String>,
    warning: Option<String>,
}

impl Paging {
    /// At its beginning.
    pub(super) fn new(api: &'static str) -> Self {
        Self {
            api,
            token: None,
            tokens: HashSet::new(),
            warning: None,
        }
    }

    /// The token to ask for the next page with.
    pub(super) fn token(&self) -> Option<String> {
        self.token.clone()
    }

    /// Goes on behind a page; answers its items, and whether it was the last of a listing that missed nothing.
    pub(super) fn turn<T>(
        &mut self,
        gce: &Gce,
        page: Listed<T>,
    ) -> Result<(Vec<T>, bool), Failure> {
        self.warning = self.warning.take().or(page.warning);
        let Some(next) = page.next.filter(|token| !token.is_empty()) else {
            return match &self.warning {
                Some(code) => {
                    let why = format!("the listing is not whole: {code}");
                    Err(gce.unusable(self.api, why))
                }
                None => Ok((page.items, true)),
            };
        };
        if self.tokens.len() >= MOST_PAGES || !self.tokens.insert(next.clone()) {
            return Err(gce.unusable(self.api, "the pages of the listing go in a circle"));
        }
        self.token = Some(next);
        Ok((page.items, false))
    }
}

/// All objects of a listing. `fetch` asks for the page of a token.
pub(super) async fn all<T, F>(
    gce: &Gce,
    api: &'static str,
    fetch: impl Fn(Gce, Option<String>) -> F,
) -> Result<Vec<T>, Failure>
where
    F: Future<Output = Result<Listed<T>, Failure>>,
{
    let mut paging = Paging::new(api);
    let mut all = Vec::new();
    loop {
        // A request of its own for each page: a long listing takes longer than a request may.
        let gce = Gce::new(gce.project.clone());
        let page = fetch(gce.clone(), paging.token()).await?;
        let (items, complete) = paging.turn(&gce, page)?;
        all.extend(items);
        if complete {
            return Ok(all);
        }
    }
}

/// The page of the project's networks behind a token.
pub(super) async fn networks(gce: Gce, token: Option<String>) -> Result<Listed<Network>, Failure> {
    let send = |clients: &Clients| {
        let call = clients.networks.list().set_project(gce.id());
        let call = call.set_max_results(gce.project.page);
        call.set_or_clear_page_token(token.clone()).send()
    };
    let list = gce.call(NETWORKS, send).await?;
    if !is_list(&list) {
        return Err(gce.unusable(NETWORKS, "the answer shows no list of networks"));
    }
    let is_ours = |network: &Network| vpc_look::is_whole(network, gce.id());
    if !list.items.iter().all(is_ours) {
        let why = "the answer shows a network that is not the project's";
        return Err(gce.unusable(NETWORKS, why));
    }
    Ok(Listed {
        warning: list
            .warning
            .and_then(|warning| against(warning.code.as_ref().and_then(Code::name))),
        items: list.items,
        next: list.next_page_token,
    })
}

/// Whether it says that it is a list of networks: an object without anything reads like an empty one.
fn is_list(list: &NetworkList) -> bool {
    let more = list.id.is_some() || list.self_link.is_some() || !list.items.is_empty();
    is_of_kind(list.kind.as_deref(), "compute#networkList", more)
}

/// Whether an answer is of this kind. `says_more`: it is none that says nothing at all.
pub(super) fn is_of_kind(shown: Option<&str>, kind: &str, says_more: bool) -> bool {
    shown.map_or(says_more, |shown| shown == kind)
}

/// What a warning with this code says against a listing.
pub(super) fn against(code: Option<&str>) -> Option<String> {
    match code {
        Some("NO_RESULTS_ON_PAGE") => None,
        code => Some(code.unwrap_or("a warning").to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
        let code = |code: &str| against(Code::from(code).name());
        assert_eq!(code("NO_RESULTS_ON_PAGE"), None);
        assert_eq!(code("UNREACHABLE").as_deref(), Some("UNREACHABLE"));
        assert!(against(None).is_some());
    }
}
