//! Rows to peerings and back.

use std::str::FromStr;

use sea_orm::ActiveValue::Set;
use types::Invalid;

use super::Error;
use super::entity::peering::{ActiveModel, Model};
use crate::domain::{Admission, Peering, Vendor, Work};

/// The peering that a row holds.
pub(super) fn read(row: Model) -> Result<Peering, Error> {
    let id = row.id.clone();
    convert(row).map_err(|what| Error::Corrupt { id, what })
}

fn convert(row: Model) -> Result<Peering, String> {
    Ok(Peering {
        id: parsed("id", &row.id)?,
        tenant: parsed("tenant_id", &row.tenant_id)?,
        version: row.version,
        network: parsed("network_id", &row.network_id)?,
        network_display_name: row.network_display_name,
        display_name: parsed("display_name", &row.display_name)?,
        labels: json("labels", &row.labels)?,
        attempt: row.attempt,
        attempt_at: row.attempt_at,
        peer: json("peer", &row.peer)?,
        allow_overlap: row.allow_overlap,
        options: json("options", &row.options)?,
        vendor: Vendor {
            account_id: row.vendor_account_id,
            vpc_id: row.vendor_vpc_id,
            region: parsed("vendor_region", &row.vendor_region)?,
            cidr: parsed("vendor_cidr", &row.vendor_cidr)?,
        },
        state: parsed("state", &row.state)?,
        reason: row.reason,
        message: row.message,
        raw_state: row.raw_state,
        conditions: json("conditions", &row.conditions)?,
        provider_peering_id: row.provider_peering_id,
        expire_at: row.expire_at,
        activate_at: row.activate_at,
        create_at: row.create_at,
        update_at: row.update_at,
        delete_at: row.delete_at,
        purge_at: row.purge_at,
        work: Work {
            admission: admission(&row.admission)?,
            create_request_id: row.create_request_id,
            lane_since: row.lane_since,
            observe_at: row.observe_at,
            step_at: row.step_at,
            requested_at: row.requested_at,
            operation_token: row.operation_token,
            missed_at: row.missed_at,
            inactive_at: row.inactive_at,
            failures: row.failures,
            suspended_at: row.suspended_at,
            gone: row.gone,
            routes_due: row.routes_due,
            traceparent: row.traceparent,
            busy_since: row.busy_since,
            puts_back: row.puts_back,
            waits_for: row.waits_for,
            hint_at: row.hint_at,
            former: row
                .former
                .as_deref()
                .map(|text| json("former", text))
                .transpose()?,
            options_due: row.options_due,
            sets_options: row.sets_options,
            options_told_at: row.options_told_at,
            network_due: row.network_due,
            allow_list_version: row.allow_list_version,
            leaving: json("leaving", &row.leaving)?,
            end_reason: row.end_reason,
            claims_at: row.claims_at,
            repairs: json("repairs", &row.repairs)?,
            routes_told_at: row.routes_told_at,
            observed_cidrs: json("observed_cidrs", &row.observed_cidrs)?,
        },
    })
}

fn parsed<T: FromStr<Err = Invalid>>(column: &str, text: &str) -> Result<T, String> {
    text.parse()
        .map_err(|invalid| format!("{column} {invalid}"))
}

fn json<T: serde::de::DeserializeOwned>(column: &str, text: &str) -> Result<T, String> {
    serde_json::from_str(text)
        .map_err(|error| format!("{column} is not what it should be: {error}"))
}

fn admission(text: &str) -> Result<Admission, String> {
    [
        Admission::Unadmitted,
        Admission::Admitted,
        Admission::Withdrawn,
    ]
    .into_iter()
    .find(|admission| admission.as_str() == text)
    .ok_or_else(|| format!("admission is {text:?}"))
}

