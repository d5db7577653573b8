//! DiagnosePeering: asks everybody who can tell at once, and judges what they say.

use std::time::Duration;

use api::cloud::CloudError;
use api::peering::v1::{self as proto, DiagnosePeeringRequest, DiagnosePeeringResponse, check};
use runtime::status::failure_with;
use tonic::{Code, Status};

use super::Api;
use crate::clients::{NetworkError, verify_commands};
use crate::domain::{Away, Check, Evidence, NetworkFacts, Peering, Usage, Verdict, diagnose};

/// Longest wait for any of those who are asked, all at once.
const PATIENCE: Duration = Duration::from_secs(6);
/// Longest wait for the commands after that; no cloud has a part in it.
const DESCRIBED: Duration = Duration::from_secs(2);
/// The limit on the peerings of one network, which the adapter does not count.
const PEERINGS: &str = "peerings_per_network";

impl Api {
    pub(super) async fn diagnose(
        &self,
        request: DiagnosePeeringRequest,
    ) -> Result<DiagnosePeeringResponse, Status> {
        let peering = self.named(&request.tenant_id, &request.peering_id).await?;
        if !peering.state.is_routed() {
            return Err(not_active(&peering));
        }
        let asked_at = self.store.now_ms().await?;
        let peerings = self.store.count_on(peering.network).await?;
        let (look, routes, network, limits) = tokio::join!(
            asked(PATIENCE, self.provider.look_at(&peering)),
            asked(PATIENCE, self.provider.routes_of(&peering)),
            self.facts(&peering),
            asked(PATIENCE, self.provider.limits_of(&peering)),
        );
        let commands = match &network {
            Ok(network) => {
                let describing = self.provider.describe(&peering, network, None);
                asked(DESCRIBED, describing)
                    .await
                    .map(|described| verify_commands(&described))
            }
            Err(away) => Err(away.clone()),
        };
        let limits = limits.map(|limits| {
            let counted = |limit: Usage| match limit.name == PEERINGS && limit.used.is_none() {
                true => Usage {
                    used: Some(peerings),
                    ..limit
                },
                false => limit,
            };
            limits.into_iter().map(counted).collect()
        });
        let evidence = Evidence {
            look,
            routes,
            network,
            limits,
            commands,
        };
        let checks = diagnose(&peering, &evidence).into_iter();
        Ok(DiagnosePeeringResponse {
            checks: checks.map(|check| told(check, asked_at)).collect(),
        })
    }

    async fn facts(&self, peering: &Peering) -> Result<NetworkFacts, Away> {
        let away = |message: String| Away {
            reason: "NETWORK_SERVICE_UNAVAILABLE".to_owned(),
            message,
        };
        let asking = self.network.facts(&peering.tenant, peering.network);
        match tokio::time::timeout(PATIENCE, asking).await {
            Ok(answer) => answer.map_err(|error: NetworkError| away(error.to_string())),
            Err(_) => Err(away("the network service took too long".to_owned())),
        }
    }
}

/// An answer of the provider-adapter, or why there is none.
async fn asked<T>(
    patience: Duration,
    asking: impl Future<Output = Result<T, CloudError>>,
) -> Result<T, Away> {
    match tokio::time::timeout(patience, asking).await {
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(error)) => Err(Away {
            reason: error.reason,
            message: error.message,
        }),
        Err(_) => Err(Away {
            reason: "CLOUD_UNAVAILABLE".to_owned(),
            message: format!("there was no answer within {patience:?}"),
        }),
    }
}

fn not_active(peering: &Peering) -> Status {
    let state = peering.state.as_str();
    failure_with(
        Code::FailedPrecondition,
        "PEERING_NOT_ACTIVE",
        format!("the peering is {state}; its state and next_action tell why it does not work"),
        &[("state", state), ("state_reason", &peering.reason)],
    )
}

fn told(check: Check, asked_at: i64) -> proto::Check {
    let result = match check.verdict {
        Verdict::Pass => check::Result::Pass,
        Verdict::Fail => check::Result::Fail,
        Verdict::Unknown => check::Result::Unknown,
    };
    proto::Check {
        code: check.code.to_owned(),
        result: result.into(),
        reason: check.reason,
        evidence: check.evidence,
        advice: check.advice,
        observe_time: Some(api::timestamp(asked_at)),
    }
}
