//! The tags by which Peerway knows its objects in EC2 again.

use aws_sdk_ec2::types::{Filter, ResourceType, Tag, TagSpecification};
use types::NetworkId;

/// Which suite made it.
pub(super) const DEPLOYMENT: &str = "peerway:deployment";
/// The network a VPC, subnet or security group belongs to.
pub(super) const NETWORK: &str = "peerway:network";
/// The peering a peering connection belongs to.
pub(super) const PEERING: &str = "peerway:peering";
/// The attempt at that peering, from 1.
pub(super) const ATTEMPT: &str = "peerway:attempt";
/// What consoles show.
pub(super) const NAME: &str = "Name";

/// The value of a tag; empty when it is not there.
pub(super) fn value<'a>(tags: &'a [Tag], key: &str) -> &'a str {
    tags.iter()
        .find(|tag| tag.key() == Some(key))
        .and_then(Tag::value)
        .unwrap_or_default()
}

/// Whether every pair stands among `tags`.
pub(super) fn carries(tags: &[Tag], pairs: &[(&str, &str)]) -> bool {
    pairs.iter().all(|(key, wanted)| {
        tags.iter()
            .any(|tag| tag.key() == Some(key) && tag.value() == Some(wanted))
    })
}

/// The network of an object of the deployment; none: it is not the deployment's, or no network's.
pub(super) fn network_of(tags: &[Tag], deployment: &str) -> Option<NetworkId> {
    let ours = carries(tags, &[(DEPLOYMENT, deployment)]);
    value(tags, NETWORK).parse().ok().filter(|_| ours)
}

/// The pairs as EC2 takes them.
pub(super) fn list(pairs: &[(&str, &str)]) -> Vec<Tag> {
    pairs
        .iter()
        .map(|(key, value)| Tag::builder().key(*key).value(*value).build())
        .collect()
}

/// The pairs as a create call takes them.
pub(super) fn specification(kind: ResourceType, pairs: &[(&str, &str)]) -> TagSpecification {
    TagSpecification::builder()
        .resource_type(kind)
        .set_tags(Some(list(pairs)))
        .build()
}

/// A filter of a describe call.
pub(super) fn filter<V: Into<String>>(
    name: impl Into<String>,
    values: impl IntoIterator<Item = V>,
) -> Filter {
    Filter::builder()
        .name(name)
        .set_values(Some(values.into_iter().map(Into::into).collect()))
        .build()
}

/// Filters that let only objects with all pairs pass.
pub(super) fn filters(pairs: &[(&str, &str)]) -> Vec<Filter> {
    pairs
        .iter()
        .map(|(key, value)| filter(format!("tag:{key}"), [*value]))
        .collect()
}
