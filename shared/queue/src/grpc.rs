//! `peerway.queue.v1.QueueService`: the operator's view, the same for every service that has a queue.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use api::queue::v1::get_queue_response::LaneFigures;
use api::queue::v1::queue_service_server::{QueueService, QueueServiceServer};
use api::queue::v1::*;
use api::timestamp;
use futures::future::BoxFuture;
use runtime::caller::Caller;
use runtime::clock::millis;
use runtime::page::Page;
use runtime::status::{Violations, failure, from_db, internal};
use tonic::{Code, Request, Response, Status};
use types::{GroupId, Invalid};

use crate::{Error, GroupView, Lane, LaneView, Queue};

/// Characters of an operator's reason.
const LONGEST_REASON: usize = 255;

type Answer<T> = BoxFuture<'static, Result<T, Status>>;
/// Answers with at most so many behind the key of the last one, in the order of their keys.
type Paged<T> = Box<dyn Fn(Option<String>, u64) -> Answer<Vec<T>> + Send + Sync>;

/// How many entries stand in each lane of each group; none is left out.
pub type Counts = HashMap<(GroupId, Lane), i64>;

/// What only the service itself knows: its entries.
pub struct Entries {
    /// Counts the entries in the lanes of these groups.
    pub counts: Box<dyn Fn(Vec<GroupId>) -> Answer<Counts> + Send + Sync>,
    /// The suspended entries, by id.
    pub suspended: Paged<SuspendedEntry>,
    /// Lets the steps of an entry go on, and answers with the entry as it was; none when there is none. What is not an
    /// id of an entry is invalid in the field `id`.
    pub resume: Box<dyn Fn(String, Caller) -> Answer<Option<SuspendedEntry>> + Send + Sync>,
    /// How long after it was first seen an orphan is removed; none: never.
    pub orphan_grace: Option<Duration>,
}

/// The service for `queue` and the entries behind it.
pub fn service(queue: Queue, entries: Entries) -> QueueServiceServer<impl QueueService> {
    QueueServiceServer::new(Api {
        queue,
        entries: Arc::new(entries),
    })
}

struct Api {
    queue: Queue,
    entries: Arc<Entries>,
}

impl From<Error> for Status {
    fn from(error: Error) -> Self {
        match error {
            Error::UnknownGroup(_) => failure(Code::NotFound, "GROUP_NOT_FOUND", error.to_string()),
            Error::Database(cause) => from_db(cause),
            _ => internal(&error),
        }
    }
}

impl Api {
    /// The group as it stands now.
    async fn shown(&self, group: &GroupId) -> Result<Option<Group>, Status> {
        let view = self.queue.group(group).await?;
        Ok(self.messages(vec![view]).await?.pop())
    }

    async fn messages(&self, views: Vec<GroupView>) -> Result<Vec<Group>, Status> {
        let groups = views.iter().map(|view| view.group.clone()).collect();
        let counts = (self.entries.counts)(groups).await?;
        Ok(views.iter().map(|view| message(view, &counts)).collect())
    }
}

#[tonic::async_trait]
impl QueueService for Api {
    async fn get_queue(
        &self,
        _: Request<GetQueueRequest>,
    ) -> Result<Response<GetQueueResponse>, Status> {
        let figures = self.queue.figures().await?;
        let lanes = figures.into_iter().map(|one| LaneFigures {
            kind: kind(one.lane).into(),
            groups: one.groups,
            overdue: one.overdue,
            lag: one.lag.try_into().ok(),
            claims_per_second: one.claims_per_second,
        });
        Ok(Response::new(GetQueueResponse {
            name: self.queue.name().to_owned(),
            backend: self.queue.backend().to_owned(),
            lanes: lanes.collect(),
        }))
    }

