//! The table `network`.

use std::str::FromStr;

use sea_orm::ActiveValue::{NotSet, Set};
use sea_orm::entity::prelude::*;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::domain::{Ahead, Firewall, Network, Request, State, Vpc, Work};
use crate::store::Error;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "network")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: String,
    pub tenant_id: String,
    pub display_name: String,
    pub provider: String,
    pub region: String,
    pub cidr: String,
    pub labels: String,
    pub multi_region_group: String,
    pub state: String,
    pub reason: String,
    pub message: String,
    pub account_id: Option<String>,
    pub vpc_id: Option<String>,
    pub subnets: String,
    pub security_group_id: Option<String>,
    pub parts: String,
    pub refused_accounts: String,
    /// None: nobody has looked; empty: complete.
    pub next_part: Option<String>,
    pub next_guarded: bool,
    pub requested_part: Option<String>,
    pub requested_at: Option<i64>,
    pub touched: bool,
    pub missed_at: Option<i64>,
    pub operation_token: String,
    pub retries: i32,
    pub failures: i32,
    pub suspended_at: Option<i64>,
    pub missed: String,
    pub reshaped: String,
    pub repairs: String,
    pub whole: Option<String>,
    pub firewall_goal: i64,
    pub firewall_done: i64,
    pub firewall_done_at: Option<i64>,
    pub firewall_token: String,
    pub firewall_step_at: i64,
    pub firewall_retries: i32,
    pub firewall_failures: i32,
    pub firewall_reason: String,
    pub firewall_message: String,
    pub firewall_since: i64,
    /// The earlier one of the VPC's and the firewall's, while there are any.
    pub step_at: Option<i64>,
    pub vpc_step_at: Option<i64>,
    pub group_id: Option<String>,
    pub lane: String,
    pub lane_since: i64,
    pub peering_count: i32,
    pub datastore_count: i32,
    pub version: i64,
    pub traceparent: Option<String>,
    /// Tenant and name while it lives: what makes the name unique.
    pub name_key: Option<String>,
    pub create_time: i64,
    pub update_time: i64,
    pub delete_time: Option<i64>,
    pub purge_time: Option<i64>,
}

impl ActiveModelBehavior for ActiveModel {}

impl TryFrom<Model> for Network {
    type Error = Error;

    fn try_from(row: Model) -> Result<Self, Error> {
        let ahead = match row.next_part {
            None => Ahead::Unknown,
            Some(part) if part.is_empty() => Ahead::Complete,
            Some(part) => Ahead::Part {
                part,
                guarded: row.next_guarded,
            },
        };
        let requested = row.requested_part.zip(row.requested_at);
        Ok(Self {
            id: parsed("network.id", &row.id)?,
            tenant: parsed("network.tenant_id", &row.tenant_id)?,
            display_name: parsed("network.display_name", &row.display_name)?,
            provider: parsed("network.provider", &row.provider)?,
            region: parsed("network.region", &row.region)?,
            cidr: parsed("network.cidr", &row.cidr)?,
            labels: from_json("network.labels", &row.labels)?,
            multi_region_group: row.multi_region_group,
            state: State::parse(&row.state).ok_or(Error::Corrupt("network.state"))?,
            reason: row.reason,
            message: row.message,
            account: row.account_id,
            vpc: Vpc {
                id: row.vpc_id,
                subnets: from_json("network.subnets", &row.subnets)?,
                security_group_id: row.security_group_id,
                parts: from_json("network.parts", &row.parts)?,
            },
            whole: row
                .whole
                .map(|whole| from_json("network.whole", &whole))
                .transpose()?,
            work: Work {
                step_at: row.vpc_step_at,
                refused_accounts: from_json("network.refused_accounts", &row.refused_accounts)?,
                ahead,
                requested: requested.map(|(part, at)| Request { part, at }),
                touched: row.touched,
                missed_at: row.missed_at,
                operation_token: row.operation_token,
                retries: row.retries,
                failures: row.failures,
                suspended_at: row.suspended_at,
                missed: from_json("network.missed", &row.missed)?,
                reshaped: from_json("network.reshaped", &row.reshaped)?,
                repairs: from_json("network.repairs", &row.repairs)?,
            },
            firewall: Firewall {
                goal: row.firewall_goal,
                done: row.firewall_done,
                done_at: row.firewall_done_at,
                operation_token: row.firewall_token,
                step_at: row.firewall_step_at,
                retries: row.firewall_retries,
                failures: row.firewall_failures,
                reason: row.firewall_reason,
                message: row.firewall_message,
                since: row.firewall_since,
            },
            peering_count: row.peering_count,
            datastore_count: row.datastore_count,
            version: row.version,
            lane_since: row.lane_since,
            traceparent: row.traceparent,
            create_time: row.create_time,
            update_time: row.update_time,
            delete_time: row.delete_time,
            purge_time: row.purge_time,
        })
    }
}

