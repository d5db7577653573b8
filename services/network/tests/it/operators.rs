//! The operator's view of the queue.

use std::time::Duration;

use api::network::v1::network::State;
use api::queue::v1::queue_service_client::QueueServiceClient;
use api::queue::v1::*;
use sea_orm::ConnectionTrait;
use tonic::Code;
use tonic::transport::Channel;
use types::NetworkId;

use crate::on_each_database;
use crate::suite::{PATIENCE, Suite, reason};

type Operator = QueueServiceClient<Channel>;

/// The group of all networks here.
const GROUP: &str = "aws/111122223333/eu-west-1";

async fn sql(suite: &Suite, statement: &str) {
    let db = suite.database.connect().await;
    db.write().execute_unprepared(statement).await.unwrap();
    db.close().await.unwrap();
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

/// Asks again and again until the answer is as wanted.
async fn until<T>(mut ask: impl AsyncFnMut() -> T, wanted: impl Fn(&T) -> bool) -> T {
    let reached = async {
        loop {
            let answer = ask().await;
            if wanted(&answer) {
                return answer;
            }
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, reached)
        .await
        .expect("it is as wanted in time")
}

on_each_database! {
    async fn the_queue_and_its_groups_are_shown(suite: Suite) {
        let suite = suite;
        suite.settled("main", "10.20.0.0/16").await;
        let mut operator = suite.operator().await;
        let queue = operator.get_queue(GetQueueRequest {}).await.unwrap().into_inner();
        assert_eq!((queue.name.as_str(), queue.backend.as_str()), ("network-check", "table"));
        assert_eq!(queue.lanes.len(), 3);
        // Where networks wait for an account is a group as well.
        assert!(queue.lanes.iter().all(|lane| lane.groups == 2), "{:?}", queue.lanes);
        let first = ListGroupsRequest { page_size: 1, page_token: String::new() };
        let first = operator.list_groups(first).await.unwrap().into_inner();
        let second = ListGroupsRequest { page_size: 1, page_token: first.next_page_token };
        let second = operator.list_groups(second).await.unwrap().into_inner();
        let ids = [&first.groups[0].id, &second.groups[0].id];
        assert_eq!(ids, [GROUP, "aws/unplaced/eu-west-1"]);
        assert_eq!(second.next_page_token, "");
        assert_eq!(lane(&first.groups[0], LaneKind::Drift).entries, 1);
        assert_eq!(lane(&second.groups[0], LaneKind::Work).entries, 0);
        let unknown = GetGroupRequest { group_id: "gcp/nobody".to_owned() };
        let status = operator.get_group(unknown).await.unwrap_err();
        assert_eq!((status.code(), reason(&status).as_str()), (Code::NotFound, "GROUP_NOT_FOUND"));
    }

    async fn a_suspended_group_is_left_alone_until_it_is_resumed(suite: Suite) {
        let suite = suite;
        let network = suite.settled("main", "10.20.0.0/16").await;
        let mut operator = suite.operator().await;
        let suspending = SuspendGroupRequest {
            group_id: GROUP.to_owned(),
            reason: "the account is being moved".to_owned(),
        };
        let held = operator.suspend_group(suspending).await.unwrap().into_inner().group.unwrap();
        assert!(held.suspend_time.is_some());
        assert_eq!(held.reason, "the account is being moved");
        suite.delete(&network.id).await.unwrap();
        let rescheduling = RescheduleGroupRequest {
            group_id: GROUP.to_owned(),
            lane: LaneKind::Work.into(),
        };
        operator.reschedule_group(rescheduling).await.unwrap();
        // It has been given back unlooked once its lane is due in a minute again.
        let asked = held.suspend_time.unwrap().seconds;
        let is_back = |group: &Group| {
            let lane = lane(group, LaneKind::Work);
            !lane.leased && lane.due_time.is_some_and(|at| at.seconds > asked + 20)
        };
        until(async || group(&mut operator, GROUP).await, is_back).await;
        assert_eq!(suite.get(&network.id).await.state(), State::Deleting);
        assert_eq!(suite.provider.count("DeleteVpc"), 0);
        let resuming = ResumeGroupRequest { group_id: GROUP.to_owned() };
        let resumed = operator.resume_group(resuming).await.unwrap().into_inner().group.unwrap();
        assert_eq!((resumed.suspend_time, resumed.reason.as_str()), (None, ""));
        suite.until(&network.id, State::Deleted).await;
    }

    async fn a_suspended_network_is_listed_and_tried_again_at_once(suite: Suite) {
        let suite = suite;
        let network = suite.settled("main", "10.20.0.0/16").await;
        let update = "UPDATE network SET version = version + 1, suspended_at = 1000, failures = 5, \
                      vpc_step_at = 4000000000000, \
                      step_at = 4000000000000, reason = 'CLOUD_ERROR', message = 'it said no'";
        sql(&suite, update).await;
        let mut operator = suite.operator().await;
        let listed = operator.list_suspended(ListSuspendedRequest::default()).await.unwrap();
        let [entry] = <[SuspendedEntry; 1]>::try_from(listed.into_inner().entries).unwrap();
        let expected = SuspendedEntry {
            id: network.id.clone(),
            tenant_id: "acme".to_owned(),
            group_id: GROUP.to_owned(),
            suspend_time: Some(api::timestamp(1_000)),
            failures: 5,
            reason: "CLOUD_ERROR".to_owned(),
            message: "it said no".to_owned(),
        };
        assert_eq!(entry, expected);
        let request = ResumeEntryRequest { id: network.id.clone() };
        let resumed = operator.resume_entry(request.clone()).await.unwrap().into_inner();
        assert_eq!(resumed.entry, Some(expected));
        let listed = operator.list_suspended(ListSuspendedRequest::default()).await.unwrap();
        assert_eq!(listed.into_inner().entries, []);
        let again = operator.resume_entry(request).await.unwrap().into_inner();
        assert_eq!(again.entry.unwrap().suspend_time, None);
        let id = NetworkId::generate().to_string();
        let status = operator.resume_entry(ResumeEntryRequest { id }).await.unwrap_err();
        assert_eq!((status.code(), reason(&status).as_str()), (Code::NotFound, "ENTRY_NOT_FOUND"));
        let id = "peer_1".to_owned();
        let status = operator.resume_entry(ResumeEntryRequest { id }).await.unwrap_err();
        assert_eq!((status.code(), status.message().starts_with("id: ")), (Code::InvalidArgument, true));
    }

    async fn a_vpc_without_a_network_is_told_and_left_alone(suite: Suite) {
        let mut suite = suite;
        let kept = suite.settled("kept", "10.20.0.0/16").await;
        let lost = suite.settled("lost", "10.30.0.0/16").await;
        let forget = format!(
            "UPDATE network SET version = version + 1, state = 'DELETED', lane = 'none', \
             group_id = NULL, name_key = NULL, step_at = NULL \
             WHERE id = '{}'",
            lost.id
        );
        sql(&suite, &forget).await;
        let often = Duration::from_millis(30);
        suite.restart(|config| config.queue.drift_interval = often).await;
        let mut operator = suite.operator().await;
        let rescheduling = RescheduleGroupRequest {
            group_id: GROUP.to_owned(),
            lane: LaneKind::Drift.into(),
        };
        operator.reschedule_group(rescheduling).await.unwrap();
        let orphans = async || {
            let answer = operator.list_orphans(ListOrphansRequest::default()).await;
            answer.unwrap().into_inner().orphans
        };
        let told = until(orphans, |orphans: &Vec<Orphan>| !orphans.is_empty()).await;
        let [orphan] = <[Orphan; 1]>::try_from(told).unwrap();
        assert_eq!((orphan.group_id.as_str(), &orphan.entry_id), (GROUP, &lost.id));
        assert_eq!(orphan.provider_id, lost.provider_vpc_id);
        assert_eq!((orphan.attempt, orphan.remove_time), (0, None));
        let looks = suite.provider.count("ObserveVpcs");
        suite.provider.until_called("ObserveVpcs", looks + 5).await;
        assert_eq!(suite.provider.count("DeleteVpc"), 0);
        assert_eq!(suite.get(&kept.id).await.state(), State::Active);
    }

    async fn groups_without_networks_go_with_the_purge(suite: Suite) {
        let mut suite = suite;
        suite.settled("main", "10.20.0.0/16").await;
        sql(&suite, "INSERT INTO check_group (group_id, suspended_at) VALUES ('gcp/held', 1)").await;
        let often = Duration::from_millis(20);
        suite.restart(|config| config.work.purge_interval = often).await;
        let mut operator = suite.operator().await;
        let ids = async || {
            let answer = operator.list_groups(ListGroupsRequest::default()).await;
            let groups = answer.unwrap().into_inner().groups;
            groups.into_iter().map(|group| group.id).collect::<Vec<_>>()
        };
        // Nothing waits for an account any more.
        until(ids, |ids| ids == &[GROUP, "gcp/held"]).await;
    }
}
