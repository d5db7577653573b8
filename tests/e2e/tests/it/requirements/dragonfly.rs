//! A connection of a private network with a VPC of the customer's, as Dragonfly Cloud describes it.

use api::network::v1::network::State as NetworkState;
use api::peering::v1::create_peering_request::Peer as Wished;
use api::peering::v1::finding::Severity;
use api::peering::v1::peering::{Peer, State};
use api::peering::v1::step::Actor;
use api::peering::v1::{CreatePeeringRequest, ListPeeringsRequest, Peering, Provider};
use e2e::commands::{Form, Shell};
use e2e::{CUSTOMER, CUSTOMER_PROJECT, VENDOR, VENDOR_PROJECT, fields, wish};
use serde_json::json;
use tonic::Code;

use super::{
    AWS, NETWORK, PORT, RANGE, a_datastore_holds_the_network, at_aws, at_gcp, attached, aws_wish,
    behind, command_of, gcp_wish, is_refused, is_refused_for, listed, needs_an_active_network,
    step, try_create, waiting,
};

#[tokio::test]
async fn d1_a_peering_joins_a_network_with_a_vpc_of_the_customer_s_over_private_ranges() {
    let (suite, network, vpc) = at_aws().await;
    let public = aws_wish(&network, |peer| peer.cidrs = vec!["8.8.8.0/24".to_owned()]);
    is_refused_for(&suite, public, "CIDR_NOT_PRIVATE", "aws.cidrs[0]").await;

    let waiting = waiting(&suite, &network, &vpc).await;
    assert_eq!(waiting.network_id, network.id);
    let Some(Peer::Aws(peer)) = &waiting.peer else {
        panic!("the customer's side is at AWS: {waiting:?}");
    };
    assert_eq!((&*peer.account_id, &peer.vpc_id), (CUSTOMER, &vpc));
    let vendor = waiting.vendor.clone().expect("the vendor's side");
    assert_eq!((&*vendor.account_id, &*vendor.cidr), (VENDOR, NETWORK));
    let joined = suite.accepted(&waiting).await;
    let route = (RANGE, joined.provider_peering_id.as_str());
    suite.until_routed(&vendor.vpc_id, &[route]).await;
}

#[tokio::test]
async fn d2_whoever_peers_between_regions_is_told_that_it_costs_more() {
    let (suite, network, vpc) = at_aws().await;
    let warned = async |region: &str, validate_only| {
        let request = CreatePeeringRequest {
            validate_only,
            ..wish(&network, region, &vpc, RANGE)
        };
        let answer = try_create(&suite, request)
            .await
            .expect("nothing forbids it");
        let findings = answer.findings.iter();
        let cost = findings.filter(|one| one.severity() == Severity::Warning);
        let is_warned = cost
            .map(|one| one.reason.as_str())
            .any(|one| one == "CROSS_REGION_COST");
        (
            is_warned,
            answer.peering.map(|peering| peering.cross_region),
        )
    };
    assert_eq!(warned(AWS, true).await, (false, None));
    assert_eq!(warned("us-east-1", true).await, (true, None));
    assert_eq!(suite.list_peerings().await, [], "those were questions");
    assert_eq!(warned("us-east-1", false).await, (true, Some(true)));
}

#[tokio::test]
async fn d3_a_peering_is_made_on_a_network_that_is_active() {
    let (suite, network, vpc) = at_aws().await;
    needs_an_active_network(&suite, &network).await;
    assert_eq!(network.state(), NetworkState::Active);
    let peering = suite.peer(&network, &vpc, RANGE).await;
    assert_eq!(peering.network_display_name, network.display_name);
    let claims = attached(&suite, &network).await;
    assert_eq!(
        Vec::from_iter(claims.iter().map(|one| &one.id)),
        [&peering.id]
    );
    let counted = suite.until_network(&network.id, NetworkState::Active).await;
    assert_eq!(counted.peering_count, 1);
}