/// The whole row of a new network.
pub(in crate::store) fn row(network: &Network) -> ActiveModel {
    ActiveModel {
        id: Set(network.id.to_string()),
        tenant_id: Set(network.tenant.to_string()),
        provider: Set(network.provider.to_string()),
        region: Set(network.region.to_string()),
        cidr: Set(network.cidr.to_string()),
        multi_region_group: Set(network.multi_region_group.clone()),
        create_time: Set(network.create_time),
        ..changes(network)
    }
}

/// What of a row a step or a change of intent may have changed.
pub(in crate::store) fn changes(network: &Network) -> ActiveModel {
    let (work, firewall) = (&network.work, &network.firewall);
    let (next_part, next_guarded) = match &work.ahead {
        Ahead::Unknown => (None, false),
        Ahead::Complete => (Some(String::new()), false),
        Ahead::Part { part, guarded } => (Some(part.clone()), *guarded),
    };
    let name_key = format!("{}|{}", network.tenant, network.display_name);
    ActiveModel {
        id: NotSet,
        tenant_id: NotSet,
        provider: NotSet,
        region: NotSet,
        cidr: NotSet,
        multi_region_group: NotSet,
        create_time: NotSet,
        peering_count: Set(network.peering_count),
        datastore_count: Set(network.datastore_count),
        display_name: Set(network.display_name.to_string()),
        labels: Set(to_json(&network.labels)),
        state: Set(network.state.as_str().to_owned()),
        reason: Set(network.reason.clone()),
        message: Set(network.message.clone()),
        account_id: Set(network.account.clone()),
        vpc_id: Set(network.vpc.id.clone()),
        subnets: Set(to_json(&network.vpc.subnets)),
        security_group_id: Set(network.vpc.security_group_id.clone()),
        parts: Set(to_json(&network.vpc.parts)),
        refused_accounts: Set(to_json(&work.refused_accounts)),
        next_part: Set(next_part),
        next_guarded: Set(next_guarded),
        requested_part: Set(work.requested.as_ref().map(|request| request.part.clone())),
        requested_at: Set(work.requested.as_ref().map(|request| request.at)),
        touched: Set(work.touched),
        missed_at: Set(work.missed_at),
        operation_token: Set(work.operation_token.clone()),
        retries: Set(work.retries),
        failures: Set(work.failures),
        suspended_at: Set(work.suspended_at),
        missed: Set(to_json(&work.missed)),
        reshaped: Set(to_json(&work.reshaped)),
        repairs: Set(to_json(&work.repairs)),
        whole: Set(network.whole.as_ref().map(to_json)),
        firewall_goal: Set(firewall.goal),
        firewall_done: Set(firewall.done),
        firewall_done_at: Set(firewall.done_at),
        firewall_token: Set(firewall.operation_token.clone()),
        firewall_step_at: Set(firewall.step_at),
        firewall_retries: Set(firewall.retries),
        firewall_failures: Set(firewall.failures),
        firewall_reason: Set(firewall.reason.clone()),
        firewall_message: Set(firewall.message.clone()),
        firewall_since: Set(firewall.since),
        step_at: Set(network.due_at()),
        vpc_step_at: Set(work.step_at),
        group_id: Set(network.group().map(|group| group.to_string())),
        lane: Set(network.state.lane().to_owned()),
        lane_since: Set(network.lane_since),
        version: Set(network.version),
        traceparent: Set(network.traceparent.clone()),
        name_key: Set((network.state != State::Deleted).then_some(name_key)),
        update_time: Set(network.update_time),
        delete_time: Set(network.delete_time),
        purge_time: Set(network.purge_time),
    }
}

pub(in crate::store) fn parsed<T: FromStr>(column: &'static str, text: &str) -> Result<T, Error> {
    text.parse().map_err(|_| Error::Corrupt(column))
}

pub(in crate::store) fn from_json<T: DeserializeOwned>(
    column: &'static str,
    text: &str,
) -> Result<T, Error> {
    serde_json::from_str(text).map_err(|_| Error::Corrupt(column))
}

/// JSON of plain lists and maps with text keys, which always have one.
pub(super) fn to_json(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default()
}
