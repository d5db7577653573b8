//! What EC2 says when it refuses, code and text as the real one.

use crate::cloud::Error;
use crate::ec2::id::Kind;
use crate::ec2::query::lower_first;

pub(crate) const FAILED_TEXT: &str =
    "Failed due to incorrect VPC-ID, Account ID, or overlapping CIDR range";

pub(crate) fn missing(parameter: &str) -> Error {
    let parameter = lower_first(parameter);
    Error::new(
        "MissingParameter",
        format!("The request must contain the parameter {parameter}"),
    )
}

pub(crate) fn unknown_parameter(parameter: &str) -> Error {
    Error::new(
        "UnknownParameter",
        format!("The parameter {parameter} is not recognized"),
    )
}

pub(crate) fn invalid_action(action: &str) -> Error {
    Error::new(
        "InvalidAction",
        format!("The action {action} is not valid for this web service."),
    )
}

pub(crate) fn invalid_value(message: impl Into<String>) -> Error {
    Error::new("InvalidParameterValue", message)
}

/// `Value (x) for parameter y is invalid. why`
pub(crate) fn invalid_parameter(parameter: &str, value: &str, why: &str) -> Error {
    invalid_value(format!(
        "Value ({value}) for parameter {parameter} is invalid. {why}"
    ))
}

pub(crate) fn combination(message: impl Into<String>) -> Error {
    Error::new("InvalidParameterCombination", message)
}

pub(crate) fn not_found(kind: Kind, id: &str) -> Error {
    Error::new(kind.not_found_code(), kind.not_found_text(id))
}

pub(crate) fn malformed(kind: Kind, id: &str) -> Error {
    let prefix = kind.prefix();
    Error::new(
        kind.malformed_code(),
        format!("Invalid id: \"{id}\" (expecting \"{prefix}-...\")"),
    )
}

pub(crate) fn dependency(what: &str, id: &str) -> Error {
    Error::new(
        "DependencyViolation",
        format!("The {what} '{id}' has dependencies and cannot be deleted."),
    )
}

pub(crate) fn not_permitted(message: impl Into<String>) -> Error {
    Error::new("OperationNotPermitted", message)
}

pub(crate) fn transition(id: &str, from: &str, to: &str) -> Error {
    Error::new(
        "InvalidStateTransition",
        format!("Invalid state transition for {id}, attempted to transition from {from} to {to}"),
    )
}
