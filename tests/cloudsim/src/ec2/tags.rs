//! Tags: on create, later, and looking at them.

use crate::cloud::{Caller, Error};
use crate::config::Config;
use crate::ec2::describe::{Page, View, returned};
use crate::ec2::filters::Filters;
use crate::ec2::id::Kind;
use crate::ec2::query::Query;
use crate::ec2::state::{State, Tags};
use crate::ec2::xml::{self, Node, text};
use crate::ec2::{Context, error, peering};

/// The tags of the `TagSpecification` for `kind`; for another kind it is refused.
pub(crate) fn on_create(query: &Query, config: &Config, kind: Kind) -> Result<Tags, Error> {
    let mut all = Tags::new();
    for specification in query.structures("TagSpecification") {
        let resource_type = specification.required("ResourceType")?;
        if resource_type != kind.resource_type() {
            return Err(error::invalid_value(format!(
                "'{resource_type}' is not a valid taggable resource type for this operation."
            )));
        }
        let tags = read(&specification)?;
        if tags.is_empty() {
            return Err(error::invalid_value(
                "Tag specification must have at least one tag",
            ));
        }
        all.extend(tags);
    }
    check_count(&all, config)?;
    Ok(all)
}

fn read(query: &Query) -> Result<Tags, Error> {
    let mut tags = Tags::new();
    for tag in query.structures("Tag") {
        let key = tag
            .required("Key")
            .map_err(|_| error::invalid_value("Tag key cannot be null or empty"))?;
        let value = tag.get("Value").unwrap_or_default();
        check(key, value)?;
        if tags.insert(key.to_owned(), value.to_owned()).is_some() {
            return Err(error::invalid_value(format!(
                "Duplicate tag key '{key}' specified."
            )));
        }
    }
    Ok(tags)
}

fn check(key: &str, value: &str) -> Result<(), Error> {
    if key.chars().count() > 127 {
        return Err(error::invalid_value(
            "Tag key exceeds the maximum length of 127 characters",
        ));
    }
    if value.chars().count() > 256 {
        return Err(error::invalid_value(
            "Tag value exceeds the maximum length of 256 characters",
        ));
    }
    if key.to_ascii_lowercase().starts_with("aws:") {
        return Err(error::invalid_value(
            "Tag keys starting with 'aws:' are reserved for internal use",
        ));
    }
    Ok(())
}

fn check_count(tags: &Tags, config: &Config) -> Result<(), Error> {
    let most = config.limits.tags_per_resource;
    if tags.len() > most {
        return Err(Error::new(
            "TagLimitExceeded",
            format!("More than {most} tags specified for the resource"),
        ));
    }
    Ok(())
}

pub(crate) fn create_tags(context: &mut Context<'_>, query: &Query) -> Result<Vec<Node>, Error> {
    let ids = resources(context, query)?;
    let tags = read(query)?;
    if tags.is_empty() {
        return Err(error::missing("Tag"));
    }
    for id in &ids {
        let mut merged = context
            .state
            .tags_of(context.caller, id)
            .cloned()
            .unwrap_or_default();
        merged.extend(tags.clone());
        check_count(&merged, context.config)?;
    }
    for id in &ids {
        context
            .state
            .tags_mut(context.caller, id)
            .extend(tags.clone());
    }
    Ok(returned())
}

/// Without tags: all of them. With a key alone: whatever its value. With a value: only where it has that one.
pub(crate) fn delete_tags(context: &mut Context<'_>, query: &Query) -> Result<Vec<Node>, Error> {
    let ids = resources(context, query)?;
    let wanted = query.structures("Tag");
    for id in &ids {
        let tags = context.state.tags_mut(context.caller, id);
        if wanted.is_empty() {
            tags.clear();
        }
        for tag in &wanted {
            let key = tag
                .required("Key")
                .map_err(|_| error::invalid_value("Tag key cannot be null or empty"))?;
            let value = tag.get("Value");
            if value.is_none() || value == tags.get(key).map(String::as_str) {
                tags.remove(key);
            }
        }
    }
    Ok(returned())
}

