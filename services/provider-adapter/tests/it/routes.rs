//! The vendor's routes: in every table, nothing else, a few at a time.

use api::cloud::CloudErrorKind;
use api::provider::v1::route::State;
use api::provider::v1::{EnsureRoutesRequest, EnsureRoutesResponse, Route};
use cloudsim::{Fault, FaultKind};
use types::{NetworkId, PeeringId};

use crate::support::*;

struct Wired {
    suite: Suite,
    network: NetworkId,
    vpc: String,
    first: String,
    second: String,
}

impl Wired {
    /// A VPC with three route tables and two active peerings.
    async fn start() -> Self {
        let suite = Suite::start().await;
        let vpc = suite.vendor_vpc("10.20.0.0/16").await;
        for _ in 0..2 {
            suite
                .vendor()
                .create_route_table()
                .vpc_id(&vpc)
                .send()
                .await
                .unwrap();
        }
        let first = Self::peer(&suite, &vpc, "10.30.0.0/16").await;
        let second = Self::peer(&suite, &vpc, "10.40.0.0/16").await;
        Self {
            suite,
            network: NetworkId::generate(),
            vpc,
            first,
            second,
        }
    }

    async fn peer(suite: &Suite, vpc: &str, cidr: &str) -> String {
        let peer_vpc = suite.customer_vpc(cidr).await;
        let request = peering_request(PeeringId::generate(), 1, vpc, &peer_vpc);
        let id = suite
            .ensure_peering(request)
            .await
            .unwrap()
            .provider_peering_id;
        let customer = suite.customer();
        customer
            .accept_vpc_peering_connection()
            .vpc_peering_connection_id(&id)
            .send()
            .await
            .unwrap();
        id
    }

    async fn ensure(&self, wanted: &[(&str, &str)]) -> Result<EnsureRoutesResponse, tonic::Status> {
        let route = |(cidr, id): &(&str, &str)| Route {
            cidr: (*cidr).into(),
            provider_peering_id: (*id).into(),
            state: 0,
        };
        let request = EnsureRoutesRequest {
            r#ref: Some(vpc_ref(self.network)),
            vpc_id: self.vpc.clone(),
            wanted: wanted.iter().map(route).collect(),
        };
        Ok(self
            .suite
            .client()
            .ensure_routes(request)
            .await?
            .into_inner())
    }

    /// How many routes to peerings stand in all tables of the VPC.
    fn count(&self) -> usize {
        self.suite.cloud.state(|state| {
            let tables = state
                .route_tables
                .values()
                .filter(|table| table.vpc_id == self.vpc);
            let routes = tables.flat_map(|table| &table.routes);
            routes
                .filter(|route| matches!(route.target, cloudsim::ec2::state::Target::Peering(_)))
                .count()
        })
    }
}

fn states(answer: &EnsureRoutesResponse) -> Vec<State> {
    answer.routes.iter().map(Route::state).collect()
}

#[tokio::test]
async fn routes_stand_in_every_table_and_go_when_they_are_not_wanted() {
    let wired = Wired::start().await;
    let both = [
        ("10.30.0.0/16", wired.first.as_str()),
        ("10.40.0.0/16", wired.second.as_str()),
    ];
    let answer = wired.ensure(&both).await.unwrap();
    assert!(answer.complete);
    assert_eq!(states(&answer), [State::Active, State::Active]);
    assert_eq!(wired.count(), 6);

    wired.suite.cloud.clear_calls();
    assert!(wired.ensure(&both).await.unwrap().complete);
    assert_eq!(wired.suite.cloud.calls().len(), 1);

    let swapped = [("10.30.0.0/16", wired.second.as_str())];
    assert!(wired.ensure(&swapped).await.unwrap().complete);
    assert_eq!(wired.suite.cloud.calls_of("ReplaceRoute").len(), 3);
    assert_eq!(wired.suite.cloud.calls_of("DeleteRoute").len(), 3);
    assert_eq!(wired.count(), 3);

    assert!(wired.ensure(&[]).await.unwrap().complete);
    assert_eq!(wired.count(), 0);
}

#[tokio::test]
async fn many_routes_take_several_calls() {
    let wired = Wired::start().await;
    let cidrs: Vec<String> = (0..10).map(|n| format!("10.50.{n}.0/24")).collect();
    let wanted: Vec<_> = cidrs
        .iter()
        .map(|cidr| (cidr.as_str(), wired.first.as_str()))
        .collect();
    let first = wired.ensure(&wanted).await.unwrap();
    assert!(!first.complete);
    assert_eq!(wired.count(), 20);
    assert!(wired.ensure(&wanted).await.unwrap().complete);
    assert_eq!(wired.count(), 30);
}

