//! Halves of peerings, and the routes that come with them.

use serde_json::{Map, Value, json};

use crate::gce::effect::Effect;
use crate::gce::list::List;
use crate::gce::network;
use crate::gce::operation::Failure;
use crate::gce::schema::Fields;
use crate::gce::state::{Network, Peering};
use crate::gce::{Change, Context, Error, region, url};

/// What a half shows when nothing else was asked for.
const SETTINGS: [(&str, bool); 6] = [
    ("autoCreateRoutes", true),
    ("exchangeSubnetRoutes", true),
    ("exportCustomRoutes", false),
    ("exportSubnetRoutesWithPublicIp", true),
    ("importCustomRoutes", false),
    ("importSubnetRoutesWithPublicIp", false),
];

pub(crate) fn add(context: &mut Context<'_>) -> Result<Value, Error> {
    let path = network::path(context);
    let id = network::found(context.state, &path)?.id;
    let half = asked_for(context, &path)?;
    context.ready(&path, &["insert", "delete", "patch"])?;
    not_in_progress(context, &[&path, &half.peer])?;
    let network = network::found(context.state, &path)?;
    no_duplicate(context, network, &half)?;
    let limit = context.quotas().peerings_per_network;
    let mut failure = None;
    if network.peerings.len() >= limit {
        let error = Error::quota("PEERINGS_PER_NETWORK", limit);
        if !context.config.peering_quota_fails_operation {
            return Err(error);
        }
        failure = Some(Failure::new("QUOTA_EXCEEDED", error.message));
    }
    let locks = vec![path.clone(), half.peer.clone()];
    let change = Change::new("addPeering", &path, id, Effect::AddPeering(half));
    Ok(context.begin(Change {
        locks,
        failure,
        ..change
    }))
}

pub(crate) fn remove(context: &mut Context<'_>) -> Result<Value, Error> {
    let path = network::path(context);
    let network = network::found(context.state, &path)?;
    let name = url::name_given("resource.name", context.call.body.text("name"))?;
    let half = half_named(network, name, &path)?;
    let (id, peer) = (network.id, half.peer.clone());
    context.ready(&path, &["delete", "patch"])?;
    not_in_progress(context, &[&path, &peer])?;
    let effect = Effect::RemovePeering(name.to_owned());
    let change = Change::new("removePeering", &path, id, effect);
    Ok(context.begin(Change {
        locks: vec![path, peer],
        ..change
    }))
}

pub(crate) fn update(context: &mut Context<'_>) -> Result<Value, Error> {
    let path = network::path(context);
    let network = network::found(context.state, &path)?;
    let field = "resource.networkPeering";
    let body = context.call.body.field("networkPeering");
    let body = body.ok_or_else(|| Error::required(field))?;
    let name = url::name_given("resource.networkPeering.name", body.text("name"))?;
    let half = half_named(network, name, &path)?;
    if let Some(given) = body.text("network") {
        let field = "resource.networkPeering.network";
        let peer = url::network_given(context.state, &context.call.project, field, given)?;
        if peer != half.peer {
            return Err(Error::invalid(
                field,
                given,
                "The peer network cannot be changed.",
            ));
        }
    }
    must_exchange(body, "resource.networkPeering.exchangeSubnetRoutes")?;
    let (id, peer, settings) = (network.id, half.peer.clone(), settings_in(body));
    context.ready(&path, &["delete", "patch"])?;
    not_in_progress(context, &[&path, &peer])?;
    let effect = Effect::UpdatePeering(name.to_owned(), settings);
    let change = Change::new("updatePeering", &path, id, effect);
    Ok(context.begin(Change {
        locks: vec![path, peer],
        ..change
    }))
}

