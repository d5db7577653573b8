//! What a peering has to know of its network beyond what it copied when it was created.

use types::Cidr;

use super::peering::ConditionStatus;

/// A network, as far as its peerings depend on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NetworkFacts {
    /// Its name for people.
    pub display_name: String,
    /// Whether the vendor's firewall carries the allow list, with reason and sentence.
    pub firewall: (ConditionStatus, String, String),
    /// Rises with every change of the allow list and the ports.
    pub allow_list_version: i64,
    /// The ranges that the firewall shall admit.
    pub allowed: Vec<Cidr>,
    /// The ports of its datastores, ordered, each once.
    pub ports: Vec<u16>,
    /// The DNS names that lead to its datastores.
    pub endpoints: Vec<String>,
}

impl NetworkFacts {
    /// The ranges among these that the allow list does not cover.
    pub fn not_allowed(&self, ranges: &[Cidr]) -> Vec<Cidr> {
        let covered = |range: &Cidr| self.allowed.iter().any(|allowed| allowed.contains(range));
        ranges
            .iter()
            .filter(|range| !covered(range))
            .copied()
            .collect()
    }
}
