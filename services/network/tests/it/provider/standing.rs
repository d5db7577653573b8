//! What stands in the small cloud: firewalls, listings, and what others do to both.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use api::provider::v1::*;
use tokio::sync::Semaphore;
use tonic::Status;

use super::{Cloud, Mood, Provider, refusal, silence, subnet};

/// Whom a firewall admits to what.
pub(crate) type Admits = (BTreeSet<String>, BTreeSet<i32>);

/// What becomes of one listing.
#[derive(Debug, Clone)]
pub(crate) enum Listing {
    /// It misses everything, and does not know it.
    ShowNothing,
    /// It breaks off before its first page.
    BreakOff,
    /// It never says that it is complete.
    End,
    /// The call fails.
    Fail(Status),
}

#[derive(Debug, Default)]
pub(super) struct Standing {
    firewalls: BTreeMap<String, Admits>,
    on_firewall: VecDeque<Mood>,
    on_observe: VecDeque<Listing>,
    operations: BTreeMap<String, (u32, String, Admits)>,
    /// Calls of EnsureFirewall wait for it.
    held: Option<Arc<Semaphore>>,
    /// Networks with a second VPC.
    doubled: BTreeSet<String>,
}

impl Provider {
    /// What becomes of the next calls of EnsureFirewall.
    pub(crate) fn on_firewall(&self, moods: impl IntoIterator<Item = Mood>) {
        self.cloud().standing.on_firewall.extend(moods);
    }

    /// From now on calls of EnsureFirewall wait until what this answers gives them leave.
    pub(crate) fn hold_firewalls(&self) -> Arc<Semaphore> {
        let held = Arc::new(Semaphore::new(0));
        self.cloud().standing.held = Some(Arc::clone(&held));
        held
    }

    pub(super) fn held(&self) -> Option<Arc<Semaphore>> {
        self.cloud().standing.held.clone()
    }

    /// How many changes of firewalls the cloud has taken on that nobody has followed to their end.
    pub(crate) fn unfollowed(&self) -> usize {
        self.cloud().standing.operations.len()
    }

    /// What becomes of the next calls of ObserveVpcs.
    pub(crate) fn on_observe(&self, listings: impl IntoIterator<Item = Listing>) {
        self.cloud().standing.on_observe.extend(listings);
    }

    /// Listings work from now on.
    pub(crate) fn show_again(&self) {
        self.cloud().standing.on_observe.clear();
    }

    /// Whom a network's firewall admits; nobody when there is none.
    pub(crate) fn firewall_of(&self, network: &str) -> Admits {
        let cloud = self.cloud();
        cloud
            .standing
            .firewalls
            .get(network)
            .cloned()
            .unwrap_or_default()
    }

    /// Somebody changes a network's firewall behind Peerway's back.
    pub(crate) fn meddle(&self, network: &str, cidr: &str, port: i32) {
        let admits = ([cidr.to_owned()].into(), [port].into());
        self.cloud()
            .standing
            .firewalls
            .insert(network.to_owned(), admits);
    }

    /// A network's firewall goes with what carried it.
    pub(crate) fn close(&self, network: &str) {
        self.cloud().standing.firewalls.remove(network);
    }

    /// Somebody removes a part of a network behind Peerway's back.
    pub(crate) fn vanish(&self, network: &str, part: &str) {
        for ((owner, _), parts) in &mut self.cloud().parts {
            if owner == network {
                parts.remove(part);
            }
        }
    }

    /// A second VPC of the network shows, until the next look of EnsureVpc removes it.
    pub(crate) fn double(&self, network: &str) {
        self.cloud().standing.doubled.insert(network.to_owned());
    }

    /// How often something was called, such as `EnsureFirewall`.
    pub(crate) fn count(&self, call: &str) -> usize {
        self.calls().iter().filter(|one| *one == call).count()
    }