/// The half that the body describes, in the form of today or in the old one.
fn asked_for(context: &Context<'_>, path: &str) -> Result<Peering, Error> {
    let body = &context.call.body;
    let old = ["name", "peerNetwork", "autoCreateRoutes"];
    let old = old.into_iter().find(|name| body.field(name).is_some());
    let (at, body, names) = match (body.field("networkPeering"), old) {
        (Some(_), Some(field)) => {
            return Err(Error::bad_request(format!(
                "Invalid value for field 'resource.{field}': it cannot be set together with \
                 'resource.networkPeering'."
            )));
        }
        (Some(body), None) => (
            "resource.networkPeering",
            body,
            ("network", "exchangeSubnetRoutes"),
        ),
        (None, _) => ("resource", body, ("peerNetwork", "autoCreateRoutes")),
    };
    let name = url::name_given(&format!("{at}.name"), body.text("name"))?;
    let field = format!("{at}.{}", names.0);
    let given = body.text(names.0).ok_or_else(|| Error::required(&field))?;
    let peer = url::network_given(context.state, &context.call.project, &field, given)?;
    if peer == path {
        let rule = "A network cannot be peered with itself.";
        return Err(Error::invalid(&field, given, rule));
    }
    let field = format!("{at}.{}", names.1);
    if body.bool(names.1).is_none() {
        return Err(Error::required(&field));
    }
    must_exchange(body, &field)?;
    let defaults = SETTINGS.map(|(name, value)| (name.to_owned(), json!(value)));
    let mut settings = Map::from_iter(defaults);
    settings.insert("stackType".to_owned(), json!("IPV4_ONLY"));
    settings.insert("updateStrategy".to_owned(), json!("INDEPENDENT"));
    settings.extend(settings_in(body));
    Ok(Peering {
        name: name.to_owned(),
        peer,
        settings,
        active: false,
        since_ms: context.now_ms,
    })
}

/// The settings that a body names.
fn settings_in(body: &Value) -> Map<String, Value> {
    let flags = SETTINGS.iter().map(|(name, _)| *name);
    let names = flags.chain(["stackType", "updateStrategy"]);
    let given = names.filter_map(|name| Some((name.to_owned(), body.field(name)?.clone())));
    given.collect()
}

/// Subnet routes are always exchanged; the cloud takes no other wish.
fn must_exchange(body: &Value, field: &str) -> Result<(), Error> {
    let name = url::last(field).rsplit('.').next().unwrap_or(field);
    match body.bool(name) {
        Some(false) => Err(Error::invalid(field, "false", "It must be true.")),
        _ => Ok(()),
    }
}

/// # Errors
/// While a peering operation is going on in one of the networks.
fn not_in_progress(context: &Context<'_>, paths: &[&str]) -> Result<(), Error> {
    let mut locks = context.state.unfinished().flat_map(|one| &one.locks);
    if locks.any(|lock| paths.contains(&lock.as_str())) {
        let text = "There is a peering operation in progress on the local or peer network. Try again later.";
        return Err(Error::bad_request(text));
    }
    Ok(())
}

fn no_duplicate(context: &Context<'_>, network: &Network, half: &Peering) -> Result<(), Error> {
    let with = |what: &str, name: &str| {
        let text = format!(
            "There is already a peering {name} with the same {what}. Select another {what}."
        );
        match context.config.duplicate_peering_status {
            409 => Error::new(409, "alreadyExists", text),
            _ => Error::bad_request(text),
        }
    };
    if network.peerings.iter().any(|other| other.name == half.name) {
        return Err(with("name", &half.name));
    }
    match network.half_towards(&half.peer) {
        Some(other) => Err(with("network", &other.name)),
        None => Ok(()),
    }
}

fn half_named<'a>(network: &'a Network, name: &str, path: &str) -> Result<&'a Peering, Error> {
    let half = network.peerings.iter().find(|half| half.name == name);
    half.ok_or_else(|| {
        Error::bad_request(format!(
            "There is no peering {name} on the network '{path}'."
        ))
    })
}

pub(crate) fn list_routes(context: &mut Context<'_>) -> Result<Value, Error> {
    let path = network::path(context);
    let network = network::found(context.state, &path)?;
    let given = |name: &str| {
        let given = context
            .call
            .query
            .get(name)
            .filter(|given| !given.is_empty());
        given.ok_or_else(|| Error::required(name))
    };
    let half = half_named(network, given("peeringName")?, &path)?;
    let wanted = given("region")?;
    region::check(wanted)?;
    let (from, imported) = match given("direction")?.as_str() {
        "INCOMING" => (&half.peer, true),
        "OUTGOING" => (&path, true),
        other => return Err(Error::invalid("direction", other, "")),
    };
    let sent = context.state.subnetworks_of(from).filter(|_| half.active);
    let routes = sent.flat_map(|(path, one)| {
        let key = move |range| (format!("{path}/{range}"), range, one.region.as_str());
        one.ranges().map(key)
    });
    let routes: Vec<_> = routes.collect();
    let items = routes
        .iter()
        .map(|(key, range, region)| (key.as_str(), (range, region)));
    let list = List {
        kind: "compute#exchangedPeeringRoutesList",
        items: items.collect(),
        path: format!("{path}/listPeeringRoutes"),
    };
    list.answer(context, |(range, region)| {
        json!({
            "destRange": range.to_string(),
            "type": "SUBNET_PEERING_ROUTE",
            "nextHopRegion": region,
            "priority": 0,
            "imported": imported,
        })
    })
}
