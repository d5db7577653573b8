//! Routes: local ones, and those to a peering, which are black holes while it is not active.

use ipnet::IpNet;

use crate::cloud::Error;
use crate::ec2::describe::{View, required_id, returned};
use crate::ec2::id::Kind;
use crate::ec2::peering::{self, Code};
use crate::ec2::query::Query;
use crate::ec2::route_table::own_table;
use crate::ec2::state::{Route, Target};
use crate::ec2::xml::{Node, text};
use crate::ec2::{Context, error};

/// Targets that exist in EC2 and not here, with what is said of them.
const OTHER_TARGETS: [(&str, &str, &str); 5] = [
    ("GatewayId", "InvalidGatewayID.NotFound", "The gateway ID"),
    (
        "NatGatewayId",
        "InvalidNatGatewayID.NotFound",
        "The natGateway ID",
    ),
    (
        "InstanceId",
        "InvalidInstanceID.NotFound",
        "The instance ID",
    ),
    (
        "NetworkInterfaceId",
        "InvalidNetworkInterfaceID.NotFound",
        "The networkInterface ID",
    ),
    (
        "TransitGatewayId",
        "InvalidTransitGatewayID.NotFound",
        "The transitGateway ID",
    ),
];

pub(crate) fn create_route(context: &mut Context<'_>, query: &Query) -> Result<Vec<Node>, Error> {
    let id = required_id(query, "RouteTableId", Kind::RouteTable)?;
    let destination = destination(query)?;
    let target = target(context, query, id)?;
    let most = context.config.limits.routes_per_table;
    let table = own_table(context, id)?;
    if table
        .routes
        .iter()
        .any(|route| route.destination == destination)
    {
        let text = format!("The route identified by {destination} already exists.");
        return Err(Error::new("RouteAlreadyExists", text));
    }
    check_not_local(&table.routes, &destination)?;
    // Local routes do not count.
    if table
        .routes
        .iter()
        .filter(|route| route.target != Target::Local)
        .count()
        >= most
    {
        return Err(Error::new(
            "RouteLimitExceeded",
            "The maximum number of routes has been reached.",
        ));
    }
    table.routes.push(Route {
        destination,
        target,
    });
    Ok(returned())
}

pub(crate) fn replace_route(context: &mut Context<'_>, query: &Query) -> Result<Vec<Node>, Error> {
    let id = required_id(query, "RouteTableId", Kind::RouteTable)?;
    let destination = destination(query)?;
    if query.get("LocalTarget").is_some() {
        return Err(Error::new(
            "UnsupportedOperation",
            "Local targets are not available in this simulation.",
        ));
    }
    let target = target(context, query, id)?;
    let table = own_table(context, id)?;
    let route = table
        .routes
        .iter_mut()
        .find(|route| route.destination == destination);
    match route {
        None => Err(error::invalid_value(format!(
            "There is no route defined for '{destination}' in the route table. Use CreateRoute instead."
        ))),
        Some(route) if route.target == Target::Local => Err(more_specific(&destination)),
        Some(route) => {
            route.target = target;
            Ok(returned())
        }
    }
}

pub(crate) fn delete_route(context: &mut Context<'_>, query: &Query) -> Result<Vec<Node>, Error> {
    let id = required_id(query, "RouteTableId", Kind::RouteTable)?;
    let destination = destination(query)?;
    let table = own_table(context, id)?;
    let Some(at) = table
        .routes
        .iter()
        .position(|route| route.destination == destination)
    else {
        let text =
            format!("no route with destination-cidr-block {destination} in route table {id}");
        return Err(Error::new("InvalidRoute.NotFound", text));
    };
    if table.routes[at].target == Target::Local {
        let text = format!("cannot remove local route {destination} in route table {id}");
        return Err(error::invalid_value(text));
    }
    table.routes.remove(at);
    Ok(returned())
}

