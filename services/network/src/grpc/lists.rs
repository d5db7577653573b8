//! Lists of networks: filters checked, one page answered.

use api::network::v1::{self as proto, ListNetworksRequest, ListNetworksResponse, Network};
use runtime::page::Page;
use runtime::status::Violations;
use tonic::Status;
use types::{DisplayName, Invalid, Labels, NetworkId, Region, TenantScope};

use super::{Api, convert};
use crate::domain::State;
use crate::store::Filter;

/// Labels in one filter.
const MOST_LABELS: usize = 8;
/// Characters of a name.
const LONGEST_NAME: usize = 63;

impl Api {
    pub(super) async fn list(
        &self,
        request: ListNetworksRequest,
    ) -> Result<ListNetworksResponse, Status> {
        let mut violations = Violations::new();
        let question = question(&request);
        let page = Page::asked(
            &mut violations,
            request.page_size,
            &request.page_token,
            question,
        );
        let filter = filter(&mut violations, &request);
        let after = id_in_token(&mut violations, page.after.as_deref());
        violations.finish()?;
        let Some(filter) = filter else {
            return Ok(ListNetworksResponse::default());
        };
        let found = self.store.list(&filter, after, page.wanted()).await?;
        let networks = found.iter().map(convert::network).collect();
        let (networks, next_page_token) =
            page.cut(networks, |network: &Network| network.id.clone());
        Ok(ListNetworksResponse {
            networks,
            next_page_token,
        })
    }
}

/// Which networks a list asks for.
fn filter(violations: &mut Violations, request: &proto::ListNetworksRequest) -> Option<Filter> {
    let tenants = violations.check("tenant_id", request.tenant_id.parse::<TenantScope>());
    let state = match request.state.as_str() {
        "" => Ok(None),
        name => State::parse(name).map(Some).ok_or_else(|| {
            let names: Vec<_> = State::ALL.into_iter().map(State::as_str).collect();
            Invalid::field(format!("must be one of {}", names.join(", ")))
        }),
    };
    let state = violations.check("state", state);
    let provider = match request.provider {
        0 => Some(None),
        given => violations
            .check("provider", convert::provider(given))
            .map(Some),
    };
    let region = match request.region.as_str() {
        "" => Some(None),
        given => violations
            .check("region", given.parse::<Region>())
            .map(Some),
    };
    let labels = violations.check("labels", labels(request));
    let name_prefix = violations.check("name_prefix", name_prefix(&request.name_prefix));
    Some(Filter {
        tenants: tenants?,
        state: state?,
        provider: provider?,
        region: region?,
        labels: labels?,
        name_prefix: name_prefix?,
        show_deleted: request.show_deleted,
    })
}

/// What a page token is bound to: the list with all its filters.
fn question(request: &ListNetworksRequest) -> String {
    let ListNetworksRequest {
        tenant_id,
        page_size: _,
        page_token: _,
        state,
        provider,
        region,
        labels,
        name_prefix,
        show_deleted,
    } = request;
    let filters = (
        tenant_id,
        state,
        provider,
        region,
        labels,
        name_prefix,
        show_deleted,
    );
    format!("networks {filters:?}")
}

fn labels(request: &ListNetworksRequest) -> Result<Labels, Invalid> {
    if request.labels.len() > MOST_LABELS {
        let rule = format!(
            "must be at most {MOST_LABELS} labels, not {}",
            request.labels.len()
        );
        return Err(Invalid::field(rule));
    }
    Labels::new(request.labels.clone())
}

/// Checks that some name can begin so.
fn name_prefix(given: &str) -> Result<String, Invalid> {
    // What follows the prefix may be a letter, so a space at its end is no end of a name.
    match format!("{given}x").parse::<DisplayName>() {
        _ if given.is_empty() => Ok(String::new()),
        Ok(_) => Ok(given.to_owned()),
        Err(_) if given.chars().count() == LONGEST_NAME && given.parse::<DisplayName>().is_ok() => {
            Ok(given.to_owned())
        }
        Err(_) => Err(Invalid::field(
            "must be at most 63 letters, digits, spaces, - _ . that a name can begin with",
        )),
    }
}

/// The id that a page token carries.
fn id_in_token(violations: &mut Violations, text: Option<&str>) -> Option<NetworkId> {
    violations.check("page_token", text?.parse())
}
