//! Parts of a network that the cloud made, or says it has, and that a look does not show or has lost.

use api::cloud::CloudErrorKind;
use api::provider::v1::{Removal, Vpc};
use cloudsim::{Fault, FaultKind};
use serde_json::json;
use types::NetworkId;

use crate::gcp_support::*;
use crate::parrot::Parrot;
use crate::support::{DEPLOYMENT, cloud_error};

#[tokio::test]
async fn a_look_that_fails_after_the_operation_ended_leaves_its_outcome_open() {
    let suite = Suite::start().await;
    let mut request = vpc_request(NetworkId::generate(), CIDR);
    let begun = suite.ensure_vpc(request.clone()).await.unwrap();
    suite.settle();
    request.operation_token = begun.operation_token;
    for kind in [FaultKind::Error500, FaultKind::Throttle] {
        suite.cloud.fault(Fault::once("networks.get", kind));
        let error = cloud_error(suite.ensure_vpc(request.clone()).await.unwrap_err());
        assert!(!error.refused, "{kind:?}: {error}");
    }
    let made = suite.ensure_vpc(request).await.unwrap();
    assert_eq!(made.next_part, "subnet");
    assert_eq!(suite.count("networks.insert"), 1);
}

/// A cloud that knows no object, answers writes with `post`, and says of each operation that it ended well.
async fn forgetful(post: (u16, String)) -> String {
    let refusal = |status: u16, reason: &str| {
        let error = json!({
            "code": status,
            "message": format!("The resource 'x': {reason}"),
            "errors": [{"domain": "global", "reason": reason}],
        });
        json!({ "error": error }).to_string()
    };
    let done = r#"{"kind":"compute#operation","name":"operation-1","status":"DONE"}"#;
    let parrot = Parrot::new(refusal(404, "notFound")).with_status(404);
    let parrot = parrot.with_answer("/operations/operation-1", 200, done.into());
    let (status, reason) = post;
    let parrot = parrot.with_answer("POST /", status, refusal(status, &reason));
    parrot.start().await
}

#[tokio::test]
async fn a_part_that_exists_and_is_not_shown_is_looked_for_later() {
    let url = forgetful((409, "alreadyExists".into())).await;
    let adapter = adapter(&url, ", anonymous=true", &[]).await;
    for token in ["", "add-network/global/operation-1"] {
        let mut request = vpc_request(NetworkId::generate(), CIDR);
        request.operation_token = token.into();
        let answer = adapter.client.clone().ensure_vpc(request).await;
        let error = cloud_error(answer.unwrap_err());
        assert_eq!(
            (error.kind, error.refused),
            (CloudErrorKind::Unavailable, false),
            "{token:?}: {error}"
        );
    }
}

#[tokio::test]
async fn a_subnet_without_its_network_is_given_up_only_when_the_network_is_gone() {
    let suite = Suite::start().await;
    let network = NetworkId::generate();
    let mut request = vpc_request(network, CIDR);
    let known = suite.complete_vpc(network, CIDR).await;
    request.known = Some(Vpc {
        subnets: Vec::new(),
        ..known
    });
    request.create_part = "subnet".into();
    suite.cloud.gcp_state(|state| {
        state.subnetworks.clear();
        state.networks.clear();
    });
    suite
        .cloud
        .fault(Fault::once("networks.get", FaultKind::Error500));
    let error = cloud_error(suite.ensure_vpc(request.clone()).await.unwrap_err());
    assert_eq!(
        (error.kind, error.refused),
        (CloudErrorKind::Unavailable, true),
        "{error}"
    );
    let error = cloud_error(suite.ensure_vpc(request).await.unwrap_err());
    assert_eq!(
        (error.kind, &*error.reason, error.refused),
        (CloudErrorKind::Terminal, "VPC_MISSING", true),
        "{error}"
    );
}

