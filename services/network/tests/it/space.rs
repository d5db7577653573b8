//! Which ranges networks can have, what CheckCidr says of them, and which blocks are given out.

use api::network::v1::check_cidr_response::finding::Severity;
use api::network::v1::network::State;
use api::network::v1::*;
use tonic::Code;
use tonic_types::StatusExt;

use crate::on_each_database;
use crate::suite::{Suite, peering, reason, wish};

/// A question of the tenant `acme` about AWS.
fn question(cidr: &str, prefix_length: i32) -> CheckCidrRequest {
    CheckCidrRequest {
        tenant_id: "acme".to_owned(),
        provider: Provider::Aws.into(),
        region: "eu-west-1".to_owned(),
        cidr: cidr.to_owned(),
        prefix_length,
        ..CheckCidrRequest::default()
    }
}

fn sized(name: &str, prefix_length: i32) -> CreateNetworkRequest {
    CreateNetworkRequest {
        prefix_length,
        ..wish(name, "")
    }
}

fn grouped(name: &str, cidr: &str, group: &str) -> CreateNetworkRequest {
    CreateNetworkRequest {
        multi_region_group: group.to_owned(),
        ..wish(name, cidr)
    }
}

async fn check(suite: &Suite, request: CheckCidrRequest) -> CheckCidrResponse {
    suite
        .client
        .clone()
        .check_cidr(request)
        .await
        .unwrap()
        .into_inner()
}

async fn create(
    suite: &Suite,
    request: CreateNetworkRequest,
) -> Result<CreateNetworkResponse, tonic::Status> {
    Ok(suite
        .client
        .clone()
        .create_network(request)
        .await?
        .into_inner())
}

/// Severity, reason and the id in the way.
fn said(answer: &CheckCidrResponse) -> Vec<(Severity, &str, &str)> {
    let findings = answer.findings.iter();
    findings
        .map(|one| (one.severity(), one.reason.as_str(), one.other_id.as_str()))
        .collect()
}

