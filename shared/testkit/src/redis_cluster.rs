//! A Redis Cluster of one test.

use crate::Redis;
use crate::redis::free_port;

/// A third of the slots each, ends included.
const SLOTS: [(u16, u16); 3] = [(0, 5_460), (5_461, 10_922), (10_923, 16_383)];

/// Three nodes on loopback ports, each with a third of the slots and no replica.
#[derive(Debug)]
pub struct RedisCluster {
    nodes: Vec<Redis>,
}

impl RedisCluster {
    /// Starts the nodes, lets them meet, and waits until they serve.
    pub async fn start() -> Self {
        let mut nodes: Vec<Redis> = Vec::new();
        let mut buses = Vec::new();
        for (first, last) in SLOTS {
            let bus = free_port();
            let settings = format!(
                "--cluster-enabled yes --cluster-node-timeout 2000 --cluster-port {bus} \
                 --cluster-config-file nodes.conf"
            );
            let settings: Vec<&str> = settings.split(' ').collect();
            let node = Redis::start_with(&settings).await;
            // Two nodes without an epoch of their own may not both hold slots.
            node.must(&format!("CLUSTER SET-CONFIG-EPOCH {}", nodes.len() + 1));
            node.must(&format!("CLUSTER ADDSLOTSRANGE {first} {last}"));
            if let (Some(known), Some(bus)) = (nodes.first(), buses.first()) {
                let port = known.address().port();
                node.must(&format!("CLUSTER MEET 127.0.0.1 {port} {bus}"));
            }
            nodes.push(node);
            buses.push(bus);
        }
        let cluster = Self { nodes };
        cluster.serves().await;
        cluster
    }

    /// Waits until every node answers for its part of the whole.
    pub async fn serves(&self) {
        for node in &self.nodes {
            let whole = |info: &str| {
                info.contains("cluster_state:ok") && info.contains("cluster_known_nodes:3")
            };
            node.wait_for("CLUSTER INFO", whole).await;
        }
    }

    /// The nodes, by their slots.
    pub fn nodes(&self) -> &[Redis] {
        &self.nodes
    }

    /// The node that a slot, from 0 to 16,383, belongs to.
    pub fn owner(&mut self, slot: u16) -> &mut Redis {
        let index = SLOTS.iter().position(|(_, last)| slot <= *last);
        let index = index.unwrap_or_else(|| panic!("there is no slot {slot}"));
        &mut self.nodes[index]
    }
}
