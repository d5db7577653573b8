//! The EC2 face: which actions there are, what they take, and who answers them.

mod actions;
mod describe;
pub(crate) mod error;
mod filters;
pub(crate) mod id;
mod network_acl;
pub mod peering;
mod peering_actions;
mod peering_view;
mod permission;
pub mod plant;
pub mod query;
mod region;
mod route;
mod route_table;
mod security_group;
mod security_group_rule;
pub mod state;
mod subnet;
mod tags;
mod vpc;
mod vpc_cidr;
pub mod xml;

pub(crate) use filters::wildcard;

use crate::cloud::{Answer, Call, Caller, Error};
use crate::config::Config;
use crate::ec2::describe::View;
use crate::ec2::query::Query;
use crate::ec2::state::{State, Tags};
use crate::ec2::xml::Node;

/// What an action works on.
pub(crate) struct Context<'a> {
    pub(crate) state: &'a mut State,
    pub(crate) config: &'a Config,
    pub(crate) caller: &'a Caller,
    pub(crate) now_ms: i64,
}

impl Context<'_> {
    fn view(&self) -> View<'_> {
        View {
            state: self.state,
            config: self.config,
            caller: self.caller,
            now_ms: self.now_ms,
        }
    }

    /// Puts the tags that a create call brought.
    fn put_tags(&mut self, id: &str, tags: Tags) {
        if !tags.is_empty() {
            self.state.tags_mut(self.caller, id).extend(tags);
        }
    }
}

/// Executes one EC2 call.
pub(crate) fn execute(
    state: &mut State,
    config: &Config,
    caller: &Caller,
    call: &Call,
    now_ms: i64,
) -> Result<Answer, Error> {
    let action = actions::find(&call.action).ok_or_else(|| error::invalid_action(&call.action))?;
    call.query.check_names(&action.parameters())?;
    peering::settle(state, config, now_ms);
    if call.query.bool("DryRun")? == Some(true) {
        let mut state = state.clone();
        run(action.run, &mut state, config, caller, &call.query, now_ms)?;
        let text = "Request would have succeeded, but DryRun flag is set.";
        return Err(Error::new("DryRunOperation", text));
    }
    run(action.run, state, config, caller, &call.query, now_ms).map(Answer)
}

fn run(
    run: actions::Run,
    state: &mut State,
    config: &Config,
    caller: &Caller,
    query: &Query,
    now_ms: i64,
) -> Result<Vec<Node>, Error> {
    let mut context = Context {
        state,
        config,
        caller,
        now_ms,
    };
    run(&mut context, query)
}
