//! What EC2's words for a peering connection mean.

use aws_sdk_ec2::types::{
    VpcPeeringConnection, VpcPeeringConnectionStateReasonCode as Raw, VpcPeeringConnectionVpcInfo,
};

use super::tags;
use crate::provider::{Peer, PeeringObservation, PeeringOptions, PeeringState};

/// EC2 has one status for three causes, and its sentence names all of them.
const FAILED_CAUSES: &str = "AWS refused the request. It gives one answer for a wrong VPC id, a wrong account id or \
     region, and address ranges that overlap: check account, region and VPC id with the customer, and all ranges \
     of the customer's VPC";

/// One peering connection in our words; none when the answer lacks its id or its status.
pub(super) fn observation(seen: &VpcPeeringConnection) -> Option<PeeringObservation> {
    let id = seen
        .vpc_peering_connection_id()
        .filter(|id| !id.is_empty())?;
    let status = seen.status()?;
    let raw = status.code()?;
    let (state, reason) = meaning(raw);
    let said = status.message().unwrap_or_default();
    let peer = seen.accepter_vpc_info();
    Some(PeeringObservation {
        provider_peering_id: id.to_owned(),
        deployment: tags::value(seen.tags(), tags::DEPLOYMENT).to_owned(),
        peering_id: tags::value(seen.tags(), tags::PEERING).to_owned(),
        attempt: tags::value(seen.tags(), tags::ATTEMPT)
            .parse()
            .unwrap_or_default(),
        state,
        reason,
        message: message(raw, said),
        raw_state: raw.as_str().to_owned(),
        expire_at: seen.expiration_time().and_then(|at| at.to_millis().ok()),
        vendor_vpc_id: vpc_id(seen.requester_vpc_info()),
        peer: Peer {
            account_id: text(peer.and_then(VpcPeeringConnectionVpcInfo::owner_id)),
            region: text(peer.and_then(VpcPeeringConnectionVpcInfo::region)),
            vpc_id: vpc_id(peer),
        },
        peer_cidrs: peer.map(cidrs).unwrap_or_default(),
        options: seen.requester_vpc_info().and_then(options),
    })
}

/// The options of a side; EC2 shows them only while the peering is active.
fn options(info: &VpcPeeringConnectionVpcInfo) -> Option<PeeringOptions> {
    let resolve_dns = info
        .peering_options()?
        .allow_dns_resolution_from_remote_vpc()?;
    Some(PeeringOptions {
        resolve_dns,
        ..PeeringOptions::default()
    })
}

/// The common state behind a raw one, and why.
fn meaning(raw: &Raw) -> (PeeringState, &'static str) {
    match raw {
        Raw::InitiatingRequest => (PeeringState::Provisioning, ""),
        Raw::PendingAcceptance => (
            PeeringState::PendingAcceptance,
            "AWAITING_CUSTOMER_ACCEPTANCE",
        ),
        Raw::Provisioning => (PeeringState::PendingAcceptance, "ACCEPTED_ACTIVATING"),
        Raw::Active => (PeeringState::Active, ""),
        Raw::Rejected => (PeeringState::Rejected, "REJECTED_BY_PEER"),
        Raw::Expired => (PeeringState::Expired, "REQUEST_EXPIRED"),
        Raw::Failed => (PeeringState::Failed, "PEER_IDENTITY_INVALID"),
        Raw::Deleting => (PeeringState::Deleting, "DELETED_BY_PEER"),
        Raw::Deleted => (PeeringState::Deleted, "DELETED_BY_PEER"),
        // A word that came after this code was written.
        _ => (PeeringState::Unrecognized, ""),
    }
}

fn message(raw: &Raw, said: &str) -> String {
    match (raw, said) {
        (Raw::Failed, "") => FAILED_CAUSES.to_owned(),
        (Raw::Failed, said) => format!("{FAILED_CAUSES}. In its words: {said}"),
        (_, said) => said.to_owned(),
    }
}

/// The VPC's ranges; EC2 shows them only while it lets both sides see each other.
fn cidrs(info: &VpcPeeringConnectionVpcInfo) -> Vec<String> {
    let all: Vec<String> = info
        .cidr_block_set()
        .iter()
        .filter_map(|block| Some(block.cidr_block()?.to_owned()))
        .collect();
    if all.is_empty() {
        info.cidr_block().map(str::to_owned).into_iter().collect()
    } else {
        all
    }
}

fn vpc_id(info: Option<&VpcPeeringConnectionVpcInfo>) -> String {
    text(info.and_then(VpcPeeringConnectionVpcInfo::vpc_id))
}

fn text(value: Option<&str>) -> String {
    value.unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_sdk_ec2::primitives::DateTime;
    use aws_sdk_ec2::types::VpcPeeringConnectionStateReason;

    fn seen(word: &str, said: &str) -> VpcPeeringConnection {
        VpcPeeringConnection::builder()
            .vpc_peering_connection_id("pcx-1")
            .status(
                VpcPeeringConnectionStateReason::builder()
                    .code(word.into())
                    .message(said)
                    .build(),
            )
            .expiration_time(DateTime::from_millis(1_700_000_000_000))
            .build()
    }

    #[test]
    fn every_word_of_ec2_has_its_state_and_reason() {
        use PeeringState::*;
        for (word, state, reason) in [
            ("initiating-request", Provisioning, ""),
            (
                "pending-acceptance",
                PendingAcceptance,
                "AWAITING_CUSTOMER_ACCEPTANCE",
            ),
            ("provisioning", PendingAcceptance, "ACCEPTED_ACTIVATING"),
            ("active", Active, ""),
            ("rejected", Rejected, "REJECTED_BY_PEER"),
            ("expired", Expired, "REQUEST_EXPIRED"),
            ("failed", Failed, "PEER_IDENTITY_INVALID"),
            ("deleting", Deleting, "DELETED_BY_PEER"),
            ("deleted", Deleted, "DELETED_BY_PEER"),
            ("hibernating", Unrecognized, ""),
        ] {
            let observed = observation(&seen(word, "")).unwrap();
            assert_eq!((observed.state, observed.reason), (state, reason), "{word}");
            assert_eq!(observed.raw_state, word);
            assert_eq!(observed.expire_at, Some(1_700_000_000_000));
        }
    }

    #[test]
    fn no_word_of_the_sdk_is_forgotten() {
        for word in Raw::values() {
            let state = observation(&seen(word, "")).unwrap().state;
            assert_ne!(state, PeeringState::Unrecognized, "{word}");
        }
    }

    #[test]
    fn the_cloud_s_own_sentence_is_kept() {
        let observed = observation(&seen("deleted", "Deleted by 222222222222")).unwrap();
        assert_eq!(observed.message, "Deleted by 222222222222");
        let failed = observation(&seen("failed", "Failed due to incorrect VPC-ID")).unwrap();
        assert!(failed.message.contains("overlap") && failed.message.contains("incorrect VPC-ID"));
    }

    #[test]
    fn an_object_without_id_or_status_is_no_observation() {
        assert_eq!(observation(&VpcPeeringConnection::builder().build()), None);
        let without_status = VpcPeeringConnection::builder()
            .vpc_peering_connection_id("pcx-1")
            .build();
        assert_eq!(observation(&without_status), None);
    }
}
