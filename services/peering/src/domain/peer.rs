//! The customer's side, and in what the clouds differ.

use serde::{Deserialize, Serialize};
use types::{AwsAccountId, AwsVpcId, Cidr, GcpNetworkName, GcpProjectId, ProviderKind, Region};

/// The customer's side.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Peer {
    /// A VPC in AWS.
    Aws {
        /// The VPC owner's account.
        account: AwsAccountId,
        /// The VPC's region.
        region: Region,
        /// The VPC.
        vpc: AwsVpcId,
        /// Its ranges.
        cidrs: Vec<Cidr>,
    },
    /// A VPC network in GCP.
    Gcp {
        /// The project, of a Shared VPC the host's.
        project: GcpProjectId,
        /// The network.
        network: GcpNetworkName,
        /// Its ranges, as far as they were told.
        cidrs: Vec<Cidr>,
    },
}

impl Peer {
    /// The cloud it lives in.
    pub fn provider(&self) -> ProviderKind {
        match self {
            Self::Aws { .. } => ProviderKind::Aws,
            Self::Gcp { .. } => ProviderKind::Gcp,
        }
    }

    /// Whether each side makes a half of its own, at one operation at a time on a network, and a half that is gone can
    /// come back; otherwise there is one object, which the one side requests and the other accepts.
    pub fn has_two_halves(&self) -> bool {
        matches!(self, Self::Gcp { .. })
    }

    /// Its ranges.
    pub fn cidrs(&self) -> &[Cidr] {
        match self {
            Self::Aws { cidrs, .. } | Self::Gcp { cidrs, .. } => cidrs,
        }
    }

    /// Gives it other ranges.
    pub(crate) fn set_cidrs(&mut self, ranges: Vec<Cidr>) {
        match self {
            Self::Aws { cidrs, .. } | Self::Gcp { cidrs, .. } => *cidrs = ranges,
        }
    }

    /// Account or project.
    pub fn account(&self) -> &str {
        match self {
            Self::Aws { account, .. } => account.as_str(),
            Self::Gcp { project, .. } => project.as_str(),
        }
    }

    /// The region on AWS; empty on GCP.
    pub fn region(&self) -> &str {
        match self {
            Self::Aws { region, .. } => region.as_str(),
            Self::Gcp { .. } => "",
        }
    }

    /// VPC id or network name.
    pub fn vpc(&self) -> &str {
        match self {
            Self::Aws { vpc, .. } => vpc.as_str(),
            Self::Gcp { network, .. } => network.as_str(),
        }
    }

    /// One canonical spelling: `aws/ACCOUNT/REGION/VPC` or `gcp/PROJECT/NETWORK`.
    pub fn identity(&self) -> String {
        match self {
            Self::Aws {
                account,
                region,
                vpc,
                ..
            } => format!("aws/{account}/{region}/{vpc}"),
            Self::Gcp {
                project, network, ..
            } => format!("gcp/{project}/{network}"),
        }
    }
}
