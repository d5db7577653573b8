//! Errors as callers see them.

use runtime::status::{self, Violations};
use sea_orm::{DbErr, RuntimeErr};
use tonic::Code;
use tonic_types::StatusExt;
use types::Invalid;

#[test]
fn a_failure_carries_its_reason_domain_and_metadata() {
    let failed = status::failure_with(
        Code::FailedPrecondition,
        "CIDR_OVERLAP_PEER",
        "they overlap",
        &[("cidr", "10.0.0.0/16")],
    );
    let info = failed.get_details_error_info().unwrap();
    assert_eq!(
        (info.reason.as_str(), info.domain.as_str()),
        ("CIDR_OVERLAP_PEER", "peerway")
    );
    assert_eq!(info.metadata["cidr"], "10.0.0.0/16");
    assert_eq!(
        status::reason(&failed).as_deref(),
        Some("CIDR_OVERLAP_PEER")
    );
    assert_eq!(status::reason(&tonic::Status::internal("x")), None);
}

#[test]
fn one_violation_gives_its_own_reason_and_several_give_a_common_one() {
    let bad = || Err::<(), _>(Invalid::new("CIDR_HOST_BITS", "10.0.0.1/16 has host bits"));
    let mut one = Violations::new();
    assert_eq!(one.check("cidr", bad()), None);
    let refused = one.finish().unwrap_err();
    assert_eq!(refused.code(), Code::InvalidArgument);
    assert_eq!(status::reason(&refused).as_deref(), Some("CIDR_HOST_BITS"));
    assert_eq!(refused.message(), "cidr: 10.0.0.1/16 has host bits");

    let mut two = Violations::new();
    two.check("cidr", bad());
    two.add("tenant_id", "INVALID_FIELD", "must not be empty");
    assert_eq!(two.check("region", Ok::<_, Invalid>(7)), Some(7));
    let refused = two.finish().unwrap_err();
    assert_eq!(status::reason(&refused).as_deref(), Some("INVALID_FIELD"));
    let fields = refused.get_details_bad_request().unwrap().field_violations;
    let told: Vec<_> = fields
        .iter()
        .map(|one| (one.field.as_str(), one.reason.as_str()))
        .collect();
    assert_eq!(
        told,
        [("cidr", "CIDR_HOST_BITS"), ("tenant_id", "INVALID_FIELD")]
    );
}

#[test]
fn no_violation_is_no_failure() {
    assert!(Violations::new().finish().is_ok());
}

#[test]
fn an_inner_error_never_reaches_the_caller() {
    let secret = DbErr::Custom("password=hunter2".into());
    let failed = status::from_db(secret);
    assert_eq!(failed.code(), Code::Internal);
    assert!(!failed.message().contains("hunter2"));
}

#[test]
fn a_database_that_is_away_is_unavailable() {
    let away = DbErr::Conn(RuntimeErr::Internal("refused".into()));
    let failed = status::from_db(away);
    assert_eq!(failed.code(), Code::Unavailable);
    assert_eq!(
        status::reason(&failed).as_deref(),
        Some("DATABASE_UNAVAILABLE")
    );
}

#[test]
fn what_is_not_served_says_so() {
    let failed = status::unimplemented("RenewPeering");
    assert_eq!(failed.code(), Code::Unimplemented);
    assert!(failed.message().contains("RenewPeering"));
}
