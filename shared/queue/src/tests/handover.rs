//! What a worker that stops gives back is another's at once.

use std::time::Duration;

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::{Fixture, HOUR, NAME};
use crate::{Lane, Outcome, Queue};

/// Runs a lane until it is stopped; each turn says that it has begun, and holds its group until then.
fn run(
    queue: &Queue,
    stop: &CancellationToken,
) -> (mpsc::UnboundedReceiver<()>, tokio::task::JoinHandle<()>) {
    let (say, said) = mpsc::unbounded_channel();
    let (queue, ended) = (queue.clone(), stop.clone());
    let running = tokio::spawn(async move {
        let held = ended.clone();
        let turn = move |_| {
            let (say, held) = (say.clone(), held.clone());
            async move {
                say.send(()).unwrap();
                held.cancelled().await;
                Outcome::again(Duration::ZERO)
            }
        };
        queue.run(Lane::Drift, ended, turn).await;
    });
    (said, running)
}

#[tokio::test]
async fn a_worker_that_waits_is_woken_by_one_that_stops() {
    let fixture = Fixture::redis().await;
    fixture.group("111122223333", Duration::ZERO).await;
    // Nothing but a word of the other can wake it before the test has lost patience.
    let patient = |config: &mut runtime::config::QueueConfig| {
        (config.poll, config.lease) = (HOUR, HOUR);
    };
    let (first, second) = (
        fixture.queue_with(patient).await,
        fixture.queue_with(patient).await,
    );
    let (stop, end) = (CancellationToken::new(), CancellationToken::new());
    let (mut claimed, running) = run(&first, &stop);
    claimed.recv().await.unwrap();
    let (mut again, waiting) = run(&second, &end);
    let mut listeners = redis::cmd("PUBSUB");
    listeners.arg("NUMSUB").arg(format!("{{{NAME}}}:wake"));
    while fixture.ask_redis::<(String, usize)>(&listeners).await.1 < 2 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    stop.cancel();
    running.await.unwrap();
    tokio::time::timeout(Duration::from_secs(60), again.recv())
        .await
        .expect("the other claims what was given back")
        .unwrap();
    end.cancel();
    waiting.await.unwrap();
}
