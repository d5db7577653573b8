//! UpdatePeering: name, labels, options and ranges, under a field mask and an etag.
//!
//! Other ranges are claimed of the network before they are recorded, beside the old ones; the worker gives the old ones
//! back once the new ones stand. A call that ends halfway leaves a step that makes the claims what is recorded.

use std::time::Duration;

use api::peering::v1::{UpdatePeeringRequest, UpdatePeeringResponse};
use queue::Lane;
use runtime::caller::Caller;
use runtime::failpoint;
use runtime::request_ids::{self, Key};
use runtime::status::Violations;
use tonic::Status;
use types::{Cidr, DisplayName, Labels, ProviderKind};

use super::status::{
    aborted, in_progress, is_raced, name_taken, network_away, peering_deleted, peering_not_found,
};
use super::subject::{Subject, TRIES, contended, is_as_read};
use super::{Api, cause, convert, wish};
use crate::clients::AttachError;
use crate::domain::{self, Admission, Peering, Update};
use crate::store::Change;

const METHOD: &str = "UpdatePeering";
/// So many ranges a network claims for one peering: twice as many as one has.
const MOST_CLAIMS: usize = 128;
/// More fields than a peering has.
const MOST_PATHS: usize = 32;
/// What can be named in a mask.
const MUTABLE: &str = "display_name, labels, cidrs, options";
/// Fields of a peering that no call changes.
const IMMUTABLE: [&str; 24] = [
    "id",
    "tenant_id",
    "network_id",
    "network_display_name",
    "provider",
    "attempt",
    "cross_region",
    "peer",
    "vendor",
    "state",
    "reason",
    "message",
    "raw_state",
    "conditions",
    "next_action",
    "provider_peering_id",
    "expire_time",
    "observe_time",
    "activate_time",
    "etag",
    "create_time",
    "update_time",
    "delete_time",
    "purge_time",
];

impl Api {
    pub(super) async fn update(
        &self,
        caller: &Caller,
        request: UpdatePeeringRequest,
    ) -> Result<UpdatePeeringResponse, Status> {
        let mut violations = Violations::new();
        let update = read(&mut violations, &request);
        let named = (
            request.tenant_id.as_str(),
            request.peering_id.as_str(),
            request.request_id.as_str(),
        );
        let Subject { scope, id, key } = Subject::read(violations, METHOD, named, &request)?;
        for _ in 0..TRIES {
            let now = self.store.now_ms().await?;
            let peering = self.store.find(&scope, id).await?;
            // After the row was read: whoever has changed it meanwhile has stored the answer with the change.
            if let Some(answer) = request_ids::replay(self.store.db().read(), &key, now).await? {
                return Ok(answer);
            }
            let peering = peering.ok_or_else(|| peering_not_found(id))?;
            may_update(&peering, &update, &request.etag)?;
            self.has_free_name(&peering, &update).await?;
            let Some(claimed) = self.claimed(caller, &peering, &update, now).await? else {
                continue;
            };
            if let Some(answer) = self
                .record_update(caller, &claimed, &update, &key, now)
                .await?
            {
                return Ok(answer);
            }
        }
        Err(contended())
    }

    /// Whether no other peering of the tenant has the wished name.
    async fn has_free_name(&self, peering: &Peering, update: &Update) -> Result<(), Status> {
        let Some(name) = &update.display_name else {
            return Ok(());
        };
        let holder = self.store.name_holder(&peering.tenant, name).await?;
        match holder.filter(|other| other.id != peering.id) {
            None => Ok(()),
            Some(other) if other.work.admission == Admission::Admitted => Err(name_taken(&other)),
            Some(_) => Err(in_progress()),
        }
    }

    /// Has the network claim the wished ranges beside those that are held; none when the row has changed meanwhile.
    async fn claimed(
        &self,
        caller: &Caller,
        peering: &Peering,
        update: &Update,
        now: i64,
    ) -> Result<Option<Peering>, Status> {
        let Some(wished) = other_ranges(peering, update) else {
            return Ok(Some(peering.clone()));
        };
        let mut beginning = peering.clone();
        beginning.begin_claims(now);
        let Some(begun) = self.save(caller, peering, beginning, now).await? else {
            return Ok(None);
        };
        failpoint::hit("peering.update.after_begin");
        let mut ranges = begun.held_ranges();
        ranges.extend(
            wished
                .iter()
                .filter(|one| !begun.held_ranges().contains(one)),
        );
        if ranges.len() > MOST_CLAIMS {
            return Err(aborted(
                "RANGES_LEAVING",
                "ranges that were given up before are still on their way out; send it again in a while",
            ));
        }
        let answer = self.network.claim(&begun, &ranges).await;
        failpoint::hit("peering.update.after_claim");
        match answer {
            Ok(()) => Ok(Some(begun)),
            Err(AttachError::Unanswered(status)) => Err(network_away(status.message())),
            Err(AttachError::Refused(status)) => {
                let mut undoing = begun.clone();
                undoing.claim_as_recorded(now);
                self.save(caller, &begun, undoing, now).await?;
                self.queue
                    .nudge(&begun.group(), Lane::Work, Duration::ZERO)
                    .await;
                Err(*status)
            }
        }
    }

    /// What nobody sees, saved; none when the row has changed meanwhile.
    async fn save(
        &self,
        caller: &Caller,
        before: &Peering,
        after: Peering,
        now: i64,
    ) -> Result<Option<Peering>, Status> {
        let change = Change::to(before, after);
        let mut done = self.store.commit(vec![change], &cause(caller), now).await?;
        Ok(done.written.pop())
    }

