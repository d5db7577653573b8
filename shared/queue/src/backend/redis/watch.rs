//! What goes on beside the calls: whether Redis can be used, and the nudges of other processes.

use std::sync::Arc;
use std::time::Duration;

use ::redis::RedisResult;
use futures::StreamExt;

use super::Redis;
use crate::{Error, Lane};

const RESUBSCRIBE: Duration = Duration::from_secs(1);

impl Redis {
    /// Asks Redis from time to time whether it does all that is asked of it, which a full, a read-only or a
    /// forbidding one does not.
    pub(super) async fn watch(self: Arc<Self>) {
        let mut eviction_checked = false;
        loop {
            let [zset, hash, set, string] = &self.probe_keys;
            let mut probe = self.scripts.probe.key(zset);
            probe.key(hash).key(set).key(string);
            let good = self.ask::<i64>(&probe).await.is_ok();
            match (good, self.in_use()) {
                (true, _) if !eviction_checked => {
                    self.check_eviction().await;
                    eviction_checked = true;
                }
                (false, false) => {
                    // What answers next may be another server, with other settings.
                    self.connection.lock().await.take();
                    eviction_checked = false;
                }
                _ => {}
            }
            tokio::time::sleep(self.probe).await;
        }
    }

    /// Warns when Redis throws keys away to stay below its limit. Not knowing says nothing about its health.
    async fn check_eviction(&self) {
        let [key, ..] = &self.probe_keys;
        let script = self.scripts.eviction.key(key);
        let ask = async {
            let mut connection = self.connection().await?;
            script.invoke_async::<String>(&mut connection).await
        };
        let info: RedisResult<String> = match tokio::time::timeout(self.timeout, ask).await {
            Ok(info) => info,
            Err(_) => return tracing::debug!("Redis did not say what it does when it is full"),
        };
        match info {
            Ok(info) => {
                if let Some(policy) = evicting(&info) {
                    tracing::warn!(
                        policy,
                        "Redis may evict the queue's keys, which costs repeated looks: set maxmemory-policy noeviction"
                    );
                }
            }
            Err(error) => tracing::info!(%error, "Redis does not say what it does when it is full"),
        }
    }

    /// Hears the nudges of other processes. Without it a worker still looks every `poll`.
    pub(super) async fn listen(self: Arc<Self>) {
        loop {
            tokio::select! {
                result = self.hear() => if let Err(error) = result {
                    tracing::debug!(%error, "no wake-ups from Redis for now");
                },
                () = self.resubscribe.notified() => {}
            }
            tokio::time::sleep(RESUBSCRIBE).await;
        }
    }

    async fn hear(&self) -> Result<(), Error> {
        let mut pubsub = self.server.subscriber().await?;
        pubsub.subscribe(&self.channel).await?;
        let mut messages = pubsub.on_message();
        while let Some(message) = messages.next().await {
            let lane = message.get_payload::<String>().unwrap_or_default();
            match Lane::ALL.into_iter().find(|known| known.as_str() == lane) {
                Some(lane) => self.wakes.wake(lane),
                None => self.wakes.wake_all(),
            }
        }
        Ok(())
    }
}

/// The policy that INFO's section `memory` names, unless it keeps all keys.
fn evicting(info: &str) -> Option<&str> {
    let mut lines = info.lines();
    let policy = lines.find_map(|line| line.strip_prefix("maxmemory_policy:"))?;
    (policy != "noeviction").then_some(policy)
}

#[cfg(test)]
mod tests {
    use super::evicting;

    #[test]
    fn any_policy_but_noeviction_is_worth_a_warning() {
        let info =
            |policy: &str| format!("# Memory\r\nmaxmemory:0\r\nmaxmemory_policy:{policy}\r\nx:1");
        assert_eq!(evicting(&info("allkeys-lru")), Some("allkeys-lru"));
        assert_eq!(evicting(&info("noeviction")), None);
        assert_eq!(evicting("# Memory\r\n"), None);
    }
}
