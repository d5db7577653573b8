//! The options of the vendor's half, which EC2 takes only while the peering is active.

use api::cloud::{CloudError, CloudErrorKind};
use aws_sdk_ec2::types::PeeringConnectionOptionsRequest;

use super::client::Ec2;
use super::error::Failure;
use super::peering_list::{self, incomplete};
use super::peering_state::observation;
use crate::provider::{EnsurePeeringOptions, PeeringObservation, PeeringState};

const API: &str = "ModifyVpcPeeringConnectionOptions";

/// Sets them, and says that they stand only when EC2 shows it.
pub(super) async fn ensure(ec2: &Ec2, ask: &EnsurePeeringOptions) -> Result<bool, CloudError> {
    let id = &ask.provider_peering_id;
    let wanted = ask.options.resolve_dns;
    let options = PeeringConnectionOptionsRequest::builder()
        .allow_dns_resolution_from_remote_vpc(wanted)
        .build();
    let call = ec2
        .client
        .modify_vpc_peering_connection_options()
        .vpc_peering_connection_id(id)
        .requester_peering_connection_options(options);
    if let Err(failure) = ec2.call(API, call.send()).await {
        return Err(refusal(ec2, failure, ask).await);
    }
    let seen = look(ec2, id).await?;
    let shown = seen.and_then(|seen| seen.options);
    Ok(shown.is_some_and(|shown| shown.resolve_dns == wanted))
}

async fn look(ec2: &Ec2, id: &str) -> Result<Option<PeeringObservation>, CloudError> {
    let found = peering_list::one(ec2, id)
        .await
        .map_err(Failure::after_writing)?;
    let seen = found.map(|one| observation(&one).ok_or_else(|| incomplete().after_writing()));
    seen.transpose()
}

/// What a refusal means for the options. EC2 has one code for whatever it does not permit: how the peering stands tells
/// which it was.
async fn refusal(ec2: &Ec2, failure: Failure, ask: &EnsurePeeringOptions) -> CloudError {
    let id = &ask.provider_peering_id;
    if failure.is_not_found() {
        return missing(ask);
    }
    if failure.is(&["InvalidVpcPeeringConnectionState.DnsHostnamesDisabled"]) {
        let message = format!(
            "AWS lets names of VPC {} resolve to private addresses only once DNS support and DNS host names are on in \
             it, which somebody has turned off: {}",
            ask.vendor_vpc_id,
            failure.message()
        );
        let reason = "DNS_PRIVATE_RESOLUTION_OFF";
        return CloudError::refused(CloudErrorKind::Terminal, reason, message);
    }
    let in_wrong_state = ["OperationNotPermitted", "InvalidStateTransition"];
    if !failure.is(&in_wrong_state) {
        return failure.of_write();
    }
    let too_early = || {
        let message = format!("AWS takes options of {id} once it is active, not before");
        CloudError::refused(CloudErrorKind::InProgress, "OPTIONS_TOO_EARLY", message)
    };
    let seen = match look(ec2, id).await {
        Ok(seen) => seen,
        Err(error) => {
            return CloudError {
                refused: true,
                ..error
            };
        }
    };
    match seen.map(|seen| seen.state) {
        None
        | Some(
            PeeringState::Rejected
            | PeeringState::Expired
            | PeeringState::Failed
            | PeeringState::Deleting
            | PeeringState::Deleted,
        ) => missing(ask),
        // It has become active since.
        Some(PeeringState::Active) if failure.message().contains("not active") => too_early(),
        Some(PeeringState::Active) => failure.of_write(),
        Some(
            PeeringState::Unrecognized
            | PeeringState::Provisioning
            | PeeringState::PendingAcceptance
            | PeeringState::Inactive,
        ) => too_early(),
    }
}

fn missing(ask: &EnsurePeeringOptions) -> CloudError {
    let id = &ask.provider_peering_id;
    let message = format!("AWS shows no peering {id} that stands, so it takes no options");
    CloudError::refused(CloudErrorKind::Terminal, "PEERING_MISSING", message)
}
