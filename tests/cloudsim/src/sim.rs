//! The admin API under `/_sim`: clock, switches, faults, log of calls, and what no cloud lets anybody do.

use std::sync::Arc;

use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::ec2::peering::Code;
use crate::ec2::plant::Plant;
use crate::faults::Fault;
use crate::gce_sim;
use crate::world::{Shared, World};

pub(crate) type Answer = Result<Json<Value>, (StatusCode, Json<Value>)>;

pub(crate) fn router() -> Router<Arc<Shared>> {
    Router::new()
        .route("/clock", get(clock).post(set_clock))
        .route("/config", get(config).post(patch_config))
        .route("/faults", get(faults).post(add_faults).delete(clear_faults))
        .route("/calls", get(calls).delete(clear_calls))
        .route("/calls/counts", get(call_counts))
        .route("/vanish", post(vanish))
        .route("/peerings/{id}", post(force_peering))
        .route("/state", get(state))
        .route("/plant", post(plant))
        .route("/reset", post(reset))
        .nest("/gcp", gce_sim::router())
        .fallback(async || refuse(StatusCode::NOT_FOUND, "there is no such thing to ask"))
}

pub(crate) fn refuse(status: StatusCode, text: impl ToString) -> (StatusCode, Json<Value>) {
    (status, Json(json!({ "error": text.to_string() })))
}

/// Changes the world and has it saved.
pub(crate) fn change<T>(shared: &Shared, how: impl FnOnce(&mut World) -> T) -> T {
    let changed = how(&mut shared.world());
    shared.changed.notify_one();
    changed
}

async fn clock(State(shared): State<Arc<Shared>>) -> Json<Value> {
    Json(clock_value(&shared.world()))
}

