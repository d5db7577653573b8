//! Regions, zones and account attributes.

use crate::cloud::Error;
use crate::ec2::filters::Filters;
use crate::ec2::query::Query;
use crate::ec2::xml::{self, Node, text};
use crate::ec2::{Context, error};
use crate::region::{REGIONS, zones};

pub(crate) fn describe_regions(_: &mut Context<'_>, query: &Query) -> Result<Vec<Node>, Error> {
    let filters = Filters::parse(query, &["endpoint", "opt-in-status", "region-name"], false)?;
    query.bool("AllRegions")?;
    let names = query.list("RegionName");
    if let Some(unknown) = names.iter().find(|name| !crate::region::exists(name)) {
        return Err(error::invalid_value(format!(
            "Invalid region provided: {unknown}"
        )));
    }
    let endpoint = |region: &str| format!("ec2.{region}.amazonaws.com");
    let shown = REGIONS
        .iter()
        .copied()
        .filter(|region| names.is_empty() || names.contains(region))
        .filter(|region| {
            filters.pass(None, |name| match name {
                "endpoint" => vec![endpoint(region)],
                "opt-in-status" => vec!["opt-in-not-required".to_owned()],
                _ => vec![(*region).to_owned()],
            })
        });
    let node = |region: &str| {
        vec![
            text("regionName", region),
            text("regionEndpoint", endpoint(region)),
            text("optInStatus", "opt-in-not-required"),
        ]
    };
    Ok(vec![xml::set("regionInfo", shown.map(node))])
}

pub(crate) fn describe_availability_zones(
    context: &mut Context<'_>,
    query: &Query,
) -> Result<Vec<Node>, Error> {
    const FILTERS: &[&str] = &[
        "group-name",
        "message",
        "opt-in-status",
        "region-name",
        "state",
        "zone-id",
        "zone-name",
        "zone-type",
    ];
    let filters = Filters::parse(query, FILTERS, false)?;
    query.bool("AllAvailabilityZones")?;
    let region = context.caller.region.as_str();
    let (names, ids) = (query.list("ZoneName"), query.list("ZoneId"));
    let zones = zones(region);
    let unknown = names
        .iter()
        .find(|name| !zones.iter().any(|zone| zone.name == **name))
        .or_else(|| {
            ids.iter()
                .find(|id| !zones.iter().any(|zone| zone.id == **id))
        });
    if let Some(unknown) = unknown {
        return Err(error::invalid_value(format!(
            "Invalid availability zone: [{unknown}]"
        )));
    }
    let asked = zones.iter().filter(|zone| {
        (names.is_empty() && ids.is_empty())
            || names.contains(&&*zone.name)
            || ids.contains(&&*zone.id)
    });
    let shown = asked.filter(|zone| {
        filters.pass(None, |name| match name {
            "group-name" => vec![format!("{region}-zg-1")],
            "opt-in-status" => vec!["opt-in-not-required".to_owned()],
            "region-name" => vec![region.to_owned()],
            "state" => vec!["available".to_owned()],
            "zone-id" => vec![zone.id.clone()],
            "zone-name" => vec![zone.name.clone()],
            "zone-type" => vec!["availability-zone".to_owned()],
            _ => vec![],
        })
    });
    let nodes = shown.map(|zone| {
        vec![
            text("optInStatus", "opt-in-not-required"),
            text("groupName", format!("{region}-zg-1")),
            text("networkBorderGroup", region),
            text("zoneName", &zone.name),
            text("zoneId", &zone.id),
            text("zoneState", "available"),
            text("zoneType", "availability-zone"),
            text("regionName", region),
            xml::set("messageSet", []),
        ]
    });
    Ok(vec![xml::set("availabilityZoneInfo", nodes)])
}

pub(crate) fn describe_account_attributes(
    context: &mut Context<'_>,
    query: &Query,
) -> Result<Vec<Node>, Error> {
    let groups = context.config.limits.security_groups_per_region.to_string();
    let attributes = [
        ("vpc-max-security-groups-per-interface", "5".to_owned()),
        ("max-instances", "20".to_owned()),
        ("supported-platforms", "VPC".to_owned()),
        ("default-vpc", "none".to_owned()),
        ("max-elastic-ips", "5".to_owned()),
        ("vpc-max-elastic-ips", "5".to_owned()),
        ("max-security-groups", groups),
    ];
    let names = query.list("AttributeName");
    if let Some(unknown) = names
        .iter()
        .find(|name| !attributes.iter().any(|(known, _)| known == *name))
    {
        return Err(error::invalid_parameter(
            "attributeName",
            unknown,
            "Unknown attribute.",
        ));
    }
    let shown = attributes
        .iter()
        .filter(|(name, _)| names.is_empty() || names.contains(name));
    let node = |(name, value): &(&str, String)| {
        vec![
            text("attributeName", name),
            xml::set("attributeValueSet", [vec![text("attributeValue", value)]]),
        ]
    };
    Ok(vec![xml::set("accountAttributeSet", shown.map(node))])
}
