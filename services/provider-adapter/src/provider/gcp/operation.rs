//! Operations: what a write is answered with, and how its end is found out.

use api::cloud::CloudError;
use google_cloud_compute_v1::model::Operation;
use google_cloud_compute_v1::model::operation::Status;
use runtime::clock::Clock;

use super::client::Gce;
use super::error::{self, Failure};
use super::token::{Step, Token, is_name};

const KIND: &str = "compute#operation";

/// How far an operation is.
#[derive(Debug)]
pub(super) enum Progress {
    /// It is not at its end.
    Running,
    /// It did what it should.
    Done,
    /// It ended and did nothing.
    Failed(Failure),
    /// The cloud does not know it any more: only a look tells what it did.
    Vanished,
}

impl Gce {
    /// Reads an operation. No error says that it has ended.
    pub(super) async fn progress(&self, token: &Token) -> Result<Progress, CloudError> {
        let (api, answer) = match &token.region {
            None => {
                const API: &str = "globalOperations.get";
                let send = |clients: &super::client::Clients| {
                    let call = clients.global_operations.get().set_project(self.id());
                    call.set_operation(&token.operation).send()
                };
                (API, self.call(API, send).await)
            }
            Some(region) => {
                const API: &str = "regionOperations.get";
                let send = |clients: &super::client::Clients| {
                    let call = clients.region_operations.get().set_project(self.id());
                    call.set_region(region)
                        .set_operation(&token.operation)
                        .send()
                };
                (API, self.call(API, send).await)
            }
        };
        let operation = match answer {
            Ok(operation) => operation,
            Err(failure) if failure.is_not_found() => return Ok(Progress::Vanished),
            Err(failure) => return Err(failure.after_writing()),
        };
        if !is_operation(&operation) || operation.name.as_deref() != Some(&token.operation) {
            let failure =
                self.unusable(api, "the answer shows another operation than the asked one");
            return Err(failure.after_writing());
        }
        match operation.status {
            Some(Status::Pending | Status::Running) => Ok(Progress::Running),
            Some(Status::Done) => Ok(match refusal(self, token.step, &operation) {
                Some(failure) => Progress::Failed(failure),
                None => Progress::Done,
            }),
            _ => Err(self
                .unusable(api, "the operation has no known status")
                .after_writing()),
        }
    }

    /// The token of the operation that a write was answered with.
    pub(super) fn begun(
        &self,
        api: &'static str,
        step: Step,
        region: Option<&str>,
        operation: Operation,
    ) -> Result<String, CloudError> {
        let is_whole = is_operation(&operation);
        match operation.name.filter(|name| is_whole && is_name(name)) {
            Some(operation) => Ok(Token {
                step,
                region: region.map(str::to_owned),
                operation,
            }
            .to_string()),
            None => Err(self
                .unusable(api, "the answer shows no operation")
                .of_write()),
        }
    }
}

fn is_operation(operation: &Operation) -> bool {
    operation.kind.as_deref().is_none_or(|kind| kind == KIND)
}

/// Why an operation that is at its end did nothing.
fn refusal(gce: &Gce, step: Step, operation: &Operation) -> Option<Failure> {
    let first = operation
        .error
        .as_ref()
        .and_then(|error| error.errors.first());
    let status = operation.http_error_status_code.unwrap_or_default();
    let status = u16::try_from(status).ok().filter(|status| *status >= 400);
    if operation.error.is_none() && status.is_none() {
        return None;
    }
    let code = first
        .and_then(|error| error.code.as_deref())
        .unwrap_or("OPERATION_FAILED");
    let message = first.and_then(|error| error.message.as_deref());
    let message = message
        .or(operation.http_error_message.as_deref())
        .unwrap_or_default();
    let what = (status.unwrap_or_default(), code, message);
    let failure = error::refusal(step.code(), gce.id(), what, Clock::system().now_ms());
    failure.log(step.code(), gce.id());
    Some(failure)
}
