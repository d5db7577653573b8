//! What the customer is told to do does what it says: every command is run as it stands, with the customer's tools.

use api::network::v1::Network;
use api::peering::v1::peering::State;
use api::peering::v1::step::Actor;
use api::peering::v1::{GetPeeringInstructionsResponse, Peering, Step};
use e2e::commands::{Form, Shell};
use e2e::{CUSTOMER, Suite, VENDOR};
use serde_json::json;

const REGION: &str = "eu-west-1";
const OURS: &str = "10.20.0.0/16";
const THEIRS: &str = "10.1.0.0/16";

/// A suite with a datastore that admits the customer, and a VPC of the customer's with two route tables.
async fn sides() -> (Suite, Network, String) {
    let suite = Suite::standalone().await;
    let network = suite.network(REGION, OURS).await;
    suite
        .attach_datastore(&network, "db-1", "10.20.1.0/28", &[5432])
        .await;
    suite.allow(&network, THEIRS).await;
    let vpc = suite.customer.vpc(REGION, THEIRS).await;
    let customer = async |call: &str, request| {
        let made = suite.customer.call(CUSTOMER, REGION, call, request).await;
        made.unwrap_or_else(|no| panic!("{call}: {no:?}"))
    };
    let subnet = json!({"VpcId": vpc, "CidrBlock": "10.1.1.0/24"});
    let subnet = customer("create_subnet", subnet).await["Subnet"]["SubnetId"].clone();
    let table = customer("create_route_table", json!({"VpcId": vpc})).await;
    let table = table["RouteTable"]["RouteTableId"].clone();
    let associated = json!({"RouteTableId": table, "SubnetId": subnet});
    customer("associate_route_table", associated).await;
    (suite, network, vpc)
}

/// The steps that are the customer's to take, but for the proof, which wants a machine in the VPC.
fn own(told: &GetPeeringInstructionsResponse) -> Vec<Step> {
    let steps = told.steps.iter();
    steps
        .filter(|step| step.actor() == Actor::Customer && step.code != "PROVE")
        .cloned()
        .collect()
}

fn step(told: &GetPeeringInstructionsResponse, code: &str) -> Step {
    let found = told.steps.iter().find(|step| step.code == code);
    found
        .unwrap_or_else(|| panic!("there is no {code} in {:#?}", told.steps))
        .clone()
}

/// A peering that waits for the customer.
async fn waiting(suite: &Suite, network: &Network, vpc: &str) -> Peering {
    let peering = suite.peer(network, vpc, THEIRS).await;
    suite.until(&peering, State::PendingAcceptance).await
}

/// Finds the variables; the route tables that are found.
async fn know(shell: &mut Shell, told: &GetPeeringInstructionsResponse) -> Vec<String> {
    let mut tables = Vec::new();
    for variable in &told.variables {
        let found = shell.find(variable).await;
        if variable.name == "ROUTE_TABLE_ID" {
            tables = found;
        }
    }
    assert_eq!(tables.len(), 2, "the main table and the subnet's");
    tables
}

/// Takes a step: runs its commands, then what verifies it; what that prints.
async fn take(shell: &mut Shell, step: &Step, tables: &[String]) -> String {
    // The one step that is to be taken for each route table.
    let each: &[String] = match step.code.as_str() {
        "ADD_ROUTE_TO_TABLE" => tables,
        _ => &tables[..1],
    };
    for table in each {
        shell.set("ROUTE_TABLE_ID", table);
        for command in &step.commands {
            let printed = shell.run(command).await;
            if step.code == "VERIFY_REQUEST" {
                // What it says it has to print is what it prints.
                let words: Vec<&str> = printed.split_whitespace().collect();
                assert!(words.contains(&VENDOR), "{printed}");
                assert!(step.why.contains(&words.join(" ")), "{}", step.why);
            }
        }
    }
    let mut printed = String::new();
    for command in &step.verify {
        printed.push_str(&shell.run(command).await);
    }
    printed
}

/// Follows the instructions from the request to the last step.
async fn follow(suite: &Suite, peering: &Peering, shell: &mut Shell, form: Form) {
    let told = suite.instructions(peering).await;
    let tables = know(shell, &told).await;
    let pcx = peering.provider_peering_id.as_str();
    // There are two ways to the routes: all tables at once, and one by one.
    let other_way = match form {
        Form::Shell => "ADD_ROUTE_TO_TABLE",
        Form::Argv => "ADD_ROUTES",
    };
    for step in own(&told).iter().filter(|step| step.code != other_way) {
        let printed = take(shell, step, &tables).await;
        match step.code.as_str() {
            "ACCEPT_PEERING" => assert!(printed.contains("active"), "{printed}"),
            "ADD_ROUTES" | "ADD_ROUTE_TO_TABLE" => {
                let right = printed
                    .lines()
                    .filter(|line| line.contains(pcx) && line.contains("active"));
                assert_eq!(right.count(), tables.len(), "{printed}");
            }
            "OPEN_EGRESS" => assert!(printed.contains(OURS), "{printed}"),
            _ => {}
        }
    }
    suite.until(peering, State::Active).await;
}

