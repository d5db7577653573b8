//! Networks whose range Peerway chooses.

use api::network::v1::CreateNetworkRequest;
use api::network::v1::network::State as NetworkState;
use e2e::{Suite, VENDOR, filter, network_wish};
use serde_json::json;

const REGION: &str = "eu-west-1";

#[tokio::test]
async fn two_networks_asked_for_at_once_get_blocks_of_their_own() {
    let suite = Suite::three().await;
    let ask = async |name: &str| {
        let wish = CreateNetworkRequest {
            prefix_length: 20,
            ..network_wish(REGION, name)
        };
        let answer = suite.networks().create_network(wish).await;
        let network = answer.expect("a free block").into_inner().network;
        let id = network.expect("a network").id;
        suite.until_network(&id, NetworkState::Active).await
    };
    let (first, second) = tokio::join!(ask("first"), ask("second"));
    assert_ne!(first.cidr, second.cidr);
    for network in [first, second] {
        assert!(network.cidr.ends_with(".0/20"), "{}", network.cidr);
        let request = json!({"Filters": [filter("cidr", &network.cidr)]});
        let vpcs = suite
            .customer
            .call(VENDOR, REGION, "describe_vpcs", request);
        let vpcs = vpcs.await.expect("a listing");
        let vpcs = vpcs["Vpcs"].as_array().expect("a list");
        let ids = vpcs.iter().map(|vpc| &vpc["VpcId"]);
        assert_eq!(Vec::from_iter(ids), [&json!(network.provider_vpc_id)]);
    }
}