    /// Waits until something was called so often since the test began.
    pub(crate) async fn until_called(&self, call: &str, times: usize) {
        let began = std::time::Instant::now();
        while self.count(call) < times {
            assert!(began.elapsed().as_secs() < 30, "{call}: {:?}", self.calls());
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
    }
}

impl Cloud {
    pub(super) fn ensure_firewall(
        &mut self,
        request: &EnsureFirewallRequest,
    ) -> Result<EnsureFirewallResponse, Status> {
        let network = request.r#ref.clone().unwrap().network_id;
        let wanted: Admits = (
            request.cidrs.iter().cloned().collect(),
            request.ports.iter().copied().collect(),
        );
        let answer = |complete, operation_token: &str| EnsureFirewallResponse {
            complete,
            operation_token: operation_token.to_owned(),
        };
        let standing = &mut self.standing;
        if let Some((left, _, _)) = standing.operations.get_mut(&request.operation_token) {
            if *left > 0 {
                *left -= 1;
                return Ok(answer(false, &request.operation_token));
            }
            let ended = standing.operations.remove(&request.operation_token);
            let (_, network, admits) = ended.expect("it is there");
            standing.put(network, admits);
        }
        let mood = standing.on_firewall.pop_front();
        match mood {
            Some(Mood::LoseRequest) => return Err(silence()),
            Some(Mood::Refuse(kind, reason)) => return Err(refusal(kind, reason)),
            Some(Mood::TakeOn(calls)) => {
                let token = format!("firewall-{}", self.calls.len());
                standing
                    .operations
                    .insert(token.clone(), (calls, network, wanted));
                return Ok(answer(false, &token));
            }
            _ => standing.put(network, wanted),
        }
        match mood {
            Some(Mood::LoseAnswer) => Err(silence()),
            _ => Ok(answer(true, "")),
        }
    }

    pub(super) fn observe(
        &mut self,
        request: &ObserveVpcsRequest,
    ) -> Result<Vec<Result<ObserveVpcsResponse, Status>>, Status> {
        let listing = self.standing.on_observe.pop_front();
        let page = |observations, complete| {
            Ok(ObserveVpcsResponse {
                observations,
                complete,
            })
        };
        match listing {
            Some(Listing::Fail(status)) => return Err(status),
            Some(Listing::BreakOff) => return Ok(vec![Err(silence())]),
            Some(Listing::ShowNothing) => return Ok(vec![page(Vec::new(), true)]),
            _ => {}
        }
        let account = request.group.clone().unwrap().account_id;
        let mut pages = Vec::new();
        for ((network, of), parts) in &self.parts {
            let stands = |name: &&String| parts.get(*name).is_some_and(|part| part.made > 0);
            let names: Vec<String> = parts.keys().filter(stands).cloned().collect();
            if *of != account || !names.contains(&"vpc".to_owned()) {
                continue;
            }
            let shown = self
                .standing
                .observation(network, names, request.with_wiring);
            let mut shown = vec![shown];
            if self.standing.doubled.contains(network) {
                let vpc_id = "vpc-surplus".to_owned();
                let vpc = Some(Vpc {
                    vpc_id,
                    ..Vpc::default()
                });
                shown.push(observe_vpcs_response::Observation {
                    vpc,
                    ..shown[0].clone()
                });
            }
            pages.push(page(shown, false));
        }
        pages.push(page(Vec::new(), !matches!(listing, Some(Listing::End))));
        Ok(pages)
    }

    /// A look of EnsureVpc removes the second VPC.
    pub(super) fn remove_surplus(&mut self, network: &str) {
        self.standing.doubled.remove(network);
    }
}

impl Standing {
    fn put(&mut self, network: String, admits: Admits) {
        if admits.0.is_empty() || admits.1.is_empty() {
            self.firewalls.remove(&network);
        } else {
            self.firewalls.insert(network, admits);
        }
    }

    fn observation(
        &self,
        network: &str,
        parts: Vec<String>,
        with_wiring: bool,
    ) -> observe_vpcs_response::Observation {
        let vpc_id = "vpc-0a1b2c3d".to_owned();
        let network_id = network.to_owned();
        if !with_wiring {
            let vpc = Some(Vpc {
                vpc_id,
                ..Vpc::default()
            });
            return observe_vpcs_response::Observation {
                network_id,
                vpc,
                ..Default::default()
            };
        }
        let subnets = parts.iter().filter(|part| part.starts_with("subnet/"));
        let has_group = parts.iter().any(|part| part == "security-group");
        let (cidrs, ports) = self.firewalls.get(network).cloned().unwrap_or_default();
        observe_vpcs_response::Observation {
            network_id,
            firewall_cidrs: cidrs.into_iter().collect(),
            firewall_ports: ports.into_iter().collect(),
            drift: Vec::new(),
            vpc: Some(Vpc {
                vpc_id,
                subnets: subnets.map(|part| subnet(part)).collect(),
                security_group_id: if has_group {
                    "sg-1".to_owned()
                } else {
                    String::new()
                },
                parts,
            }),
        }
    }
}
