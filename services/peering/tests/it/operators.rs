//! The operator's view of the queue.

use std::time::Duration;

use api::peering::v1::peering::State;
use api::queue::v1::queue_service_client::QueueServiceClient;
use api::queue::v1::*;
use sea_orm::ConnectionTrait;
use tonic::transport::Channel;
use tonic::{Code, Status};
use tonic_types::StatusExt;
use types::PeeringId;

use crate::suite::{Kind, PATIENCE, Suite, on_both_databases, reason};

on_both_databases!(
    the_queue_shows_its_lanes,
    groups_come_in_pages,
    a_group_shows_its_lanes_and_how_many_stand_in_them,
    a_suspended_group_is_left_alone_until_it_is_resumed,
    a_rescheduled_lane_is_looked_at_at_once,
    a_suspended_entry_is_listed_and_tried_again_at_once,
    what_is_wrong_with_a_request_is_named,
);

type Operator = QueueServiceClient<Channel>;

async fn sql(suite: &Suite, statement: &str) {
    let db = suite.database.connect().await;
    db.write().execute_unprepared(statement).await.unwrap();
    db.close().await.unwrap();
}

async fn groups(operator: &mut Operator) -> Vec<Group> {
    let answer = operator.list_groups(ListGroupsRequest::default()).await;
    answer.unwrap().into_inner().groups
}

async fn group(operator: &mut Operator, id: &str) -> Group {
    let group_id = id.to_owned();
    let answer = operator.get_group(GetGroupRequest { group_id }).await;
    answer.unwrap().into_inner().group.unwrap()
}

fn lane(group: &Group, kind: LaneKind) -> &Lane {
    let mut lanes = group.lanes.iter();
    lanes.find(|lane| lane.kind() == kind).unwrap()
}

