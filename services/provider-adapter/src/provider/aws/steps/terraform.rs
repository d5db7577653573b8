//! The customer's half as a file for Terraform.

use std::fmt::Write as _;

use super::commands::Cli;
use super::live;
use crate::provider::steps::{Facts, hcl};

/// A complete file; empty where there is no request to accept.
pub(super) fn file(facts: &Facts, cli: &Cli<'_>) -> String {
    let Some(id) = live(facts) else {
        return String::new();
    };
    let mut file = format!(
        r#"terraform {{
  required_providers {{
    aws = {{
      source  = "hashicorp/aws"
      version = ">= 5.0"
    }}
  }}
}}

provider "aws" {{
  region              = {region}
  allowed_account_ids = [{account}]{endpoints}
}}

variable "security_group_ids" {{
  description = "Security groups of the machines that connect; needed only for those that don't let all traffic out."
  type        = set(string)
  default     = []
}}

resource "aws_vpc_peering_connection_accepter" "peerway" {{
  vpc_peering_connection_id = {id}
  auto_accept               = true
}}

# The main route table serves every subnet that is associated with no other.
data "aws_route_tables" "main" {{
  vpc_id = {vpc}

  filter {{
    name   = "association.main"
    values = ["true"]
  }}
}}

data "aws_route_tables" "of_subnets" {{
  vpc_id = {vpc}

  filter {{
    name   = "association.subnet-id"
    values = ["*"]
  }}
}}

# A table that has a route to this range already refuses a second one; delete that one first, or import it.
resource "aws_route" "peerway" {{
  for_each = toset(concat(data.aws_route_tables.main.ids, data.aws_route_tables.of_subnets.ids))

  route_table_id            = each.value
  destination_cidr_block    = {cidr}
  vpc_peering_connection_id = aws_vpc_peering_connection_accepter.peerway.id
}}
"#,
        region = hcl(cli.region),
        account = hcl(&facts.peer.account_id),
        endpoints = cli.endpoint.map(endpoints).unwrap_or_default(),
        id = hcl(id),
        vpc = hcl(cli.vpc),
        cidr = hcl(&cli.vendor),
    );
    match facts.ports.as_slice() {
        [] => egress(&mut file, cli, "all", 0, 65535),
        ports => ports
            .iter()
            .for_each(|port| egress(&mut file, cli, &port.to_string(), *port, *port)),
    }
    file
}

fn endpoints(url: &str) -> String {
    let url = hcl(url);
    format!("\n\n  endpoints {{\n    ec2 = {url}\n    sts = {url}\n  }}")
}

/// Egress to the vendor, for each group.
fn egress(file: &mut String, cli: &Cli<'_>, name: &str, from: u16, to: u16) {
    let _ = write!(
        file,
        r#"
resource "aws_vpc_security_group_egress_rule" "peerway_{name}" {{
  for_each = var.security_group_ids

  security_group_id = each.value
  cidr_ipv4         = {cidr}
  ip_protocol       = "tcp"
  from_port         = {from}
  to_port           = {to}
}}
"#,
        cidr = hcl(&cli.vendor),
    );
}
