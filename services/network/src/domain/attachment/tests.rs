//! Whose ranges may stand together.

use proptest::prelude::*;

use super::*;
use crate::domain::{NewNetwork, fixture};

/// What an attach would say.
fn check_claims(
    wanted: &Attachment,
    network: &Network,
    siblings: &[Attachment],
    neighbours: &[Neighbour],
) -> Result<(), Error> {
    let found = against_claims(wanted, network, siblings, neighbours);
    found.into_iter().next().map_or(Ok(()), Err)
}

fn network(cidr: &str, provider: ProviderKind) -> Network {
    let wish = NewNetwork {
        cidr: cidr.parse().unwrap(),
        ..fixture::wish(provider)
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
        Error::Overlap(found) if found[0].reason == "CIDR_OVERLAP_PEER" => "PEER".to_owned(),
        Error::Overlap(found) => format!("SIBLING {}", found[0].other_id),
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
    let Err(Error::Overlap(found)) = refused else {
        panic!("{refused:?}")
    };
    assert_eq!(found[0].other_id, taken.network.to_string());
}

#[test]
fn every_conflict_is_named_but_not_endlessly_many() {
    let ours = network("10.20.0.0/16", ProviderKind::Aws);
    let conflicts = |wanted: &Attachment, siblings: &[Attachment], neighbours: &[Neighbour]| {
        match check_claims(wanted, &ours, siblings, neighbours) {
            Err(Error::Overlap(found)) => found,
            other => panic!("{other:?}"),
        }
    };
    let wanted = peering("9", &["10.20.1.0/24", "10.1.0.0/16", "10.2.0.0/16"], false);
    let siblings = [
        peering("1", &["10.1.128.0/17", "10.2.0.0/16"], false),
        peering("2", &["10.9.0.0/16"], false),
        peering("3", &["10.1.0.0/24"], false),
    ];
    let neighbour = Neighbour {
        network: NetworkId::generate(),
        cidr: ours.cidr,
        peering: "peer_1".to_owned(),
    };
    let found = conflicts(&wanted, &siblings, std::slice::from_ref(&neighbour));
    let (us, them) = (ours.id.to_string(), neighbour.network.to_string());
    let said: Vec<_> = found
        .iter()
        .map(|one| {
            let cidrs = (one.cidr.to_string(), one.other_cidr.to_string());
            (one.reason, cidrs, one.other_id.as_str())
        })
        .collect();
    let pair = |cidr: &str, other: &str| (cidr.to_owned(), other.to_owned());
    assert_eq!(
        said,
        [
            (
                "CIDR_OVERLAP_PEER",
                pair("10.20.1.0/24", "10.20.0.0/16"),
                us.as_str()
            ),
            (SIBLING, pair("10.20.0.0/16", "10.20.0.0/16"), them.as_str()),
            (SIBLING, pair("10.1.0.0/16", "10.1.128.0/17"), "1"),
            (SIBLING, pair("10.2.0.0/16", "10.2.0.0/16"), "1"),
            (SIBLING, pair("10.1.0.0/16", "10.1.0.0/24"), "3"),
        ]
    );
    let many: Vec<_> = (0..30)
        .map(|n| peering(&n.to_string(), &["10.1.0.0/24"], false))
        .collect();
    assert_eq!(conflicts(&wanted, &many, &[]).len(), MOST_CONFLICTS);
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

/// A peering or a datastore with ranges of a small space, where many are in each other's way.
fn any_claim() -> impl Strategy<Value = Attachment> {
    let block = (0_u8..4, 20_u8..25).prop_map(|(third, prefix)| {
        Cidr::around(std::net::Ipv4Addr::new(10, 1, third * 8, 0), prefix)
    });
    let outside = prop::collection::vec(block, 1..4);
    let peer =
        (0_u32..9, outside, any::<bool>()).prop_map(|(id, cidrs, allow_overlap)| Attachment {
            cidrs,
            ..peering(&id.to_string(), &[], allow_overlap)
        });
    let store = (0_u8..4, 20_u8..25).prop_map(|(third, prefix)| {
        let cidr = Cidr::around(std::net::Ipv4Addr::new(10, 20, third * 8, 0), prefix);
        datastore("ds", &cidr.to_string())
    });
    prop_oneof![3 => peer, 1 => store]
}

proptest! {
    #[test]
    fn of_two_claims_either_may_come_first(one in any_claim(), other in any_claim()) {
        let network = network("10.20.0.0/16", ProviderKind::Aws);
        let verdict = |wanted: &Attachment, standing: &Attachment| {
            check_claims(wanted, &network, std::slice::from_ref(standing), &[]).is_ok()
        };
        prop_assert_eq!(verdict(&one, &other), verdict(&other, &one));
    }

    #[test]
    fn of_two_networks_with_one_peer_either_may_be_linked_first(
        first in 16_u8..25, second in 16_u8..25, third in 0_u8..8,
    ) {
        let at = |third: u8, prefix| Cidr::around(std::net::Ipv4Addr::new(10, 20, third, 0), prefix);
        let (one, other) = (at(0, first), at(third, second));
        let verdict = |ours: Cidr, theirs: Cidr| {
            let neighbour = Neighbour {
                network: NetworkId::generate(),
                cidr: theirs,
                peering: "peer_1".to_owned(),
            };
            let ours = network(&ours.to_string(), ProviderKind::Aws);
            check_claims(&peering("2", &["10.1.0.0/16"], false), &ours, &[], &[neighbour]).is_ok()
        };
        prop_assert_eq!(verdict(one, other), verdict(other, one));
        prop_assert_eq!(verdict(one, other), !one.overlaps(&other));
    }
}

#[test]
fn ranges_that_touch_are_not_in_each_other_s_way() {
    let first = [peering("1", &["10.1.0.0/17"], false)];
    assert_eq!(
        verdict(&peering("2", &["10.1.128.0/17"], false), &first),
        Ok(())
    );
    assert_eq!(
        verdict(&peering("2", &["10.19.0.0/16", "10.21.0.0/16"], false), &[]),
        Ok(())
    );
    let whole = [datastore("1", "10.20.0.0/17")];
    assert_eq!(verdict(&datastore("2", "10.20.128.0/17"), &whole), Ok(()));
    assert_eq!(verdict(&datastore("1", "10.20.0.0/16"), &[]), Ok(()));
}

#[test]
fn only_aws_tells_overlapping_peers_apart() {
    let gcp = network("10.20.0.0/16", ProviderKind::Gcp);
    let wanted = Attachment {
        peer_identity: "gcp/acme-prod/default".to_owned(),
        ..peering("1", &["10.1.0.0/16"], true)
    };
    let refused = check_claims(&wanted, &gcp, &[], &[]);
    assert!(matches!(
        refused,
        Err(Error::InvalidAttachment {
            field: "attachment.allow_overlap",
            ..
        })
    ));
}

#[test]
fn equal_ranges_of_datastores_never_stand_together() {
    let first = [datastore("1", "10.20.1.0/24")];
    let second = Attachment {
        allow_overlap: true,
        ..datastore("2", "10.20.1.0/24")
    };
    assert_eq!(verdict(&second, &first), Err("SIBLING 1".to_owned()));
}
