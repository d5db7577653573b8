//! What public tools see: reflection, health, and EC2 through the `aws` command.

use std::process::{Output, Stdio};

use e2e::{CUSTOMER, Suite, python::venv};
use serde_json::{Value, json};
use tokio::process::Command;

async fn buf(arguments: &[&str]) -> Output {
    let buf =
        std::env::var("PEERWAY_TEST_BUF").expect("PEERWAY_TEST_BUF is not set: run `make test`");
    Command::new(buf)
        .args(["curl", "--protocol", "grpc", "--http2-prior-knowledge"])
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .await
        .expect("buf runs")
}

async fn call(address: &str, method: &str, request: Value) -> Result<Value, String> {
    let output = buf(&["-d", &request.to_string(), &format!("{address}/{method}")]).await;
    if output.status.success() {
        return Ok(serde_json::from_slice(&output.stdout).expect("buf prints JSON"));
    }
    Err(String::from_utf8_lossy(&output.stderr).into_owned())
}

#[tokio::test]
async fn buf_lists_and_calls_everything_by_reflection() {
    let suite = Suite::standalone().await;
    let queue = "peerway.queue.v1.QueueService";
    for (service, names) in [
        ("network", vec!["peerway.network.v1.NetworkService", queue]),
        ("peering", vec!["peerway.peering.v1.PeeringService", queue]),
        (
            "provider-adapter",
            vec!["peerway.provider.v1.ProviderService"],
        ),
    ] {
        let is_own = |method: &&str| names.iter().any(|name| method.starts_with(name));
        let address = suite.address(service);
        let listed = buf(&["--list-methods", &address]).await;
        let methods = String::from_utf8_lossy(&listed.stdout).into_owned();
        let own: Vec<&str> = methods.lines().filter(is_own).collect();
        assert!(
            own.len() >= 11 * names.len() - 2,
            "{service} lists {methods}"
        );
        let foreign = methods
            .lines()
            .find(|method| method.starts_with("peerway.") && !is_own(method));
        assert_eq!(foreign, None, "{service} lists what it does not serve");
        assert!(
            methods.contains("grpc.health.v1.Health/Check"),
            "{service} lists {methods}"
        );
        for method in own {
            // Each is callable without proto files; an empty request is refused, and never as INTERNAL.
            if let Err(refused) = call(&address, method, json!({})).await {
                assert!(
                    !refused.contains("\"internal\"") && !refused.contains("\"unknown\""),
                    "{method}: {refused}"
                );
            }
        }
        let health = call(&address, "grpc.health.v1.Health/Check", json!({}))
            .await
            .expect("health answers");
        assert_eq!(health["status"], "SERVING", "{service}");
    }
}

#[tokio::test]
async fn the_aws_command_works_as_for_a_customer() {
    let suite = Suite::standalone().await;
    let endpoint = suite.cloudsim().endpoint();
    let aws = async |arguments: &[&str]| -> Value {
        let output = Command::new(venv("aws"))
            .args([
                "--endpoint-url",
                &endpoint,
                "--region",
                "eu-west-1",
                "--output",
                "json",
                "ec2",
            ])
            .args(arguments)
            .env("AWS_ACCESS_KEY_ID", format!("AKIA{CUSTOMER}SIM0"))
            .env("AWS_SECRET_ACCESS_KEY", "secret")
            .env("AWS_CONFIG_FILE", "/dev/null")
            .output()
            .await
            .expect("aws runs");
        assert!(
            output.status.success(),
            "{arguments:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        serde_json::from_slice(&output.stdout).unwrap_or_default()
    };
    let network = suite.network("eu-west-1", "10.20.0.0/16").await;
    let vpc = aws(&["create-vpc", "--cidr-block", "10.1.0.0/16"]).await;
    let vpc = vpc["Vpc"]["VpcId"].as_str().expect("an id").to_owned();
    let peering = suite.peer(&network, &vpc, "10.1.0.0/16").await;
    let waiting = suite
        .until(
            &peering,
            api::peering::v1::peering::State::PendingAcceptance,
        )
        .await;
    let pcx = waiting.provider_peering_id.as_str();
    aws(&[
        "accept-vpc-peering-connection",
        "--vpc-peering-connection-id",
        pcx,
    ])
    .await;
    suite
        .until(&peering, api::peering::v1::peering::State::Active)
        .await;
    let tables = aws(&[
        "describe-route-tables",
        "--filters",
        &format!("Name=vpc-id,Values={vpc}"),
    ])
    .await;
    let table = tables["RouteTables"][0]["RouteTableId"]
        .as_str()
        .expect("a main table")
        .to_owned();
    let route = [
        "create-route",
        "--route-table-id",
        &table,
        "--destination-cidr-block",
        "10.20.0.0/16",
    ];
    aws(&[&route[..], &["--vpc-peering-connection-id", pcx]].concat()).await;
}

#[tokio::test]
async fn address_space_and_limits_are_told_to_public_tools() {
    let suite = Suite::standalone().await;
    suite.network("eu-west-1", "10.20.0.0/16").await;
    let address = suite.address("network");
    let ask = async |method: &str, request: Value| {
        let method = format!("peerway.network.v1.NetworkService/{method}");
        let answer = call(&address, &method, request).await;
        answer.unwrap_or_else(|refused| panic!("{method}: {refused}"))
    };
    let place = json!({"tenant_id": "acme", "provider": "PROVIDER_AWS", "region": "eu-west-1"});
    let with = |name: &str, value: Value| {
        let mut request = place.clone();
        request[name] = value;
        request
    };
    let free = ask("CheckCidr", with("cidr", json!("10.30.0.0/16"))).await;
    assert_eq!(free, json!({"usable": true}));
    let taken = ask("CheckCidr", with("cidr", json!("10.20.0.0/17"))).await;
    assert_eq!(taken["usable"], true, "apart networks may overlap: {taken}");
    let warning = &taken["findings"][0];
    assert_eq!(warning["severity"], "SEVERITY_WARNING");
    assert_eq!(warning["reason"], "CIDR_OVERLAP_NETWORK");
    assert_eq!(warning["otherCidr"], "10.20.0.0/16");
    let reserved = ask("CheckCidr", with("cidr", json!("10.3.1.0/24"))).await;
    assert_eq!(reserved["findings"][0]["reason"], "CIDR_RESERVED");
    assert!(reserved.get("usable").is_none());
    let suggested = reserved["suggestions"].as_array().map_or(0, Vec::len);
    assert_eq!(suggested, 5, "{reserved}");

    let regions = ask("ListRegions", json!({"tenant_id": "acme"})).await;
    let regions = regions["regions"].as_array().expect("regions");
    for (provider, name) in [
        ("PROVIDER_AWS", "eu-west-1"),
        ("PROVIDER_GCP", "europe-west1"),
    ] {
        let is_it = |one: &&Value| one["provider"] == provider && one["name"] == name;
        let found = regions.iter().find(is_it).expect("the region");
        assert_eq!(found["shortestPrefix"], 16);
    }

    let limits = ask("GetTenantLimits", json!({"tenant_id": "acme"})).await;
    let networks = json!({"name": "networks", "used": 1, "limit": 20});
    let limits = limits["limits"].as_array().expect("limits");
    assert!(limits.contains(&networks), "{limits:?}");
}