    async fn list_groups(
        &self,
        request: Request<ListGroupsRequest>,
    ) -> Result<Response<ListGroupsResponse>, Status> {
        let request = request.into_inner();
        let page = page(request.page_size, &request.page_token, "groups")?;
        let views = self.queue.groups(page.after.as_deref(), page.wanted());
        let groups = self.messages(views.await?).await?;
        let (groups, next_page_token) = page.cut(groups, |group: &Group| group.id.clone());
        Ok(Response::new(ListGroupsResponse {
            groups,
            next_page_token,
        }))
    }

    async fn get_group(
        &self,
        request: Request<GetGroupRequest>,
    ) -> Result<Response<GetGroupResponse>, Status> {
        let mut violations = Violations::new();
        let group = group(&mut violations, &request.into_inner().group_id);
        let group = taken(violations, group)?;
        let group = self.shown(&group).await?;
        Ok(Response::new(GetGroupResponse { group }))
    }

    async fn suspend_group(
        &self,
        request: Request<SuspendGroupRequest>,
    ) -> Result<Response<SuspendGroupResponse>, Status> {
        let actor = Caller::of(&request).principal;
        let request = request.into_inner();
        let mut violations = Violations::new();
        let group = group(&mut violations, &request.group_id);
        violations.check("reason", reason(&request.reason));
        let group = taken(violations, group)?;
        self.queue.suspend(&group, &request.reason).await?;
        tracing::info!(%group, actor, reason = request.reason, "an operator suspended a group");
        let group = self.shown(&group).await?;
        Ok(Response::new(SuspendGroupResponse { group }))
    }

    async fn resume_group(
        &self,
        request: Request<ResumeGroupRequest>,
    ) -> Result<Response<ResumeGroupResponse>, Status> {
        let actor = Caller::of(&request).principal;
        let mut violations = Violations::new();
        let group = group(&mut violations, &request.into_inner().group_id);
        let group = taken(violations, group)?;
        self.queue.resume(&group).await?;
        tracing::info!(%group, actor, "an operator resumed a group");
        let group = self.shown(&group).await?;
        Ok(Response::new(ResumeGroupResponse { group }))
    }

    async fn reschedule_group(
        &self,
        request: Request<RescheduleGroupRequest>,
    ) -> Result<Response<RescheduleGroupResponse>, Status> {
        let actor = Caller::of(&request).principal;
        let request = request.into_inner();
        let mut violations = Violations::new();
        let group = group(&mut violations, &request.group_id);
        let lane = violations.check("lane", lane(request.lane));
        let (group, lane) = taken(violations, group.zip(lane))?;
        self.queue.reschedule(&group, lane).await?;
        tracing::info!(%group, lane = lane.as_str(), actor, "an operator rescheduled a group");
        let group = self.shown(&group).await?;
        Ok(Response::new(RescheduleGroupResponse { group }))
    }

    async fn list_suspended(
        &self,
        request: Request<ListSuspendedRequest>,
    ) -> Result<Response<ListSuspendedResponse>, Status> {
        let request = request.into_inner();
        let page = page(request.page_size, &request.page_token, "suspended")?;
        let entries = (self.entries.suspended)(page.after.clone(), page.wanted()).await?;
        let (entries, next_page_token) =
            page.cut(entries, |entry: &SuspendedEntry| entry.id.clone());
        Ok(Response::new(ListSuspendedResponse {
            entries,
            next_page_token,
        }))
    }

    async fn resume_entry(
        &self,
        request: Request<ResumeEntryRequest>,
    ) -> Result<Response<ResumeEntryResponse>, Status> {
        let caller = Caller::of(&request);
        let (id, actor) = (request.into_inner().id, caller.principal.clone());
        let Some(entry) = (self.entries.resume)(id.clone(), caller).await? else {
            let message = format!("there is no entry {id}");
            return Err(failure(Code::NotFound, "ENTRY_NOT_FOUND", message));
        };
        tracing::info!(id, actor, "an operator resumed an entry");
        let entry = Some(entry);
        Ok(Response::new(ResumeEntryResponse { entry }))
    }

