//! What Peerway calls its objects: names that tell the deployment by their beginning, and the rest by a digest.

use sha2::{Digest, Sha256};
use types::{NetworkId, PeeringId};
use uuid::Uuid;

use super::token::Step;
use crate::provider::PeeringRef;

/// Sets the ids of Peerway's requests apart from those of others.
const REQUESTS: Uuid = Uuid::from_u128(0x6f0f_5ab7_4c1e_4d0b_9a55_3b7e_a1c2_70d4);
/// Bytes of a digest in the part that names the deployment, and in the part that names the object.
const PARTS: (usize, usize) = (8, 16);

/// What all names of a deployment's objects begin with.
pub(super) fn prefix(deployment: &str) -> String {
    format!("peerway-{}-", digest(&["deployment", deployment], PARTS.0))
}

/// The name of a network's VPC, of its subnet and of its firewall rule.
pub(super) fn of_network(deployment: &str, id: &NetworkId) -> String {
    let words = ["network", deployment, &id.to_string()];
    prefix(deployment) + &digest(&words, PARTS.1)
}

/// The name of one attempt at a peering.
pub(super) fn of_peering(deployment: &str, id: &PeeringId, attempt: i32) -> String {
    let words = ["peering", deployment, &id.to_string(), &attempt.to_string()];
    prefix(deployment) + &digest(&words, PARTS.1)
}

/// Whose an object is, in words: GCP's networks have no labels.
pub(super) fn description(deployment: &str, id: &NetworkId) -> String {
    format!("Peerway network {id} of deployment {deployment}")
}

/// The network whose an object of the deployment is by its description.
pub(super) fn described(text: &str, deployment: &str) -> Option<NetworkId> {
    let id = text.strip_prefix("Peerway network ")?.split(' ').next()?;
    let id = id.parse().ok()?;
    (text == description(deployment, &id)).then_some(id)
}

/// The id of a request about a peering: the cloud answers the same one with the operation that it began for the first.
pub(super) fn request(peering: &PeeringRef, step: Step, request_at: i64) -> String {
    let PeeringRef {
        peering_id,
        attempt,
        ..
    } = peering;
    let words = format!("{peering_id}/{attempt}/{}/{request_at}", step.code());
    Uuid::new_v5(&REQUESTS, words.as_bytes()).to_string()
}

/// The first `bytes` of a digest over words that contain no zero byte, in hexadecimal digits.
pub(super) fn digest(words: &[&str], bytes: usize) -> String {
    let hash = Sha256::digest(words.join("\0"));
    hash.iter()
        .take(bytes)
        .map(|b| format!("{b:02x}"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use types::GroupId;

    #[test]
    fn names_keep_the_cloud_s_rule_and_tell_deployments_apart() {
        let (network, peering) = (NetworkId::generate(), PeeringId::generate());
        let long = "d".repeat(32);
        for deployment in ["dev", "9", long.as_str()] {
            for name in [
                of_network(deployment, &network),
                of_peering(deployment, &peering, i32::MAX),
            ] {
                assert!(name.parse::<types::GcpNetworkName>().is_ok(), "{name}");
                assert!(name.starts_with(&prefix(deployment)));
            }
        }
        assert_ne!(prefix("dev"), prefix("dev2"));
    }

    #[test]
    fn a_description_names_its_network_to_its_deployment_alone() {
        let network = NetworkId::generate();
        let text = description("dev", &network);
        assert_eq!(described(&text, "dev"), Some(network));
        for (text, deployment) in [
            (text.as_str(), "dev2"),
            (&format!("{text} "), "dev"),
            (&text.to_uppercase(), "dev"),
            (&format!("My {text}"), "dev"),
            ("Peerway network net_1 of deployment dev", "dev"),
            ("", "dev"),
        ] {
            assert_eq!(described(text, deployment), None, "{text}");
        }
    }

    #[test]
    fn every_attempt_has_a_name_and_every_request_an_id_of_its_own() {
        let peering_id = PeeringId::generate();
        assert_eq!(
            of_peering("dev", &peering_id, 1),
            of_peering("dev", &peering_id, 1)
        );
        assert_ne!(
            of_peering("dev", &peering_id, 1),
            of_peering("dev", &peering_id, 2)
        );
        let peering = PeeringRef {
            group: GroupId::gcp("acme-prod"),
            deployment: "dev".into(),
            peering_id,
            attempt: 1,
        };
        let id = request(&peering, Step::AddPeering, 7);
        assert!(Uuid::try_parse(&id).is_ok());
        assert_eq!(id, request(&peering, Step::AddPeering, 7));
        assert_ne!(id, request(&peering, Step::AddPeering, 8));
        assert_ne!(id, request(&peering, Step::RemovePeering, 7));
    }
}