on_each_database! {
    async fn a_free_range_is_usable_and_needs_no_suggestions(suite: Suite) {
        let answer = check(&suite, question("10.20.0.0/16", 0)).await;
        assert_eq!(answer, CheckCidrResponse { usable: true, ..CheckCidrResponse::default() });
        let answer = check(&suite, question("10.20.0.0/16", 17)).await;
        assert_eq!(answer.suggestions[..3], ["10.20.0.0/17", "10.20.128.0/17", "10.19.128.0/17"]);
    }

    async fn each_rule_is_a_finding_and_create_refuses_with_the_same_reasons(suite: Suite) {
        for (cidr, reasons, suggested) in [
            ("10.20.0.1/16", &["CIDR_HOST_BITS"][..], "10.20.0.0/16"),
            ("10.20.0.0/15", &["CIDR_SIZE"], "10.20.0.0/16"),
            ("10.20.0.0/25", &["CIDR_SIZE"], "10.20.0.0/24"),
            ("8.8.0.0/16", &["CIDR_NOT_PRIVATE"], "10.0.0.0/16"),
            ("127.0.0.0/24", &["CIDR_NOT_PRIVATE"], "172.16.0.0/24"),
            ("10.3.4.0/24", &["CIDR_RESERVED"], "10.2.255.0/24"),
            ("10.2.0.0/15", &["CIDR_SIZE", "CIDR_RESERVED"], "10.2.0.0/16"),
        ] {
            let answer = check(&suite, question(cidr, 0)).await;
            let found: Vec<_> = answer.findings.iter().map(|one| one.reason.as_str()).collect();
            assert_eq!((answer.usable, found.as_slice()), (false, reasons), "{cidr}");
            assert!(answer.findings.iter().all(|one| one.severity() == Severity::Error && one.cidr == cidr));
            assert_eq!((answer.suggestions.len(), answer.suggestions[0].as_str()), (5, suggested), "{cidr}");
            let refused = create(&suite, wish("main", cidr)).await.unwrap_err();
            let violations = refused.get_details_bad_request().unwrap().field_violations;
            let found: Vec<_> = violations.iter().map(|one| one.reason.as_str()).collect();
            assert_eq!((refused.code(), found.as_slice()), (Code::InvalidArgument, reasons), "{cidr}");
        }
        let answer = check(&suite, question("172.31.0.0/20", 0)).await;
        assert_eq!((answer.usable, said(&answer)), (true, vec![(Severity::Warning, "CIDR_DISCOURAGED", "")]));
        let created = create(&suite, wish("main", "172.31.0.0/20")).await.unwrap();
        assert_eq!(created.warnings, answer.findings);
        let gcp = CheckCidrRequest {
            provider: Provider::Gcp.into(),
            region: "europe-west1".to_owned(),
            ..question("10.128.0.0/20", 0)
        };
        assert_eq!(said(&check(&suite, gcp).await), [(Severity::Error, "CIDR_RESERVED", "")]);
        assert_eq!(said(&check(&suite, question("10.128.0.0/20", 0)).await), [(Severity::Warning, "CIDR_DISCOURAGED", "")]);
    }

    async fn a_question_that_cannot_be_read_is_refused_field_by_field(suite: Suite) {
        let cases: Vec<(CheckCidrRequest, &[&str])> = vec![
            (CheckCidrRequest::default(), &["tenant_id", "provider", "region", "cidr"]),
            (question("ten", 0), &["cidr"]),
            (question("10.0.0.0/33", 0), &["cidr"]),
            (question("", 25), &["prefix_length"]),
            (question("10.20.0.0/16", -1), &["prefix_length"]),
            (CheckCidrRequest { region: "mars-1".to_owned(), ..question("10.20.0.0/16", 0) }, &["region"]),
            (CheckCidrRequest { tenant_id: "-".to_owned(), ..question("10.20.0.0/16", 0) }, &["tenant_id"]),
            (CheckCidrRequest { multi_region_group: " ".to_owned(), ..question("10.20.0.0/16", 0) }, &["multi_region_group"]),
        ];
        for (request, fields) in cases {
            let refused = suite.client.clone().check_cidr(request).await.unwrap_err();
            let violations = refused.get_details_bad_request().unwrap().field_violations;
            let found: Vec<_> = violations.iter().map(|one| one.field.as_str()).collect();
            assert_eq!((refused.code(), found.as_slice()), (Code::InvalidArgument, fields));
        }
    }

    async fn what_the_tenant_has_is_in_the_way(suite: Suite) {
        let network = suite.active("main", "10.20.0.0/16").await;
        let link = peering(&network.id, 1, &["10.1.0.0/16"]);
        suite.attach(link.clone()).await.unwrap();
        let answer = check(&suite, question("10.20.8.0/24", 0)).await;
        assert_eq!((answer.usable, said(&answer)), (true, vec![(Severity::Warning, "CIDR_OVERLAP_NETWORK", network.id.as_str())]));
        let found = &answer.findings[0];
        assert_eq!((found.cidr.as_str(), found.other_cidr.as_str()), ("10.20.8.0/24", "10.20.0.0/16"));
        assert_eq!(found.other_owner, format!("network {} (main)", network.id));
        let answer = check(&suite, question("10.1.2.0/24", 0)).await;
        assert_eq!((answer.usable, said(&answer)), (true, vec![(Severity::Warning, "CIDR_OVERLAP_PEER", link.id.as_str())]));
        let created = create(&suite, wish("other", "10.1.2.0/24")).await.unwrap();
        assert_eq!(created.warnings, answer.findings);

        // Other tenants' ranges are nobody's business, and what is given back is free.
        let foreign = CheckCidrRequest { tenant_id: "globex".to_owned(), ..question("10.20.8.0/24", 0) };
        assert_eq!(check(&suite, foreign).await.findings, []);
        suite.detach(&link).await.unwrap();
        assert_eq!(check(&suite, question("10.1.3.0/24", 0)).await.findings, []);
        suite.delete(&network.id).await.unwrap();
        suite.until(&network.id, State::Deleted).await;
        assert_eq!(check(&suite, question("10.20.8.0/24", 0)).await.findings, []);
    }

    async fn networks_of_one_group_never_overlap(suite: Suite) {
        let first = create(&suite, grouped("first", "10.20.0.0/16", "eu")).await.unwrap().network.unwrap();
        assert_eq!(first.multi_region_group, "eu");
        for cidr in ["10.20.0.0/16", "10.20.255.0/24"] {
            let answer = check(&suite, CheckCidrRequest { multi_region_group: "eu".to_owned(), ..question(cidr, 0) }).await;
            assert_eq!((answer.usable, said(&answer)), (false, vec![(Severity::Error, "CIDR_OVERLAP_NETWORK", first.id.as_str())]));
            assert_eq!(answer.suggestions.len(), 5);
            let refused = create(&suite, grouped("second", cidr, "eu")).await.unwrap_err();
            assert_eq!((refused.code(), reason(&refused).as_str()), (Code::FailedPrecondition, "CIDR_OVERLAP_NETWORK"));
            let facts = refused.get_details_error_info().unwrap().metadata;
            assert_eq!((facts["cidr"].as_str(), facts["other_cidr"].as_str()), (cidr, "10.20.0.0/16"));
            assert_eq!((&facts["other_id"], facts["owner"].as_str()), (&first.id, "a new network"));
            assert_eq!(facts["other_owner"], format!("network {} (first)", first.id));
        }
        let mut small = Vec::new();
        for (name, cidr) in [("third", "10.22.0.0/24"), ("fourth", "10.22.1.0/24")] {
            small.push(create(&suite, grouped(name, cidr, "eu")).await.unwrap().network.unwrap());
        }
        let refused = create(&suite, grouped("large", "10.22.0.0/16", "eu")).await.unwrap_err();
        assert_eq!(refused.get_details_error_info().unwrap().metadata["other_id"], small[0].id);
        let named = refused.get_details_precondition_failure().unwrap().violations;
        let said: Vec<_> = named.iter().map(|one| (one.r#type.as_str(), &one.subject, one.description.clone())).collect();
        let expected = small.iter().map(|other| {
            let sentence = format!(
                "10.22.0.0/16 of a new network overlaps {} of network {} ({}): both would be used together in eu",
                other.cidr, other.id, other.display_name
            );
            ("CIDR_OVERLAP_NETWORK", &other.id, sentence)
        });
        assert_eq!(said, expected.collect::<Vec<_>>());
        assert!(refused.message().starts_with(&said[0].2), "{}", refused.message());
        let beside = create(&suite, grouped("beside", "10.21.0.0/16", "eu")).await.unwrap();
        assert_eq!(beside.warnings, []);
        let alone = create(&suite, grouped("alone", "10.20.0.0/16", "us")).await.unwrap();
        assert_eq!(alone.warnings[0].other_id, first.id);
        let foreign = CreateNetworkRequest { tenant_id: "globex".to_owned(), ..grouped("first", "10.20.0.0/16", "eu") };
        assert_eq!(create(&suite, foreign).await.unwrap().warnings, []);
    }

    async fn a_free_block_is_taken_when_only_a_size_is_asked_for(suite: Suite) {
        let mut suite = suite;
        suite.restart(|config| {
            for offer in config.catalog.values_mut() {
                offer.private = vec!["10.0.0.0/14".parse().unwrap()];
            }
        }).await;
        // 10.3.0.0/16 is reserved.
        let mut taken = Vec::new();
        for name in ["a", "b", "c"] {
            taken.push(create(&suite, sized(name, 16)).await.unwrap().network.unwrap());
        }
        let cidrs: Vec<_> = taken.iter().map(|network| network.cidr.as_str()).collect();
        assert_eq!(cidrs, ["10.0.0.0/16", "10.1.0.0/16", "10.2.0.0/16"]);
        for size in [16, 24] {
            let refused = create(&suite, sized("d", size)).await.unwrap_err();
            assert_eq!((refused.code(), reason(&refused).as_str()), (Code::ResourceExhausted, "NO_FREE_BLOCK"));
            let answer = check(&suite, question("", size)).await;
            assert_eq!(answer, CheckCidrResponse { usable: true, ..CheckCidrResponse::default() });
        }
        suite.until(&taken[1].id, State::Active).await;
        suite.delete(&taken[1].id).await.unwrap();
        suite.until(&taken[1].id, State::Deleted).await;
        let request = CreateNetworkRequest { request_id: "r-1".to_owned(), ..sized("d", 24) };
        let first = create(&suite, request.clone()).await.unwrap();
        assert_eq!(first.network.as_ref().unwrap().cidr, "10.1.255.0/24");
        assert_eq!(create(&suite, request).await.unwrap(), first);
    }

    async fn a_quota_counts_the_networks_that_are_not_deleted(suite: Suite) {
        let mut suite = suite;
        suite.restart(|config| config.quotas.networks = 2).await;
        let first = suite.active("first", "10.20.0.0/16").await;
        suite.create("second", "10.21.0.0/16").await;
        let refused = create(&suite, wish("third", "10.22.0.0/16")).await.unwrap_err();
        assert_eq!((refused.code(), reason(&refused).as_str()), (Code::ResourceExhausted, "QUOTA_EXCEEDED"));
        let facts = refused.get_details_error_info().unwrap().metadata;
        assert_eq!((facts["used"].as_str(), facts["limit"].as_str()), ("2", "2"));
        assert_eq!(refused.get_details_quota_failure().unwrap().violations.len(), 1);
        let foreign = CreateNetworkRequest { tenant_id: "globex".to_owned(), ..wish("first", "10.20.0.0/16") };
        create(&suite, foreign).await.unwrap();
        suite.delete(&first.id).await.unwrap();
        suite.until(&first.id, State::Deleted).await;
        suite.create("third", "10.22.0.0/16").await;
        assert!(create(&suite, wish("fourth", "10.23.0.0/16")).await.is_err());
    }

    async fn the_regions_tell_their_rules(suite: Suite) {
        let mut suite = suite;
        suite.restart(|config| {
            let aws = config.catalog.get_mut(&types::ProviderKind::Aws).unwrap();
            aws.within.entry("eu-west-1".parse().unwrap()).or_default().longest_prefix = Some(26);
        }).await;
        let ask = |provider: Provider| {
            let request = ListRegionsRequest { tenant_id: "acme".to_owned(), provider: provider.into() };
            let mut client = suite.client.clone();
            async move { client.list_regions(request).await.unwrap().into_inner().regions }
        };
        let (all, aws, gcp) = (ask(Provider::Unspecified).await, ask(Provider::Aws).await, ask(Provider::Gcp).await);
        assert_eq!((all.len(), aws.len(), gcp.len()), (53, 23, 30));
        let region = |name: &str| all.iter().find(|region| region.name == name).unwrap();
        let (ireland, ohio, belgium) = (region("eu-west-1"), region("us-east-2"), region("europe-west1"));
        assert_eq!((ireland.longest_prefix, ohio.longest_prefix, ohio.shortest_prefix), (26, 24, 16));
        assert_eq!((ireland.provider(), belgium.provider()), (Provider::Aws, Provider::Gcp));
        assert_eq!(ohio.allowed_cidrs, ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"]);
        assert!(belgium.reserved.iter().any(|range| range.cidr == "10.128.0.0/9" && !range.why.is_empty()));
        assert!(ohio.discouraged.iter().any(|range| range.cidr == "172.31.0.0/16" && !range.why.is_empty()));
        let wrong = ListRegionsRequest { provider: 9, ..ListRegionsRequest::default() };
        let refused = suite.client.clone().list_regions(wrong).await.unwrap_err();
        assert_eq!(refused.get_details_bad_request().unwrap().field_violations.len(), 2);
        assert_eq!(create(&suite, wish("small", "10.20.0.0/26")).await.unwrap().network.unwrap().cidr, "10.20.0.0/26");
    }
}
