//! Firewall rules.

use serde_json::{Map, Value, json};

use crate::gce::effect::Effect;
use crate::gce::list::List;
use crate::gce::network::{self, within};
use crate::gce::schema::{Fields, cidr};
use crate::gce::state::{Firewall, State};
use crate::gce::{Change, Context, Error, url, view};

/// The fields of the rule itself; the others are the resource's name and what the cloud adds.
const FIELDS: [&str; 13] = [
    "allowed",
    "denied",
    "description",
    "destinationRanges",
    "direction",
    "disabled",
    "logConfig",
    "priority",
    "sourceRanges",
    "sourceServiceAccounts",
    "sourceTags",
    "targetServiceAccounts",
    "targetTags",
];

pub(crate) fn get(context: &mut Context<'_>) -> Result<Value, Error> {
    let path = path(context);
    let one = found(context.state, &path)?;
    Ok(view::firewall(&context.call.base_url, &path, one))
}

pub(crate) fn list(context: &mut Context<'_>) -> Result<Value, Error> {
    let collection = format!("projects/{}/global/firewalls", context.call.project);
    let list = List {
        kind: "compute#firewallList",
        items: within(&context.state.firewalls, &collection),
        path: collection,
    };
    let base_url = &context.call.base_url;
    list.answer(context, |(path, one)| view::firewall(base_url, path, one))
}

pub(crate) fn insert(context: &mut Context<'_>) -> Result<Value, Error> {
    let body = &context.call.body;
    let project = &context.call.project;
    let name = url::name_given("resource.name", body.text("name"))?;
    let path = url::firewall(project, name);
    let given = body.text("network").unwrap_or("global/networks/default");
    let network = url::network_given(context.state, project, "resource.network", given)?;
    context.allowed("compute.networks.updatePolicy", &network)?;
    network::found(context.state, &network)?;
    context.ready(&network, &["insert", "delete"])?;
    if context.state.firewalls.contains_key(&path) || context.ready(&path, &["insert"]).is_err() {
        return Err(Error::already_exists(&path));
    }
    let rule = rule(rule_fields(body))?;
    let there = context.state.firewalls.values();
    let there = there.filter(|one| one.project == *project).count();
    let limit = ("FIREWALLS", context.quotas().firewalls);
    let is_new = |effect: &Effect| matches!(effect, Effect::PutFirewall(_));
    context.within(limit, there, is_new)?;
    let firewall = Firewall {
        id: context.state.next_id(),
        project: project.clone(),
        name: name.to_owned(),
        network,
        rule,
        created_ms: context.now_ms,
    };
    let id = firewall.id;
    Ok(context.begin(Change::new(
        "insert",
        &path,
        id,
        Effect::PutFirewall(firewall),
    )))
}

/// Changes the fields that the body names; a list replaces the list that was there.
pub(crate) fn patch(context: &mut Context<'_>) -> Result<Value, Error> {
    let changes = rule_fields(&context.call.body);
    change(context, "patch", |mut rule| {
        let names_protocols = |name: &str| changes.contains_key(name);
        match (names_protocols("allowed"), names_protocols("denied")) {
            (true, false) => drop(rule.remove("denied")),
            (false, true) => drop(rule.remove("allowed")),
            _ => {}
        }
        rule.extend(changes);
        rule
    })
}

/// Puts the body in the place of the rule.
pub(crate) fn update(context: &mut Context<'_>) -> Result<Value, Error> {
    let rule = rule_fields(&context.call.body);
    change(context, "update", |_| rule)
}

pub(crate) fn delete(context: &mut Context<'_>) -> Result<Value, Error> {
    let path = path(context);
    let one = found(context.state, &path)?;
    context.allowed("compute.networks.updatePolicy", &one.network)?;
    context.ready(&path, &[])?;
    let id = one.id;
    Ok(context.begin(Change::new("delete", &path, id, Effect::DeleteFirewall)))
}

fn change(
    context: &mut Context<'_>,
    operation_type: &'static str,
    changed: impl FnOnce(Map<String, Value>) -> Map<String, Value>,
) -> Result<Value, Error> {
    let path = path(context);
    let mut firewall = found(context.state, &path)?.clone();
    context.allowed("compute.networks.updatePolicy", &firewall.network)?;
    context.ready(&path, &[])?;
    let body = &context.call.body;
    if let Some(name) = body.text("name").filter(|name| *name != firewall.name) {
        let rule = "The name of a firewall cannot be changed.";
        return Err(Error::invalid("resource.name", name, rule));
    }
    if let Some(given) = body.text("network") {
        let project = &context.call.project;
        let network = url::network_given(context.state, project, "resource.network", given)?;
        if network != firewall.network {
            let rule = "The network of a firewall cannot be changed.";
            return Err(Error::invalid("resource.network", given, rule));
        }
    }
    let direction = firewall.rule["direction"].clone();
    firewall.rule = rule(changed(firewall.rule))?;
    if firewall.rule["direction"] != direction {
        let given = firewall.rule.text("direction").unwrap_or_default();
        let rule = "The direction of a firewall cannot be changed.";
        return Err(Error::invalid("resource.direction", given, rule));
    }
    let id = firewall.id;
    let effect = Effect::PutFirewall(firewall);
    Ok(context.begin(Change::new(operation_type, &path, id, effect)))
}

