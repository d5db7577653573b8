//! ListPeerings: filters checked, one page answered.

use std::collections::HashMap;

use api::peering::v1::{self as proto, ListPeeringsRequest, ListPeeringsResponse};
use runtime::page::Page;
use runtime::status::Violations;
use tonic::Status;
use types::{DisplayName, Invalid, Labels, PeeringId, ProviderKind};

use super::wish::optional;
use super::{Api, convert};
use crate::domain::State;
use crate::store::Filter;

/// Labels in one filter.
const MOST_LABELS: usize = 8;
/// Characters of a name.
const LONGEST_NAME: usize = 63;
/// Characters of a reason, an account, a VPC or an id of the cloud; none has more.
const LONGEST_WORD: usize = 128;

impl Api {
    pub(super) async fn list(
        &self,
        request: ListPeeringsRequest,
    ) -> Result<ListPeeringsResponse, Status> {
        let (filter, after, page) = question(&request)?;
        let found = self.store.list(&filter, after, page.wanted()).await?;
        let mut covered = HashMap::new();
        let mut peerings = Vec::with_capacity(found.len());
        for peering in &found {
            let covered_at = self.covered_at_once(peering, &mut covered).await?;
            peerings.push(convert::message(peering, covered_at));
        }
        let (peerings, next_page_token) = page.cut(peerings, |peering| peering.id.clone());
        Ok(ListPeeringsResponse {
            peerings,
            next_page_token,
        })
    }
}

/// What a list asks for, behind which peering it goes on, and how large its page is.
fn question(request: &ListPeeringsRequest) -> Result<(Filter, Option<PeeringId>, Page), Status> {
    let mut violations = Violations::new();
    // What a page token is bound to: the list with all its filters, whatever filters there are.
    let asked = ListPeeringsRequest {
        page_size: 0,
        page_token: String::new(),
        ..request.clone()
    };
    let asked = format!("peerings {asked:?}");
    let page = Page::asked(
        &mut violations,
        request.page_size,
        &request.page_token,
        asked,
    );
    let after = match page.after.as_deref() {
        Some(id) => violations.check("page_token", id.parse()),
        None => None,
    };
    let filter = filter(&mut violations, request);
    violations.finish()?;
    let filter =
        filter.ok_or_else(|| Status::internal("a request was neither taken nor refused"))?;
    Ok((filter, after, page))
}

fn filter(violations: &mut Violations, request: &ListPeeringsRequest) -> Option<Filter> {
    let scope = violations.check("tenant_id", request.tenant_id.parse());
    let network = optional(violations, "network_id", &request.network_id);
    let state = match request.state.as_str() {
        "" => Some(None),
        name => violations
            .check("state", State::from_filter(name))
            .map(Some),
    };
    let provider = violations.check("provider", provider(request.provider));
    let labels = violations.check("labels", labels(request));
    let name_prefix = violations.check("name_prefix", name_prefix(&request.name_prefix));
    let mut word = |field, given: &str| violations.check(field, word(given));
    let reason = word("reason", &request.reason);
    let peer_account = word("peer_account_id", &request.peer_account_id);
    let peer_vpc = word("peer_vpc_id", &request.peer_vpc_id);
    let provider_peering_id = word("provider_peering_id", &request.provider_peering_id);
    Some(Filter {
        scope: scope?,
        network: network?,
        state: state?,
        reason: reason?,
        provider: provider?,
        labels: labels?,
        peer_account: peer_account?,
        peer_vpc: peer_vpc?,
        provider_peering_id: provider_peering_id?,
        name_prefix: name_prefix?,
        show_deleted: request.show_deleted,
    })
}

fn provider(given: i32) -> Result<Option<ProviderKind>, Invalid> {
    match proto::Provider::try_from(given) {
        Ok(proto::Provider::Unspecified) => Ok(None),
        Ok(provider) => ProviderKind::try_from(provider).map(Some),
        Err(_) => Err(Invalid::field(format!("there is no provider {given}"))),
    }
}

fn labels(request: &ListPeeringsRequest) -> Result<Labels, Invalid> {
    let count = request.labels.len();
    if count > MOST_LABELS {
        let rule = format!("must be at most {MOST_LABELS} labels, not {count}");
        return Err(Invalid::field(rule));
    }
    Labels::new(request.labels.clone())
}

/// Checks that some name can begin so.
fn name_prefix(given: &str) -> Result<String, Invalid> {
    // What follows the prefix may be a letter, so a space at its end is no end of a name.
    let is_beginning = format!("{given}x").parse::<DisplayName>().is_ok();
    let is_whole = || given.chars().count() == LONGEST_NAME && given.parse::<DisplayName>().is_ok();
    if given.is_empty() || is_beginning || is_whole() {
        return Ok(given.to_owned());
    }
    Err(Invalid::field(
        "must be at most 63 letters, digits, spaces, - _ . that a name can begin with",
    ))
}

/// A word of a cloud's or of ours, as it is compared with what is recorded.
fn word(given: &str) -> Result<Option<String>, Invalid> {
    match given {
        "" => Ok(None),
        given if given.len() <= LONGEST_WORD && given.bytes().all(|b| b.is_ascii_graphic()) => {
            Ok(Some(given.to_owned()))
        }
        _ => Err(Invalid::field(format!(
            "must be at most {LONGEST_WORD} printable ASCII characters without spaces"
        ))),
    }
}