/// All columns of a peering but `create_hash`, which its insertion sets.
pub(super) fn write(peering: &Peering) -> Result<ActiveModel, Error> {
    let corrupt = |error: serde_json::Error| Error::Corrupt {
        id: peering.id.to_string(),
        what: error.to_string(),
    };
    let work = &peering.work;
    let admitted = work.admission == Admission::Admitted;
    let former = work.former.as_ref().map(serde_json::to_string);
    let former = former.transpose().map_err(corrupt)?;
    let lane = if admitted {
        peering.state.watch().as_str()
    } else {
        "none"
    };
    Ok(ActiveModel {
        id: Set(peering.id.to_string()),
        tenant_id: Set(peering.tenant.to_string()),
        version: Set(peering.version),
        admission: Set(work.admission.as_str().to_owned()),
        create_request_id: Set(work.create_request_id.clone()),
        network_id: Set(peering.network.to_string()),
        network_display_name: Set(peering.network_display_name.clone()),
        display_name: Set(peering.display_name.to_string()),
        labels: Set(serde_json::to_string(&peering.labels).map_err(corrupt)?),
        provider: Set(peering.peer.provider().as_str().to_owned()),
        peer: Set(serde_json::to_string(&peering.peer).map_err(corrupt)?),
        allow_overlap: Set(peering.allow_overlap),
        vendor_account_id: Set(peering.vendor.account_id.clone()),
        vendor_vpc_id: Set(peering.vendor.vpc_id.clone()),
        vendor_region: Set(peering.vendor.region.to_string()),
        vendor_cidr: Set(peering.vendor.cidr.to_string()),
        claim_key: Set(peering.claim_key()),
        name_key: Set(peering.name_key()),
        attempt: Set(peering.attempt),
        attempt_at: Set(peering.attempt_at),
        state: Set(peering.state.as_str().to_owned()),
        reason: Set(peering.reason.clone()),
        message: Set(peering.message.clone()),
        raw_state: Set(peering.raw_state.clone()),
        conditions: Set(serde_json::to_string(&peering.conditions).map_err(corrupt)?),
        provider_peering_id: Set(peering.provider_peering_id.clone()),
        expire_at: Set(peering.expire_at),
        activate_at: Set(peering.activate_at),
        create_at: Set(peering.create_at),
        update_at: Set(peering.update_at),
        delete_at: Set(peering.delete_at),
        purge_at: Set(peering.purge_at),
        group_id: Set(peering.needs_group().then(|| peering.group().to_string())),
        lane: Set(lane.to_owned()),
        lane_since: Set(work.lane_since),
        observe_at: Set(work.observe_at),
        step_at: Set(work.step_at),
        requested_at: Set(work.requested_at),
        operation_token: Set(work.operation_token.clone()),
        missed_at: Set(work.missed_at),
        inactive_at: Set(work.inactive_at),
        failures: Set(work.failures),
        suspended_at: Set(work.suspended_at),
        gone: Set(work.gone),
        routes_due: Set(work.routes_due),
        traceparent: Set(work.traceparent.clone()),
        busy_since: Set(work.busy_since),
        puts_back: Set(work.puts_back),
        waits_for: Set(work.waits_for.clone()),
        hint_at: Set(work.hint_at),
        options: Set(serde_json::to_string(&peering.options).map_err(corrupt)?),
        peer_account: Set(peering.peer.account().to_owned()),
        peer_vpc: Set(peering.peer.vpc().to_owned()),
        former: Set(former),
        options_due: Set(work.options_due),
        sets_options: Set(work.sets_options),
        options_told_at: Set(work.options_told_at),
        network_due: Set(work.network_due),
        allow_list_version: Set(work.allow_list_version),
        leaving: Set(serde_json::to_string(&work.leaving).map_err(corrupt)?),
        end_reason: Set(work.end_reason.clone()),
        claims_at: Set(work.claims_at),
        repairs: Set(serde_json::to_string(&work.repairs).map_err(corrupt)?),
        routes_told_at: Set(work.routes_told_at),
        observed_cidrs: Set(serde_json::to_string(&work.observed_cidrs).map_err(corrupt)?),
        digest: Set(peering.digest()),
        ..Default::default()
    })
}
