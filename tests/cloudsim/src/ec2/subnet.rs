//! Subnets.

use ipnet::Ipv4Net;

use crate::cloud::Error;
use crate::ec2::describe::{self, Listed, Listing, View, dashed, required_id, returned};
use crate::ec2::id::Kind;
use crate::ec2::query::Query;
use crate::ec2::state::{Subnet, overlap};
use crate::ec2::vpc::own_vpc;
use crate::ec2::xml::{self, Node, text, tree};
use crate::ec2::{Context, error, tags};
use crate::region::{Zone, zones};

pub(crate) fn create_subnet(context: &mut Context<'_>, query: &Query) -> Result<Vec<Node>, Error> {
    let vpc_id = required_id(query, "VpcId", Kind::Vpc)?;
    let cidr = query.cidr("CidrBlock")?;
    let vpc = own_vpc(context, vpc_id)?;
    let inside = vpc.cidrs.iter().any(|of_vpc| of_vpc.cidr.contains(&cidr));
    if !inside || !(16..=28).contains(&cidr.prefix_len()) {
        return Err(Error::new(
            "InvalidSubnet.Range",
            format!("The CIDR '{cidr}' is invalid."),
        ));
    }
    let siblings: Vec<&Subnet> = context
        .state
        .subnets
        .values()
        .filter(|x| x.vpc_id == vpc_id)
        .collect();
    if siblings.iter().any(|sibling| overlap(&sibling.cidr, &cidr)) {
        let text = format!("The CIDR '{cidr}' conflicts with another subnet");
        return Err(Error::new("InvalidSubnet.Conflict", text));
    }
    if siblings.len() >= context.config.limits.subnets_per_vpc {
        return Err(Error::new(
            "SubnetLimitExceeded",
            "The maximum number of subnets has been reached.",
        ));
    }
    let zone = zone(context, query)?;
    let tags = tags::on_create(query, context.config, Kind::Subnet)?;
    let subnet = Subnet {
        id: context.state.new_id(Kind::Subnet),
        owner: context.caller.clone(),
        vpc_id: vpc_id.to_owned(),
        cidr,
        zone: zone.name,
        zone_id: zone.id,
        created_ms: context.now_ms,
    };
    context
        .state
        .subnets
        .insert(subnet.id.clone(), subnet.clone());
    context.put_tags(&subnet.id, tags);
    Ok(vec![tree("subnet", subnet.node(&context.view()))])
}

/// The zone asked for, else the region's first.
fn zone(context: &Context<'_>, query: &Query) -> Result<Zone, Error> {
    let zones = zones(&context.caller.region);
    let (parameter, value) = match (
        query.get("AvailabilityZone"),
        query.get("AvailabilityZoneId"),
    ) {
        (Some(_), Some(_)) => {
            let text = "The parameter availabilityZone cannot be used with the parameter availabilityZoneId";
            return Err(error::combination(text));
        }
        (Some(name), None) => ("availabilityZone", name),
        (None, Some(id)) => ("availabilityZoneId", id),
        (None, None) => ("availabilityZone", zones[0].name.as_str()),
    };
    let named = zones.iter().find(|zone| match parameter {
        "availabilityZone" => zone.name == value,
        _ => zone.id == value,
    });
    let names: Vec<&str> = zones.iter().map(|zone| zone.name.as_str()).collect();
    let why = format!(
        "Subnets can currently only be created in the following availability zones: {}.",
        names.join(", ")
    );
    named
        .cloned()
        .ok_or_else(|| error::invalid_parameter(parameter, value, &why))
}

pub(crate) fn describe_subnets(
    context: &mut Context<'_>,
    query: &Query,
) -> Result<Vec<Node>, Error> {
    let view = context.view();
    describe::describe(&view, query, view.state.subnets.values())
}

pub(crate) fn delete_subnet(context: &mut Context<'_>, query: &Query) -> Result<Vec<Node>, Error> {
    let id = required_id(query, "SubnetId", Kind::Subnet)?;
    own_subnet(context, id)?;
    context.state.forget(id);
    Ok(returned())
}

pub(crate) fn own_subnet<'a>(context: &'a Context<'_>, id: &str) -> Result<&'a Subnet, Error> {
    let subnet = context
        .state
        .subnets
        .get(id)
        .filter(|subnet| subnet.owner == *context.caller);
    subnet.ok_or_else(|| error::not_found(Kind::Subnet, id))
}

/// EC2 keeps five addresses of each subnet.
fn available(cidr: &Ipv4Net) -> u64 {
    (1_u64 << (32 - cidr.prefix_len())) - 5
}

impl Listed for Subnet {
    const LISTING: Listing = Listing {
        action: "DescribeSubnets",
        set: "subnetSet",
        ids: "SubnetId",
        kind: Kind::Subnet,
        filters: &[
            "availability-zone",
            "availabilityZone",
            "availability-zone-id",
            "availabilityZoneId",
            "available-ip-address-count",
            "cidr-block",
            "cidr",
            "cidrBlock",
            "default-for-az",
            "defaultForAz",
            "map-public-ip-on-launch",
            "owner-id",
            "state",
            "subnet-arn",
            "subnet-id",
            "vpc-id",
        ],
        most_results: 1000,
    };

    fn id(&self) -> &str {
        &self.id
    }

    fn is_visible(&self, view: &View<'_>) -> bool {
        self.owner == *view.caller && view.is_out(self.created_ms)
    }

    fn values(&self, _: &View<'_>, filter: &str) -> Vec<String> {
        vec![match dashed(filter).as_str() {
            "availability-zone" => self.zone.clone(),
            "availability-zone-id" => self.zone_id.clone(),
            "available-ip-address-count" => available(&self.cidr).to_string(),
            "cidr-block" | "cidr" => self.cidr.to_string(),
            "default-for-az" | "map-public-ip-on-launch" => "false".to_owned(),
            "owner-id" => self.owner.account.clone(),
            "state" => "available".to_owned(),
            "subnet-arn" => self.arn(),
            "subnet-id" => self.id.clone(),
            "vpc-id" => self.vpc_id.clone(),
            _ => return vec![],
        }]
    }

    fn node(&self, view: &View<'_>) -> Vec<Node> {
        vec![
            text("subnetId", &self.id),
            text("subnetArn", self.arn()),
            text("state", "available"),
            text("ownerId", &self.owner.account),
            text("vpcId", &self.vpc_id),
            text("cidrBlock", self.cidr),
            xml::set("ipv6CidrBlockAssociationSet", []),
            text("availableIpAddressCount", available(&self.cidr)),
            text("availabilityZone", &self.zone),
            text("availabilityZoneId", &self.zone_id),
            text("defaultForAz", false),
            text("mapPublicIpOnLaunch", false),
            text("assignIpv6AddressOnCreation", false),
            view.tag_set(&self.id),
        ]
    }
}

impl Subnet {
    fn arn(&self) -> String {
        format!(
            "arn:aws:ec2:{}:{}:subnet/{}",
            self.owner.region, self.owner.account, self.id
        )
    }
}