/// The group once it is as wanted.
async fn until(operator: &mut Operator, id: &str, wanted: impl Fn(&Group) -> bool) -> Group {
    let reached = async {
        loop {
            let group = group(operator, id).await;
            if wanted(&group) {
                return group;
            }
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, reached)
        .await
        .expect("the group is as wanted in time")
}

/// Waits until the peering is in this state, without asking anyone to look.
async fn until_found(suite: &Suite, id: &str, state: State) {
    let found = async {
        while suite.get(id).await.unwrap().state() != state {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, found)
        .await
        .expect("it is found in time");
}

async fn the_queue_shows_its_lanes(kind: Kind) {
    let suite = Suite::start(kind).await;
    suite.active().await;
    let mut operator = suite.operator().await;
    let answer = operator.get_queue(GetQueueRequest {}).await.unwrap();
    let answer = answer.into_inner();
    assert_eq!(
        (answer.name.as_str(), answer.backend.as_str()),
        ("status-check", "table")
    );
    let lanes: Vec<_> = answer
        .lanes
        .iter()
        .map(|lane| (lane.kind(), lane.groups))
        .collect();
    let all = [LaneKind::Work, LaneKind::Pending, LaneKind::Drift];
    assert_eq!(lanes, all.map(|kind| (kind, 1)));
    for lane in answer.lanes {
        assert!(lane.claims_per_second > 0.0, "{lane:?}");
        assert!(lane.lag.is_some() && lane.overdue <= 1, "{lane:?}");
    }
}

async fn groups_come_in_pages(kind: Kind) {
    let suite = Suite::start(kind).await;
    let ids = [
        "aws/111111111111/eu-west-1",
        "aws/111111111111/eu-west-2",
        "gcp/acme-prod",
    ];
    for id in ids {
        sql(
            &suite,
            &format!("INSERT INTO check_group (group_id, suspended_at) VALUES ('{id}', 1)"),
        )
        .await;
        for lane in ["work", "pending", "drift"] {
            let row = format!(
                "INSERT INTO check_lane (group_id, lane, due_at) VALUES ('{id}', '{lane}', 4000000000000)"
            );
            sql(&suite, &row).await;
        }
    }
    let mut operator = suite.operator().await;
    let (mut seen, mut page_token) = (Vec::new(), String::new());
    loop {
        let request = ListGroupsRequest {
            page_size: 2,
            page_token,
        };
        let page = operator.list_groups(request).await.unwrap().into_inner();
        assert!(page.groups.len() <= 2);
        assert!(page.groups.iter().all(|group| group.lanes.len() == 3));
        seen.extend(page.groups.into_iter().map(|group| group.id));
        page_token = page.next_page_token;
        if page_token.is_empty() {
            break;
        }
    }
    assert_eq!(seen, ids);
    let request = ListGroupsRequest {
        page_size: -1,
        page_token: "x".to_owned(),
    };
    let status = operator.list_groups(request).await.unwrap_err();
    assert_eq!(fields(&status), ["page_size", "page_token"]);
}

async fn a_group_shows_its_lanes_and_how_many_stand_in_them(kind: Kind) {
    let suite = Suite::start(kind).await;
    suite.active().await;
    for _ in 0..2 {
        let waiting = suite.create().await;
        suite
            .until_state(&waiting.id, State::PendingAcceptance)
            .await;
    }
    let mut operator = suite.operator().await;
    let id = groups(&mut operator).await.remove(0).id;
    let entries =
        |group: &Group| [LaneKind::Pending, LaneKind::Drift].map(|kind| lane(group, kind).entries);
    let shown = until(&mut operator, &id, |group| {
        entries(group) == [2, 1] && group.lanes.iter().all(|lane| lane.due_time.is_some())
    })
    .await;
    assert!(lane(&shown, LaneKind::Drift).covered_time.is_some());
    assert!(shown.suspend_time.is_none() && shown.read_gate_time.is_none());
    // A gate in force is shown with its reason, one that has passed is not.
    let gates = "UPDATE check_group SET reason = 'CLOUD_THROTTLED', \
                 write_gate_until = 4000000000000, read_gate_until = 1";
    sql(&suite, gates).await;
    let gated = group(&mut operator, &id).await;
    assert_eq!(
        gated.write_gate_time.map(|at| at.seconds),
        Some(4_000_000_000)
    );
    assert_eq!(gated.reason, "CLOUD_THROTTLED");
    assert_eq!(gated.read_gate_time, None);
}

async fn a_suspended_group_is_left_alone_until_it_is_resumed(kind: Kind) {
    let suite = Suite::start_with(kind, |config| {
        config.queue.suspended_interval = Duration::from_secs(3_600);
    })
    .await;
    let peering = suite.create().await;
    suite
        .until_state(&peering.id, State::PendingAcceptance)
        .await;
    let mut operator = suite.operator().await;
    let id = groups(&mut operator).await.remove(0).id;
    let suspending = |reason: &str| SuspendGroupRequest {
        group_id: id.clone(),
        reason: reason.to_owned(),
    };
    let held = operator
        .suspend_group(suspending("maintenance"))
        .await
        .unwrap();
    let held = held.into_inner().group.unwrap();
    assert_eq!(held.reason, "maintenance");
    let again = operator.suspend_group(suspending("longer")).await.unwrap();
    let again = again.into_inner().group.unwrap();
    assert_eq!(
        (again.suspend_time, again.reason.as_str()),
        (held.suspend_time, "longer")
    );
    // It has been given back unlooked once its lane is due in an hour.
    let is_back = |group: &Group| {
        let lane = lane(group, LaneKind::Pending);
        let ahead =
            |at: &prost_types::Timestamp| at.seconds > held.suspend_time.unwrap().seconds + 1_800;
        !lane.leased && lane.due_time.as_ref().is_some_and(ahead)
    };
    until(&mut operator, &id, is_back).await;
    suite.cloud.accept(&peering.id);
    let request = RescheduleGroupRequest {
        group_id: id.clone(),
        lane: LaneKind::Pending.into(),
    };
    operator.reschedule_group(request).await.unwrap();
    until(&mut operator, &id, is_back).await;
    assert_eq!(
        suite.get(&peering.id).await.unwrap().state(),
        State::PendingAcceptance
    );
    let resuming = ResumeGroupRequest {
        group_id: id.clone(),
    };
    let resumed = operator.resume_group(resuming.clone()).await.unwrap();
    let resumed = resumed.into_inner().group.unwrap();
    assert_eq!((resumed.suspend_time, resumed.reason.as_str()), (None, ""));
    until_found(&suite, &peering.id, State::Active).await;
    operator.resume_group(resuming).await.unwrap();
}

async fn a_rescheduled_lane_is_looked_at_at_once(kind: Kind) {
    let suite = Suite::start_with(kind, |config| {
        config.queue.drift_interval = Duration::from_secs(3_600);
        config.queue.idle_interval = Duration::from_secs(3_600);
        config.queue.absence_grace = Duration::from_millis(1);
    })
    .await;
    suite.active().await;
    let mut operator = suite.operator().await;
    let id = groups(&mut operator).await.remove(0).id;
    let rests = |group: &Group| {
        let lane = lane(group, LaneKind::Drift);
        let covered = lane.covered_time.as_ref().map_or(0, |at| at.seconds);
        let due = lane.due_time.as_ref().unwrap().seconds;
        !lane.leased && covered > 0 && due > covered + 1_800
    };
    let covered = |group: &Group| lane(group, LaneKind::Drift).covered_time;
    let before = covered(&until(&mut operator, &id, rests).await);
    let request = RescheduleGroupRequest {
        group_id: id.clone(),
        lane: LaneKind::Drift.into(),
    };
    operator.reschedule_group(request).await.unwrap();
    until(&mut operator, &id, |group| {
        rests(group) && covered(group) != before
    })
    .await;
}

async fn a_suspended_entry_is_listed_and_tried_again_at_once(kind: Kind) {
    let suite = Suite::start(kind).await;
    let peering = suite.active().await;
    let other = suite.active().await;
    sql(
        &suite,
        &format!(
            "UPDATE peering SET version = version + 1, suspended_at = 1000, failures = 5, \
         step_at = 4000000000000 WHERE id IN ('{}', '{}')",
            peering.id, other.id
        ),
    )
    .await;
    let mut operator = suite.operator().await;
    let first = ListSuspendedRequest {
        page_size: 1,
        page_token: String::new(),
    };
    let page = operator.list_suspended(first).await.unwrap().into_inner();
    let second = ListSuspendedRequest {
        page_size: 1,
        page_token: page.next_page_token.clone(),
    };
    let rest = operator.list_suspended(second).await.unwrap().into_inner();
    let ids: Vec<_> = [&page, &rest]
        .iter()
        .map(|page| page.entries[0].id.clone())
        .collect();
    assert_eq!(ids, [peering.id.clone(), other.id.clone()]);
    assert_eq!(rest.next_page_token, "");
    let entry = &page.entries[0];
    assert_eq!((entry.failures, entry.tenant_id.as_str()), (5, "acme"));
    assert_eq!(entry.suspend_time.map(|at| at.seconds), Some(1));
    assert!(entry.group_id.starts_with("aws/"));
    let request = ResumeEntryRequest {
        id: peering.id.clone(),
    };
    let answer = operator.resume_entry(request.clone()).await.unwrap();
    assert_eq!(answer.into_inner().entry.as_ref(), Some(entry));
    let answer = operator
        .list_suspended(ListSuspendedRequest::default())
        .await
        .unwrap();
    let left: Vec<_> = answer
        .into_inner()
        .entries
        .into_iter()
        .map(|one| one.id)
        .collect();
    assert_eq!(left, [other.id]);
    // What is not suspended stays as it is.
    let answer = operator.resume_entry(request).await.unwrap();
    assert_eq!(answer.into_inner().entry.unwrap().suspend_time, None);
    let id = PeeringId::generate().to_string();
    let status = operator
        .resume_entry(ResumeEntryRequest { id })
        .await
        .unwrap_err();
    assert_eq!(
        (status.code(), reason(&status).as_str()),
        (Code::NotFound, "ENTRY_NOT_FOUND")
    );
}

fn fields(status: &Status) -> Vec<String> {
    assert_eq!(status.code(), Code::InvalidArgument, "{status:?}");
    let details = status.get_details_bad_request().unwrap();
    details
        .field_violations
        .into_iter()
        .map(|one| one.field)
        .collect()
}

async fn what_is_wrong_with_a_request_is_named(kind: Kind) {
    let suite = Suite::start(kind).await;
    let mut operator = suite.operator().await;
    let id = |id: &str| GetGroupRequest {
        group_id: id.to_owned(),
    };
    let status = operator.get_group(id("azure/x")).await.unwrap_err();
    assert_eq!(fields(&status), ["group_id"]);
    let unknown = "aws/999999999999/eu-west-1";
    let status = operator.get_group(id(unknown)).await.unwrap_err();
    assert_eq!(
        (status.code(), reason(&status).as_str()),
        (Code::NotFound, "GROUP_NOT_FOUND")
    );
    for reason in [String::new(), "x".repeat(256), "two\nlines".to_owned()] {
        let request = SuspendGroupRequest {
            group_id: String::new(),
            reason,
        };
        let status = operator.suspend_group(request).await.unwrap_err();
        assert_eq!(fields(&status), ["group_id", "reason"]);
    }
    let request = SuspendGroupRequest {
        group_id: unknown.to_owned(),
        reason: "x".repeat(255),
    };
    let status = operator.suspend_group(request).await.unwrap_err();
    assert_eq!(reason(&status), "GROUP_NOT_FOUND");
    let request = ResumeGroupRequest {
        group_id: unknown.to_owned(),
    };
    let status = operator.resume_group(request).await.unwrap_err();
    assert_eq!(reason(&status), "GROUP_NOT_FOUND");
    for lane in [0, 7] {
        let request = RescheduleGroupRequest {
            group_id: unknown.to_owned(),
            lane,
        };
        let status = operator.reschedule_group(request).await.unwrap_err();
        assert_eq!(fields(&status), ["lane"]);
    }
    let request = RescheduleGroupRequest {
        group_id: unknown.to_owned(),
        lane: LaneKind::Work.into(),
    };
    let status = operator.reschedule_group(request).await.unwrap_err();
    assert_eq!(reason(&status), "GROUP_NOT_FOUND");
    let request = ResumeEntryRequest {
        id: "net_1".to_owned(),
    };
    let status = operator.resume_entry(request).await.unwrap_err();
    assert_eq!(fields(&status), ["id"]);
}
