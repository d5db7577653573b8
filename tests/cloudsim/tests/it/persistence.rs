//! A cloud that goes on where it was.

use cloudsim::{Cloudsim, Options};

use crate::support::*;

#[tokio::test]
async fn the_state_outlives_the_process() {
    let folder = tempfile::tempdir().unwrap();
    let options = || Options {
        state_file: Some(folder.path().join("state.json")),
        ..Options::default()
    };
    let sim = Cloudsim::start(options()).await.unwrap();
    let (pcx, ours, theirs) = pending(&sim).await;
    sim.clock_advance(100 * HOUR);
    let before = sim.now_ms();
    sim.stop().await;

    let sim = Cloudsim::start(options()).await.unwrap();
    let (vendor, _) = both(&sim);
    assert!(sim.now_ms() >= before, "the clock stays moved");
    assert_eq!(status(&vendor, &pcx).await, "pending-acceptance");
    assert_eq!(request(&vendor, &ours, &theirs).await, pcx);
    let other = vpc(&vendor, "10.5.0.0/16").await;
    assert!(![ours, theirs].contains(&other));
}

#[tokio::test]
async fn a_state_that_makes_no_sense_is_not_overwritten() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("state.json");
    std::fs::write(&file, "{}").unwrap();
    let options = Options {
        state_file: Some(file.clone()),
        ..Options::default()
    };
    assert!(Cloudsim::start(options).await.is_err());
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "{}");
}
