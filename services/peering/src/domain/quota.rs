//! How much each tenant may have: the operator's data.

use std::collections::BTreeMap;

use serde::Deserialize;
use types::TenantId;

/// The quotas of all tenants.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Quotas {
    /// Most requests in one vendor account and region that nobody has accepted yet, of a tenant that is not named.
    pub outstanding_peerings: u32,
    /// What named tenants have instead.
    #[serde(default)]
    pub tenants: BTreeMap<TenantId, TenantQuotas>,
}

/// The quotas of one tenant.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TenantQuotas {
    /// See [`Quotas::outstanding_peerings`].
    pub outstanding_peerings: u32,
}

impl Quotas {
    /// The same for every tenant.
    pub fn same(outstanding_peerings: u32) -> Self {
        Self {
            outstanding_peerings,
            tenants: BTreeMap::new(),
        }
    }

    /// Most requests of `tenant` in one vendor account and region that nobody has accepted yet.
    pub fn outstanding_peerings(&self, tenant: &TenantId) -> u32 {
        self.tenants
            .get(tenant)
            .map_or(self.outstanding_peerings, |own| own.outstanding_peerings)
    }
}