fn clock_value(world: &World) -> Value {
    json!({ "now_ms": world.clock.now_ms(), "frozen": world.clock.is_frozen() })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ClockChange {
    freeze: Option<bool>,
    set_ms: Option<i64>,
    advance_ms: Option<i64>,
}

async fn set_clock(
    State(shared): State<Arc<Shared>>,
    Json(wanted): Json<ClockChange>,
) -> Json<Value> {
    let change_clock = |world: &mut World| {
        if let Some(freeze) = wanted.freeze {
            world.clock.freeze(freeze);
        }
        if let Some(set_ms) = wanted.set_ms {
            world.clock.set(set_ms);
        }
        world.clock.advance(wanted.advance_ms.unwrap_or_default());
        clock_value(world)
    };
    Json(change(&shared, change_clock))
}

async fn config(State(shared): State<Arc<Shared>>) -> Json<Value> {
    Json(json!(shared.world().state.config))
}

async fn patch_config(State(shared): State<Arc<Shared>>, Json(patch): Json<Value>) -> Answer {
    let patched = shared.world().state.config.patched(&patch);
    let patched = patched.map_err(|error| refuse(StatusCode::BAD_REQUEST, error))?;
    change(&shared, |world| world.state.config = patched.clone());
    Ok(Json(json!(patched)))
}

async fn faults(State(shared): State<Arc<Shared>>) -> Json<Value> {
    Json(json!(shared.world().faults.0))
}

#[derive(Deserialize)]
#[serde(untagged)]
enum OneOrMany {
    Many(Vec<Fault>),
    One(Fault),
}

async fn add_faults(
    State(shared): State<Arc<Shared>>,
    Json(wanted): Json<OneOrMany>,
) -> Json<Value> {
    let mut world = shared.world();
    match wanted {
        OneOrMany::Many(faults) => world.faults.0.extend(faults),
        OneOrMany::One(fault) => world.faults.0.push(fault),
    }
    Json(json!(world.faults.0))
}

async fn clear_faults(State(shared): State<Arc<Shared>>) -> Json<Value> {
    shared.world().faults.0.clear();
    Json(json!([]))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CallFilter {
    action: Option<String>,
    account: Option<String>,
    region: Option<String>,
    outcome: Option<String>,
    since: Option<u64>,
    count: Option<bool>,
}

/// The calls that fit, oldest first; with `count=true` only how many.
async fn calls(State(shared): State<Arc<Shared>>, Query(wanted): Query<CallFilter>) -> Json<Value> {
    let mut world = shared.world();
    world.settle();
    let mut calls = world.calls.of(wanted.action.as_deref().unwrap_or("*"));
    calls.retain(|call| {
        wanted
            .account
            .as_ref()
            .is_none_or(|account| call.account == *account)
            && wanted
                .region
                .as_ref()
                .is_none_or(|region| call.region == *region)
            && wanted
                .outcome
                .as_ref()
                .is_none_or(|outcome| call.outcome == *outcome)
            && wanted.since.is_none_or(|since| call.seq > since)
    });
    match wanted.count {
        Some(true) => Json(json!({ "count": calls.len() })),
        _ => Json(json!({ "count": calls.len(), "calls": calls })),
    }
}

/// How many calls there were, by action and outcome, however many.
async fn call_counts(State(shared): State<Arc<Shared>>) -> Json<Value> {
    let mut world = shared.world();
    world.settle();
    Json(json!(world.calls.counts()))
}

async fn clear_calls(State(shared): State<Arc<Shared>>) -> Json<Value> {
    shared.world().calls.clear();
    Json(json!({}))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Vanish {
    id: String,
}

async fn vanish(State(shared): State<Arc<Shared>>, Json(wanted): Json<Vanish>) -> Answer {
    if change(&shared, |world| world.state.ec2.forget(&wanted.id)) {
        Ok(Json(json!({})))
    } else {
        Err(refuse(
            StatusCode::NOT_FOUND,
            format!("there is no {}", wanted.id),
        ))
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ForcedStatus {
    status: String,
    #[serde(default)]
    message: String,
}

async fn force_peering(
    State(shared): State<Arc<Shared>>,
    Path(id): Path<String>,
    Json(wanted): Json<ForcedStatus>,
) -> Answer {
    match change(&shared, |world| {
        force(world, &id, &wanted.status, &wanted.message)
    }) {
        true => Ok(Json(json!({}))),
        false => Err(refuse(StatusCode::NOT_FOUND, format!("there is no {id}"))),
    }
}

/// Sets a raw status, which then stays until somebody acts. False without such a peering.
pub(crate) fn force(world: &mut World, id: &str, status: &str, message: &str) -> bool {
    world.settle();
    let now_ms = world.clock.now_ms();
    let Some(peering) = world.state.ec2.peerings.get_mut(id) else {
        return false;
    };
    peering.turn(Code::parse(status), message, now_ms);
    peering.held = true;
    true
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Kind {
    kind: Option<String>,
}

/// All objects of a kind, such as `vpcs`; without a kind, how many there are of each.
async fn state(State(shared): State<Arc<Shared>>, Query(wanted): Query<Kind>) -> Answer {
    let mut world = shared.world();
    world.settle();
    let Ok(Value::Object(mut all)) = serde_json::to_value(&world.state.ec2) else {
        return Err(refuse(
            StatusCode::INTERNAL_SERVER_ERROR,
            "the state cannot be written",
        ));
    };
    all.retain(|_, objects| objects.is_object());
    match wanted.kind {
        None => {
            let count = |objects: &Value| objects.as_object().map_or(0, serde_json::Map::len);
            let counts = all
                .iter()
                .map(|(kind, objects)| (kind.clone(), json!(count(objects))));
            Ok(Json(Value::Object(counts.collect())))
        }
        Some(kind) => match all.remove(&kind) {
            Some(objects) => Ok(Json(objects)),
            None => Err(refuse(
                StatusCode::NOT_FOUND,
                format!("there is no kind {kind}"),
            )),
        },
    }
}

/// Answers the ids of what it put in place.
async fn plant(State(shared): State<Arc<Shared>>, Json(wanted): Json<Plant>) -> Json<Value> {
    Json(change(&shared, |world| {
        let now_ms = world.clock.now_ms();
        let state = &mut world.state;
        json!(state.ec2.plant(&wanted, &state.config, now_ms))
    }))
}

async fn reset(State(shared): State<Arc<Shared>>) -> Json<Value> {
    change(&shared, World::reset);
    Json(json!({}))
}
