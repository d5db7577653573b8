//! A network's firewall: one rule that admits the wanted ranges to the wanted ports, or none.
//!
//! A rule without source ranges admits everybody, so an empty list is the absence of the rule.

use std::collections::BTreeSet;

use api::cloud::{CloudError, CloudErrorKind};
use google_cloud_compute_v1::model::Firewall;
use google_cloud_compute_v1::model::firewall::{Allowed, Direction};
use types::Cidr;

use super::client::{Clients, Gce};
use super::error::Failure;
use super::meaning;
use super::operation::Progress;
use super::token::{Step, Token};
use super::url;
use super::vpc_delete::removed;
use super::vpc_look::{Marks, is_address};
use crate::provider::{self, EnsureFirewall, Underway};

const GET: &str = "firewalls.get";
/// Source ranges that GCP takes in one rule.
const MOST_RANGES: usize = 5000;
/// Where the rule stands among others: GCP's default.
const PRIORITY: i32 = 1000;

/// Waits for what is under way, compares the rule with the wanted, and sends the whole rule where they differ.
pub(super) async fn ensure(gce: &Gce, ask: &EnsureFirewall) -> Result<Underway<bool>, CloudError> {
    let wanted = Wanted::new(ask)?;
    let marks = Marks::new(&ask.vpc, ask.known.id.as_deref());
    if let Some(token) = Token::parse(&ask.operation_token)? {
        match gce.progress(&token).await? {
            Progress::Running => return Ok(under_way(token.to_string())),
            Progress::Failed(failure) if !failure.is_already() && !failure.is_not_found() => {
                return Err(failure.of_operation());
            }
            Progress::Failed(_) | Progress::Done | Progress::Vanished => {}
        }
    }
    let found = look(gce, &marks).await?;
    let token = match (found, wanted) {
        (None, None) => None,
        (Some(_), None) => remove(gce, &marks.name).await?,
        (None, Some(wanted)) => Some(insert(gce, wanted.rule(gce.id(), &marks)).await?),
        (Some(rule), Some(wanted))
            if wanted.is_in(&rule) && rule.description.as_ref() == Some(&marks.description) =>
        {
            None
        }
        // Neither of them can be changed.
        (Some(rule), Some(_)) if !is_of(&rule, gce.id(), &marks.name) => {
            remove(gce, &marks.name).await?
        }
        (Some(_), Some(wanted)) => Some(update(gce, wanted.rule(gce.id(), &marks)).await?),
    };
    Ok(token.map_or_else(|| Underway::ended(true), under_way))
}

fn under_way(operation_token: String) -> Underway<bool> {
    Underway {
        now: false,
        operation_token,
    }
}

/// Whom the rule admits to what; neither is empty.
struct Wanted {
    cidrs: BTreeSet<String>,
    ports: BTreeSet<String>,
}

impl Wanted {
    /// None: nobody is to be admitted.
    fn new(ask: &EnsureFirewall) -> Result<Option<Self>, CloudError> {
        let cidrs: BTreeSet<_> = ask.cidrs.iter().copied().collect();
        let ports = ask.ports.iter().copied().collect();
        if cidrs.len() > MOST_RANGES {
            let message = format!(
                "a firewall rule of GCP takes at most {MOST_RANGES} ranges, not {}",
                cidrs.len()
            );
            return Err(CloudError::refused(
                CloudErrorKind::Quota,
                "ALLOW_LIST_FULL",
                message,
            ));
        }
        Ok(Self::of(&cidrs, &ports))
    }

    /// None: nobody is admitted.
    fn of(cidrs: &BTreeSet<Cidr>, ports: &BTreeSet<u16>) -> Option<Self> {
        (!cidrs.is_empty() && !ports.is_empty()).then(|| Self {
            cidrs: cidrs.iter().map(ToString::to_string).collect(),
            ports: ports.iter().map(ToString::to_string).collect(),
        })
    }