fn resources(context: &Context<'_>, query: &Query) -> Result<Vec<String>, Error> {
    let ids = query.list("ResourceId");
    if ids.is_empty() {
        return Err(error::missing("resourceIdSet"));
    }
    for id in &ids {
        let invalid = || Error::new("InvalidID", format!("The ID '{id}' is not valid"));
        let kind = Kind::of(id).ok_or_else(invalid)?;
        kind.check(id)?;
        if created_ms(context.state, context.caller, &context.view(), id).is_none() {
            return Err(error::not_found(kind, id));
        }
    }
    Ok(ids.into_iter().map(str::to_owned).collect())
}

/// When an object of the caller was created; `None` when it has no such object.
fn created_ms(state: &State, caller: &Caller, view: &View<'_>, id: &str) -> Option<i64> {
    let own = |owner: &Caller, created_ms: i64| (owner == caller).then_some(created_ms);
    match Kind::of(id)? {
        Kind::Vpc => state.vpcs.get(id).and_then(|x| own(&x.owner, x.created_ms)),
        Kind::Subnet => state
            .subnets
            .get(id)
            .and_then(|x| own(&x.owner, x.created_ms)),
        Kind::RouteTable => state
            .route_tables
            .get(id)
            .and_then(|x| own(&x.owner, x.created_ms)),
        Kind::SecurityGroup => state
            .security_groups
            .get(id)
            .and_then(|x| own(&x.owner, x.created_ms)),
        Kind::SecurityGroupRule => state
            .security_group_rules
            .get(id)
            .and_then(|x| own(&x.owner, x.created_ms)),
        Kind::NetworkAcl => state
            .network_acls
            .get(id)
            .and_then(|x| own(&x.owner, x.created_ms)),
        Kind::Peering => state
            .peerings
            .get(id)
            .filter(|x| peering::is_seen(x, view))
            .map(|x| x.created_ms),
        Kind::RouteTableAssociation | Kind::CidrAssociation => None,
    }
}

pub(crate) fn describe_tags(context: &mut Context<'_>, query: &Query) -> Result<Vec<Node>, Error> {
    let view = context.view();
    let filters = Filters::parse(
        query,
        &["key", "resource-id", "resource-type", "value"],
        true,
    )?;
    let page = Page::parse_plain(&view, query, "DescribeTags", 1000)?;
    let mut rows = Vec::new();
    for id in view.state.tags.keys() {
        let Some(tags) = view.tags(id) else { continue };
        let created = created_ms(view.state, view.caller, &view, id);
        if !created.is_some_and(|created_ms| view.is_out(created_ms)) {
            continue;
        }
        let resource_type = Kind::of(id).map_or("", Kind::resource_type);
        for (key, value) in tags {
            let one = Tags::from([(key.clone(), value.clone())]);
            let values = |name: &str| match name {
                "key" => vec![key.clone()],
                "value" => vec![value.clone()],
                "resource-id" => vec![id.clone()],
                _ => vec![resource_type.to_owned()],
            };
            if page.holds(&row_key(id, key)) && filters.pass(Some(&one), values) {
                rows.push((id, resource_type, key, value));
            }
        }
    }
    let (shown, next) = page.cut(
        &view,
        "DescribeTags",
        rows.into_iter(),
        |(id, _, key, _)| row_key(id, key),
    );
    let node = |(id, resource_type, key, value): (&String, &str, &String, &String)| {
        vec![
            text("resourceId", id),
            text("resourceType", resource_type),
            text("key", key),
            text("value", value),
        ]
    };
    let mut nodes = vec![xml::set("tagSet", shown.into_iter().map(node))];
    nodes.extend(next.map(|token| text("nextToken", token)));
    Ok(nodes)
}

/// What pages of tags are ordered by.
fn row_key(id: &str, key: &str) -> String {
    format!("{id}/{key}")
}