fn destination(query: &Query) -> Result<IpNet, Error> {
    match (
        query.get("DestinationCidrBlock"),
        query.get("DestinationIpv6CidrBlock"),
    ) {
        (Some(_), None) => Ok(query.cidr("DestinationCidrBlock")?.into()),
        (None, Some(value)) => {
            let parsed: Result<ipnet::Ipv6Net, _> = value.parse();
            let why = "This is not a valid CIDR block.";
            let parsed = parsed
                .map_err(|_| error::invalid_parameter("destinationIpv6CidrBlock", value, why))?;
            Ok(parsed.trunc().into())
        }
        (None, None) => Err(error::missing("DestinationCidrBlock")),
        (Some(_), Some(_)) => Err(error::combination(
            "The parameter destinationCidrBlock cannot be used with the parameter destinationIpv6CidrBlock",
        )),
    }
}

/// The peering to route to: one the caller takes part in with the table's VPC, and which has not ended.
fn target(context: &mut Context<'_>, query: &Query, table_id: &str) -> Result<Target, Error> {
    for (name, code, what) in OTHER_TARGETS {
        if let Some(value) = query.get(name) {
            return Err(Error::new(code, format!("{what} '{value}' does not exist")));
        }
    }
    if query.get("VpcPeeringConnectionId").is_none() {
        return Err(Error::new(
            "MissingParameter",
            "The request must contain exactly one target for the route",
        ));
    }
    let id = required_id(query, "VpcPeeringConnectionId", Kind::Peering)?;
    let vpc_id = own_table(context, table_id)?.vpc_id.clone();
    let view = context.view();
    let peering = view
        .state
        .peerings
        .get(id)
        .filter(|x| peering::is_seen(x, &view) && !x.status.code.has_ended());
    let peering = peering.ok_or_else(|| error::not_found(Kind::Peering, id))?;
    if peering.requester.vpc_id != vpc_id && peering.accepter.vpc_id != vpc_id {
        return Err(error::invalid_value(format!(
            "route table {table_id} and peering connection {id} belong to different networks"
        )));
    }
    Ok(Target::Peering(id.to_owned()))
}

fn check_not_local(routes: &[Route], destination: &IpNet) -> Result<(), Error> {
    let mut local = routes.iter().filter(|route| route.target == Target::Local);
    if local.any(|route| route.destination.contains(destination)) {
        return Err(more_specific(destination));
    }
    Ok(())
}

fn more_specific(destination: &IpNet) -> Error {
    error::invalid_value(format!(
        "The destination CIDR block {destination} is equal to or more specific than one of this VPC's CIDR blocks. \
         This route can target only an interface or an instance."
    ))
}

fn state(view: &View<'_>, route: &Route) -> &'static str {
    let is_active = |id: &String| {
        view.state
            .peerings
            .get(id)
            .is_some_and(|x| x.status.code == Code::Active)
    };
    match &route.target {
        Target::Local => "active",
        Target::Peering(id) if is_active(id) => "active",
        Target::Peering(_) => "blackhole",
    }
}

fn origin(route: &Route) -> &'static str {
    match route.target {
        Target::Local => "CreateRouteTable",
        Target::Peering(_) => "CreateRoute",
    }
}

/// What a route has under a filter of its table.
pub(crate) fn value(view: &View<'_>, route: &Route, filter: &str) -> Option<String> {
    match (filter, &route.target) {
        ("route.destination-cidr-block", _) => {
            matches!(route.destination, IpNet::V4(_)).then(|| route.destination.to_string())
        }
        ("route.destination-ipv6-cidr-block", _) => {
            matches!(route.destination, IpNet::V6(_)).then(|| route.destination.to_string())
        }
        ("route.state", _) => Some(state(view, route).to_owned()),
        ("route.origin", _) => Some(origin(route).to_owned()),
        ("route.gateway-id", Target::Local) => Some("local".to_owned()),
        ("route.vpc-peering-connection-id", Target::Peering(id)) => Some(id.clone()),
        _ => None,
    }
}

pub(crate) fn node(view: &View<'_>, route: &Route) -> Vec<Node> {
    let destination = match route.destination {
        IpNet::V4(net) => text("destinationCidrBlock", net),
        IpNet::V6(net) => text("destinationIpv6CidrBlock", net),
    };
    let target = match &route.target {
        Target::Local => text("gatewayId", "local"),
        Target::Peering(id) => text("vpcPeeringConnectionId", id),
    };
    vec![
        destination,
        target,
        text("state", state(view, route)),
        text("origin", origin(route)),
    ]
}