async fn lead_there_and_nothing_is_left(form: Form) {
    let (suite, network, vpc) = sides().await;
    let waiting = waiting(&suite, &network, &vpc).await;
    let mut shell = Shell::new(form);
    follow(&suite, &waiting, &mut shell, form).await;
    let pcx = waiting.provider_peering_id.as_str();
    suite.until_routed(&vpc, &[(OURS, pcx)]).await;
    suite
        .until_routed(&network.provider_vpc_id, &[(THEIRS, pcx)])
        .await;
    // Whoever takes the steps once more, as scripts do, spoils nothing.
    let told = suite.instructions(&waiting).await;
    for command in &step(&told, "ADD_ROUTES").commands {
        shell.run(command).await;
    }

    for step in own(&told).iter().rev() {
        for command in &step.undo {
            shell.run(command).await;
        }
    }
    suite.until_routed(&vpc, &[]).await;
    let egress = step(&told, "OPEN_EGRESS").verify;
    let printed = shell.run(&egress[0]).await;
    assert!(!printed.contains(OURS), "{printed}");
    let standing = suite
        .cloudsim()
        .standing_between(&network.provider_vpc_id, &vpc);
    assert_eq!(standing, Vec::<String>::new());
    let ended = suite.until_refreshed(&waiting, State::Disconnected).await;
    assert_eq!(ended.reason, "DELETED_BY_PEER");
}

#[tokio::test]
async fn commands_for_a_shell_lead_to_a_peering_that_works_and_back() {
    lead_there_and_nothing_is_left(Form::Shell).await;
}

#[tokio::test]
async fn commands_as_words_lead_to_a_peering_that_works_and_back() {
    lead_there_and_nothing_is_left(Form::Argv).await;
}

#[tokio::test]
async fn a_request_that_is_not_wanted_is_rejected_by_the_command_that_undoes_it() {
    let (suite, network, vpc) = sides().await;
    let waiting = waiting(&suite, &network, &vpc).await;
    let told = suite.instructions(&waiting).await;
    let shell = Shell::new(Form::Argv);
    for command in &step(&told, "VERIFY_REQUEST").undo {
        shell.run(command).await;
    }
    suite.until(&waiting, State::Rejected).await;
}

#[tokio::test]
async fn after_a_renewal_one_command_replaces_the_routes_of_all_tables() {
    are_replaced_and_cleaned_up("ADD_ROUTES").await;
}

#[tokio::test]
async fn after_a_renewal_a_command_replaces_the_route_of_one_table() {
    are_replaced_and_cleaned_up("ADD_ROUTE_TO_TABLE").await;
}

/// The routes of the first attempt, by the step that is the way to those of the second.
async fn are_replaced_and_cleaned_up(way: &str) {
    let (suite, network, vpc) = sides().await;
    let first = waiting(&suite, &network, &vpc).await;
    let mut shell = Shell::new(Form::Shell);
    follow(&suite, &first, &mut shell, Form::Shell).await;
    suite
        .customer
        .delete(REGION, &first.provider_peering_id)
        .await;
    let ended = suite.until_refreshed(&first, State::Disconnected).await;
    // The customer's routes are blackholes now.
    suite
        .until_routed(&vpc, &[(OURS, &first.provider_peering_id)])
        .await;
    suite.renew(&ended).await;
    let second = suite
        .until_shown(&ended, "a second request", |seen| {
            seen.attempt == 2 && seen.state() == State::PendingAcceptance
        })
        .await;
    let told = suite.instructions(&second).await;
    let tables = know(&mut shell, &told).await;
    for code in ["ACCEPT_PEERING", way] {
        take(&mut shell, &step(&told, code), &tables).await;
    }
    suite.until(&second, State::Active).await;
    let pcx = second.provider_peering_id.as_str();
    suite.until_routed(&vpc, &[(OURS, pcx)]).await;

    suite.delete_peering(&second).await;
    suite.until(&second, State::Deleted).await;
    suite.until_routed(&vpc, &[(OURS, pcx)]).await;
    let told = suite.instructions(&second).await;
    let clean_up = step(&told, "CLEAN_UP");
    let printed = take(&mut shell, &clean_up, &tables).await;
    assert!(!printed.contains(OURS), "{printed}");
    suite.until_routed(&vpc, &[]).await;
}
