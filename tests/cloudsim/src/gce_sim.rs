//! The admin API under `/_sim/gcp`: projects, who may do what in them, service accounts, and what no cloud offers.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::routing::{get, post, put};
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::gce::config::GcpQuotas;
use crate::gce::state::{OpFault, Plant};
use crate::gce_token::{self, NewKey};
use crate::sim::{Answer, change, refuse};
use crate::world::{Shared, World};

pub(crate) fn router() -> Router<Arc<Shared>> {
    Router::new()
        .route("/projects/{id}", put(put_project))
        .route("/projects/{id}/permissions", put(set_permissions))
        .route("/projects/{id}/serviceAccounts", post(add_service_account))
        .route("/projects/{id}/networks", get(networks))
        .route("/projects/{id}/plant", post(plant))
        .route(
            "/operationFaults",
            get(op_faults).post(add_op_fault).delete(clear_op_faults),
        )
        .route("/tokens/revoke", post(revoke))
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct ProjectChange {
    quotas: Option<GcpQuotas>,
}

/// Makes the project, or changes its quotas. A body is not needed.
async fn put_project(
    State(shared): State<Arc<Shared>>,
    Path(id): Path<String>,
    body: Bytes,
) -> Answer {
    let wanted = match body.is_empty() {
        true => ProjectChange::default(),
        false => serde_json::from_slice(&body)
            .map_err(|error| refuse(StatusCode::UNPROCESSABLE_ENTITY, error))?,
    };
    let project = change(&shared, |world| {
        json!(world.state.gce.put_project(&id, wanted.quotas))
    });
    Ok(Json(project))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Grant {
    /// The e-mail address of a service account.
    principal: String,
    permissions: Vec<String>,
}

async fn set_permissions(
    State(shared): State<Arc<Shared>>,
    Path(id): Path<String>,
    Json(wanted): Json<Grant>,
) -> Json<Value> {
    let permissions: Vec<&str> = wanted.permissions.iter().map(String::as_str).collect();
    change(&shared, |world| {
        let state = &mut world.state.gce;
        state.set_permissions(&id, &wanted.principal, &permissions);
    });
    Json(json!({}))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewAccount {
    name: String,
    permissions: Option<Vec<String>>,
}

/// Answers a key file, whose URLs lead where this request came.
async fn add_service_account(
    State(shared): State<Arc<Shared>>,
    Path(id): Path<String>,
    headers: HeaderMap,
    Json(wanted): Json<NewAccount>,
) -> Answer {
    let key = tokio::task::spawn_blocking(NewKey::generate).await;
    let Ok(Ok(key)) = key else {
        let text = "no key can be made";
        return Err(refuse(StatusCode::INTERNAL_SERVER_ERROR, text));
    };
    let host = headers
        .get(header::HOST)
        .and_then(|host| host.to_str().ok());
    let file = change(&shared, |world| {
        let base_url = host.map_or_else(|| world.base_url.clone(), |host| format!("http://{host}"));
        let permissions: Option<Vec<&str>> = wanted
            .permissions
            .as_ref()
            .map(|all| all.iter().map(String::as_str).collect());
        add_account(
            world,
            &id,
            &wanted.name,
            permissions.as_deref(),
            key,
            &base_url,
        )
    });
    Ok(Json(file))
}

/// Gives an account of a project, both made if need be, one more key, and permissions in place of those it has.
pub(crate) fn add_account(
    world: &mut World,
    project: &str,
    name: &str,
    permissions: Option<&[&str]>,
    key: NewKey,
    base_url: &str,
) -> Value {
    let state = &mut world.state;
    state.gce.put_project(project, None);
    if let Some(permissions) = permissions {
        let principal = gce_token::email(name, project);
        state.gce.set_permissions(project, &principal, permissions);
    }
    state.gcp.add_key(project, name, key, base_url)
}

/// The networks with their peerings, with everything due done.
async fn networks(State(shared): State<Arc<Shared>>, Path(id): Path<String>) -> Answer {
    let mut world = shared.world();
    world.settle();
    if !world.state.gce.projects.contains_key(&id) {
        let text = format!("there is no project {id}");
        return Err(refuse(StatusCode::NOT_FOUND, text));
    }
    let networks = world.state.gce.networks_of(&id, &world.base_url);
    Ok(Json(Value::Array(networks)))
}

async fn plant(
    State(shared): State<Arc<Shared>>,
    Path(id): Path<String>,
    Json(wanted): Json<Plant>,
) -> Json<Value> {
    change(&shared, |world| {
        let now_ms = world.clock.now_ms();
        world.state.gce.plant(&id, &wanted, now_ms);
    });
    Json(json!({}))
}

async fn op_faults(State(shared): State<Arc<Shared>>) -> Json<Value> {
    Json(json!(shared.world().state.gce.op_faults))
}

async fn add_op_fault(
    State(shared): State<Arc<Shared>>,
    Json(wanted): Json<OpFault>,
) -> Json<Value> {
    Json(change(&shared, |world| {
        world.state.gce.op_faults.push(wanted);
        json!(world.state.gce.op_faults)
    }))
}

async fn clear_op_faults(State(shared): State<Arc<Shared>>) -> Json<Value> {
    change(&shared, World::clear_op_faults);
    Json(json!([]))
}

/// Makes every token invalid that was given out or used so far.
async fn revoke(State(shared): State<Arc<Shared>>) -> Json<Value> {
    change(&shared, |world| world.state.gcp.revoke());
    Json(json!({}))
}

impl World {
    /// Forgets the faults of operations, and lets those end that hang.
    pub(crate) fn clear_op_faults(&mut self) {
        let now_ms = self.clock.now_ms();
        self.state.gce.clear_op_faults(now_ms);
    }
}
