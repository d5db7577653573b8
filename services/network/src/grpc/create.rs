//! Create: the request checked field by field, then recorded.

use api::network::v1::{CreateNetworkRequest, CreateNetworkResponse};
use runtime::caller::Caller;
use runtime::request_ids::Key;
use runtime::status::Violations;
use tonic::Status;
use types::{Cidr, DisplayName, Invalid, Labels, TenantId};

use super::networks::{is_raced, unread};
use super::{Api, convert, origin, space};
use crate::domain::{Catalog, CidrRules, Network, NewNetwork, Severity};
use crate::store::{Asked, Creation};

/// What a create asks for. Its range may still have to be chosen.
struct Wish<'a> {
    key: Key,
    tenant: TenantId,
    asked: Asked,
    rules: &'a CidrRules,
    multi_region_group: String,
    network: Box<dyn FnOnce(Cidr) -> NewNetwork + Send>,
}

impl Api {
    pub(super) async fn create(
        &self,
        caller: Caller,
        request: CreateNetworkRequest,
    ) -> Result<CreateNetworkResponse, Status> {
        let wish = wish(request, &self.catalog)?;
        let now = self.store.now_ms().await?;
        let creation = Creation {
            tenant: &wish.tenant,
            asked: wish.asked,
            multi_region_group: &wish.multi_region_group,
            rules: wish.rules,
            origin: &origin(&caller, &wish.key),
            key: &wish.key,
        };
        let network = |cidr| Network::new((wish.network)(cidr), caller.traceparent.clone(), now);
        let answer = |network: &Network, warnings: &[_]| CreateNetworkResponse {
            network: Some(convert::network(network)),
            warnings: space::findings(warnings),
        };
        let created = self.store.create(&creation, now, network, answer).await;
        if is_raced(&created) {
            return self.answered_meanwhile(&wish.key, now).await;
        }
        let (network, answer) = created?;
        if let Some(network) = network {
            self.nudge(&network).await;
        }
        Ok(answer)
    }
}

/// What a create asks for, and what a repetition of it is recognised by.
fn wish(request: CreateNetworkRequest, catalog: &Catalog) -> Result<Wish<'_>, Status> {
    let mut violations = Violations::new();
    let key = Key::new(
        &request.tenant_id,
        "CreateNetwork",
        &request.request_id,
        &request,
    );
    let key = violations.check("request_id", key);
    let tenant = violations.check("tenant_id", request.tenant_id.parse::<TenantId>());
    let name = violations.check("display_name", request.display_name.parse::<DisplayName>());
    let labels = violations.check("labels", Labels::new(request.labels.clone()));
    let group = violations.check(
        "multi_region_group",
        group(request.multi_region_group.clone()),
    );
    let place = space::place(&mut violations, catalog, request.provider, &request.region);
    let rules = place.as_ref().map(|place| place.rules);
    let asked = asked(&mut violations, &request, rules);
    violations.finish()?;
    let (Some(key), Some(tenant), Some(display_name), Some(labels)) = (key, tenant, name, labels)
    else {
        return Err(unread());
    };
    let (Some(group), Some(place), Some(asked)) = (group, place, asked) else {
        return Err(unread());
    };
    let (provider, region) = (place.provider, place.region.clone());
    Ok(Wish {
        key,
        tenant: tenant.clone(),
        asked,
        rules: place.rules,
        multi_region_group: group.clone(),
        network: Box::new(move |cidr| NewNetwork {
            tenant,
            display_name,
            provider,
            region,
            cidr,
            labels,
            multi_region_group: group,
        }),
    })
}

/// A group's name; empty: none.
pub(super) fn group(given: String) -> Result<String, Invalid> {
    if !given.is_empty() {
        given.parse::<DisplayName>()?;
    }
    Ok(given)
}

/// The range of a create: its form, then the region's rules.
fn asked(
    violations: &mut Violations,
    request: &CreateNetworkRequest,
    rules: Option<&CidrRules>,
) -> Option<Asked> {
    match (request.cidr.as_str(), request.prefix_length) {
        ("", 0) => {
            let rule = "must be set, such as 10.20.0.0/16, or prefix_length instead";
            violations.add("cidr", "INVALID_FIELD", rule);
            return None;
        }
        ("", size) => {
            let size = violations.check("prefix_length", rules?.size(size));
            return size.map(Asked::FreeBlock);
        }
        (_, 0) => {}
        (_, _) => {
            let rule = "must not be set beside cidr";
            violations.add("prefix_length", "INVALID_FIELD", rule);
        }
    }
    let cidr = violations.check("cidr", request.cidr.parse::<Cidr>())?;
    for finding in rules?.findings(cidr) {
        if finding.severity == Severity::Error {
            violations.add("cidr", finding.reason, finding.message);
        }
    }
    Some(Asked::Exactly(cidr))
}
