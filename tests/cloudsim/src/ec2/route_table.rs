//! Route tables and their associations with subnets.

use crate::cloud::Error;
use crate::ec2::describe::{self, Listed, Listing, View, required_id, returned};
use crate::ec2::id::Kind;
use crate::ec2::query::Query;
use crate::ec2::route;
use crate::ec2::state::{Association, Route, RouteTable, Target};
use crate::ec2::subnet::own_subnet;
use crate::ec2::vpc::own_vpc;
use crate::ec2::xml::{self, Node, text, tree};
use crate::ec2::{Context, error, tags};

pub(crate) fn create_route_table(
    context: &mut Context<'_>,
    query: &Query,
) -> Result<Vec<Node>, Error> {
    let vpc_id = required_id(query, "VpcId", Kind::Vpc)?;
    let vpc = own_vpc(context, vpc_id)?;
    let local = |destination| Route {
        destination,
        target: Target::Local,
    };
    let routes = vpc
        .cidrs
        .iter()
        .map(|cidr| local(cidr.cidr.into()))
        .collect();
    let tags = tags::on_create(query, context.config, Kind::RouteTable)?;
    let siblings = context
        .state
        .route_tables
        .values()
        .filter(|table| table.vpc_id == vpc_id)
        .count();
    if siblings >= context.config.limits.route_tables_per_vpc {
        let text = "The maximum number of route tables has been reached.";
        return Err(Error::new("RouteTableLimitExceeded", text));
    }
    let table = RouteTable {
        id: context.state.new_id(Kind::RouteTable),
        owner: context.caller.clone(),
        vpc_id: vpc_id.to_owned(),
        routes,
        associations: vec![],
        created_ms: context.now_ms,
    };
    context
        .state
        .route_tables
        .insert(table.id.clone(), table.clone());
    context.put_tags(&table.id, tags);
    Ok(vec![tree("routeTable", table.node(&context.view()))])
}

pub(crate) fn describe_route_tables(
    context: &mut Context<'_>,
    query: &Query,
) -> Result<Vec<Node>, Error> {
    let view = context.view();
    describe::describe(&view, query, view.state.route_tables.values())
}

pub(crate) fn own_table<'a>(
    context: &'a mut Context<'_>,
    id: &str,
) -> Result<&'a mut RouteTable, Error> {
    let table = context
        .state
        .route_tables
        .get_mut(id)
        .filter(|table| table.owner == *context.caller);
    table.ok_or_else(|| error::not_found(Kind::RouteTable, id))
}

pub(crate) fn delete_route_table(
    context: &mut Context<'_>,
    query: &Query,
) -> Result<Vec<Node>, Error> {
    let id = required_id(query, "RouteTableId", Kind::RouteTable)?;
    if !own_table(context, id)?.associations.is_empty() {
        return Err(error::dependency("routeTable", id));
    }
    context.state.forget(id);
    Ok(returned())
}

pub(crate) fn associate_route_table(
    context: &mut Context<'_>,
    query: &Query,
) -> Result<Vec<Node>, Error> {
    let id = required_id(query, "RouteTableId", Kind::RouteTable)?;
    let subnet_id = required_id(query, "SubnetId", Kind::Subnet)?;
    let subnet_vpc = own_subnet(context, subnet_id)?.vpc_id.clone();
    if own_table(context, id)?.vpc_id != subnet_vpc {
        return Err(error::invalid_value(format!(
            "route table {id} and subnet {subnet_id} belong to different networks"
        )));
    }
    let mut associations = context
        .state
        .route_tables
        .values()
        .flat_map(|table| &table.associations);
    if associations.any(|association| association.subnet_id.as_deref() == Some(subnet_id)) {
        let text = format!(
            "the specified association for route table {id} conflicts with an existing association"
        );
        return Err(Error::new("Resource.AlreadyAssociated", text));
    }
    let association = Association {
        id: context.state.new_id(Kind::RouteTableAssociation),
        subnet_id: Some(subnet_id.to_owned()),
    };
    let answer = vec![
        text("associationId", &association.id),
        tree("associationState", vec![text("state", "associated")]),
    ];
    own_table(context, id)?.associations.push(association);
    Ok(answer)
}

