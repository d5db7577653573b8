//! Listings of Compute Engine: pages, filters, routes and operations.

use serde_json::{Value, json};

use crate::gce_core_support::*;

#[test]
fn listings_come_in_pages_and_are_filtered_by_name() {
    let mut cloud = cloud();
    for name in ["a", "b", "c"] {
        cloud.network(VENDOR, name);
    }
    let list = |cloud: &mut Cloud, query: &[(&str, &str)]| {
        cloud.ok_with("networks.list", VENDOR, &[], query, json!(null))
    };
    let first = list(&mut cloud, &[("maxResults", "2")]);
    assert_eq!(names_in(&first), ["a", "b"]);
    let token = first["nextPageToken"].as_str().unwrap();
    let second = list(&mut cloud, &[("maxResults", "2"), ("pageToken", token)]);
    assert_eq!(names_in(&second), ["c"]);
    assert!(second.get("nextPageToken").is_none());
    for filter in [
        "name = b",
        "name=\"b\"",
        "(name eq b)",
        "name = b AND autoCreateSubnetworks = false",
        "name!=a AND name ne c",
    ] {
        assert_eq!(
            names_in(&list(&mut cloud, &[("filter", filter)])),
            ["b"],
            "{filter}"
        );
    }
    assert!(
        list(&mut cloud, &[("filter", "name = z")])
            .get("items")
            .is_none()
    );
    let bad = [
        ("filter", "name : b*"),
        ("orderBy", "name"),
        ("maxResults", "501"),
        ("pageToken", "zz"),
        ("maxResults", "-1"),
    ];
    for (name, value) in bad {
        let error = cloud.error_with("networks.list", VENDOR, &[], &[(name, value)], json!(null));
        assert_eq!(
            (error.status, error.reason.as_str()),
            (400, "invalid"),
            "{name}={value}"
        );
    }
    cloud.config.gcp.partial_lists = true;
    let partial = list(&mut cloud, &[]);
    assert_eq!(
        (names_in(&partial).len(), &partial["warning"]["code"]),
        (1, &json!("UNREACHABLE"))
    );
}

#[test]
fn routes_come_with_networks_and_subnetworks() {
    let mut cloud = with_network();
    cloud.subnetwork(VENDOR, "n", "10.0.0.0/16");
    let routes = cloud.ok("routes.list", VENDOR, &[], json!(null));
    let ranges = |routes: &Value| -> Vec<String> {
        let items = routes["items"].as_array().unwrap().iter();
        let mut ranges: Vec<_> = items
            .map(|one| one["destRange"].as_str().unwrap().to_owned())
            .collect();
        ranges.sort();
        ranges
    };
    assert_eq!(ranges(&routes), ["0.0.0.0/0", "10.0.0.0/16"]);
    let items = routes["items"].as_array().unwrap();
    let name = |range: &str| {
        let route = items.iter().find(|one| one["destRange"] == range).unwrap();
        route["name"].as_str().unwrap().to_owned()
    };
    let refused = cloud.refused(
        "routes.delete",
        VENDOR,
        &[("route", &name("10.0.0.0/16"))],
        json!(null),
    );
    assert_eq!(refused.0, 400);
    cloud
        .done(
            "routes.delete",
            VENDOR,
            &[("route", &name("0.0.0.0/0"))],
            json!(null),
        )
        .unwrap();
    assert_eq!(
        ranges(&cloud.ok("routes.list", VENDOR, &[], json!(null))),
        ["10.0.0.0/16"]
    );
}

#[test]
fn operations_are_listed_where_they_are() {
    let mut cloud = with_network();
    cloud.subnetwork(VENDOR, "n", "10.0.0.0/16");
    let global = cloud.ok("globalOperations.list", VENDOR, &[], json!(null));
    assert_eq!(global["items"].as_array().unwrap().len(), 1);
    let query = [(
        "filter",
        "targetLink = projects/vendor/global/networks/n AND status = DONE",
    )];
    let found = cloud.ok_with("globalOperations.list", VENDOR, &[], &query, json!(null));
    assert_eq!(found["items"], global["items"]);
    let here = cloud.ok(
        "regionOperations.list",
        VENDOR,
        &[("region", REGION)],
        json!(null),
    );
    assert_eq!(here["items"][0]["operationType"], "insert");
    let there = cloud.ok(
        "regionOperations.list",
        VENDOR,
        &[("region", "us-east1")],
        json!(null),
    );
    assert!(there.get("items").is_none());
}

#[test]
fn regions_that_are_not_reached_say_so_in_an_aggregated_listing() {
    let mut cloud = with_network();
    cloud.subnetwork(VENDOR, "n", "10.0.0.0/16");
    cloud.config.gcp.partial_lists = true;
    let all = cloud.ok("subnetworks.aggregatedList", VENDOR, &[], json!(null));
    let region = format!("regions/{REGION}");
    assert_eq!(all["items"][&region]["warning"]["code"], "UNREACHABLE");
    assert!(all["items"][&region].get("subnetworks").is_none());
    assert_eq!(all["unreachables"], json!([region]));
    assert_eq!(
        all["items"]["regions/us-east1"]["warning"]["code"],
        "NO_RESULTS_ON_PAGE"
    );
    assert!(all.get("warning").is_none());
}
