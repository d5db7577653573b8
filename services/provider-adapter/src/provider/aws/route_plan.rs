//! What to write to a VPC's route tables, from what they show and what is wanted. Pure.

use std::collections::{BTreeMap, BTreeSet};

use types::Cidr;

use crate::provider::{Route, RouteState};

/// A route table as EC2 shows it, with its IPv4 routes.
#[derive(Debug, Clone)]
pub(super) struct Table {
    /// `rtb-…`
    pub(super) id: String,
    /// By destination.
    pub(super) routes: BTreeMap<Cidr, Target>,
}

/// Where a route leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Target {
    /// To a peering; a blackhole when that is not active.
    Peering { id: String, blackhole: bool },
    /// Anywhere else: not ours to touch.
    Other,
}

impl Target {
    fn is_peering(&self, wanted: &str) -> bool {
        matches!(self, Self::Peering { id, .. } if id == wanted)
    }
}

/// One change of one table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Write {
    /// Which table.
    pub(super) table: String,
    /// Which destination.
    pub(super) cidr: Cidr,
    /// What to do.
    pub(super) change: Change,
}

/// What to do with a destination in a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Change {
    /// Make a route to this peering.
    Create(String),
    /// Turn the route to another peering to this one.
    Replace(String),
    /// Remove the route to a peering that is not wanted.
    Delete,
}

/// The wanted routes: destination to the cloud's id of the peering.
pub(super) type Wanted = BTreeMap<Cidr, String>;

/// All changes that lead to the wanted set, the removals in all tables first: they make room and end access. A
/// destination that leads somewhere else than to a peering is left alone.
pub(super) fn plan(tables: &[Table], wanted: &Wanted) -> Vec<Write> {
    let mut writes = Vec::new();
    for table in tables {
        for (cidr, target) in &table.routes {
            let is_peering = matches!(target, Target::Peering { .. });
            if is_peering && !wanted.contains_key(cidr) {
                writes.push(write(table, cidr, Change::Delete));
            }
        }
    }
    for table in tables {
        for (cidr, peering) in wanted {
            match table.routes.get(cidr) {
                None => writes.push(write(table, cidr, Change::Create(peering.clone()))),
                Some(target @ Target::Peering { .. }) if !target.is_peering(peering) => {
                    writes.push(write(table, cidr, Change::Replace(peering.clone())));
                }
                Some(_) => {}
            }
        }
    }
    writes
}

fn write(table: &Table, cidr: &Cidr, change: Change) -> Write {
    Write {
        table: table.id.clone(),
        cidr: *cidr,
        change,
    }
}

/// Records in `tables` that a change was made. Whether its target is up, only the next look shows.
pub(super) fn apply(tables: &mut [Table], write: &Write) {
    let Some(table) = tables.iter_mut().find(|table| table.id == write.table) else {
        return;
    };
    match &write.change {
        Change::Create(id) | Change::Replace(id) => {
            let target = Target::Peering {
                id: id.clone(),
                blackhole: false,
            };
            table.routes.insert(write.cidr, target);
        }
        Change::Delete => {
            table.routes.remove(&write.cidr);
        }
    }
}

/// The wanted routes with their state over all tables.
pub(super) fn states(tables: &[Table], wanted: &Wanted) -> Vec<Route> {
    wanted
        .iter()
        .map(|(cidr, peering)| Route {
            cidr: *cidr,
            provider_peering_id: peering.clone(),
            state: state(tables, cidr, peering),
        })
        .collect()
}

/// All routes to peerings with their state over all tables.
pub(super) fn to_peerings(tables: &[Table]) -> Vec<Route> {
    let mut found = BTreeSet::new();
    for table in tables {
        for (cidr, target) in &table.routes {
            if let Target::Peering { id, .. } = target {
                found.insert((*cidr, id.as_str()));
            }
        }
    }
    let routes = found.into_iter().map(|(cidr, peering)| Route {
        cidr,
        provider_peering_id: peering.to_owned(),
        state: state(tables, &cidr, peering),
    });
    routes.collect()
}

