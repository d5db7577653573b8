//! Bearer tokens: who is believed, for how long, and where.

use std::time::{SystemTime, UNIX_EPOCH};

use cloudsim::Cloudsim;
use serde_json::{Value, json};

use crate::gce_support::*;
use crate::support::*;

const COMPUTE: &str = "https://www.googleapis.com/auth/compute";
const JWT_BEARER: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";

fn now_s() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.unwrap().as_secs()
}

/// What a service account says of itself, with `more` over it.
fn claims(key: &Value, more: Value) -> Value {
    let (email, now) = (email(key), now_s());
    let mut claims = json!({ "iss": email, "sub": email, "iat": now, "exp": now + 3600 });
    let fields = claims.as_object_mut().unwrap();
    fields.extend(more.as_object().unwrap().clone());
    claims
}

async fn list(sim: &Cloudsim, token: &str) -> (u16, Value) {
    let path = format!("{OURS}/global/networks");
    compute(sim, Some(token), "GET", &path, None).await
}

async fn exchange(sim: &Cloudsim, assertion: &str) -> (u16, Value) {
    let form: String = url::form_urlencoded::Serializer::new(String::new())
        .append_pair("grant_type", JWT_BEARER)
        .append_pair("assertion", assertion)
        .finish();
    let headers = "content-type: application/x-www-form-urlencoded\r\n";
    let (status, body) = http(sim, "POST", "/token", headers, &form).await;
    (status, serde_json::from_str(&body).unwrap())
}