    async fn list_orphans(
        &self,
        request: Request<ListOrphansRequest>,
    ) -> Result<Response<ListOrphansResponse>, Status> {
        let request = request.into_inner();
        let page = page(request.page_size, &request.page_token, "orphans")?;
        let after = page.after.as_deref().and_then(|key| key.split_once(' '));
        let orphans = self.queue.orphans(after.unwrap_or_default(), page.wanted());
        let grace = self.entries.orphan_grace;
        let message = |one| orphan(one, grace);
        let orphans = orphans.await?.into_iter().map(message).collect();
        let (orphans, next_page_token) = page.cut(orphans, |orphan: &Orphan| {
            // Neither has spaces.
            format!("{} {}", orphan.group_id, orphan.provider_id)
        });
        Ok(Response::new(ListOrphansResponse {
            orphans,
            next_page_token,
        }))
    }
}

fn page(size: i32, token: &str, question: &str) -> Result<Page, Status> {
    let mut violations = Violations::new();
    let page = Page::asked(&mut violations, size, token, question.to_owned());
    violations.finish()?;
    Ok(page)
}

/// What was read of a request, unless something is wrong with it.
fn taken<T>(violations: Violations, read: Option<T>) -> Result<T, Status> {
    violations.finish()?;
    read.ok_or_else(|| Status::internal("a request was neither taken nor refused"))
}

fn group(violations: &mut Violations, given: &str) -> Option<GroupId> {
    violations.check("group_id", given.parse())
}

fn reason(given: &str) -> Result<(), Invalid> {
    match given.chars().count() {
        1..=LONGEST_REASON if !given.contains(char::is_control) => Ok(()),
        _ => Err(Invalid::field(format!(
            "must be 1-{LONGEST_REASON} characters without control characters"
        ))),
    }
}

fn lane(given: i32) -> Result<Lane, Invalid> {
    match LaneKind::try_from(given) {
        Ok(LaneKind::Work) => Ok(Lane::Work),
        Ok(LaneKind::Pending) => Ok(Lane::Pending),
        Ok(LaneKind::Drift) => Ok(Lane::Drift),
        Ok(LaneKind::Unspecified) | Err(_) => Err(Invalid::field(
            "must be LANE_KIND_WORK, LANE_KIND_PENDING or LANE_KIND_DRIFT",
        )),
    }
}

fn kind(lane: Lane) -> LaneKind {
    match lane {
        Lane::Work => LaneKind::Work,
        Lane::Pending => LaneKind::Pending,
        Lane::Drift => LaneKind::Drift,
    }
}

fn message(view: &GroupView, counts: &Counts) -> Group {
    let lane = |lane: &LaneView| {
        let entries = counts.get(&(view.group.clone(), lane.lane));
        api::queue::v1::Lane {
            kind: kind(lane.lane).into(),
            due_time: Some(timestamp(lane.due_at)),
            leased: lane.leased,
            covered_time: lane.row.covered_at.map(timestamp),
            wired_time: lane.row.wired_at.map(timestamp),
            last_error: lane.row.last_error.clone().unwrap_or_default(),
            entries: entries.copied().unwrap_or_default(),
        }
    };
    Group {
        id: view.group.to_string(),
        read_gate_time: view.read_gate_until.map(timestamp),
        write_gate_time: view.write_gate_until.map(timestamp),
        suspend_time: view.suspended_at.map(timestamp),
        reason: view.reason.clone().unwrap_or_default(),
        lanes: view.lanes.iter().map(lane).collect(),
    }
}

fn orphan(one: crate::Orphan, grace: Option<Duration>) -> Orphan {
    let remove_at = grace.map(|grace| one.first_seen.saturating_add(millis(grace)));
    Orphan {
        group_id: one.group_id,
        provider_id: one.provider_id,
        entry_id: one.entry_id,
        attempt: one.attempt,
        first_seen_time: Some(timestamp(one.first_seen)),
        last_seen_time: Some(timestamp(one.last_seen)),
        remove_time: remove_at.map(timestamp),
    }
}
