//! EnsurePeeringOptions, as told.

use api::cloud::CloudError;
use api::provider::v1::peering_observation::State as CloudState;
use api::provider::v1::*;
use tonic::Status;

use super::Cloud;
use crate::halves::has_two_halves;
use crate::told::{Told, silence};

impl Cloud {
    pub(super) fn told_to_set_options(
        &self,
        request: &EnsurePeeringOptionsRequest,
    ) -> Result<EnsurePeeringOptionsResponse, Status> {
        let told = self.next_told("EnsurePeeringOptions");
        match &told {
            Some(Told::Refuse(error)) => return Err(error.clone().into()),
            Some(Told::Silent) => return Err(silence()),
            _ => {}
        }
        let answer = match has_two_halves(request.r#ref.as_ref()) {
            true => self.halves.set_options(request)?,
            false => self.set_options(request)?,
        };
        match told {
            Some(Told::Lost) => Err(silence()),
            _ => Ok(answer),
        }
    }

    /// One object takes options while it is up.
    fn set_options(
        &self,
        request: &EnsurePeeringOptionsRequest,
    ) -> Result<EnsurePeeringOptionsResponse, CloudError> {
        use api::cloud::CloudErrorKind::{InProgress, Terminal};
        let mut state = self.state();
        let id = &request.provider_peering_id;
        let mut objects = state.objects.iter_mut();
        let Some(object) = objects.find(|one| one.provider_peering_id == *id) else {
            return Err(CloudError::refused(
                Terminal,
                "PEERING_MISSING",
                "it is gone",
            ));
        };
        if object.state() != CloudState::Active {
            let reason = "OPTIONS_TOO_EARLY";
            return Err(CloudError::refused(InProgress, reason, "not active yet"));
        }
        object.options = request.options;
        state.options_set += 1;
        Ok(EnsurePeeringOptionsResponse {
            complete: true,
            operation_token: String::new(),
        })
    }

    /// How often options were taken.
    pub(crate) fn options_set(&self) -> usize {
        self.state().options_set
    }
}
