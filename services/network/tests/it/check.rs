//! A claim that is only checked: all that an attach would say, and nothing claimed.

use api::network::v1::check_cidr_response::{Finding, finding::Severity};
use api::network::v1::*;
use tonic::{Code, Status};
use types::ProviderKind;

use crate::on_each_database;
use crate::suite::{Suite, attaching, datastore, peering, reason};

async fn check(suite: &Suite, attachment: Attachment) -> Result<Vec<Finding>, Status> {
    let request = AttachResourceRequest {
        validate_only: true,
        ..attaching(attachment)
    };
    let answer = suite.client.clone().attach_resource(request).await?;
    Ok(answer.into_inner().findings)
}

/// Severity, reason, the asked range, the one in the way.
fn told(findings: &[Finding]) -> Vec<(Severity, &str, &str, &str)> {
    let told = findings.iter().map(|one| {
        let texts = (
            one.reason.as_str(),
            one.cidr.as_str(),
            one.other_cidr.as_str(),
        );
        (one.severity(), texts.0, texts.1, texts.2)
    });
    told.collect()
}

on_each_database! {
    async fn what_nothing_speaks_against_is_found_good_and_not_claimed(suite: Suite) {
        let network = suite.settled("main", "10.20.0.0/16").await;
        let wanted = peering(&network.id, 1, &["10.1.0.0/16"]);
        assert_eq!(check(&suite, wanted.clone()).await.unwrap(), []);
        assert_eq!(suite.get(&network.id).await, network);
        // Its range is as free as before, for another one too.
        assert_eq!(check(&suite, peering(&network.id, 2, &["10.1.0.0/16"])).await.unwrap(), []);
        suite.attach(wanted.clone()).await.unwrap();
        // A repetition is none the worse for what stands in nobody's way.
        assert_eq!(check(&suite, wanted).await.unwrap(), []);
        assert_eq!(check(&suite, datastore(&network.id, "ds-1", "10.20.1.0/24")).await.unwrap(), []);
    }

    async fn all_that_is_wrong_is_found_at_once(suite: Suite) {
        use Severity::{Error, Warning};
        let mut suite = suite;
        suite.restart(|config| {
            config.quotas.peerings_per_network.insert(ProviderKind::Aws, 1);
            config.catalog.get_mut(&ProviderKind::Aws).unwrap().most_rules = Some(1);
        }).await;
        let network = suite.active("main", "10.20.0.0/16").await;
        let id = network.id.as_str();
        let first = Attachment { allow_overlap: true, ..peering(id, 1, &["10.1.0.0/16", "10.2.0.0/16"]) };
        suite.attach(first.clone()).await.unwrap();
        let wanted = peering(id, 2, &["10.1.2.0/24", "10.2.0.0/16", "10.20.5.0/24", "172.31.4.0/24"]);
        suite.detach(&wanted).await.unwrap();
        let found = check(&suite, wanted.clone()).await.unwrap();
        assert_eq!(told(&found), [
            (Error, "ATTACHMENT_DETACHED", "", ""),
            (Error, "QUOTA_EXCEEDED", "", ""),
            (Error, "CIDR_OVERLAP_PEER", "10.20.5.0/24", "10.20.0.0/16"),
            (Error, "CIDR_OVERLAP_SIBLING", "10.2.0.0/16", "10.2.0.0/16"),
            (Warning, "CIDR_OVERLAP_SIBLING", "10.1.2.0/24", "10.1.0.0/16"),
            (Warning, "WELL_KNOWN_DEFAULT", "172.31.4.0/24", "172.31.0.0/16"),
        ]);
        assert_eq!(found[3].other_id, first.id);
        assert!(found.iter().all(|one| !one.message.is_empty()));
        assert!(found[4].message.contains("10.1.2.0/24") && found[4].message.contains("10.1.0.0/16"));
        // An attach names the first of them.
        assert_eq!(reason(&suite.attach(wanted).await.unwrap_err()), "ATTACHMENT_DETACHED");

        crate::allow_list::put(&suite, id, "10.9.0.0/16").await.unwrap();
        let crowded = Attachment { ports: vec![1, 2], ..datastore(id, "ds-1", "10.21.0.0/24") };
        assert_eq!(told(&check(&suite, crowded).await.unwrap()), [
            (Error, "CIDR_OUTSIDE_NETWORK", "", ""),
            (Error, "ALLOW_LIST_FULL", "", ""),
        ]);
        let elsewhere = Attachment { peer_identity: "gcp/acme-prod/main".to_owned(), ..peering(id, 3, &["10.2.4.0/24"]) };
        let found = check(&suite, elsewhere).await.unwrap();
        let errors: Vec<_> = found.iter().filter(|one| one.severity() == Error).map(|one| one.reason.as_str()).collect();
        assert_eq!(errors, ["QUOTA_EXCEEDED", "WRONG_PROVIDER"]);

        suite.detach(&first).await.unwrap();
        suite.delete(id).await.unwrap();
        let found = check(&suite, peering(id, 4, &["10.9.0.0/16"])).await.unwrap();
        assert_eq!(told(&found), [(Error, "NETWORK_NOT_ACTIVE", "", "")]);
    }

    async fn neighbours_of_the_same_vpc_are_found(suite: Suite) {
        let first = suite.active("main", "10.20.0.0/16").await;
        suite.attach(peering(&first.id, 1, &["10.1.0.0/16"])).await.unwrap();
        let second = suite.active("other", "10.20.128.0/17").await;
        let found = check(&suite, peering(&second.id, 1, &["10.50.0.0/16"])).await.unwrap();
        assert_eq!(told(&found), [(Severity::Error, "CIDR_OVERLAP_SIBLING", "10.20.128.0/17", "10.20.0.0/16")]);
        assert_eq!(found[0].other_id, first.id);
    }

    async fn at_most_twenty_of_each_severity_are_told(suite: Suite) {
        let network = suite.active("main", "10.20.0.0/16").await;
        let ranges = |from: u32, count: u32| (from..from + count).map(|at| format!("10.1.{at}.0/24")).collect::<Vec<_>>();
        let many = ranges(0, 60);
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        let first = peering(&network.id, 1, &many);
        suite.attach(first).await.unwrap();
        let second = peering(&network.id, 2, &many);
        assert_eq!(check(&suite, second.clone()).await.unwrap().len(), 20);
        let halves = Attachment { allow_overlap: true, cidrs: vec!["10.1.0.0/16".to_owned()], ..second };
        let found = check(&suite, halves).await.unwrap();
        assert_eq!(found.len(), 20);
        assert!(found.iter().all(|one| one.severity() == Severity::Warning));
    }

    async fn what_cannot_be_checked_is_refused_as_a_claim_is(suite: Suite) {
        let network = suite.active("main", "10.20.0.0/16").await;
        let bad = check(&suite, peering(&network.id, 1, &["10.1.0.1/16"])).await.unwrap_err();
        assert_eq!(bad.code(), Code::InvalidArgument);
        let nowhere = types::NetworkId::generate().to_string();
        let missing = check(&suite, peering(&nowhere, 1, &["10.1.0.0/16"])).await.unwrap_err();
        assert_eq!((missing.code(), reason(&missing).as_str()), (Code::NotFound, "NETWORK_NOT_FOUND"));
        let foreign = AttachResourceRequest {
            tenant_id: "globex".to_owned(),
            validate_only: true,
            ..attaching(peering(&network.id, 1, &["10.1.0.0/16"]))
        };
        let missing = suite.client.clone().attach_resource(foreign).await.unwrap_err();
        assert_eq!(missing.code(), Code::NotFound);
    }
}
