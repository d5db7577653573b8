//! What the real one refuses.

use aws_sdk_ec2::config::Credentials;

use crate::support::*;

const KEY: &str = "AKIA111122223333SIM0";

#[tokio::test]
async fn requests_that_nobody_signed_well_are_refused() {
    let sim = start().await;
    let form = "content-type: application/x-www-form-urlencoded\r\n";
    let (status, body) = http(
        &sim,
        "POST",
        "/",
        form,
        "Action=DescribeVpcs&Version=2016-11-15",
    )
    .await;
    assert_eq!(
        (status, element(&body, "Code")),
        (403, "MissingAuthenticationToken")
    );
    let stranger = Credentials::new("AKIAIOSFODNN7EXAMPLE", "any", None, None, "test");
    let stranger = client_with(&sim, HERE, stranger);
    assert_eq!(code(stranger.describe_vpcs().send().await), "AuthFailure");
    let nowhere = client(&sim, VENDOR, "eu-nowhere-1");
    assert_eq!(
        code(nowhere.describe_vpcs().send().await),
        "SignatureDoesNotMatch"
    );
}

#[tokio::test]
async fn malformed_calls_are_refused() {
    let sim = start().await;
    let call = async |form: &str| {
        let (status, body) = aws_call(&sim, KEY, None, "ec2", form).await;
        assert_eq!(status, 400, "{body}");
        (
            element(&body, "Code").to_owned(),
            element(&body, "Message").to_owned(),
        )
    };
    let version = "Version=2016-11-15";
    assert_eq!(
        call(&format!("Action=DescribeTheWeather&{version}"))
            .await
            .0,
        "InvalidAction"
    );
    assert_eq!(
        call("Action=DescribeVpcs&Version=2009-01-01").await.0,
        "NoSuchVersion"
    );
    assert_eq!(call(version).await.0, "MissingAction");
    let (code, message) = call(&format!("Action=DescribeVpcs&VpcIds=x&{version}")).await;
    assert_eq!(
        (code.as_str(), message.as_str()),
        ("UnknownParameter", "The parameter VpcIds is not recognized")
    );
    let (code, message) = call(&format!("Action=DeleteVpc&{version}")).await;
    assert_eq!(
        (code.as_str(), message.as_str()),
        (
            "MissingParameter",
            "The request must contain the parameter vpcId"
        )
    );
    assert_eq!(
        call(&format!("Action=DescribeVpcs&MaxResults=many&{version}"))
            .await
            .0,
        "MalformedQueryString"
    );
}

#[tokio::test]
async fn a_dry_run_tells_and_does_nothing() {
    let sim = start().await;
    let vendor = client(&sim, VENDOR, HERE);
    let dry = |cidr: &str| vendor.create_vpc().cidr_block(cidr).dry_run(true).send();
    let answer = dry("10.0.0.0/16").await;
    let status = answer
        .as_ref()
        .unwrap_err()
        .raw_response()
        .unwrap()
        .status()
        .as_u16();
    assert_eq!((code(answer).as_str(), status), ("DryRunOperation", 412));
    assert_eq!(code(dry("10.0.0.0/8").await), "InvalidVpc.Range");
    assert!(
        vendor
            .describe_vpcs()
            .send()
            .await
            .unwrap()
            .vpcs()
            .is_empty()
    );
}

#[tokio::test]
async fn ranges_of_vpcs_are_checked() {
    let sim = start().await;
    let vendor = client(&sim, VENDOR, HERE);
    let create = async |cidr: &str| refused(vendor.create_vpc().cidr_block(cidr).send().await);
    let (code, message) = create("10.0.0.0/8").await;
    assert_eq!(
        (code.as_str(), message.as_str()),
        ("InvalidVpc.Range", "The CIDR '10.0.0.0/8' is invalid.")
    );
    assert_eq!(create("10.0.0.0/29").await.0, "InvalidVpc.Range");
    let (code, message) = create("10.0.0.0").await;
    assert_eq!(code, "InvalidParameterValue");
    assert_eq!(
        message,
        "Value (10.0.0.0) for parameter cidrBlock is invalid. This is not a valid CIDR block."
    );
}

#[tokio::test]
async fn quotas_are_kept() {
    let sim = start_with(|config| {
        config.limits.outstanding_peerings = 2;
        config.limits.active_peerings_per_vpc = 1;
    })
    .await;
    let (vendor, customer) = both(&sim);
    let ours = vpc(&vendor, "10.0.0.0/16").await;
    let mut theirs = vec![];
    for n in 1..=5 {
        theirs.push(vpc(&customer, &format!("10.{n}.0.0/16")).await);
    }
    let sixth = customer.create_vpc().cidr_block("10.9.0.0/16").send().await;
    let (code, message) = refused(sixth);
    assert_eq!(
        (code.as_str(), message.as_str()),
        (
            "VpcLimitExceeded",
            "The maximum number of VPCs has been reached."
        )
    );

    let one = request(&vendor, &ours, &theirs[0]).await;
    let two = request(&vendor, &ours, &theirs[1]).await;
    let create = |peer: &str| {
        let call = vendor
            .create_vpc_peering_connection()
            .vpc_id(&ours)
            .peer_vpc_id(peer);
        call.peer_owner_id(CUSTOMER).send()
    };
    assert_eq!(
        crate::support::code(create(&theirs[2]).await),
        "OutstandingVpcPeeringConnectionLimitExceeded"
    );
    accept(&customer, &one).await;
    let accept = customer
        .accept_vpc_peering_connection()
        .vpc_peering_connection_id(&two)
        .send()
        .await;
    assert_eq!(
        crate::support::code(accept),
        "ActiveVpcPeeringConnectionPerVpcLimitExceeded"
    );
    assert_eq!(
        crate::support::code(create(&theirs[2]).await),
        "VpcPeeringConnectionsPerVpcLimitExceeded"
    );
}

#[tokio::test]
async fn an_empty_bucket_throttles() {
    let sim = start().await;
    sim.clock_freeze(true);
    let (vendor, customer) = both(&sim);
    for _ in 0..100 {
        vendor.describe_vpcs().send().await.unwrap();
    }
    let answer = vendor.describe_vpcs().send().await;
    let status = answer
        .as_ref()
        .unwrap_err()
        .raw_response()
        .unwrap()
        .status()
        .as_u16();
    let (code, message) = refused(answer);
    assert_eq!(
        (status, code.as_str(), message.as_str()),
        (503, "RequestLimitExceeded", "Request limit exceeded.")
    );
    vendor.describe_subnets().send().await.unwrap();
    customer.describe_vpcs().send().await.unwrap();
    sim.clock_advance(std::time::Duration::from_millis(50));
    vendor.describe_vpcs().send().await.unwrap();
    sim.configure(|config| config.rates.enabled = false);
    vendor.describe_vpcs().send().await.unwrap();
}
