//! Assumed roles.

use aws_sdk_ec2::config::Credentials;

use crate::support::*;

const KEY: &str = "AKIA111122223333SIM0";
const FORM: &str = "Version=2011-06-15&Action=AssumeRole&RoleSessionName=peerway\
                    &RoleArn=arn%3Aaws%3Aiam%3A%3A222233334444%3Arole%2Fvpc%2Fpeer";

#[tokio::test]
async fn an_assumed_role_acts_for_its_account_until_it_expires() {
    let sim = start().await;
    let (status, body) = aws_call(&sim, KEY, None, "sts", FORM).await;
    assert_eq!(status, 200, "{body}");
    assert_eq!(
        element(&body, "Arn"),
        "arn:aws:sts::222233334444:assumed-role/peer/peerway"
    );
    let (key, token) = (
        element(&body, "AccessKeyId"),
        element(&body, "SessionToken"),
    );
    let credentials =
        |token: Option<&str>| Credentials::new(key, "any", token.map(str::to_owned), None, "test");
    let customer = client_with(&sim, HERE, credentials(Some(token)));
    let created = customer
        .create_vpc()
        .cidr_block("10.0.0.0/16")
        .send()
        .await
        .unwrap();
    assert_eq!(created.vpc().unwrap().owner_id(), Some(CUSTOMER));
    let without = client_with(&sim, HERE, credentials(None))
        .describe_vpcs()
        .send()
        .await;
    assert_eq!(code(without), "AuthFailure");

    let who = "Version=2011-06-15&Action=GetCallerIdentity";
    let (_, body) = aws_call(&sim, key, Some(token), "sts", who).await;
    assert_eq!(element(&body, "Account"), CUSTOMER);
    sim.clock_advance(HOUR);
    assert_eq!(
        code(customer.describe_vpcs().send().await),
        "RequestExpired"
    );
    let (status, body) = aws_call(&sim, key, Some(token), "sts", who).await;
    assert_eq!((status, element(&body, "Code")), (403, "ExpiredToken"));
}

#[tokio::test]
async fn a_role_may_ask_for_an_external_id() {
    let sim = start_with(|config| {
        let role = "arn:aws:iam::222233334444:role/vpc/peer".to_owned();
        config.external_ids.insert(role, "secret".to_owned());
    })
    .await;
    let (status, body) = aws_call(&sim, KEY, None, "sts", FORM).await;
    assert_eq!((status, element(&body, "Code")), (403, "AccessDenied"));
    let (status, _) = aws_call(&sim, KEY, None, "sts", &format!("{FORM}&ExternalId=secret")).await;
    assert_eq!(status, 200);
    let (status, body) = aws_call(
        &sim,
        KEY,
        None,
        "sts",
        "Version=2011-06-15&Action=AssumeRole&RoleArn=x",
    )
    .await;
    assert_eq!((status, element(&body, "Code")), (400, "ValidationError"));
}
