//! The operation token: what this folder hands out while an operation of the cloud runs, and reads back.

use std::fmt;

use api::cloud::{CloudError, CloudErrorKind};

/// What the operation is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// networks.insert.
    AddNetwork,
    /// subnetworks.insert.
    AddSubnet,
    /// firewalls.insert, update or delete.
    Firewall,
    /// networks.addPeering.
    AddPeering,
    /// networks.updatePeering.
    UpdatePeering,
    /// networks.removePeering.
    RemovePeering,
    /// subnetworks.delete.
    RemoveSubnet,
    /// networks.delete.
    RemoveNetwork,
}

impl Step {
    const ALL: [Self; 8] = [
        Self::AddNetwork,
        Self::AddSubnet,
        Self::Firewall,
        Self::AddPeering,
        Self::UpdatePeering,
        Self::RemovePeering,
        Self::RemoveSubnet,
        Self::RemoveNetwork,
    ];

    /// As tokens and request ids write it.
    pub(super) fn code(self) -> &'static str {
        match self {
            Self::AddNetwork => "add-network",
            Self::AddSubnet => "add-subnet",
            Self::Firewall => "firewall",
            Self::AddPeering => "add-peering",
            Self::UpdatePeering => "update-peering",
            Self::RemovePeering => "remove-peering",
            Self::RemoveSubnet => "remove-subnet",
            Self::RemoveNetwork => "remove-network",
        }
    }
}

/// Names one operation. In text `STEP/REGION/OPERATION`, with `global` for the region of one that has none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Token {
    /// What it is for.
    pub(super) step: Step,
    /// The region that keeps it; none: it is global.
    pub(super) region: Option<String>,
    /// Its name.
    pub(super) operation: String,
}

impl Token {
    /// The token that was handed out; none when the text is empty. Error: malformed.
    pub(super) fn parse(text: &str) -> Result<Option<Self>, CloudError> {
        if text.is_empty() {
            return Ok(None);
        }
        let parts: Vec<&str> = text.split('/').collect();
        if let [step, region, operation] = parts[..]
            && let Some(step) = Step::ALL.into_iter().find(|one| one.code() == step)
            && is_name(region)
            && is_name(operation)
        {
            return Ok(Some(Self {
                step,
                region: (region != "global").then(|| region.to_owned()),
                operation: operation.to_owned(),
            }));
        }
        Err(CloudError::unknown_outcome(
            CloudErrorKind::Invalid,
            "INVALID_FIELD",
            "operation_token: must be as last answered",
        ))
    }
}

impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let region = self.region.as_deref().unwrap_or("global");
        write!(f, "{}/{region}/{}", self.step.code(), self.operation)
    }
}

/// Whether the cloud may have given this name, so that it can stand in the path of a request.
pub(super) fn is_name(text: &str) -> bool {
    let fits = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_');
    (1..=200).contains(&text.len()) && text.bytes().all(fits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_comes_back_as_it_went() {
        for step in Step::ALL {
            for region in [None, Some("europe-west1".to_owned())] {
                let token = Token {
                    step,
                    region,
                    operation: "operation-17-aB".into(),
                };
                assert_eq!(Token::parse(&token.to_string()).unwrap(), Some(token));
            }
        }
        assert_eq!(Token::parse("").unwrap(), None);
    }

    #[test]
    fn what_was_never_handed_out_is_refused() {
        for text in [
            "x",
            "add-peering/global",
            "add-peering/global/",
            "dance/global/operation-1",
            "add-peering/global/..",
            "add-peering/global/a/b",
            "add-peering/global/A.b",
            "add-peering/global/a?b",
        ] {
            let error = Token::parse(text).unwrap_err();
            assert_eq!(error.kind, CloudErrorKind::Invalid, "{text}");
        }
    }
}
