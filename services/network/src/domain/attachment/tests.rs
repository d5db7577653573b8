//! Whose ranges may stand together.

use types::Labels;

use super::*;
use crate::domain::NewNetwork;

fn network(cidr: &str, provider: ProviderKind) -> Network {
    let wish = NewNetwork {
        tenant: "acme".parse().unwrap(),
        display_name: "main".parse().unwrap(),
        provider,
        region: "eu-west-1".parse().unwrap(),
        cidr: cidr.parse().unwrap(),
        labels: Labels::default(),
    };
    Network::new(wish, None, 0)
}

fn peering(id: &str, cidrs: &[&str], allow_overlap: bool) -> Attachment {
    Attachment {
        network: NetworkId::generate(),
        kind: AttachmentKind::Peering,
        id: id.to_owned(),
        cidrs: cidrs.iter().map(|cidr| cidr.parse().unwrap()).collect(),
        ports: Vec::new(),
        private_name: String::new(),
        peer_identity: format!("aws/222233334444/eu-west-1/vpc-{id:0>8}"),
        allow_overlap,
        create_time: 0,
    }
}

fn datastore(id: &str, cidr: &str) -> Attachment {
    Attachment {
        kind: AttachmentKind::Datastore,
        peer_identity: String::new(),
        ..peering(id, &[cidr], false)
    }
}

fn verdict(wanted: &Attachment, siblings: &[Attachment]) -> Result<(), String> {
    let network = network("10.20.0.0/16", ProviderKind::Aws);
    check_claims(wanted, &network, siblings, &[]).map_err(|error| match error {
        Error::Overlap(overlap) if overlap.with_network => "PEER".to_owned(),
        Error::Overlap(overlap) => format!("SIBLING {}", overlap.other_id),
        Error::InvalidAttachment { reason, .. } => reason.to_owned(),
        other => other.to_string(),
    })
}

#[test]
fn a_peering_stands_outside_the_network_and_apart_from_its_siblings() {
    let first = [peering("1", &["10.1.0.0/16", "10.2.0.0/16"], false)];
    for (cidrs, allow_overlap, expected) in [
        (&["10.3.0.0/16"][..], false, Ok(())),
        (&["10.3.0.0/16", "10.20.5.0/24"], false, Err("PEER")),
        (&["10.0.0.0/8"], true, Err("PEER")),
        (&["10.2.128.0/17"], false, Err("SIBLING 1")),
        (&["10.2.128.0/17"], true, Ok(())),
        (&["10.2.0.0/16"], true, Err("SIBLING 1")),
    ] {
        let found = verdict(&peering("2", cidrs, allow_overlap), &first);
        assert_eq!(
            found,
            expected.map_err(str::to_owned),
            "{cidrs:?} {allow_overlap}"
        );
    }
}

#[test]
fn the_order_in_which_ranges_came_does_not_matter() {
    let wide = peering("1", &["10.1.0.0/16"], true);
    let narrow = peering("2", &["10.1.2.0/24"], false);
    assert_eq!(verdict(&narrow, std::slice::from_ref(&wide)), Ok(()));
    assert_eq!(verdict(&wide, &[narrow]), Ok(()));
}

#[test]
fn a_datastore_stands_inside_the_network_and_apart_from_its_siblings() {
    let first = [datastore("1", "10.20.1.0/24")];
    for (cidr, expected) in [
        ("10.20.2.0/24", Ok(())),
        ("10.20.1.128/25", Err("SIBLING 1")),
        ("10.21.0.0/24", Err("CIDR_OUTSIDE_NETWORK")),
        ("10.0.0.0/8", Err("CIDR_OUTSIDE_NETWORK")),
    ] {
        assert_eq!(
            verdict(&datastore("2", cidr), &first),
            expected.map_err(str::to_owned),
            "{cidr}"
        );
    }
}

#[test]
fn two_networks_with_one_range_cannot_be_linked_with_the_same_vpc() {
    let ours = network("10.20.0.0/16", ProviderKind::Aws);
    let neighbour = |cidr: &str| Neighbour {
        network: NetworkId::generate(),
        cidr: cidr.parse().unwrap(),
        peering: "peer_1".to_owned(),
    };
    let wanted = peering("2", &["10.1.0.0/16"], true);
    assert_eq!(
        check_claims(&wanted, &ours, &[], &[neighbour("10.30.0.0/16")]),
        Ok(())
    );
    let taken = neighbour("10.20.128.0/17");
    let refused = check_claims(&wanted, &ours, &[], std::slice::from_ref(&taken));
    let Err(Error::Overlap(overlap)) = refused else {
        panic!("{refused:?}")
    };
    assert_eq!(overlap.other_id, taken.network.to_string());
}

#[test]
fn a_peer_of_another_cloud_is_refused() {
    let gcp = network("10.20.0.0/16", ProviderKind::Gcp);
    let refused = check_claims(&peering("1", &[], false), &gcp, &[], &[]);
    assert!(matches!(
        refused,
        Err(Error::InvalidAttachment {
            reason: "WRONG_PROVIDER",
            ..
        })
    ));
}
