//! Who asks in a project: the credentials that the settings name.

use std::path::Path;

use google_cloud_auth::credentials::{self, Credentials, anonymous, impersonated, service_account};
use serde_json::{Value, json};

use crate::config::ProjectConfig;

/// The credentials of a project, built anew. Error: one sentence without secrets.
pub(super) async fn build(config: &ProjectConfig) -> Result<Credentials, String> {
    if config.anonymous {
        return Ok(anonymous::Builder::new().build());
    }
    let key = match &config.key_file {
        Some(path) => Some(read(path).await?),
        None => None,
    };
    match (key, &config.impersonate) {
        (key, None) => own(config, key),
        (Some(key), Some(account)) if config.iam_endpoint.is_some() => {
            let source = json!({
                "type": "impersonated_service_account",
                "service_account_impersonation_url": impersonation(config, account),
                "source_credentials": key,
            });
            let built = impersonated::Builder::new(source).build();
            built.map_err(|_| unusable_key(config))
        }
        (key, Some(account)) => {
            let source = own(config, key)?;
            let built = impersonated::Builder::from_source_credentials(source)
                .with_target_principal(account)
                .build();
            built.map_err(|_| format!("the credentials cannot act as {account}"))
        }
    }
}

fn own(config: &ProjectConfig, key: Option<Value>) -> Result<Credentials, String> {
    match key {
        Some(key) => service_account::Builder::new(key)
            .build()
            .map_err(|_| unusable_key(config)),
        None => credentials::Builder::default().build().map_err(|error| {
            let why = if error.is_loading() {
                "there is no such file"
            } else {
                "they cannot be read"
            };
            format!("the application default credentials cannot be used: {why}")
        }),
    }
}

/// The key in a file. Error: one sentence without secrets.
pub(super) async fn read(path: &Path) -> Result<Value, String> {
    let shown = path.display();
    let text = tokio::fs::read(path)
        .await
        .map_err(|error| format!("key_file {shown} cannot be read: {error}"))?;
    // The parser's own words could show what stands in the file.
    let key: Value =
        serde_json::from_slice(&text).map_err(|_| format!("key_file {shown} is not JSON"))?;
    match key["type"].as_str() {
        Some("service_account") => Ok(key),
        _ => Err(format!(
            "key_file {shown} is not the key of a service account"
        )),
    }
}

fn impersonation(config: &ProjectConfig, account: &str) -> String {
    let endpoint = config.iam_endpoint.as_deref().unwrap_or_default();
    let endpoint = endpoint.trim_end_matches('/');
    format!("{endpoint}/v1/projects/-/serviceAccounts/{account}:generateAccessToken")
}

fn unusable_key(config: &ProjectConfig) -> String {
    let path = config.key_file.as_deref().unwrap_or(Path::new(""));
    format!(
        "key_file {} lacks what a service account's key has",
        path.display()
    )
}
