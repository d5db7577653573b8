//! What the scripted provider-adapter tells of the customer's steps.

use std::sync::{Arc, Mutex, MutexGuard};

use api::provider::v1::{
    Answer, Command, DescribeStepsRequest, DescribeStepsResponse, PeeringFacts, Step, Variable,
    step,
};
use tonic::Status;

use crate::told::silence;

#[derive(Default)]
struct State {
    facts: Vec<PeeringFacts>,
    is_away: bool,
}

/// A few steps, whatever the peering.
#[derive(Clone, Default)]
pub(crate) struct Guide(Arc<Mutex<State>>);

impl Guide {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }

    /// DescribeSteps is away, or answers again.
    pub(crate) fn set_away(&self, is_away: bool) {
        self.state().is_away = is_away;
    }

    /// The facts of the last question.
    pub(crate) fn facts(&self) -> PeeringFacts {
        self.state().facts.last().cloned().unwrap()
    }

    pub(crate) fn describe(
        &self,
        request: DescribeStepsRequest,
    ) -> Result<DescribeStepsResponse, Status> {
        let mut state = self.state();
        if state.is_away {
            return Err(silence());
        }
        state.facts.push(request.facts.unwrap());
        let codes = [
            "ADD_ROUTES",
            "OPEN_EGRESS",
            "CHECK_NETWORK_ACLS",
            "CHECK_ROUTES",
        ];
        Ok(DescribeStepsResponse {
            steps: codes.map(described).into(),
            variables: vec![Variable {
                name: "ROUTE_TABLE_ID".to_owned(),
                description: "A route table.".to_owned(),
                find: Some(command("find tables")),
            }],
            terraform: "resource {}".to_owned(),
            answers: vec![Answer {
                question: "How?".to_owned(),
                answer: "So.".to_owned(),
            }],
        })
    }
}

fn described(code: &str) -> Step {
    Step {
        code: code.to_owned(),
        actor: step::Actor::Customer.into(),
        status: step::Status::Unknown.into(),
        title: format!("Title of {code}"),
        why: "Because.".to_owned(),
        console_path: "Here > there".to_owned(),
        commands: vec![command(&format!("do {code}"))],
        verify: vec![command(&format!("verify {code}"))],
        undo: vec![command(&format!("undo {code}"))],
        permissions: vec!["ec2:CreateRoute".to_owned()],
        docs_url: "https://docs.example".to_owned(),
        optional: true,
    }
}

fn command(shell: &str) -> Command {
    Command {
        shell: shell.to_owned(),
        argv: shell.split(' ').map(str::to_owned).collect(),
    }
}
