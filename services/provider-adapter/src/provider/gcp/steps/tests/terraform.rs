//! Whether Terraform reads the file, and makes what the commands make.

use super::*;

#[test]
fn terraform_makes_the_same_half_and_rule_as_the_commands() {
    let facts = others().swap_remove(0).1;
    let guide = guide(&facts, None);
    let body: hcl::Body = hcl::from_str(&guide.terraform).unwrap();
    let find = |words: &[&str]| {
        let labels = |block: &&hcl::Block| {
            let labels = block.labels().iter().map(hcl::BlockLabel::as_str);
            block.identifier() == words[0] && labels.eq(words[1..].iter().copied())
        };
        let block = body.blocks().find(labels);
        block
            .unwrap_or_else(|| panic!("no {words:?}"))
            .body()
            .clone()
    };
    let text = |body: &hcl::Body, key: &str| {
        let attribute = body.attributes().find(|one| one.key() == key);
        attribute
            .unwrap_or_else(|| panic!("no {key}"))
            .expr()
            .to_string()
    };
    let terraform = find(&["terraform"]);
    let google = terraform.blocks().next().unwrap().body();
    assert!(text(google, "google").contains("hashicorp/google"));
    assert_eq!(
        text(&find(&["provider", "google"]), "project"),
        "\"customer-shop\""
    );

    let half = find(&["resource", "google_compute_network_peering", "peerway"]);
    let customer = "\"projects/customer-shop/global/networks/shop\"";
    let create = &step(&guide, "CREATE_PEERING").commands[0].argv;
    assert!(create.contains(&text(&half, "name").replace('"', "")));
    assert_eq!(text(&half, "network"), customer);
    assert_eq!(
        text(&half, "peer_network"),
        "\"projects/acme-peering-prod/global/networks/peerway-0a1b2c3d4e5f6071-ffeeddccbbaa99887766554433221100\""
    );
    assert_eq!(text(&half, "export_custom_routes"), "true");

    let rule = find(&["resource", "google_compute_firewall", "peerway_egress"]);
    let create = &step(&guide, "OPEN_EGRESS").commands[0].argv;
    assert!(create.contains(&text(&rule, "name").replace('"', "")));
    assert_eq!(text(&rule, "network"), customer);
    assert_eq!(text(&rule, "direction"), "\"EGRESS\"");
    assert!(text(&rule, "destination_ranges").contains("\"10.20.0.0/20\""));
    let allow = rule.blocks().next().unwrap().body();
    assert_eq!(text(allow, "protocol"), "\"tcp\"");
    let ports = text(allow, "ports");
    assert!(
        ports.contains("\"6379\"") && ports.contains("\"6380\""),
        "{ports}"
    );
}

#[test]
fn terraform_is_a_complete_file_wherever_there_is_a_half_to_make() {
    for facts in all() {
        let guide = guide(&facts, None);
        let body: hcl::Body = hcl::from_str(&guide.terraform).unwrap();
        let resources = body
            .blocks()
            .filter(|block| block.identifier() == "resource");
        let expected = if has_half_to_make(&facts) { 2 } else { 0 };
        assert_eq!(resources.count(), expected, "{:?}", facts.state);
    }
}
