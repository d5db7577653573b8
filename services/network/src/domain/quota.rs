//! How much a tenant may have, and how much fits into a network's firewall. The numbers are configuration.

use std::collections::BTreeMap;

use serde::Deserialize;
use types::{ProviderKind, TenantId};

/// The quota of live networks of a tenant, as callers see it named.
pub const NETWORKS: &str = "networks";
/// The quota of peerings on one network.
pub const PEERINGS_PER_NETWORK: &str = "peerings_per_network";
/// The quota of datastores on one network.
pub const DATASTORES_PER_NETWORK: &str = "datastores_per_network";

/// What one tenant may have where that is not what all others may.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Exception {
    /// Live networks.
    pub networks: Option<u32>,
    /// Peerings on one network, by provider.
    #[serde(default)]
    pub peerings_per_network: BTreeMap<ProviderKind, u32>,
    /// Datastores on one network.
    pub datastores_per_network: Option<u32>,
}

/// The quotas of all tenants.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Quotas {
    /// Live networks of a tenant.
    pub networks: u32,
    /// Peerings on one network, by provider.
    pub peerings_per_network: BTreeMap<ProviderKind, u32>,
    /// Datastores on one network.
    pub datastores_per_network: u32,
    /// Tenants with numbers of their own.
    #[serde(default)]
    pub tenants: BTreeMap<TenantId, Exception>,
}

impl Quotas {
    /// How many live networks the tenant may have.
    pub fn networks(&self, tenant: &TenantId) -> u32 {
        let own = self.tenants.get(tenant).and_then(|own| own.networks);
        own.unwrap_or(self.networks)
    }

    /// How many peerings may stand on one network of the tenant.
    pub fn peerings_per_network(&self, tenant: &TenantId, provider: ProviderKind) -> u32 {
        let own = self.tenants.get(tenant);
        own.and_then(|own| own.peerings_per_network.get(&provider))
            .or_else(|| self.peerings_per_network.get(&provider))
            .copied()
            .unwrap_or(0)
    }

    /// How many datastores may stand on one network of the tenant.
    pub fn datastores_per_network(&self, tenant: &TenantId) -> u32 {
        let own = self.tenants.get(tenant);
        own.and_then(|own| own.datastores_per_network)
            .unwrap_or(self.datastores_per_network)
    }
}

/// All that is counted before something is recorded.
#[derive(Debug, Clone, Default)]
pub struct Limits {
    /// What tenants may have.
    pub quotas: Quotas,
    /// What one network's firewall takes, by provider, in the unit of [`super::firewall_size`].
    pub firewall: BTreeMap<ProviderKind, u32>,
}

impl Limits {
    /// What one network's firewall takes.
    pub fn firewall(&self, provider: ProviderKind) -> u32 {
        self.firewall.get(&provider).copied().unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_exception_replaces_single_numbers() {
        use ProviderKind::{Aws, Gcp};
        let own = Exception {
            networks: Some(100),
            peerings_per_network: [(Gcp, 99)].into(),
            datastores_per_network: Some(7),
        };
        let quotas = Quotas {
            networks: 20,
            peerings_per_network: [(Aws, 50), (Gcp, 25)].into(),
            datastores_per_network: 100,
            tenants: [("acme".parse().unwrap(), own)].into(),
        };
        let (acme, globex) = ("acme".parse().unwrap(), "globex".parse().unwrap());
        assert_eq!(quotas.networks(&acme), 100);
        assert_eq!(quotas.networks(&globex), 20);
        assert_eq!(quotas.peerings_per_network(&acme, Aws), 50);
        assert_eq!(quotas.peerings_per_network(&acme, Gcp), 99);
        assert_eq!(quotas.peerings_per_network(&globex, Gcp), 25);
        assert_eq!(quotas.datastores_per_network(&acme), 7);
        assert_eq!(quotas.datastores_per_network(&globex), 100);
    }
}
