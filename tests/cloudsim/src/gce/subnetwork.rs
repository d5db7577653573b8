//! Subnetworks.

use std::collections::BTreeMap;

use ipnet::Ipv4Net;
use serde_json::{Value, json};

use crate::gce::effect::Effect;
use crate::gce::list::List;
use crate::gce::network::{self, within};
use crate::gce::schema::{Fields, cidr};
use crate::gce::state::{State, Subnetwork};
use crate::gce::{Change, Context, Error, REGIONS, overlap, region, url, view};

pub(crate) fn get(context: &mut Context<'_>) -> Result<Value, Error> {
    let path = path(context)?;
    let one = found(context.state, &path)?;
    Ok(view::subnetwork(&context.call.base_url, &path, one))
}

pub(crate) fn list(context: &mut Context<'_>) -> Result<Value, Error> {
    let region = context.param("region");
    region::check(region)?;
    let collection = format!(
        "projects/{}/regions/{region}/subnetworks",
        context.call.project
    );
    let list = List {
        kind: "compute#subnetworkList",
        items: within(&context.state.subnetworks, &collection),
        path: collection,
    };
    let base_url = &context.call.base_url;
    list.answer(context, |(path, one)| view::subnetwork(base_url, path, one))
}

pub(crate) fn aggregated_list(context: &mut Context<'_>) -> Result<Value, Error> {
    let project = &context.call.project;
    let own = context.state.subnetworks.iter();
    let own = own.filter(|(_, one)| one.project == *project);
    let list = List {
        kind: "compute#subnetworkAggregatedList",
        items: own
            .map(|(path, one)| (path.as_str(), (path, one)))
            .collect(),
        path: format!("projects/{project}/aggregated/subnetworks"),
    };
    let (kind, path) = (list.kind, list.path.clone());
    let base_url = &context.call.base_url;
    let mut page = list.page(context, |(path, one)| view::subnetwork(base_url, path, one))?;
    let mut scopes: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    for item in std::mem::take(&mut page.items) {
        let region = url::last(item.text("region").unwrap_or_default());
        scopes
            .entry(format!("regions/{region}"))
            .or_default()
            .push(item);
    }
    let mut unreachables = Vec::new();
    if page.take_partial() {
        let lost = scopes.len().div_ceil(2);
        unreachables.extend(scopes.keys().take(lost).cloned());
    }
    let scope = |region: &&str| {
        let scope = format!("regions/{region}");
        let held = match scopes.get(&scope) {
            _ if unreachables.contains(&scope) => {
                warning(&scope, "UNREACHABLE", "could not be reached")
            }
            Some(items) => json!({ "subnetworks": items }),
            None => warning(&scope, "NO_RESULTS_ON_PAGE", "has no results on this page"),
        };
        (scope, held)
    };
    let items = REGIONS.iter().map(scope).collect();
    let mut answer = page.envelope(context, kind, &path, Some(items));
    if !unreachables.is_empty() {
        answer["unreachables"] = json!(unreachables);
    }
    Ok(answer)
}

/// What stands in the place of a scope's entries.
fn warning(scope: &str, code: &str, why: &str) -> Value {
    let text = format!("The scope '{scope}' {why}.");
    let data = json!([{ "key": "scope", "value": scope }]);
    json!({ "warning": { "code": code, "message": text, "data": data } })
}

pub(crate) fn insert(context: &mut Context<'_>) -> Result<Value, Error> {
    let region = context.param("region").to_owned();
    region::check(&region)?;
    let body = &context.call.body;
    let project = &context.call.project;
    let name = url::name_given("resource.name", body.text("name"))?;
    let given = body.text("region").map_or(region.as_str(), url::last);
    if given != region {
        let rule = "It must be the region of the request.";
        return Err(Error::invalid("resource.region", given, rule));
    }
    let given = body
        .text("network")
        .ok_or_else(|| Error::required("resource.network"))?;
    let network = url::network_given(context.state, project, "resource.network", given)?;
    context.allowed("compute.networks.updatePolicy", &network)?;
    network::found(context.state, &network)?;
    context.ready(&network, &["insert", "delete"])?;
    let path = url::subnetwork(project, &region, name);
    if context.state.subnetworks.contains_key(&path) || context.ready(&path, &["insert"]).is_err() {
        return Err(Error::already_exists(&path));
    }
    let mut subnetwork = Subnetwork {
        id: 0,
        project: project.clone(),
        region,
        name: name.to_owned(),
        description: body.text("description").unwrap_or_default().to_owned(),
        network,
        cidr: range("resource.ipCidrRange", body.text("ipCidrRange"))?,
        secondary: secondary(body)?,
        private_google_access: body.bool("privateIpGoogleAccess").unwrap_or(false),
        created_ms: context.now_ms,
    };
    if let Some(text) = conflict(context.state, &subnetwork) {
        let field = "resource.ipCidrRange";
        return Err(Error::invalid(field, &subnetwork.cidr.to_string(), &text));
    }
    let there = context.state.subnetworks.values();
    let there = there.filter(|one| one.project == *project).count();
    let limit = ("SUBNETWORKS", context.quotas().subnetworks);
    context.within(limit, there, |effect| {
        matches!(effect, Effect::PutSubnetwork(_))
    })?;
    subnetwork.id = context.state.next_id();
    let id = subnetwork.id;
    Ok(context.begin(Change::new(
        "insert",
        &path,
        id,
        Effect::PutSubnetwork(subnetwork),
    )))
}