/// An opaque token out of an assertion.
async fn token(sim: &Cloudsim, key: &Value, scope: &str) -> String {
    let more = json!({ "aud": key["token_uri"], "scope": scope });
    let (status, answer) = exchange(sim, &signed(key, &claims(key, more))).await;
    assert_eq!((status, &answer["expires_in"]), (200, &json!(3600)));
    answer["access_token"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_jwt_signed_for_compute_or_with_a_scope_of_its_is_believed() {
    let sim = start().await;
    let key = key(&sim, OURS);
    for more in [
        json!({ "aud": "https://compute.googleapis.com/" }),
        json!({ "aud": null, "scope": COMPUTE }),
        json!({ "scope": "openid https://www.googleapis.com/auth/cloud-platform" }),
        // As the Rust SDK does against clocks that differ.
        json!({ "scope": COMPUTE, "iat": now_s() - 10, "exp": now_s() + 3610 }),
    ] {
        let jwt = signed(&key, &claims(&key, more.clone()));
        assert_eq!(list(&sim, &jwt).await.0, 200, "{more}");
    }
}

#[tokio::test]
async fn a_jwt_that_is_wrong_in_any_part_is_refused() {
    let sim = start().await;
    let (ours, theirs) = (key(&sim, OURS), key(&sim, THEIRS));
    let good = json!({ "scope": COMPUTE });
    let forged = signed(&theirs, &claims(&ours, good.clone()));
    let mut stranger = ours.clone();
    stranger["client_email"] = json!("nobody@vendor-prod.iam.gserviceaccount.com");
    let unknown = signed(&stranger, &claims(&stranger, good));
    let bad = |more: Value| signed(&ours, &claims(&ours, more));
    for jwt in [
        forged,
        unknown,
        "a.b.c".to_owned(),
        bad(json!({ "scope": COMPUTE, "iat": now_s() - 7200, "exp": now_s() - 3600 })),
        bad(json!({ "scope": COMPUTE, "exp": now_s() + 7200 })),
        bad(json!({ "scope": COMPUTE, "iat": now_s() + 600, "exp": now_s() + 3600 })),
        bad(json!({ "scope": COMPUTE, "sub": "somebody@example.com" })),
        bad(json!({ "scope": COMPUTE, "aud": "https://compute.googleapis.com/" })),
        bad(json!({})),
    ] {
        assert_eq!(reason(&list(&sim, &jwt).await), (401, "authError"), "{jwt}");
    }
    let (_, answer) = list(&sim, "a.b.c").await;
    assert_eq!(answer["error"]["status"], "UNAUTHENTICATED");
    let detail = &answer["error"]["errors"][0];
    assert_eq!(detail["message"], "Invalid Credentials");
    let elsewhere = [
        json!({ "aud": "https://pubsub.googleapis.com/" }),
        json!({ "scope": "https://www.googleapis.com/auth/pubsub" }),
    ];
    for more in elsewhere {
        let answer = list(&sim, &bad(more)).await;
        assert_eq!(reason(&answer), (403, "insufficientPermissions"));
    }
}

#[tokio::test]
async fn a_call_without_a_token_is_told_so() {
    let sim = start().await;
    sim.gcp_project(OURS);
    let path = format!("{OURS}/global/networks");
    let answer = compute(&sim, None, "GET", &path, None).await;
    assert_eq!(reason(&answer), (401, "required"));
    let message = answer.1["error"]["message"].as_str().unwrap();
    assert!(message.starts_with("Request is missing required authentication credential."));
    let call = sim.calls_of("networks.list").pop().unwrap();
    assert_eq!(
        (call.service.as_str(), call.account.as_str()),
        ("compute", OURS)
    );
    assert_eq!(call.outcome, "required");
}

#[tokio::test]
async fn a_token_is_exchanged_and_lives_an_hour_of_the_cloud() {
    let sim = start().await;
    let key = key(&sim, OURS);
    let token = token(&sim, &key, COMPUTE).await;
    assert_eq!(list(&sim, &token).await.0, 200);
    sim.clock_advance(HOUR - WHILE);
    assert_eq!(list(&sim, &token).await.0, 200);
    sim.clock_advance(WHILE);
    assert_eq!(
        reason(&list(&sim, &token).await),
        (401, "authError"),
        "expired"
    );
    let jwt = signed(&key, &claims(&key, json!({ "scope": COMPUTE })));
    assert_eq!(
        list(&sim, &jwt).await.0,
        200,
        "JWTs go by the client's clock"
    );
}

#[tokio::test]
async fn a_token_that_may_only_read_changes_nothing() {
    let sim = start().await;
    let scope = format!("{COMPUTE}.readonly");
    let token = token(&sim, &key(&sim, OURS), &scope).await;
    assert_eq!(list(&sim, &token).await.0, 200);
    let path = format!("{OURS}/global/networks");
    let body = json!({ "name": "db", "autoCreateSubnetworks": false });
    let answer = compute(&sim, Some(&token), "POST", &path, Some(body)).await;
    assert_eq!(reason(&answer), (403, "insufficientPermissions"));
}

#[tokio::test]
async fn a_bad_assertion_is_refused_as_oauth_does() {
    let sim = start().await;
    let (ours, theirs) = (key(&sim, OURS), key(&sim, THEIRS));
    let good = json!({ "aud": "https://oauth2.googleapis.com/token", "scope": COMPUTE });
    let with = |more: Value| {
        let mut all = good.clone();
        let fields = all.as_object_mut().unwrap();
        fields.extend(more.as_object().unwrap().clone());
        claims(&ours, all)
    };
    let good = signed(&ours, &with(json!({})));
    assert_eq!(exchange(&sim, &good).await.0, 200);
    for (assertion, code) in [
        (signed(&theirs, &with(json!({}))), "invalid_grant"),
        (
            signed(&ours, &with(json!({ "aud": "https://example.com" }))),
            "invalid_grant",
        ),
        (
            signed(&ours, &with(json!({ "exp": now_s() - 1 }))),
            "invalid_grant",
        ),
        (
            signed(&ours, &with(json!({ "iss": "a@b.c", "sub": "a@b.c" }))),
            "invalid_grant",
        ),
        (
            signed(&ours, &with(json!({ "scope": " " }))),
            "invalid_scope",
        ),
        (
            signed(&ours, &with(json!({ "sub": "boss@example.com" }))),
            "unauthorized_client",
        ),
        ("nonsense".to_owned(), "invalid_grant"),
        (String::new(), "invalid_request"),
    ] {
        let (status, answer) = exchange(&sim, &assertion).await;
        assert_eq!((status, &answer["error"]), (400, &json!(code)), "{answer}");
    }
    let (status, body) = http(&sim, "POST", "/token", "", "grant_type=password").await;
    assert_eq!(status, 400);
    assert!(body.contains("unsupported_grant_type"), "{body}");
}

#[tokio::test]
async fn revoked_tokens_are_refused_and_new_ones_are_not() {
    let sim = start().await;
    let key = key(&sim, OURS);
    let old = signed(
        &key,
        &claims(&key, json!({ "scope": COMPUTE, "iat": now_s() - 5 })),
    );
    let opaque = token(&sim, &key, COMPUTE).await;
    assert_eq!(
        (list(&sim, &old).await.0, list(&sim, &opaque).await.0),
        (200, 200)
    );
    let (status, _) = gcp_call(&sim, "POST", "/tokens/revoke", None).await;
    assert_eq!(status, 200);
    for token in [&old, &opaque] {
        assert_eq!(reason(&list(&sim, token).await), (401, "authError"));
    }
    let new = signed(&key, &claims(&key, json!({ "scope": COMPUTE })));
    assert_eq!(list(&sim, &new).await.0, 200);
}

#[tokio::test]
async fn impersonation_checks_permission_scope_lifetime_and_every_delegate() {
    let sim = start().await;
    let helper = sim.gcp_service_account(OURS, "helper", &[]);
    let middle = sim.gcp_service_account("between", "middle", &[]);
    let target = key(&sim, THEIRS);
    let may = "iam.serviceAccounts.getAccessToken";
    let generate = async |account: &str, body: Value| {
        let jwt = json!({ "aud": "https://iamcredentials.googleapis.com/" });
        let jwt = signed(&helper, &claims(&helper, jwt));
        let headers = format!("authorization: Bearer {jwt}\r\n");
        let path = format!("/v1/projects/-/serviceAccounts/{account}:generateAccessToken");
        let (status, body) = http(&sim, "POST", &path, &headers, &body.to_string()).await;
        (status, serde_json::from_str::<Value>(&body).unwrap())
    };
    let wanted = json!({ "scope": [COMPUTE], "lifetime": "60s" });
    assert_eq!(generate(email(&target), wanted.clone()).await.0, 403);
    let unknown = "nobody@nowhere.iam.gserviceaccount.com";
    assert_eq!(generate(unknown, wanted.clone()).await.0, 404);

    let mut around = wanted.clone();
    around["delegates"] = json!([format!("projects/-/serviceAccounts/{}", email(&middle))]);
    sim.gcp_permissions("between", email(&helper), &[may]);
    assert_eq!(generate(email(&target), around.clone()).await.0, 403);
    sim.gcp_permissions(THEIRS, email(&middle), &["iam.*"]);
    let (status, answer) = generate(email(&target), around).await;
    assert_eq!(status, 200, "{answer}");
    assert_eq!(answer["expireTime"].as_str().unwrap().len(), 20);
    let token = answer["accessToken"].as_str().unwrap();
    let path = format!("{THEIRS}/global/networks");
    assert_eq!(
        compute(&sim, Some(token), "GET", &path, None).await.0,
        200,
        "it speaks for the target"
    );
    sim.clock_advance(WHILE * 12);
    let answer = compute(&sim, Some(token), "GET", &path, None).await;
    assert_eq!(
        reason(&answer),
        (401, "authError"),
        "it lives as long as was asked"
    );

    sim.gcp_permissions(THEIRS, email(&helper), &[may]);
    for bad in [
        json!({ "scope": [COMPUTE], "lifetime": "7200s" }),
        json!({ "scope": [] }),
        json!({ "scope": [COMPUTE], "colour": "red" }),
    ] {
        assert_eq!(generate(email(&target), bad).await.0, 400);
    }
}