fn state(tables: &[Table], cidr: &Cidr, peering: &str) -> RouteState {
    let targets: Vec<_> = tables.iter().map(|table| table.routes.get(cidr)).collect();
    if targets.is_empty()
        || !targets
            .iter()
            .all(|to| to.is_some_and(|to| to.is_peering(peering)))
    {
        return RouteState::Missing;
    }
    let is_blackhole = |to: &Option<&Target>| {
        matches!(
            to,
            Some(Target::Peering {
                blackhole: true,
                ..
            })
        )
    };
    if targets.iter().any(is_blackhole) {
        RouteState::Blackhole
    } else {
        RouteState::Active
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cidr(text: &str) -> Cidr {
        text.parse().unwrap()
    }

    fn to(id: &str, blackhole: bool) -> Target {
        Target::Peering {
            id: id.into(),
            blackhole,
        }
    }

    fn table(id: &str, routes: &[(&str, Target)]) -> Table {
        let routes = routes
            .iter()
            .map(|(range, target)| (cidr(range), target.clone()))
            .collect();
        Table {
            id: id.into(),
            routes,
        }
    }

    fn wanted(routes: &[(&str, &str)]) -> Wanted {
        routes
            .iter()
            .map(|(range, id)| (cidr(range), (*id).to_owned()))
            .collect()
    }

    #[test]
    fn every_table_gets_what_it_lacks_and_loses_what_is_not_wanted() {
        let mut tables = vec![
            table(
                "rtb-1",
                &[
                    ("10.0.0.0/16", Target::Other),
                    ("10.1.0.0/16", to("pcx-1", false)),
                ],
            ),
            table(
                "rtb-2",
                &[
                    ("10.1.0.0/16", to("pcx-0", true)),
                    ("10.9.0.0/16", to("pcx-9", false)),
                ],
            ),
            table("rtb-3", &[("10.8.0.0/16", to("pcx-8", false))]),
        ];
        let wanted = wanted(&[("10.1.0.0/16", "pcx-1")]);
        let writes = plan(&tables, &wanted);
        let change = |table: &str, range: &str, change| Write {
            table: table.into(),
            cidr: cidr(range),
            change,
        };
        assert_eq!(
            writes,
            [
                change("rtb-2", "10.9.0.0/16", Change::Delete),
                change("rtb-3", "10.8.0.0/16", Change::Delete),
                change("rtb-2", "10.1.0.0/16", Change::Replace("pcx-1".into())),
                change("rtb-3", "10.1.0.0/16", Change::Create("pcx-1".into())),
            ]
        );
        assert_eq!(states(&tables, &wanted)[0].state, RouteState::Missing);
        for write in &writes {
            apply(&mut tables, write);
        }
        assert_eq!(plan(&tables, &wanted), []);
        assert_eq!(states(&tables, &wanted)[0].state, RouteState::Active);
    }

    #[test]
    fn routes_that_lead_elsewhere_are_left_alone() {
        let tables = [table(
            "rtb-1",
            &[("10.1.0.0/16", Target::Other), ("0.0.0.0/0", Target::Other)],
        )];
        let wanted = wanted(&[("10.1.0.0/16", "pcx-1")]);
        assert_eq!(plan(&tables, &wanted), []);
        assert_eq!(states(&tables, &wanted)[0].state, RouteState::Missing);
    }

    #[test]
    fn every_route_to_a_peering_is_shown_with_what_the_tables_say_together() {
        let first = [
            ("10.0.0.0/16", Target::Other),
            ("10.1.0.0/16", to("pcx-1", false)),
            ("10.2.0.0/16", to("pcx-1", true)),
            ("10.3.0.0/16", to("pcx-1", false)),
        ];
        let mut second = first.clone();
        second[3].1 = to("pcx-2", false);
        let tables = [table("rtb-1", &first), table("rtb-2", &second)];
        let shown = to_peerings(&tables);
        let shown: Vec<_> = shown
            .iter()
            .map(|route| {
                (
                    route.cidr.to_string(),
                    &*route.provider_peering_id,
                    route.state,
                )
            })
            .collect();
        assert_eq!(
            shown,
            [
                ("10.1.0.0/16".to_owned(), "pcx-1", RouteState::Active),
                ("10.2.0.0/16".to_owned(), "pcx-1", RouteState::Blackhole),
                ("10.3.0.0/16".to_owned(), "pcx-1", RouteState::Missing),
                ("10.3.0.0/16".to_owned(), "pcx-2", RouteState::Missing),
            ]
        );
    }

    #[test]
    fn one_blackhole_shows() {
        let tables = [
            table("rtb-1", &[("10.1.0.0/16", to("pcx-1", false))]),
            table("rtb-2", &[("10.1.0.0/16", to("pcx-1", true))]),
        ];
        let wanted = wanted(&[("10.1.0.0/16", "pcx-1")]);
        assert_eq!(states(&tables, &wanted)[0].state, RouteState::Blackhole);
        assert_eq!(plan(&tables, &wanted), []);
    }
}