fn path(context: &Context<'_>) -> String {
    url::firewall(&context.call.project, context.param("firewall"))
}

fn found<'a>(state: &'a State, path: &str) -> Result<&'a Firewall, Error> {
    let found = state.firewalls.get(path);
    found.ok_or_else(|| Error::not_found(path))
}

fn rule_fields(body: &Value) -> Map<String, Value> {
    let given = FIELDS
        .iter()
        .filter_map(|name| Some(((*name).to_owned(), body.field(name)?.clone())));
    given.collect()
}

/// The rule with the defaults in place.
///
/// # Errors
/// When its fields do not go together.
fn rule(mut rule: Map<String, Value>) -> Result<Map<String, Value>, Error> {
    // An empty list is as good as none.
    rule.retain(|_, value| value.as_array().is_none_or(|list| !list.is_empty()));
    let ingress = rule.text("direction").unwrap_or("INGRESS") == "INGRESS";
    let direction = if ingress { "INGRESS" } else { "EGRESS" };
    rule.insert("direction".to_owned(), json!(direction));
    match (rule.contains_key("allowed"), rule.contains_key("denied")) {
        (false, false) => return Err(Error::required("resource.allowed")),
        (true, true) => {
            let text = "Only one of 'resource.allowed' and 'resource.denied' may be specified.";
            return Err(Error::bad_request(text));
        }
        _ => {}
    }
    for field in ["allowed", "denied"] {
        for (n, protocol) in rule.list(field).iter().enumerate() {
            check_protocol(&format!("resource.{field}[{n}]"), protocol)?;
        }
    }
    check_sides(&rule, ingress)?;
    let sources = ["sourceRanges", "sourceTags", "sourceServiceAccounts"];
    let (ranges, anywhere) = match ingress {
        true => (
            "sourceRanges",
            !sources.iter().any(|name| rule.contains_key(*name)),
        ),
        false => ("destinationRanges", !rule.contains_key("destinationRanges")),
    };
    if anywhere {
        rule.insert(ranges.to_owned(), json!(["0.0.0.0/0"]));
    }
    let priority = rule.int("priority").unwrap_or(1000);
    if !(0..=65_535).contains(&priority) {
        let rule = "Must be between 0 and 65535.";
        return Err(Error::invalid(
            "resource.priority",
            &priority.to_string(),
            rule,
        ));
    }
    rule.insert("priority".to_owned(), json!(priority));
    rule.entry("disabled").or_insert(json!(false));
    rule.entry("logConfig")
        .or_insert(json!({ "enable": false }));
    Ok(rule)
}

/// Sources belong to rules for what comes in.
fn check_sides(rule: &Map<String, Value>, ingress: bool) -> Result<(), Error> {
    for field in ["sourceRanges", "destinationRanges"] {
        for (n, range) in rule.list(field).iter().enumerate() {
            let at = format!("resource.{field}[{n}]");
            let text = range.as_str().unwrap_or_default();
            let one = match text.contains('/') {
                true => text.to_owned(),
                false => format!("{text}/32"),
            };
            cidr(&at, Some(&one))?;
        }
    }
    let wrong = ["sourceRanges", "sourceTags", "sourceServiceAccounts"];
    let wrong = wrong
        .iter()
        .find(|name| !ingress && rule.contains_key(**name));
    if let Some(field) = wrong {
        let text = format!("'resource.{field}' cannot be specified for EGRESS firewall rules.");
        return Err(Error::bad_request(text));
    }
    Ok(())
}

fn check_protocol(at: &str, one: &Value) -> Result<(), Error> {
    let field = format!("{at}.IPProtocol");
    let protocol = one
        .text("IPProtocol")
        .ok_or_else(|| Error::required(&field))?;
    let known = ["all", "tcp", "udp", "icmp", "esp", "ah", "ipip", "sctp"];
    let lower = protocol.to_ascii_lowercase();
    if !known.contains(&lower.as_str()) && lower.parse::<u8>().is_err() {
        return Err(Error::invalid(&field, protocol, "Unknown protocol."));
    }
    let has_ports = ["tcp", "udp", "sctp", "6", "17", "132"].contains(&lower.as_str());
    for (n, ports) in one.list("ports").iter().enumerate() {
        let field = format!("{at}.ports[{n}]");
        let text = ports.as_str().unwrap_or_default();
        if !has_ports {
            return Err(Error::invalid(
                &field,
                text,
                "Ports may not be specified for this protocol.",
            ));
        }
        let (from, to) = text.split_once('-').unwrap_or((text, text));
        let is_range =
            matches!((from.parse::<u16>(), to.parse::<u16>()), (Ok(from), Ok(to)) if from <= to);
        if !is_range {
            let rule = "Ports must be an integer or a range between 0 and 65535.";
            return Err(Error::invalid(&field, text, rule));
        }
    }
    Ok(())
}
