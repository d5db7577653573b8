//! GetPeeringInstructions: what is left to do for a peering, in the words of its cloud.

use api::cloud::CloudError;
use api::peering::v1::{
    self as proto, GetPeeringInstructionsRequest, GetPeeringInstructionsResponse,
};
use api::provider::v1 as provider;
use prost::Message;
use runtime::events;
use tonic::{Code, Status};

use super::{Api, convert};
use crate::clients::NetworkError;
use crate::domain::{ConditionStatus, NetworkFacts, Peering};

/// Events of one read.
const PAGE: u64 = 200;

impl Api {
    pub(super) async fn instructions(
        &self,
        request: GetPeeringInstructionsRequest,
    ) -> Result<GetPeeringInstructionsResponse, Status> {
        let peering = self.named(&request.tenant_id, &request.peering_id).await?;
        let network = match self.network.facts(&peering.tenant, peering.network).await {
            Ok(network) => network,
            // A peering that has ended may be all that is left of its network.
            Err(NetworkError::NotFound(_)) => NetworkFacts {
                display_name: peering.network_display_name.clone(),
                firewall: (ConditionStatus::Unknown, String::new(), String::new()),
                allow_list_version: 0,
                allowed: Vec::new(),
                ports: Vec::new(),
                endpoints: Vec::new(),
            },
            Err(error) => return Err(error.into()),
        };
        let former = self.former_id(&peering).await?;
        let described = self.provider.describe(&peering, &network, former).await;
        let described = described.map_err(|error| adapter_away(&error))?;
        Ok(GetPeeringInstructionsResponse {
            steps: described.steps.into_iter().map(step).collect(),
            variables: described.variables.into_iter().map(variable).collect(),
            terraform: described.terraform,
            vendor: Some(convert::vendor(&peering)),
            answers: described.answers.into_iter().map(answer).collect(),
        })
    }

    /// The id in the cloud that an earlier attempt had last: routes of the customer's may still lead to it.
    async fn former_id(&self, peering: &Peering) -> Result<Option<String>, Status> {
        if peering.attempt <= 1 {
            return Ok(None);
        }
        let id = peering.id.to_string();
        let (mut after, mut former) = (0, None);
        loop {
            let found = events::list(self.store.db().read(), &id, after, PAGE).await;
            let found = found.map_err(runtime::status::from_db)?;
            let Some(last) = found.last() else {
                return Ok(former);
            };
            after = last.seq;
            for event in &found {
                let shown = proto::Peering::decode(event.event.payload.as_slice());
                let shown = shown.map_err(|error| runtime::status::internal(&error))?;
                if shown.attempt >= peering.attempt {
                    return Ok(former);
                }
                if !shown.provider_peering_id.is_empty() {
                    former = Some(shown.provider_peering_id);
                }
            }
        }
    }
}

/// The provider-adapter does not tell the steps.
fn adapter_away(error: &CloudError) -> Status {
    tracing::warn!(%error, "the steps of a peering are not described");
    runtime::status::failure(
        Code::Unavailable,
        "PROVIDER_ADAPTER_UNAVAILABLE",
        "the provider-adapter does not describe the steps; send the same request again",
    )
}

fn step(step: provider::Step) -> proto::Step {
    let actor = match step.actor() {
        provider::step::Actor::Customer => proto::step::Actor::Customer,
        provider::step::Actor::Vendor => proto::step::Actor::Vendor,
        provider::step::Actor::Nobody => proto::step::Actor::Nobody,
        provider::step::Actor::Unspecified => proto::step::Actor::Unspecified,
    };
    let status = match step.status() {
        provider::step::Status::Done => proto::step::Status::Done,
        provider::step::Status::Todo => proto::step::Status::Todo,
        provider::step::Status::Blocked => proto::step::Status::Blocked,
        provider::step::Status::Unknown => proto::step::Status::Unknown,
        provider::step::Status::Unspecified => proto::step::Status::Unspecified,
    };
    let commands = |all: Vec<provider::Command>| all.into_iter().map(command).collect();
    proto::Step {
        code: step.code,
        actor: actor.into(),
        status: status.into(),
        title: step.title,
        why: step.why,
        console_path: step.console_path,
        commands: commands(step.commands),
        verify: commands(step.verify),
        undo: commands(step.undo),
        permissions: step.permissions,
        docs_url: step.docs_url,
        optional: step.optional,
    }
}

fn command(command: provider::Command) -> proto::Command {
    proto::Command {
        shell: command.shell,
        argv: command.argv,
    }
}

fn variable(variable: provider::Variable) -> proto::Variable {
    proto::Variable {
        name: variable.name,
        description: variable.description,
        find: variable.find.map(command),
    }
}

fn answer(answer: provider::Answer) -> proto::Answer {
    proto::Answer {
        question: answer.question,
        answer: answer.answer,
    }
}
