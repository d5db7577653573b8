//! The options of the halves: what they are, and how they change.

use std::collections::BTreeSet;

use api::cloud::{CloudError, CloudErrorKind};
use api::provider::v1::*;

use super::{Halves, State, What};

impl Halves {
    /// EnsurePeeringOptions.
    pub(crate) fn set_options(
        &self,
        request: &EnsurePeeringOptionsRequest,
    ) -> Result<EnsurePeeringOptionsResponse, CloudError> {
        let mut state = self.state();
        state.calls += 1;
        let (id, wanted) = (&request.provider_peering_id, request.options.unwrap());
        let is_set = |state: &State| {
            let found = state
                .halves
                .iter()
                .find(|one| one.provider_peering_id == *id);
            found.map(|half| half.options.unwrap_or_default() == wanted)
        };
        let token = match (request.operation_token.as_str(), is_set(&state)) {
            ("", None) => {
                let kind = CloudErrorKind::Terminal;
                return Err(CloudError::refused(kind, "PEERING_MISSING", "it is gone"));
            }
            ("", Some(true)) => None,
            ("", Some(false)) => {
                let at = request.request_time.as_ref().map_or(0, api::millis);
                let networks = BTreeSet::from([
                    request.vendor_vpc_id.clone(),
                    request.peer.clone().unwrap().vpc_id,
                ]);
                let what = What::Set(id.clone(), wanted);
                Some(state.begin(format!("set {id} {at}"), networks, what)?)
            }
            (token, _) => Some(token.to_owned()),
        };
        let going = match token {
            Some(token) => state.read(&token)?,
            None => String::new(),
        };
        Ok(EnsurePeeringOptionsResponse {
            complete: going.is_empty() && is_set(&state) == Some(true),
            operation_token: going,
        })
    }

    /// Somebody else changes the options of all halves.
    pub(crate) fn reset_options(&self) {
        for half in &mut self.state().halves {
            half.options = Some(PeeringOptions::default());
        }
    }

    /// The options of the one half there is.
    pub(crate) fn options(&self) -> PeeringOptions {
        self.state().halves[0].options.unwrap_or_default()
    }
}

impl Halves {
    /// The vendor's halves as they stand.
    pub(crate) fn standing(&self) -> Vec<PeeringObservation> {
        self.state().halves.clone()
    }

    /// These halves stand again.
    pub(crate) fn put_back(&self, halves: Vec<PeeringObservation>) {
        self.state().halves.extend(halves);
    }
}
