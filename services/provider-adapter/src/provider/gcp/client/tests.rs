//! Which clients calls go through, and which calls are sent.

use super::*;
use crate::config::GcpPageConfig;

fn project() -> Arc<Project> {
    let project = ProjectConfig {
        project_id: "acme-prod".parse().unwrap(),
        regions: vec!["europe-west1".parse().unwrap()],
        endpoint: Some("http://127.0.0.1:1".into()),
        key_file: None,
        impersonate: None,
        iam_endpoint: None,
        anonymous: true,
        network_limit: None,
        peerings_per_network: 25,
    };
    let config = GcpConfig {
        projects: vec![project.clone()],
        call_timeout: Duration::from_secs(4),
        pages: GcpPageConfig { networks: 500 },
        writes: GcpWriteConfig {
            per_minute: 1500,
            share: 0.5,
        },
    };
    Arc::new(Project::new(&config, &project))
}

#[tokio::test]
async fn only_the_clients_that_failed_are_forgotten() {
    let project = project();
    let first = project.ready().await.unwrap();
    project.forget(&first).await;
    let second = project.ready().await.unwrap();
    assert!(!Arc::ptr_eq(&first, &second));
    project.forget(&first).await;
    assert!(Arc::ptr_eq(&second, &project.ready().await.unwrap()));
}

#[tokio::test]
async fn refused_clients_are_renewed_by_one_caller_and_ever_less_often() {
    let project = project();
    let mut now = Instant::now();
    let first = project.clients().await.unwrap();
    let mut held = project.renewed(&first, now).await.unwrap().unwrap();
    assert!(!Arc::ptr_eq(&first, &held));
    let other = project.renewed(&first, now).await.unwrap().unwrap();
    assert!(Arc::ptr_eq(&held, &other));
    for pause in [1, 2, 4, 8, 16, 32, 60, 60] {
        let pause = Duration::from_secs(pause);
        let early = now + pause - Duration::from_millis(1);
        assert!(project.renewed(&held, early).await.unwrap().is_none());
        now += pause;
        held = project.renewed(&held, now).await.unwrap().unwrap();
    }
    // Those that worked are renewed at once, and the pauses begin anew.
    held.proven.store(true, Ordering::Relaxed);
    held = project.renewed(&held, now).await.unwrap().unwrap();
    assert!(project.renewed(&held, now).await.unwrap().is_none());
    let later = now + RENEWALS.0;
    assert!(project.renewed(&held, later).await.unwrap().is_some());
}

#[tokio::test]
async fn a_write_is_not_begun_without_time_for_its_answer() {
    let mut gce = Gce::new(project());
    gce.until = Instant::now() + Duration::from_millis(1900);
    let sent = AtomicBool::new(false);
    let send = |_: &Clients| {
        sent.store(true, Ordering::Relaxed);
        std::future::ready(Ok::<_, Error>(()))
    };
    let error = gce.call("networks.insert", send).await.unwrap_err();
    assert!(error.of_write().refused && !sent.load(Ordering::Relaxed));
    assert!(gce.call("networks.get", send).await.is_ok());
    gce.until = Instant::now() + LONGEST;
    assert!(gce.call("networks.insert", send).await.is_ok());
}

#[tokio::test]
async fn a_panic_of_the_library_ends_one_call_and_leaves_its_outcome_open() {
    let gce = Gce::new(project());
    let send = |_: &Clients| async { panic!("on purpose") };
    let answer: Result<(), _> = gce.call("networks.insert", send).await;
    assert!(!answer.unwrap_err().of_write().refused);
}