pub(crate) fn disassociate_route_table(
    context: &mut Context<'_>,
    query: &Query,
) -> Result<Vec<Node>, Error> {
    let id = required_id(query, "AssociationId", Kind::RouteTableAssociation)?;
    let mut owned = context
        .state
        .route_tables
        .values_mut()
        .filter(|table| table.owner == *context.caller);
    let table = owned.find(|table| {
        table
            .associations
            .iter()
            .any(|association| association.id == id)
    });
    let table = table.ok_or_else(|| error::not_found(Kind::RouteTableAssociation, id))?;
    let is_main =
        |association: &Association| association.id == id && association.subnet_id.is_none();
    if table.associations.iter().any(is_main) {
        return Err(error::invalid_value(format!(
            "cannot disassociate the main route table association {id}"
        )));
    }
    table
        .associations
        .retain(|association| association.id != id);
    Ok(returned())
}

impl Listed for RouteTable {
    const LISTING: Listing = Listing {
        action: "DescribeRouteTables",
        set: "routeTableSet",
        ids: "RouteTableId",
        kind: Kind::RouteTable,
        filters: &[
            "association.gateway-id",
            "association.route-table-association-id",
            "association.route-table-id",
            "association.subnet-id",
            "association.main",
            "owner-id",
            "route-table-id",
            "route.destination-cidr-block",
            "route.destination-ipv6-cidr-block",
            "route.destination-prefix-list-id",
            "route.egress-only-internet-gateway-id",
            "route.gateway-id",
            "route.instance-id",
            "route.nat-gateway-id",
            "route.transit-gateway-id",
            "route.origin",
            "route.state",
            "route.vpc-peering-connection-id",
            "vpc-id",
        ],
        most_results: 100,
    };

    fn id(&self) -> &str {
        &self.id
    }

    fn is_visible(&self, view: &View<'_>) -> bool {
        self.owner == *view.caller && view.is_out(self.created_ms)
    }

    fn values(&self, view: &View<'_>, filter: &str) -> Vec<String> {
        let associations = self.associations.iter();
        match filter {
            "association.route-table-association-id" => {
                associations.map(|x| x.id.clone()).collect()
            }
            "association.route-table-id" => associations.map(|_| self.id.clone()).collect(),
            "association.subnet-id" => associations.filter_map(|x| x.subnet_id.clone()).collect(),
            "association.main" => associations
                .map(|x| x.subnet_id.is_none().to_string())
                .collect(),
            "owner-id" => vec![self.owner.account.clone()],
            "route-table-id" => vec![self.id.clone()],
            "vpc-id" => vec![self.vpc_id.clone()],
            _ => self
                .routes
                .iter()
                .filter_map(|one| route::value(view, one, filter))
                .collect(),
        }
    }

    fn node(&self, view: &View<'_>) -> Vec<Node> {
        let association = |association: &Association| {
            let mut nodes = vec![
                text("routeTableAssociationId", &association.id),
                text("routeTableId", &self.id),
                text("main", association.subnet_id.is_none()),
                tree("associationState", vec![text("state", "associated")]),
            ];
            nodes.extend(
                association
                    .subnet_id
                    .as_ref()
                    .map(|id| text("subnetId", id)),
            );
            nodes
        };
        vec![
            text("routeTableId", &self.id),
            text("vpcId", &self.vpc_id),
            text("ownerId", &self.owner.account),
            xml::set(
                "routeSet",
                self.routes.iter().map(|one| route::node(view, one)),
            ),
            xml::set("associationSet", self.associations.iter().map(association)),
            xml::set("propagatingVgwSet", []),
            view.tag_set(&self.id),
        ]
    }
}
