//! The contracts of the suite as Rust: code generated from `proto/`, and conversions to and from the domain's types.

pub mod cloud;
mod convert;

pub use convert::{group, millis, provider_group, timestamp};

/// `peerway.network`
pub mod network {
    /// `peerway.network.v1`
    #[allow(missing_docs, unreachable_pub, clippy::all)]
    pub mod v1 {
        tonic::include_proto!("peerway.network.v1");
    }
}

/// `peerway.peering`
pub mod peering {
    /// `peerway.peering.v1`
    #[allow(missing_docs, unreachable_pub, clippy::all)]
    pub mod v1 {
        tonic::include_proto!("peerway.peering.v1");
    }
}

/// `peerway.provider`
pub mod provider {
    /// `peerway.provider.v1`
    #[allow(missing_docs, unreachable_pub, clippy::all)]
    pub mod v1 {
        tonic::include_proto!("peerway.provider.v1");
    }
}

/// `peerway.queue`
pub mod queue {
    /// `peerway.queue.v1`
    #[allow(missing_docs, unreachable_pub, clippy::all)]
    pub mod v1 {
        tonic::include_proto!("peerway.queue.v1");
    }
}

/// The descriptors of all contracts, encoded, with comments: what server reflection shows.
pub const FILE_DESCRIPTOR_SET: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/descriptors.bin"));