    /// The whole rule.
    fn rule(&self, project: &str, marks: &Marks) -> Firewall {
        let allowed = Allowed::new().set_ip_protocol("tcp").set_ports(&self.ports);
        Firewall::new()
            .set_name(&marks.name)
            .set_description(&marks.description)
            .set_network(url::of_network(project, &marks.name))
            .set_direction(Direction::Ingress)
            .set_priority(PRIORITY)
            .set_source_ranges(&self.cidrs)
            .set_allowed([allowed])
            .set_disabled(false)
    }

    /// Whether the rule admits exactly these.
    fn is_in(&self, rule: &Firewall) -> bool {
        let [allowed] = &rule.allowed[..] else {
            return false;
        };
        let as_set = |list: &[String]| list.iter().cloned().collect::<BTreeSet<_>>();
        is_tcp(allowed)
            && as_set(&allowed.ports) == self.ports
            && as_set(&rule.source_ranges) == self.cidrs
            && is_ingress(rule)
            && rule.disabled != Some(true)
            // A later one gives way to whatever denies before it.
            && rule.priority.is_none_or(|priority| priority == PRIORITY)
            && rule.denied.is_empty()
            && [
                &rule.destination_ranges,
                &rule.source_tags,
                &rule.source_service_accounts,
                &rule.target_tags,
                &rule.target_service_accounts,
            ]
            .iter()
            .all(|narrowing| narrowing.is_empty())
    }
}

/// Whether the rule is an ingress rule of the VPC with this name.
fn is_of(rule: &Firewall, project: &str, name: &str) -> bool {
    let network = rule.network.as_deref();
    network.is_some_and(|address| is_address(address, project, name)) && is_ingress(rule)
}

/// What a rule admits to the VPC with this name, whose objects have this description. A rule that is not as we make
/// them is never plain.
pub(super) fn admitted(
    rule: &Firewall,
    project: &str,
    name: &str,
    description: &str,
) -> provider::Firewall {
    let counts = is_of(rule, project, name) && rule.disabled != Some(true);
    let ranges = rule.source_ranges.iter().filter(|_| counts);
    let cidrs: BTreeSet<_> = ranges.filter_map(|range| range.parse().ok()).collect();
    let tcp = rule.allowed.iter().filter(|one| counts && is_tcp(one));
    let ports = tcp.flat_map(|allowed| &allowed.ports);
    let ports: BTreeSet<_> = ports.filter_map(|port| port.parse().ok()).collect();
    // What cannot be read is missing here, so that the rule is another one.
    let shown = Wanted::of(&cidrs, &ports);
    let is_plain = shown.is_some_and(|shown| shown.is_in(rule));
    provider::Firewall {
        is_plain: is_plain && counts && rule.description.as_deref() == Some(description),
        cidrs,
        ports,
    }
}

fn is_tcp(allowed: &Allowed) -> bool {
    matches!(allowed.ip_protocol.as_deref(), Some("tcp" | "6"))
}

/// Whether it is about what comes in, as a rule is that does not say.
fn is_ingress(rule: &Firewall) -> bool {
    matches!(rule.direction, None | Some(Direction::Ingress))
}

/// The network's rule. Error: what bears its name is another.
pub(super) async fn look(gce: &Gce, marks: &Marks) -> Result<Option<Firewall>, CloudError> {
    let send = |clients: &Clients| {
        let call = clients.firewalls.get().set_project(gce.id());
        call.set_firewall(&marks.name).send()
    };
    let rule = match gce.call(GET, send).await {
        Ok(rule) => rule,
        Err(failure) if failure.is_not_found() => return Ok(None),
        Err(failure) => return Err(failure.while_looking()),
    };
    let is_asked = rule
        .kind
        .as_deref()
        .is_none_or(|kind| kind == "compute#firewall")
        && rule.name.as_deref() == Some(&marks.name)
        && rule.network.is_some();
    if !is_asked {
        let failure = gce.unusable(GET, "the answer shows no rule of that name");
        return Err(failure.while_looking());
    }
    let network = rule.network.as_deref();
    // In our own VPC it is ours, whatever somebody wrote into its description: it would keep open what is to be closed.
    if !network.is_some_and(|address| is_address(address, gce.id(), &marks.name)) {
        marks.own("firewall rule", rule.description.as_deref())?;
    }
    Ok(Some(rule))
}

