//! Many networks at once, for tests of size.

use serde::{Deserialize, Serialize};
use serde_json::{Map, json};

use crate::gce::state::{Network, Peering, State};
use crate::gce::url;

/// Networks to put in place, as a sweep over many needs them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plant {
    /// Networks are called `PREFIX-0`, `PREFIX-1` and so on.
    pub prefix: String,
    pub networks: usize,
    /// Peerings of each network: `peering-0` towards `PREFIX-0-peer-0` in `peer_project`, and so on.
    pub peerings: usize,
    pub peer_project: String,
    /// Whether the peer's half is there too, so that the peering is `ACTIVE`.
    pub active: bool,
}

impl State {
    /// Puts many networks with peerings in place, past quotas and rates.
    pub fn plant(&mut self, project: &str, plant: &Plant, now_ms: i64) {
        self.put_project(project, None);
        if plant.active {
            self.put_project(&plant.peer_project, None);
        }
        for n in 0..plant.networks {
            let name = format!("{}-{n}", plant.prefix);
            let own = url::network(project, &name);
            let peer = |m| format!("{name}-peer-{m}");
            let peers = (0..plant.peerings).map(|m| url::network(&plant.peer_project, &peer(m)));
            let halves = peers
                .enumerate()
                .map(|(m, peer)| half(m, peer, now_ms, plant.active));
            let network = self.planted(project, &name, halves.collect(), now_ms);
            self.networks.insert(own.clone(), network);
            for m in (0..plant.peerings).filter(|_| plant.active) {
                let halves = vec![half(0, own.clone(), now_ms, true)];
                let network = self.planted(&plant.peer_project, &peer(m), halves, now_ms);
                let path = url::network(&plant.peer_project, &peer(m));
                self.networks.insert(path, network);
            }
        }
    }

    fn planted(
        &mut self,
        project: &str,
        name: &str,
        peerings: Vec<Peering>,
        now_ms: i64,
    ) -> Network {
        Network {
            id: self.next_id(),
            project: project.to_owned(),
            name: name.to_owned(),
            description: String::new(),
            auto_create_subnetworks: false,
            routing_mode: "REGIONAL".to_owned(),
            mtu: 1460,
            default_route: true,
            created_ms: now_ms,
            peerings,
        }
    }
}

fn half(n: usize, peer: String, since_ms: i64, active: bool) -> Peering {
    let settings = [
        ("autoCreateRoutes".to_owned(), json!(true)),
        ("exchangeSubnetRoutes".to_owned(), json!(true)),
    ];
    Peering {
        name: format!("peering-{n}"),
        peer,
        settings: Map::from_iter(settings),
        active,
        since_ms,
    }
}