    /// Records the change with its answer; none when the row has changed meanwhile, or the call was answered elsewhere.
    async fn record_update(
        &self,
        caller: &Caller,
        peering: &Peering,
        update: &Update,
        key: &Key,
        now: i64,
    ) -> Result<Option<UpdatePeeringResponse>, Status> {
        let covered_at = self.covered_at(peering).await?;
        let mut updated = peering.clone();
        updated.update(update, now);
        if updated == *peering {
            let answer = answer(peering, covered_at);
            return match self.store.keep_answer(key, &answer, now).await {
                Ok(()) => Ok(Some(answer)),
                Err(error) if is_raced(&error) => Ok(None),
                Err(error) => Err(error.into()),
            };
        }
        updated.work.traceparent.clone_from(&caller.traceparent);
        let change = Change::to(peering, updated);
        let told = |peering: &Peering| answer(peering, covered_at);
        let written = self
            .store
            .commit_answer(change, &cause(caller), key, told, now)
            .await;
        match written {
            Err(error) if is_raced(&error) || error.is_taken() => Ok(None),
            Err(error) => Err(error.into()),
            Ok(None) => Ok(None),
            Ok(Some(answer)) => {
                self.queue
                    .nudge(&peering.group(), Lane::Work, Duration::ZERO)
                    .await;
                Ok(Some(answer))
            }
        }
    }
}

/// The wished ranges, if they are not those that are recorded.
fn other_ranges<'a>(peering: &Peering, update: &'a Update) -> Option<&'a [Cidr]> {
    let wished = update.cidrs.as_deref()?;
    (wished != peering.peer.cidrs()).then_some(wished)
}

/// Whether the peering can become so, as far as can be known here.
fn may_update(peering: &Peering, update: &Update, etag: &str) -> Result<(), Status> {
    if peering.is_unwanted() {
        return Err(peering_deleted(peering));
    }
    is_as_read(peering, etag)?;
    let provider = peering.peer.provider();
    let mut violations = Violations::new();
    if update.options.is_some_and(|options| !options.fit(provider)) {
        let rule = format!("holds an option that {provider} does not have");
        violations.add("options", "INVALID_FIELD", rule);
    }
    if provider == ProviderKind::Aws && update.cidrs.as_ref().is_some_and(Vec::is_empty) {
        let rule = "must be 1-64 ranges, not 0: the vendor's routes lead there";
        violations.add("cidrs", "INVALID_FIELD", rule);
    }
    violations.finish()?;
    let mut wished = other_ranges(peering, update).unwrap_or_default().iter();
    match wished.find(|range| range.overlaps(&peering.vendor.cidr)) {
        None => Ok(()),
        Some(&cidr) => Err(domain::Error::CidrOverlap {
            cidr,
            owner: peering.peer.identity(),
            network_cidr: peering.vendor.cidr,
            network: peering.network,
        }
        .into()),
    }
}

/// What a request wishes to change: the fields that its mask names.
fn read(violations: &mut Violations, request: &UpdatePeeringRequest) -> Update {
    let mut update = Update::default();
    let paths = request.update_mask.clone().unwrap_or_default().paths;
    if paths.is_empty() {
        let rule = format!("must name what is to change: {MUTABLE}");
        violations.add("update_mask", "INVALID_FIELD", rule);
    }
    if paths.len() > MOST_PATHS {
        let rule = format!("must name at most {MOST_PATHS} fields, not {}", paths.len());
        violations.add("update_mask", "INVALID_FIELD", rule);
        return update;
    }
    for (index, path) in paths.iter().enumerate() {
        if paths[..index].contains(path) {
            let rule = format!("names {} twice", shown(path));
            violations.add("update_mask", "INVALID_FIELD", rule);
            continue;
        }
        match path.as_str() {
            "display_name" => {
                let name = request.display_name.parse::<DisplayName>();
                update.display_name = violations.check("display_name", name);
            }
            "labels" => {
                let labels = Labels::new(request.labels.clone());
                update.labels = violations.check("labels", labels);
            }
            "cidrs" => update.cidrs = Some(wish::ranges(violations, "cidrs", &request.cidrs, 0).0),
            "options" => {
                update.options = Some(request.options.map(wish::options).unwrap_or_default());
            }
            other => unknown(violations, other),
        }
    }
    update
}

/// A path of a mask that is none of those that can change.
fn unknown(violations: &mut Violations, path: &str) {
    let first = path.split('.').next().unwrap_or_default();
    let (reason, rule) = match first {
        "labels" | "cidrs" | "options" => (
            "INVALID_FIELD",
            format!(
                "{}: {first} are replaced as a whole; name {first}",
                shown(path)
            ),
        ),
        "aws" | "gcp" => (
            "IMMUTABLE_FIELD",
            "of the customer's side only the ranges can be changed; name cidrs".to_owned(),
        ),
        first if IMMUTABLE.contains(&first) => {
            ("IMMUTABLE_FIELD", format!("{first} cannot be changed"))
        }
        _ => (
            "INVALID_FIELD",
            format!("must name {MUTABLE}, not {:?}", shown(path)),
        ),
    };
    violations.add("update_mask", reason, rule);
}

fn shown(path: &str) -> String {
    path.chars().take(64).collect()
}

fn answer(peering: &Peering, covered_at: Option<i64>) -> UpdatePeeringResponse {
    UpdatePeeringResponse {
        peering: Some(convert::message(peering, covered_at)),
    }
}