#[tokio::test]
async fn d4_the_network_s_provider_decides_which_form_is_taken() {
    let (suite, at_gcp, theirs) = at_gcp().await;
    let at_aws = suite.network(AWS, "10.30.0.0/16").await;
    let wrong = (Code::InvalidArgument, "WRONG_PROVIDER");
    is_refused(&suite, aws_wish(&at_gcp, |_| {}), wrong.0, wrong.1).await;
    is_refused(&suite, gcp_wish(&at_aws, |_| {}), wrong.0, wrong.1).await;
    let made = suite.peer(&at_gcp, &theirs, RANGE).await;
    assert_eq!(made.provider(), Provider::Gcp);
    let vpc = suite.customer.vpc(AWS, RANGE).await;
    let made = suite.peer(&at_aws, &vpc, RANGE).await;
    assert_eq!(made.provider(), Provider::Aws);
}

#[tokio::test]
async fn d5_the_form_for_aws_takes_region_ranges_account_and_vpc_and_says_what_is_wrong() {
    let (suite, network, vpc) = at_aws().await;
    let all = aws_wish(&network, |peer| {
        peer.account_id = "12345".to_owned();
        peer.region = "EU".to_owned();
        peer.vpc_id = "vpc-xyz".to_owned();
        peer.cidrs = vec!["10.1.2.3/16".to_owned()];
    });
    let refused = try_create(&suite, all).await.expect_err("all is wrong");
    let wrong = ["aws.account_id", "aws.region", "aws.vpc_id", "aws.cidrs[0]"];
    for field in wrong {
        assert!(fields(&refused).contains(&field.to_owned()), "{refused:?}");
    }
    let request = aws_wish(&network, |peer| peer.vpc_id = vpc);
    let Some(Wished::Aws(wished)) = request.peer.clone() else {
        panic!("the form for AWS");
    };
    let made = try_create(&suite, request).await.expect("all is right");
    let made = made.peering.expect("a peering");
    assert_eq!(made.peer, Some(Peer::Aws(wished)));
}

#[tokio::test]
async fn d6_a_peering_is_inactive_at_first() {
    let (suite, network, vpc) = at_aws().await;
    let made = suite.peer(&network, &vpc, RANGE).await;
    assert_eq!(made.state(), State::Provisioning, "it did not wait for AWS");
    let waiting = suite.until(&made, State::PendingAcceptance).await;
    assert_eq!(waiting.raw_state, "pending-acceptance");
    let inactive = ListPeeringsRequest {
        state: "INACTIVE".to_owned(),
        ..Default::default()
    };
    let inactive = listed(&suite, inactive).await;
    assert_eq!(
        Vec::from_iter(inactive.iter().map(|one| &one.id)),
        [&made.id]
    );
}

#[tokio::test]
async fn d7_the_customer_is_told_where_to_accept_and_with_which_command() {
    let (suite, network, vpc) = at_aws().await;
    let waiting = waiting(&suite, &network, &vpc).await;
    let pcx = waiting.provider_peering_id.as_str();
    let accept = step(&suite, &waiting, "ACCEPT_PEERING").await;
    assert_eq!(accept.actor(), Actor::Customer);
    assert!(accept.title.contains(AWS), "{accept:?}");
    let path = &accept.console_path;
    assert!(path.starts_with("VPC > Peering connections"), "{path}");
    assert!(path.contains(AWS), "{path}");
    let told = suite.instructions(&waiting).await;
    let account = told.steps.iter().any(|step| step.why.contains(CUSTOMER));
    assert!(account, "the account that accepts: {told:#?}");
    let vendor = told.vendor.expect("who asks");
    assert_eq!(vendor.account_id, VENDOR);

    let command = command_of(&accept, &["aws", "ec2", "accept-vpc-peering-connection"]);
    assert_eq!(behind(command, &["--vpc-peering-connection-id"]), pcx);
    assert_eq!(behind(command, &["--region"]), AWS);
    assert!(command.shell.contains(pcx), "{command:?}");
    Shell::new(Form::Argv).run(command).await;
    suite.until(&waiting, State::Active).await;
}

