//! Fifty callers at once after the same address space: exactly those win that may.

use std::collections::BTreeSet;

use api::network::v1::*;
use futures::future::join_all;
use tonic::Status;
use tonic_types::StatusExt;

use crate::on_each_database;
use crate::suite::{Suite, reason, wish};

const CALLERS: usize = 50;

/// Sends all wishes at once, each from a client of its own.
async fn all_at_once(
    suite: &Suite,
    wishes: Vec<CreateNetworkRequest>,
) -> (Vec<Network>, Vec<Status>) {
    let calls = wishes.into_iter().map(|wish| {
        let mut client = suite.client.clone();
        tokio::spawn(async move { client.create_network(wish).await })
    });
    let (mut won, mut lost) = (Vec::new(), Vec::new());
    for answer in join_all(calls).await {
        match answer.unwrap() {
            Ok(answer) => won.push(answer.into_inner().network.unwrap()),
            Err(status) => lost.push(status),
        }
    }
    (won, lost)
}

on_each_database! {
    async fn each_free_block_is_given_out_once(suite: Suite) {
        let mut suite = suite;
        suite.restart(|config| {
            config.quotas.networks = 1_000;
            let aws = config.catalog.get_mut(&types::ProviderKind::Aws).unwrap();
            aws.private = vec!["10.0.0.0/20".parse().unwrap()];
        }).await;
        let wishes = (0..CALLERS).map(|n| CreateNetworkRequest { prefix_length: 24, ..wish(&format!("n{n}"), "") });
        let (won, lost) = all_at_once(&suite, wishes.collect()).await;
        let blocks: BTreeSet<_> = won.iter().map(|network| network.cidr.clone()).collect();
        assert_eq!((won.len(), blocks.len()), (16, 16), "{blocks:?} {lost:?}");
        assert!(lost.iter().all(|status| reason(status) == "NO_FREE_BLOCK"), "{lost:?}");
    }

    async fn of_the_ranges_in_each_other_s_way_one_wins_in_a_group(suite: Suite) {
        let mut suite = suite;
        suite.restart(|config| config.quotas.networks = 1_000).await;
        // Ten in each of five places, all of which hold the place's first /24.
        let wishes = (0..CALLERS).map(|n| CreateNetworkRequest {
            multi_region_group: "world".to_owned(),
            ..wish(&format!("n{n}"), &format!("10.{}.0.0/{}", 20 + n % 5, 16 + n / 5 % 9))
        });
        let (won, lost) = all_at_once(&suite, wishes.collect()).await;
        let place = |cidr: &str| cidr.split('.').nth(1).unwrap().to_owned();
        let places: BTreeSet<_> = won.iter().map(|network| place(&network.cidr)).collect();
        assert_eq!((won.len(), places.len()), (5, 5), "{won:?}");
        for status in lost {
            assert_eq!(reason(&status), "CIDR_OVERLAP_NETWORK");
            let facts = status.get_details_error_info().unwrap().metadata;
            let winner = won.iter().find(|network| network.id == facts["other_id"]).unwrap();
            assert_eq!((&winner.cidr, place(&winner.cidr)), (&facts["other_cidr"], place(&facts["cidr"])));
        }
    }

    async fn no_more_are_made_than_the_quota_allows(suite: Suite) {
        let wishes = (0..CALLERS).map(|n| wish(&format!("n{n}"), &format!("10.{}.0.0/16", 40 + n)));
        let (won, lost) = all_at_once(&suite, wishes.collect()).await;
        assert_eq!(won.len(), 20);
        assert!(lost.iter().all(|status| reason(status) == "QUOTA_EXCEEDED"), "{lost:?}");
    }
}
