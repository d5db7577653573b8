//! The vendor's routes to peerings, in every route table of a VPC.

use api::cloud::{CloudError, CloudErrorKind};
use aws_sdk_ec2::types::{Filter, RouteState as RawState, RouteTable};

use super::client::{Budget, Ec2};
use super::error::Failure;
use super::route_plan::{Change, Table, Target, Wanted, Write, apply, plan, states};
use super::tags;
use super::vpc_look::Marks;
use crate::provider::{EnsureRoutes, RouteState, RoutesProgress};

const API: &str = "DescribeRouteTables";
/// Changes in one call.
const MOST_WRITES: u32 = 20;

/// Looks at the tables once, then makes the changes one after another, as many as fit one call. One that fails does
/// not keep the others from being tried; its error is answered in the end.
pub(super) async fn ensure(ec2: &Ec2, ask: &EnsureRoutes) -> Result<RoutesProgress, CloudError> {
    let wanted: Wanted = ask.wanted.iter().cloned().collect();
    let marks = Marks::new(&ask.vpc);
    let (mut tables, untagged) = look(ec2, &ask.vpc_id, &marks)
        .await
        .map_err(Failure::while_looking)?;
    if tables.is_empty() && !wanted.is_empty() {
        let why = format!("{} shows no route table; is it gone?", ask.vpc_id);
        return Err(Failure::unusable(API, why).while_looking());
    }
    // What cannot be tagged can still be led right; it is told at the end.
    let mut failed = None;
    if !untagged.is_empty() && !wanted.is_empty() {
        failed = tag(ec2, untagged, &marks).await.err();
    }
    let writes = plan(&tables, &wanted);
    let mut budget = Budget::new(ec2, MOST_WRITES);
    let mut left = 0;
    for one in &writes {
        if !budget.take() {
            left += 1;
            continue;
        }
        match write(ec2, one).await {
            Ok(true) => apply(&mut tables, one),
            Ok(false) => left += 1,
            Err(error) => {
                // Every further call would be throttled too, and prolong it.
                if error.kind == CloudErrorKind::Throttled {
                    budget.end();
                }
                failed.get_or_insert(error);
            }
        }
    }
    if let Some(error) = failed {
        return Err(error);
    }
    let routes = states(&tables, &wanted);
    let complete = left == 0
        && !routes
            .iter()
            .any(|route| route.state == RouteState::Missing);
    Ok(RoutesProgress { routes, complete })
}

/// The tables of a VPC, and the ids of those by whose tags the group's listing would not find them.
async fn look(ec2: &Ec2, vpc: &str, marks: &Marks) -> Result<(Vec<Table>, Vec<String>), Failure> {
    let found = all_tables(ec2, vec![tags::filter("vpc-id", [vpc])]).await?;
    let (mut tables, mut untagged) = (Vec::new(), Vec::new());
    for one in found.iter().filter(|table| table.vpc_id() == Some(vpc)) {
        let table = table(one).ok_or_else(incomplete)?;
        if !marks.are_on(one.tags()) {
            untagged.push(table.id.clone());
        }
        tables.push(table);
    }
    Ok((tables, untagged))
}

/// Puts the network's tags on tables: on the main one, which came with the VPC, and on those that others made.
async fn tag(ec2: &Ec2, ids: Vec<String>, marks: &Marks) -> Result<(), CloudError> {
    let call = ec2
        .client
        .create_tags()
        .set_resources(Some(ids))
        .set_tags(Some(tags::list(&marks.pairs())));
    let answer = ec2.call("CreateTags", call.send()).await;
    answer.map(drop).map_err(Failure::of_write)
}

/// All pages of route tables. The caller applies its filters again.
pub(super) async fn all_tables(
    ec2: &Ec2,
    filters: Vec<Filter>,
) -> Result<Vec<RouteTable>, Failure> {
    let filters = &filters;
    ec2.all(API, ec2.pages.route_tables, |token, size| async move {
        let call = ec2
            .client
            .describe_route_tables()
            .set_filters(Some(filters.clone()))
            .max_results(size)
            .set_next_token(token);
        let page = ec2.call(API, call.send()).await?;
        Ok((page.route_tables, page.next_token))
    })
    .await
}

pub(super) fn incomplete() -> Failure {
    Failure::unusable(API, "the answer shows a route table without id or routes")
}

/// A table as the plan takes it; none when the answer lacks its id or its routes, of which each has a local one.
pub(super) fn table(seen: &RouteTable) -> Option<Table> {
    let routes = seen.routes.as_ref()?.iter();
    let routes = routes.filter_map(|route| {
        let cidr = route.destination_cidr_block()?.parse().ok()?;
        let target = match route.vpc_peering_connection_id() {
            Some(id) => Target::Peering {
                id: id.to_owned(),
                blackhole: route.state() == Some(&RawState::Blackhole),
            },
            None => Target::Other,
        };
        Some((cidr, target))
    });
    Some(Table {
        routes: routes.collect(),
        id: seen.route_table_id()?.to_owned(),
    })
}

/// Makes one change. False: the tables are not as they looked, or the target is not there; a later look tells more.
async fn write(ec2: &Ec2, write: &Write) -> Result<bool, CloudError> {
    let cidr = write.cidr.to_string();
    let done = match &write.change {
        Change::Create(peering) => {
            let call = ec2
                .client
                .create_route()
                .route_table_id(&write.table)
                .destination_cidr_block(cidr)
                .vpc_peering_connection_id(peering);
            ec2.call("CreateRoute", call.send())
                .await
                .map(|answer| answer.r#return != Some(false))
        }
        Change::Replace(peering) => {
            let call = ec2
                .client
                .replace_route()
                .route_table_id(&write.table)
                .destination_cidr_block(cidr)
                .vpc_peering_connection_id(peering);
            ec2.call("ReplaceRoute", call.send()).await.map(|_| true)
        }
        Change::Delete => {
            let call = ec2
                .client
                .delete_route()
                .route_table_id(&write.table)
                .destination_cidr_block(cidr);
            ec2.call("DeleteRoute", call.send()).await.map(|_| true)
        }
    };
    match done {
        Ok(done) => Ok(done),
        Err(failure) if failure.is_not_found() => Ok(false),
        Err(failure) if failure.is(&["RouteAlreadyExists", "InvalidStateTransition"]) => Ok(false),
        Err(failure) => Err(failure.of_write()),
    }
}