async fn insert(gce: &Gce, rule: Firewall) -> Result<String, CloudError> {
    const API: &str = "firewalls.insert";
    let send = |clients: &Clients| {
        let call = clients.firewalls.insert().set_project(gce.id());
        call.set_body(rule.clone()).send()
    };
    match gce.call(API, send).await {
        Ok(operation) => gce.begun(API, Step::Firewall, None, operation),
        // It was asked for a moment ago, and a later look shows it.
        Err(failure) if failure.is_already() => Err(CloudError::refused(
            CloudErrorKind::InProgress,
            meaning::IN_PROGRESS,
            "the firewall rule is being made".to_owned(),
        )),
        Err(failure) => Err(failure.of_write()),
    }
}

/// Puts the whole rule in the place of the old one: a patch would keep what it does not name.
async fn update(gce: &Gce, rule: Firewall) -> Result<String, CloudError> {
    const API: &str = "firewalls.update";
    let name = rule.name.clone().unwrap_or_default();
    let send = |clients: &Clients| {
        let call = clients.firewalls.update().set_project(gce.id());
        call.set_firewall(&name).set_body(rule.clone()).send()
    };
    let operation = gce.call(API, send).await.map_err(Failure::of_write)?;
    gce.begun(API, Step::Firewall, None, operation)
}

