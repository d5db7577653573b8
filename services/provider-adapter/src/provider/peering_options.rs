//! What the vendor's half of a peering does beyond linking two VPCs.

use super::{Peer, PeeringRef};

/// The options of a half. What a cloud does not know stays false.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PeeringOptions {
    /// AWS: the vendor's public DNS names resolve to private addresses for the customer's VPC.
    pub resolve_dns: bool,
    /// GCP: the vendor's network takes the customer's custom routes.
    pub import_custom_routes: bool,
    /// GCP: the vendor's network gives the customer its custom routes.
    pub export_custom_routes: bool,
}

/// Asks for the options of a half that stands.
#[derive(Debug, Clone)]
pub struct EnsurePeeringOptions {
    /// Which attempt.
    pub peering: PeeringRef,
    /// The cloud's id or name of it.
    pub provider_peering_id: String,
    /// The vendor's VPC.
    pub vendor_vpc_id: String,
    /// The customer's.
    pub peer: Peer,
    /// All of them as wanted.
    pub options: PeeringOptions,
    /// As last answered.
    pub operation_token: String,
    /// See [`super::EnsurePeering::request_at`].
    pub request_at: i64,
}
