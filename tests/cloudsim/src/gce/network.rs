//! Networks.

use serde_json::Value;

use crate::gce::effect::Effect;
use crate::gce::list::List;
use crate::gce::schema::Fields;
use crate::gce::state::{Network, State, Subnetwork};
use crate::gce::{Change, Context, Error, REGIONS, url, view};

/// The paths in `all` that begin with the collection's, with the last part of each.
pub(crate) fn within<'a, T>(
    all: &'a std::collections::BTreeMap<String, T>,
    collection: &str,
) -> Vec<(&'a str, (&'a str, &'a T))> {
    let prefix = format!("{collection}/");
    let from = all.range(prefix.clone()..);
    let own = from.take_while(|(path, _)| path.starts_with(&prefix));
    own.map(|(path, one)| (url::last(path), (path.as_str(), one)))
        .collect()
}

pub(crate) fn get(context: &mut Context<'_>) -> Result<Value, Error> {
    let path = path(context);
    let network = found(context.state, &path)?;
    let paths: Vec<_> = context
        .state
        .subnetworks_of(&path)
        .map(|(path, _)| path.as_str())
        .collect();
    let index = if paths.is_empty() {
        view::Index::new()
    } else {
        view::Index::from([(path.as_str(), paths)])
    };
    Ok(view::network(
        &context.call.base_url,
        &path,
        network,
        &index,
    ))
}

pub(crate) fn list(context: &mut Context<'_>) -> Result<Value, Error> {
    let collection = format!("projects/{}/global/networks", context.call.project);
    let index = view::index(context.state);
    let list = List {
        kind: "compute#networkList",
        items: within(&context.state.networks, &collection),
        path: collection,
    };
    let base_url = &context.call.base_url;
    list.answer(context, |(path, one)| {
        view::network(base_url, path, one, &index)
    })
}

pub(crate) fn insert(context: &mut Context<'_>) -> Result<Value, Error> {
    let body = &context.call.body;
    let name = url::name_given("resource.name", body.text("name"))?;
    let path = url::network(&context.call.project, name);
    if context.state.networks.contains_key(&path) || context.ready(&path, &["insert"]).is_err() {
        return Err(Error::already_exists(&path));
    }
    let Some(auto_create_subnetworks) = body.bool("autoCreateSubnetworks") else {
        let rule = "It must be set: legacy networks can no longer be created.";
        return Err(Error::invalid("resource.autoCreateSubnetworks", "", rule));
    };
    if let Some(range) = body.text("IPv4Range") {
        let rule = "Legacy networks can no longer be created.";
        return Err(Error::invalid("resource.IPv4Range", range, rule));
    }
    let mtu = body.int("mtu").unwrap_or(1460);
    if !(1300..=8896).contains(&mtu) {
        let rule = "Must be greater than or equal to 1300 and less than or equal to 8896.";
        return Err(Error::invalid("resource.mtu", &mtu.to_string(), rule));
    }
    let there = within(
        &context.state.networks,
        &format!("projects/{}/global/networks", context.call.project),
    );
    let limit = ("NETWORKS", context.quotas().networks);
    context.within(limit, there.len(), |effect| {
        matches!(effect, Effect::PutNetwork(_))
    })?;
    let network = Network {
        id: context.state.next_id(),
        project: context.call.project.clone(),
        name: name.to_owned(),
        description: body.text("description").unwrap_or_default().to_owned(),
        auto_create_subnetworks,
        routing_mode: routing_mode(body).unwrap_or("REGIONAL").to_owned(),
        mtu: mtu as u64,
        default_route: true,
        created_ms: context.now_ms,
        peerings: Vec::new(),
    };
    let id = network.id;
    Ok(context.begin(Change::new(
        "insert",
        &path,
        id,
        Effect::PutNetwork(network),
    )))
}

pub(crate) fn patch(context: &mut Context<'_>) -> Result<Value, Error> {
    let path = path(context);
    let network = found(context.state, &path)?;
    context.ready(&path, &[])?;
    let body = &context.call.body;
    let changes = body.as_object().into_iter().flatten();
    let fixed = [
        "autoCreateSubnetworks",
        "IPv4Range",
        "mtu",
        "peerings",
        "description",
    ];
    let now = view::network(&context.call.base_url, &path, network, &view::Index::new());
    for (field, value) in changes.filter(|(field, _)| fixed.contains(&field.as_str())) {
        if now[field] != *value {
            let rule = "The field cannot be changed.";
            return Err(Error::invalid(
                &format!("resource.{field}"),
                &value.to_string(),
                rule,
            ));
        }
    }
    let routing_mode = routing_mode(body)
        .unwrap_or(&network.routing_mode)
        .to_owned();
    let id = network.id;
    Ok(context.begin(Change::new(
        "patch",
        &path,
        id,
        Effect::PatchNetwork(routing_mode),
    )))
}

pub(crate) fn delete(context: &mut Context<'_>) -> Result<Value, Error> {
    let path = path(context);
    let id = found(context.state, &path)?.id;
    context.ready(&path, &[])?;
    Ok(context.begin(Change::new("delete", &path, id, Effect::DeleteNetwork)))
}

/// The path of the network that the call names.
pub(crate) fn path(context: &Context<'_>) -> String {
    url::network(&context.call.project, context.param("network"))
}

/// # Errors
/// When there is no such network, or it is only just being made.
pub(crate) fn found<'a>(state: &'a State, path: &str) -> Result<&'a Network, Error> {
    state.networks.get(path).ok_or_else(|| {
        let mut coming = state.unfinished();
        match coming.any(|one| one.target == path && one.is_seen()) {
            true => Error::not_ready(path),
            false => Error::not_found(path),
        }
    })
}

fn routing_mode(body: &Value) -> Option<&str> {
    body.field("routingConfig")?.text("routingMode")
}

/// Adds the network, in auto mode with a subnetwork in every region.
pub(crate) fn put(state: &mut State, path: &str, network: &Network) {
    state.networks.insert(path.to_owned(), network.clone());
    if !network.auto_create_subnetworks {
        return;
    }
    for (n, region) in (0_u32..).zip(REGIONS) {
        let base = std::net::Ipv4Addr::from_bits(0x0a80_0000 + (n << 17));
        let subnetwork = Subnetwork {
            id: state.next_id(),
            project: network.project.clone(),
            region: (*region).to_owned(),
            name: network.name.clone(),
            description: String::new(),
            network: path.to_owned(),
            cidr: ipnet::Ipv4Net::new_assert(base, 20),
            secondary: Vec::new(),
            private_google_access: false,
            created_ms: network.created_ms,
        };
        let path = url::subnetwork(&network.project, region, &network.name);
        state.subnetworks.insert(path, subnetwork);
    }
}