/// Deletes the rule of a name. None: there is none.
pub(super) async fn remove(gce: &Gce, name: &str) -> Result<Option<String>, CloudError> {
    const API: &str = "firewalls.delete";
    let send = |clients: &Clients| {
        let call = clients.firewalls.delete().set_project(gce.id());
        call.set_firewall(name).send()
    };
    let answer = gce.call(API, send).await;
    removed(gce, API, (Step::Firewall, None), answer)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider::{Vpc, VpcRef};
    use types::{GroupId, NetworkId};

    fn ask(cidrs: &[&str], ports: &[u16]) -> EnsureFirewall {
        EnsureFirewall {
            vpc: VpcRef {
                group: GroupId::gcp("acme-prod"),
                deployment: "dev".into(),
                network_id: NetworkId::generate(),
                region: "europe-west1".parse().unwrap(),
            },
            known: Vpc::default(),
            cidrs: cidrs.iter().map(|cidr| cidr.parse().unwrap()).collect(),
            ports: ports.to_vec(),
            operation_token: String::new(),
        }
    }

    #[test]
    fn a_rule_always_has_ranges_and_ports() {
        assert!(Wanted::new(&ask(&[], &[443])).unwrap().is_none());
        assert!(Wanted::new(&ask(&["10.0.0.0/24"], &[])).unwrap().is_none());
        assert!(
            Wanted::new(&ask(&["10.0.0.0/24"], &[443]))
                .unwrap()
                .is_some()
        );
    }

    #[test]
    fn a_rule_that_differs_in_anything_is_not_the_wanted_one() {
        let ask = ask(&["10.0.0.0/24", "10.1.0.0/24"], &[443, 5432]);
        let marks = Marks::new(&ask.vpc, None);
        let wanted = Wanted::new(&ask).unwrap().unwrap();
        let rule = || wanted.rule("acme-prod", &marks);
        assert!(wanted.is_in(&rule()));
        assert!(wanted.is_in(&rule().set_source_ranges(["10.1.0.0/24", "10.0.0.0/24"])));
        for other in [
            rule().set_source_ranges(["10.0.0.0/24"]),
            rule().set_source_ranges(["0.0.0.0/0", "10.0.0.0/24", "10.1.0.0/24"]),
            rule().set_source_tags(["web"]),
            rule().set_target_tags(["web"]),
            rule().set_disabled(true),
            rule().set_direction(Direction::Egress),
            rule().set_allowed([Allowed::new().set_ip_protocol("tcp")]),
            rule().set_allowed([Allowed::new()
                .set_ip_protocol("udp")
                .set_ports(["443", "5432"])]),
        ] {
            assert!(!wanted.is_in(&other), "{other:?}");
        }
    }

    #[test]
    fn what_a_rule_admits_is_plain_only_when_we_could_have_made_it() {
        let ask = ask(&["10.0.0.0/24", "10.1.0.0/24"], &[443, 5432]);
        let marks = Marks::new(&ask.vpc, None);
        let wanted = Wanted::new(&ask).unwrap().unwrap();
        let rule = || wanted.rule("acme-prod", &marks);
        let seen = |rule| admitted(&rule, "acme-prod", &marks.name, &marks.description);
        let plain = seen(rule());
        assert!(plain.is_plain);
        assert_eq!(plain.cidrs, ask.cidrs.iter().copied().collect());
        assert_eq!(plain.ports, [443, 5432].into());
        let ranges = |ranges: &[&str]| seen(rule().set_source_ranges(ranges.to_vec()));
        assert!(ranges(&["0.0.0.0/0"]).is_plain);
        for (odd, cidrs) in [
            (ranges(&[]), 0),
            (ranges(&["10.0.0.0/24", "fd00::/64"]), 1),
            (seen(rule().set_source_tags(["web"])), 2),
            (seen(rule().set_description("by hand")), 2),
            (seen(rule().set_priority(65534)), 2),
            (seen(rule().set_disabled(true)), 0),
            (seen(rule().set_direction(Direction::Egress)), 0),
            (
                seen(rule().set_network("projects/acme-prod/global/networks/m")),
                0,
            ),
        ] {
            assert_eq!((odd.cidrs.len(), odd.is_plain), (cidrs, false), "{odd:?}");
        }
        let allowed = |protocol: &str, ports: &[&str]| {
            let allowed = Allowed::new()
                .set_ip_protocol(protocol)
                .set_ports(ports.to_vec());
            seen(rule().set_allowed([allowed]))
        };
        assert!(allowed("tcp", &["443"]).is_plain);
        for odd in [
            allowed("tcp", &["443", "5000-6000"]),
            allowed("tcp", &[]),
            allowed("udp", &["443"]),
            allowed("all", &[]),
        ] {
            assert!(!odd.is_plain, "{odd:?}");
        }
    }

    #[test]
    fn a_rule_that_says_no_more_than_it_must_is_the_wanted_one() {
        let ask = ask(&["10.0.0.0/24"], &[443]);
        let marks = Marks::new(&ask.vpc, None);
        let wanted = Wanted::new(&ask).unwrap().unwrap();
        let rule = || wanted.rule("acme-prod", &marks);
        let terse = rule().set_or_clear_direction(None::<Direction>);
        assert!(wanted.is_in(&terse) && is_of(&terse, "acme-prod", &marks.name));
        let of = |project: &str, name: &str| rule().set_network(url::of_network(project, name));
        let by_number = of("123456789012", &marks.name);
        assert!(is_of(&by_number, "acme-prod", &marks.name));
        for other in [
            of("other-prod", &marks.name),
            of("acme-prod", "m"),
            rule().set_direction(Direction::Egress),
        ] {
            assert!(!is_of(&other, "acme-prod", &marks.name));
        }
    }

    #[test]
    fn more_ranges_than_a_rule_takes_are_refused_before_they_are_sent() {
        let mut ask = ask(&[], &[443]);
        let all: types::Cidr = "10.0.0.0/16".parse().unwrap();
        ask.cidrs = all.subnets(32).take(MOST_RANGES + 1).collect();
        let error = Wanted::new(&ask).err().unwrap();
        assert_eq!(error.reason, "ALLOW_LIST_FULL");
    }
}