pub(crate) fn delete(context: &mut Context<'_>) -> Result<Value, Error> {
    let path = path(context)?;
    let one = found(context.state, &path)?;
    context.allowed("compute.networks.updatePolicy", &one.network)?;
    context.ready(&path, &[])?;
    let owner = context.state.networks.get(&one.network);
    if owner.is_some_and(|network| network.auto_create_subnetworks && network.name == one.name) {
        let text = "Cannot delete auto subnetwork from an auto subnet mode network.";
        return Err(Error::bad_request(text));
    }
    let id = one.id;
    Ok(context.begin(Change::new("delete", &path, id, Effect::DeleteSubnetwork)))
}

fn path(context: &Context<'_>) -> Result<String, Error> {
    let region = context.param("region");
    region::check(region)?;
    let name = context.param("subnetwork");
    Ok(url::subnetwork(&context.call.project, region, name))
}

fn found<'a>(state: &'a State, path: &str) -> Result<&'a Subnetwork, Error> {
    let found = state.subnetworks.get(path);
    found.ok_or_else(|| Error::not_found(path))
}

/// Why its ranges cannot be had, with those that are only just being made.
fn conflict(state: &State, new: &Subnetwork) -> Option<String> {
    let mut coming = state.unfinished().filter_map(|one| match &one.effect {
        Effect::PutSubnetwork(other) if other.network == new.network => Some(other),
        _ => None,
    });
    let meets = |other: &&Subnetwork| {
        let mut ranges = other.ranges();
        ranges.any(|other| {
            let mut own = new.ranges();
            own.any(|own| own.contains(&other) || other.contains(&own))
        })
    };
    let text = coming.find(meets).map(|other| {
        format!(
            "Invalid IPCidrRange: {} conflicts with existing subnetwork '{}' in region '{}'.",
            new.cidr, other.name, other.region
        )
    });
    text.or_else(|| overlap::of_new_ranges(state, new))
}

fn secondary(body: &Value) -> Result<Vec<(String, Ipv4Net)>, Error> {
    let ranges = body.list("secondaryIpRanges").iter().enumerate();
    let read = ranges.map(|(n, one)| {
        let at = format!("resource.secondaryIpRanges[{n}]");
        let name = url::name_given(&format!("{at}.rangeName"), one.text("rangeName"))?;
        let range = range(&format!("{at}.ipCidrRange"), one.text("ipCidrRange"))?;
        Ok((name.to_owned(), range))
    });
    read.collect()
}

/// A range that a subnetwork may have: /8 to /29, and no address that the cloud keeps for itself.
fn range(field: &str, given: Option<&str>) -> Result<Ipv4Net, Error> {
    let range = cidr(field, given)?;
    let refused = |rule: &str| Err(Error::invalid(field, &range.to_string(), rule));
    if !(8..=29).contains(&range.prefix_len()) {
        return refused("Invalid IPCidrRange: the prefix length must be between 8 and 29.");
    }
    let kept = [
        "0.0.0.0/8",
        "127.0.0.0/8",
        "169.254.0.0/16",
        "224.0.0.0/4",
        "240.0.0.0/4",
    ];
    let mut kept = kept
        .into_iter()
        .filter_map(|kept| kept.parse::<Ipv4Net>().ok());
    match kept.find(|kept| kept.contains(&range) || range.contains(kept)) {
        Some(kept) => refused(&format!(
            "Invalid IPCidrRange: it overlaps with the reserved range {kept}."
        )),
        None => Ok(range),
    }
}
