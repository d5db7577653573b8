//! What the vendor's half does beyond linking the two VPCs.

use serde::{Deserialize, Serialize};
use types::ProviderKind;

/// What the vendor's half does beyond linking the two VPCs; all off by default.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Options {
    /// AWS: the vendor's public DNS names resolve to private addresses for the customer's VPC.
    pub resolve_dns: bool,
    /// GCP: take over the custom routes that the customer exports.
    pub import_custom_routes: bool,
    /// GCP: offer the vendor's custom routes.
    pub export_custom_routes: bool,
}

impl Options {
    /// Whether a cloud knows all that is wanted.
    pub fn fit(self, provider: ProviderKind) -> bool {
        match provider {
            ProviderKind::Aws => !self.import_custom_routes && !self.export_custom_routes,
            ProviderKind::Gcp => !self.resolve_dns,
        }
    }

    /// What is on, in words.
    pub fn words(self) -> String {
        let all = [
            (self.resolve_dns, "resolve_dns"),
            (self.import_custom_routes, "import_custom_routes"),
            (self.export_custom_routes, "export_custom_routes"),
        ];
        let on: Vec<&str> = all
            .into_iter()
            .filter_map(|(is_on, name)| is_on.then_some(name))
            .collect();
        match on.is_empty() {
            true => "all off".to_owned(),
            false => format!("{} on", on.join(" and ")),
        }
    }
}
