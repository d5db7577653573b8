//! Whose the credentials are: no answer of EC2 is believed before STS has named the configured account.
//!
//! With another account's credentials a listing comes back whole and empty, which would read as "all is gone".

use std::sync::atomic::{AtomicBool, Ordering};

use api::cloud::{CloudError, CloudErrorKind};
use aws_config::SdkConfig;
use aws_sdk_ec2::config::http::HttpResponse;
use aws_sdk_ec2::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_sts::Client;
use aws_sdk_sts::operation::get_caller_identity::GetCallerIdentityError;

use super::client::Ec2;
use super::code::{UNAUTHORIZED, UNAVAILABLE};
use super::error::Failure;
use super::guard::WellFormed;

const API: &str = "GetCallerIdentity";

/// What is known of the credentials of one client.
pub(super) struct Identity {
    sts: Client,
    /// Asked somewhere else than at AWS, where STS may be missing.
    emulated: bool,
    verified: AtomicBool,
}

impl Identity {
    /// Of the credentials in `sdk`; asks nobody yet.
    pub(super) fn new(sdk: &SdkConfig) -> Self {
        let sts = aws_sdk_sts::config::Builder::from(sdk)
            .interceptor(WellFormed)
            .build();
        Self {
            sts: Client::from_conf(sts),
            emulated: sdk.endpoint_url().is_some(),
            verified: AtomicBool::new(false),
        }
    }

    /// The credentials were refused, so those that come in their place are verified anew.
    pub(super) fn doubt(&self) {
        self.verified.store(false, Ordering::Relaxed);
    }

    /// The account that STS names; none when there is no STS at an emulator.
    async fn caller(
        &self,
    ) -> Result<Option<String>, SdkError<GetCallerIdentityError, HttpResponse>> {
        match self.sts.get_caller_identity().send().await {
            Ok(answer) => Ok(Some(answer.account.unwrap_or_default())),
            Err(error) if self.emulated && is_not_served(&error) => Ok(None),
            Err(error) => Err(error),
        }
    }
}

/// Refuses unless the credentials are those of the client's account. Success is remembered, failure is not.
pub(super) async fn verify(ec2: &Ec2) -> Result<(), CloudError> {
    let identity = &ec2.identity;
    if identity.verified.load(Ordering::Relaxed) {
        return Ok(());
    }
    let found = ec2.call(API, identity.caller()).await.map_err(unknown)?;
    match found {
        Some(account) if account.is_empty() => {
            return Err(Failure::unusable(API, "the answer names no account").while_looking());
        }
        Some(account) if account != ec2.account => {
            ec2.fails();
            let error = another(&account, ec2);
            tracing::warn!(region = %ec2.region, error = error.message, "no call is made");
            return Err(error);
        }
        Some(_) => {}
        None => tracing::warn!(
            account = %ec2.account,
            region = %ec2.region,
            "the endpoint does not serve STS: nobody knows whether the credentials are the account's"
        ),
    }
    identity.verified.store(true, Ordering::Relaxed);
    Ok(())
}

/// EC2 was not asked. That STS throttles says nothing of EC2's own limits.
fn unknown(failure: Failure) -> CloudError {
    let error = failure.while_looking();
    match error.kind {
        CloudErrorKind::Throttled => CloudError {
            kind: CloudErrorKind::Unavailable,
            reason: UNAVAILABLE.to_owned(),
            ..error
        },
        _ => error,
    }
}

fn another(account: &str, ec2: &Ec2) -> CloudError {
    let message = format!(
        "the credentials are those of account {account}, not of {} as configured in aws.accounts: the vendor has to \
         give the process that account's credentials, or set role_arn to a role in it",
        ec2.account
    );
    CloudError::refused(CloudErrorKind::Unauthorized, UNAUTHORIZED, message)
}

/// Whether the answer says that there is no such call, rather than that it failed.
fn is_not_served(error: &SdkError<GetCallerIdentityError, HttpResponse>) -> bool {
    let status = error.raw_response().map(|answer| answer.status().as_u16());
    let code = error
        .as_service_error()
        .and_then(ProvideErrorMetadata::code);
    matches!(status, Some(404 | 405 | 501))
        || matches!(
            code,
            Some(
                "InvalidAction" | "NotImplemented" | "UnknownAction" | "UnknownOperationException"
            )
        )
}