#[tokio::test]
async fn a_subnet_that_is_not_ours_is_not_removed_with_the_network() {
    let suite = Suite::start().await;
    let network = NetworkId::generate();
    suite.network(network, CIDR).await;
    let describe = |words: &str| {
        suite.cloud.gcp_state(|state| {
            let subnet = state.subnetworks.values_mut().next().unwrap();
            std::mem::replace(&mut subnet.description, words.into())
        })
    };
    let ours = describe("by hand");
    let removal = suite.delete_vpc(delete_vpc_request(network)).await;
    let error = cloud_error(removal.unwrap_err());
    assert_eq!(error.reason, "CLOUD_REFUSED", "{error}");
    assert_eq!(suite.count("*.delete"), 0);
    describe(&ours);
    let removal = suite.delete_vpc(delete_vpc_request(network)).await;
    assert_eq!(removal.unwrap(), Removal::Deleted);
}

#[tokio::test]
async fn a_subnet_that_its_network_does_not_show_yet_is_removed_all_the_same() {
    let network = NetworkId::generate();
    let description = format!("Peerway network {network} of deployment {DEPLOYMENT}");
    let shown = json!({"name": "n", "description": description});
    let subnet = json!({
        "name": "n",
        "description": description,
        "network": format!("projects/{PROJECT}/global/networks/n"),
        "ipCidrRange": CIDR,
    });
    let operation = json!({"kind": "compute#operation", "name": "operation-1"});
    let missing = json!({"error": {
        "code": 404,
        "message": "The resource 'x' was not found",
        "errors": [{"reason": "notFound"}],
    }});
    let url = Parrot::new(missing.to_string())
        .with_status(404)
        .with_answer("DELETE /", 200, operation.to_string())
        .with_answer("/subnetworks/n", 200, subnet.to_string())
        .with_answer("/networks/n", 200, shown.to_string())
        .start()
        .await;
    let adapter = adapter(&url, ", anonymous=true", &[]).await;
    let mut request = delete_vpc_request(network);
    request.known = Some(Vpc {
        vpc_id: "n".into(),
        ..Vpc::default()
    });
    let answer = adapter.client.clone().delete_vpc(request).await.unwrap();
    let token = answer.into_inner().operation_token;
    assert_eq!(token, format!("remove-subnet/{REGION}/operation-1"));
}

#[tokio::test]
async fn a_lost_subnet_is_put_back_and_nothing_else_is_touched() {
    let suite = Suite::start().await;
    let network = NetworkId::generate();
    let vpc = suite.complete_vpc(network, CIDR).await;
    suite.cloud.gcp_state(|state| state.subnetworks.clear());
    suite.cloud.clear_calls();
    let mut request = vpc_request(network, CIDR);
    request.known = Some(Vpc {
        subnets: Vec::new(),
        parts: vec!["network".into()],
        ..vpc.clone()
    });
    request.create_part.clear();
    let look = suite.ensure_vpc(request.clone()).await.unwrap();
    assert_eq!(look.next_part, "subnet");
    request.create_part = look.next_part;
    let begun = suite.ensure_vpc(request.clone()).await.unwrap();
    suite.settle();
    request.operation_token = begun.operation_token;
    let made = suite.ensure_vpc(request).await.unwrap();
    assert_eq!((&*made.next_part, &*made.operation_token), ("", ""));
    assert_eq!(made.vpc.unwrap(), vpc);
    let writes = suite.cloud.calls().into_iter();
    let writes = writes.filter(|call| {
        [".insert", ".delete", ".patch"]
            .iter()
            .any(|end| call.action.ends_with(end))
    });
    let writes: Vec<_> = writes.map(|call| call.action).collect();
    assert_eq!(writes, ["subnetworks.insert"]);
}

#[tokio::test]
async fn a_subnet_that_was_given_up_and_stands_is_taken_back_as_it_is() {
    let suite = Suite::start().await;
    let network = NetworkId::generate();
    let vpc = suite.complete_vpc(network, CIDR).await;
    let mut request = vpc_request(network, CIDR);
    request.known = Some(Vpc {
        vpc_id: vpc.vpc_id.clone(),
        ..Vpc::default()
    });
    request.create_part.clear();
    let look = suite.ensure_vpc(request).await.unwrap();
    assert_eq!((look.next_part.as_str(), look.vpc.unwrap()), ("", vpc));
}
