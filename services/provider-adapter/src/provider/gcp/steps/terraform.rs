//! The customer's half as a file for Terraform.

use super::commands::Cli;
use super::firewall::PRIORITY;
use crate::provider::steps::{Facts, hcl};

/// A complete file; empty while the vendor's network has no name.
pub(super) fn file(facts: &Facts, cli: &Cli) -> String {
    let Some(vendor) = &facts.vendor_vpc_id else {
        return String::new();
    };
    let network =
        |project: &str, name: &str| hcl(&format!("projects/{project}/global/networks/{name}"));
    let compute = cli
        .compute
        .as_deref()
        .map(|url| format!("\n  compute_custom_endpoint = {}", hcl(url)));
    format!(
        r#"terraform {{
  required_providers {{
    google = {{
      source  = "hashicorp/google"
      version = ">= 5.0"
    }}
  }}
}}

provider "google" {{
  project = {project}{compute}
}}

resource "google_compute_network_peering" "peerway" {{
  name                 = {half}
  network              = {customer}
  peer_network         = {vendor}
  export_custom_routes = {export}
  import_custom_routes = {import}
}}

# Needed where a rule denies egress; harmless elsewhere.
resource "google_compute_firewall" "peerway_egress" {{
  name               = {rule}
  network            = {customer}
  direction          = "EGRESS"
  priority           = {PRIORITY}
  destination_ranges = [{cidr}]

  allow {{
    protocol = "tcp"{ports}
  }}
}}
"#,
        project = hcl(cli.project),
        compute = compute.unwrap_or_default(),
        half = hcl(&cli.half),
        customer = network(cli.project, cli.network),
        vendor = network(&facts.vendor_account_id, vendor),
        // What one side takes over the other has to offer.
        export = facts.options.import_custom_routes,
        import = facts.options.export_custom_routes,
        rule = hcl(&cli.rule),
        cidr = hcl(&facts.vendor_cidr.to_string()),
        ports = ports(&facts.ports),
    )
}

fn ports(ports: &[u16]) -> String {
    if ports.is_empty() {
        return String::new();
    }
    let ports: Vec<_> = ports.iter().map(|port| hcl(&port.to_string())).collect();
    format!("\n    ports    = [{}]", ports.join(", "))
}