#[tokio::test]
async fn a_route_whose_peering_has_ended_shows_as_a_blackhole() {
    let wired = Wired::start().await;
    let wanted = [("10.30.0.0/16", wired.first.as_str())];
    wired.ensure(&wanted).await.unwrap();
    let customer = wired.suite.customer();
    let call = customer
        .delete_vpc_peering_connection()
        .vpc_peering_connection_id(&wired.first);
    call.send().await.unwrap();
    let answer = wired.ensure(&wanted).await.unwrap();
    assert_eq!(states(&answer), [State::Blackhole]);
    assert!(wired.ensure(&[]).await.unwrap().complete);
    assert_eq!(wired.count(), 0);
}

#[tokio::test]
async fn a_target_that_is_not_there_leaves_the_route_missing() {
    let wired = Wired::start().await;
    let answer = wired
        .ensure(&[("10.30.0.0/16", "pcx-00000000000000000")])
        .await
        .unwrap();
    assert!(!answer.complete);
    assert_eq!(states(&answer), [State::Missing]);
}

#[tokio::test]
async fn a_full_table_is_named() {
    let wired = Wired::start().await;
    wired
        .suite
        .cloud
        .configure(|config| config.limits.routes_per_table = 1);
    let status = wired
        .ensure(&[
            ("10.30.0.0/16", &wired.first),
            ("10.40.0.0/16", &wired.second),
        ])
        .await;
    assert_eq!(cloud_error(status.unwrap_err()).reason, "ROUTE_TABLE_FULL");
}

#[tokio::test]
async fn a_vpc_that_is_gone_has_no_routes_left_to_remove() {
    let wired = Wired::start().await;
    wired.suite.cloud.vanish(&wired.vpc);
    assert!(wired.ensure(&[]).await.unwrap().complete);
    let error = cloud_error(
        wired
            .ensure(&[("10.30.0.0/16", &wired.first)])
            .await
            .unwrap_err(),
    );
    assert!(
        error.refused && error.message.contains(&wired.vpc),
        "{error}"
    );
}

#[tokio::test]
async fn a_route_that_cannot_be_made_keeps_no_other_from_being_tried() {
    let wired = Wired::start().await;
    let refusal = Fault::once("CreateRoute", FaultKind::Unauthorized);
    wired.suite.cloud.fault(refusal);
    let both = [
        ("10.30.0.0/16", wired.first.as_str()),
        ("10.40.0.0/16", wired.second.as_str()),
    ];
    let error = cloud_error(wired.ensure(&both).await.unwrap_err());
    assert_eq!(error.kind, CloudErrorKind::Unauthorized);
    assert_eq!(wired.count(), 5);
    assert!(wired.ensure(&both).await.unwrap().complete);
    assert_eq!(wired.count(), 6);
}

#[tokio::test]
async fn what_is_not_wanted_goes_from_every_table_before_anything_is_made() {
    let wired = Wired::start().await;
    let first = [("10.30.0.0/16", wired.first.as_str())];
    wired.ensure(&first).await.unwrap();
    wired.suite.cloud.clear_calls();
    let refusals = Fault::always("CreateRoute", FaultKind::Unauthorized);
    wired.suite.cloud.fault(refusals);
    let second = [("10.40.0.0/16", wired.second.as_str())];
    wired.ensure(&second).await.unwrap_err();
    assert_eq!(wired.count(), 0);
    let writes: Vec<String> = wired
        .suite
        .cloud
        .calls_of("*Route")
        .into_iter()
        .map(|call| call.action)
        .collect();
    let (deletions, creations) = writes.split_at(3);
    assert!(
        deletions.iter().all(|action| action == "DeleteRoute"),
        "{writes:?}"
    );
    assert_eq!(creations, ["CreateRoute"; 3]);
}

#[tokio::test]
async fn a_throttled_write_ends_the_call() {
    let wired = Wired::start().await;
    let throttle = Fault::always("CreateRoute", FaultKind::Throttle);
    wired.suite.cloud.fault(throttle);
    let wanted = [("10.30.0.0/16", wired.first.as_str())];
    let error = cloud_error(wired.ensure(&wanted).await.unwrap_err());
    assert_eq!(error.kind, CloudErrorKind::Throttled);
    assert_eq!(wired.suite.cloud.calls_of("CreateRoute").len(), 1);
}