#[tokio::test]
async fn d8_the_customer_is_told_the_route_to_add() {
    let (suite, network, vpc) = at_aws().await;
    let waiting = waiting(&suite, &network, &vpc).await;
    let pcx = waiting.provider_peering_id.as_str();
    let routes = step(&suite, &waiting, "ADD_ROUTES").await;
    assert_eq!(routes.actor(), Actor::Customer);
    let one = step(&suite, &waiting, "ADD_ROUTE_TO_TABLE").await;
    let command = command_of(&one, &["aws", "ec2", "create-route"]);
    assert_eq!(behind(command, &["--destination-cidr-block"]), NETWORK);
    assert_eq!(behind(command, &["--vpc-peering-connection-id"]), pcx);
    let command = routes.commands.first().expect("a command");
    for part in [NETWORK, pcx] {
        assert!(command.shell.contains(part), "{command:?}");
    }

    Shell::new(Form::Shell).run(command).await;
    let theirs = suite.cloudsim().routes_of(&vpc);
    let route = (NETWORK.to_owned(), pcx.to_owned());
    assert_eq!(Vec::from_iter(theirs), [route]);
    suite.accepted(&waiting).await;
    let verify = routes.verify.first().expect("a command that verifies");
    let shown = Shell::new(Form::Argv).run(verify).await;
    assert!(shown.contains(pcx) && shown.contains("active"), "{shown}");
}

#[tokio::test]
async fn d9_each_step_in_the_cloud_s_console_leads_to_the_cloud_s_documentation() {
    let (suite, network, vpc) = at_aws().await;
    let waiting = waiting(&suite, &network, &vpc).await;
    let steps = suite.instructions(&waiting).await.steps;
    let in_the_console = steps.iter().filter(|step| !step.console_path.is_empty());
    let in_the_console = Vec::from_iter(in_the_console);
    for code in ["ACCEPT_PEERING", "ADD_ROUTES", "OPEN_EGRESS"] {
        let is_told = in_the_console.iter().any(|step| step.code == code);
        assert!(is_told, "{code}: {steps:#?}");
    }
    for step in in_the_console {
        let url = &step.docs_url;
        assert!(url.starts_with("https://docs.aws.amazon.com/"), "{step:?}");
    }
}

#[tokio::test]
async fn d10_the_customer_is_told_what_to_open_towards_the_datastores() {
    let (suite, network, vpc) = at_aws().await;
    suite
        .attach_datastore(&network, "db-1", "10.20.1.0/28", &[PORT])
        .await;
    let waiting = waiting(&suite, &network, &vpc).await;
    let open = step(&suite, &waiting, "OPEN_EGRESS").await;
    let words = ["aws", "ec2", "authorize-security-group-egress"];
    let command = command_of(&open, &words);
    let rule = behind(command, &["--ip-permissions"]);
    assert!(rule.contains(NETWORK), "{rule}");
    assert!(rule.contains("FromPort=6379,ToPort=6379"), "{rule}");

    let group = json!({"GroupName": "app", "Description": "app", "VpcId": vpc});
    let call = suite
        .customer
        .call(CUSTOMER, AWS, "create_security_group", group);
    let group = call.await.expect("a group of the customer's");
    let group = group["GroupId"].as_str().expect("an id");
    let mut shell = Shell::new(Form::Argv);
    shell.set("SECURITY_GROUP_ID", group);
    shell.run(command).await;
    let verify = open.verify.first().expect("a command that verifies");
    let shown = shell.run(verify).await;
    assert!(shown.contains(NETWORK) && shown.contains("6379"), "{shown}");
}

#[tokio::test]
async fn d11_an_accepted_peering_becomes_active_without_another_call() {
    let (suite, network, vpc) = at_aws().await;
    let waiting = waiting(&suite, &network, &vpc).await;
    let mut watch = suite.watch_peerings();
    watch.snapshot().await;
    let pcx = &waiting.provider_peering_id;
    suite.customer.accept(AWS, pcx).await;
    let is_active = |seen: &Peering| seen.state() == State::Active;
    let told = watch.until("ACTIVE", is_active).await;
    let active = &told.last().expect("a change").resource;
    assert_eq!((&active.id, &*active.raw_state), (&waiting.id, "active"));
}

#[tokio::test]
async fn d12_a_datastore_gets_a_private_endpoint_and_holds_the_network() {
    let (suite, network, _) = at_aws().await;
    a_datastore_holds_the_network(&suite, &network).await;
}

