//! The firewall rule of a network at GCP.

use api::provider::v1::{EnsureFirewallRequest, EnsureFirewallResponse, Vpc};
use cloudsim::{Fault, FaultKind};
use serde_json::{Value, json};
use types::NetworkId;

use crate::gcp_support::*;
use crate::support::cloud_error;

/// A suite with one network.
struct Walled {
    suite: Suite,
    request: EnsureFirewallRequest,
}

impl Walled {
    async fn start() -> Self {
        let suite = Suite::start().await;
        let network = NetworkId::generate();
        let vpc = suite.complete_vpc(network, CIDR).await;
        suite.cloud.clear_calls();
        let request = EnsureFirewallRequest {
            r#ref: Some(vpc_ref(network)),
            known: Some(vpc),
            cidrs: Vec::new(),
            ports: Vec::new(),
            operation_token: String::new(),
        };
        Self { suite, request }
    }

    async fn ask(&mut self, cidrs: &[&str], ports: &[i32]) -> EnsureFirewallResponse {
        self.request.cidrs = cidrs.iter().map(|cidr| (*cidr).to_owned()).collect();
        self.request.ports = ports.to_vec();
        let answer = self
            .suite
            .client()
            .ensure_firewall(self.request.clone())
            .await;
        let answer = answer.unwrap().into_inner();
        self.request.operation_token = answer.operation_token.clone();
        answer
    }

    /// Asks until the firewall is as wanted.
    async fn ensure(&mut self, cidrs: &[&str], ports: &[i32]) {
        while !self.ask(cidrs, ports).await.complete {
            self.suite.settle();
        }
        assert!(self.request.operation_token.is_empty());
    }

    fn rules(&self) -> Vec<Value> {
        self.suite.cloud.gcp_state(|state| {
            let rules = state.firewalls.values();
            rules.map(|one| Value::Object(one.rule.clone())).collect()
        })
    }

    fn known(&self) -> &Vpc {
        self.request.known.as_ref().unwrap()
    }
}

const ONE: &str = "10.1.0.0/24";
const TWO: &str = "10.2.0.0/24";

#[tokio::test]
async fn a_firewall_is_exactly_what_is_wanted() {
    let mut walled = Walled::start().await;
    let begun = walled.ask(&[ONE, TWO], &[443, 5432]).await;
    assert!(!begun.complete && !begun.operation_token.is_empty());
    assert_eq!(walled.ask(&[ONE, TWO], &[443, 5432]).await, begun);
    walled.suite.settle();
    walled.ensure(&[TWO, ONE], &[5432, 443]).await;
    let rules = walled.rules();
    assert_eq!(rules.len(), 1);
    assert_eq!(rules[0]["sourceRanges"], json!([ONE, TWO]));
    assert_eq!(
        rules[0]["allowed"],
        json!([{"IPProtocol": "tcp", "ports": ["443", "5432"]}])
    );
    assert_eq!(rules[0]["direction"], "INGRESS");
    assert_eq!(walled.suite.count("firewalls.insert"), 1);

    walled.ensure(&[TWO], &[443]).await;
    assert_eq!(walled.rules()[0]["sourceRanges"], json!([TWO]));
    assert_eq!(
        walled.rules()[0]["allowed"],
        json!([{"IPProtocol": "tcp", "ports": ["443"]}])
    );
    walled.suite.cloud.clear_calls();
    walled.ensure(&[TWO], &[443]).await;
    assert_eq!(walled.suite.count("*"), walled.suite.count("firewalls.get"));
}

#[tokio::test]
async fn an_empty_list_is_no_rule_and_never_a_rule_for_everybody() {
    let mut walled = Walled::start().await;
    walled.ensure(&[], &[443]).await;
    assert_eq!(walled.suite.count("firewalls.insert"), 0);
    for (cidrs, ports) in [(&[][..], &[443][..]), (&[ONE], &[])] {
        walled.ensure(&[ONE], &[443]).await;
        assert_eq!(walled.rules().len(), 1);
        walled.ensure(cidrs, ports).await;
        assert!(walled.rules().is_empty());
    }
    let written = ["firewalls.insert", "firewalls.update", "firewalls.patch"];
    let written = written
        .iter()
        .flat_map(|action| walled.suite.cloud.calls_of(action));
    for call in written {
        assert!(
            call.params
                .keys()
                .any(|name| name.starts_with("sourceRanges")),
            "{call:?}"
        );
    }
}

#[tokio::test]
async fn what_somebody_else_changed_is_put_right() {
    let mut walled = Walled::start().await;
    walled.ensure(&[ONE], &[443]).await;
    for (field, value) in [
        ("sourceRanges", json!(["0.0.0.0/0"])),
        ("disabled", json!(true)),
        ("allowed", json!([{"IPProtocol": "all"}])),
    ] {
        walled.suite.cloud.gcp_state(|state| {
            let rule = state.firewalls.values_mut().next().unwrap();
            rule.rule.insert(field.to_owned(), value);
        });
        walled.ensure(&[ONE], &[443]).await;
        let rule = &walled.rules()[0];
        assert_eq!(rule["sourceRanges"], json!([ONE]));
        assert_ne!(rule["disabled"], true);
        assert_eq!(
            rule["allowed"],
            json!([{"IPProtocol": "tcp", "ports": ["443"]}])
        );
    }
}

#[tokio::test]
async fn a_rule_of_our_network_is_ours_whatever_is_written_on_it() {
    let mut walled = Walled::start().await;
    walled.ensure(&[ONE], &[443]).await;
    let described = walled.rules()[0]["description"].clone();
    let scribble = |walled: &Walled| {
        walled.suite.cloud.gcp_state(|state| {
            let rule = state.firewalls.values_mut().next().unwrap();
            rule.rule.insert("description".to_owned(), json!("by hand"));
        });
    };
    scribble(&walled);
    walled.ensure(&[ONE], &[443]).await;
    assert_eq!(walled.rules()[0]["description"], described);
    // What is on it keeps nothing open.
    scribble(&walled);
    walled.ensure(&[], &[443]).await;
    assert!(walled.rules().is_empty());
}

#[tokio::test]
async fn a_rule_of_that_name_in_another_network_is_left_alone() {
    let mut walled = Walled::start().await;
    walled.ensure(&[ONE], &[443]).await;
    let other = format!("projects/{PROJECT}/global/networks/other");
    walled.suite.cloud.gcp_state(|state| {
        let rule = state.firewalls.values_mut().next().unwrap();
        rule.rule.insert("description".to_owned(), json!("by hand"));
        rule.network = other;
    });
    let answer = walled
        .suite
        .client()
        .ensure_firewall(walled.request.clone())
        .await;
    let error = cloud_error(answer.unwrap_err());
    assert_eq!(error.reason, "CLOUD_REFUSED", "{error}");
    // Nor does it go with the network.
    let network = walled.request.r#ref.clone().unwrap().network_id;
    let removal = delete_vpc_request(network.parse().unwrap());
    let error = cloud_error(walled.suite.delete_vpc(removal).await.unwrap_err());
    assert_eq!(error.reason, "CLOUD_REFUSED", "{error}");
    assert_eq!(walled.suite.count("firewalls.delete"), 0);
}

#[tokio::test]
async fn the_firewall_goes_with_its_network() {
    let mut walled = Walled::start().await;
    walled.ensure(&[ONE], &[443]).await;
    let network = walled.request.r#ref.clone().unwrap().network_id;
    let mut request = delete_vpc_request(network.parse().unwrap());
    request.known = Some(walled.known().clone());
    walled.suite.cloud.clear_calls();
    walled.suite.delete_vpc(request).await.unwrap();
    assert!(walled.rules().is_empty());
    assert!(walled.suite.cloud.gcp_networks(PROJECT).is_empty());
}

#[tokio::test]
async fn a_lost_answer_is_found_by_the_next_look() {
    let mut walled = Walled::start().await;
    walled
        .suite
        .cloud
        .fault(Fault::once("firewalls.insert", FaultKind::LostAnswer));
    walled.request.cidrs = vec![ONE.into()];
    walled.request.ports = vec![443];
    let answer = walled
        .suite
        .client()
        .ensure_firewall(walled.request.clone())
        .await;
    assert!(!cloud_error(answer.unwrap_err()).refused);
    walled.suite.settle();
    walled.ensure(&[ONE], &[443]).await;
    assert_eq!(walled.suite.count("firewalls.insert"), 1);
}