#[tokio::test]
async fn d13_the_form_for_gcp_takes_ranges_project_and_network_name() {
    let (suite, network, theirs) = at_gcp().await;
    let nameless = gcp_wish(&network, |peer| peer.project_id.clear());
    is_refused_for(&suite, nameless, "INVALID_FIELD", "gcp.project_id").await;
    let range = gcp_wish(&network, |peer| peer.cidrs = vec!["10.1.2.3/16".to_owned()]);
    is_refused_for(&suite, range, "CIDR_HOST_BITS", "gcp.cidrs[0]").await;

    let by_path = gcp_wish(&network, |peer| {
        peer.network_name = format!("projects/{CUSTOMER_PROJECT}/global/networks/{theirs}");
        peer.project_id.clear();
    });
    let made = try_create(&suite, by_path).await.expect("all is right");
    let Some(Peer::Gcp(peer)) = made.peering.expect("a peering").peer else {
        panic!("the customer's side is at GCP");
    };
    assert_eq!(peer.project_id, CUSTOMER_PROJECT);
    assert_eq!(
        (peer.network_name, peer.cidrs),
        (theirs, vec![RANGE.to_owned()])
    );
}

#[tokio::test]
async fn d14_the_customer_is_given_the_gcloud_command_with_the_vendor_s_names() {
    let (suite, network, theirs) = at_gcp().await;
    assert_eq!(network.provider_account_id, VENDOR_PROJECT);
    let waiting = waiting(&suite, &network, &theirs).await;
    assert_eq!(waiting.raw_state, "INACTIVE");
    let create = step(&suite, &waiting, "CREATE_PEERING").await;
    let words = ["gcloud", "compute", "networks", "peerings", "create"];
    let command = command_of(&create, &words);
    assert_eq!(behind(command, &["--peer-project"]), VENDOR_PROJECT);
    assert_eq!(
        behind(command, &["--peer-network"]),
        network.provider_vpc_id
    );
    assert_eq!(behind(command, &["--project"]), CUSTOMER_PROJECT);
    assert_eq!(behind(command, &["--network"]), theirs);

    let name = behind(command, &words);
    let vendor = (
        behind(command, &["--peer-project"]),
        behind(command, &["--peer-network"]),
    );
    let google = suite.google();
    let half = google.half(behind(command, &["--project"]), &theirs, name, vendor);
    half.await.expect("the half that the command makes");
    suite.until(&waiting, State::Active).await;
}

#[tokio::test]
async fn d15_a_peering_at_gcp_becomes_active_by_itself() {
    let (suite, network, theirs) = at_gcp().await;
    let waiting = waiting(&suite, &network, &theirs).await;
    let mut watch = suite.watch_peerings();
    watch.snapshot().await;
    let google = suite.google();
    google
        .peer(&theirs, VENDOR_PROJECT, &network.provider_vpc_id)
        .await;
    let is_active = |seen: &Peering| seen.state() == State::Active;
    let told = watch.until("ACTIVE", is_active).await;
    let active = &told.last().expect("a change").resource;
    assert_eq!((&active.id, &*active.raw_state), (&waiting.id, "ACTIVE"));
    assert!(active.activate_time.is_some());
}

#[tokio::test]
async fn d16_the_customer_is_given_the_firewall_rule_for_the_network_s_range() {
    let (suite, network, theirs) = at_gcp().await;
    suite
        .attach_datastore(&network, "db-1", "10.20.1.0/28", &[PORT])
        .await;
    let waiting = waiting(&suite, &network, &theirs).await;
    let open = step(&suite, &waiting, "OPEN_EGRESS").await;
    assert_eq!(open.actor(), Actor::Customer);
    let words = ["gcloud", "compute", "firewall-rules", "create"];
    let command = command_of(&open, &words);
    assert_eq!(behind(command, &["--destination-ranges"]), NETWORK);
    assert_eq!(behind(command, &["--rules"]), "tcp:6379");
    assert_eq!(behind(command, &["--network"]), theirs);
    assert_eq!(behind(command, &["--project"]), CUSTOMER_PROJECT);
}

#[tokio::test]
async fn d17_a_datastore_at_gcp_gets_a_private_endpoint_and_holds_the_network() {
    let (suite, network, _) = at_gcp().await;
    let placement = network.placement.clone().expect("a placement");
    assert_eq!(placement.subnets.len(), 1, "GCP's subnets span zones");
    a_datastore_holds_the_network(&suite, &network).await;
}
