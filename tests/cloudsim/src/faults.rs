//! Faults on demand: which calls go wrong, and how.

use serde::{Deserialize, Serialize};

use crate::auth::unknown;
use crate::cloud::{Error, Service};
use crate::ec2::wildcard;
use crate::rates::limit_exceeded;

/// A fault waiting for its calls.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// An action, or a pattern such as `Describe*`; Google's methods are called `networks.list` and the like.
    #[serde(default = "any")]
    pub action: String,
    pub kind: FaultKind,
    /// How many calls it hits; `None` is until it is cleared.
    #[serde(default)]
    pub times: Option<u32>,
    /// Only calls of this account, or in this project of Google's.
    #[serde(default)]
    pub account: Option<String>,
    /// Only calls in this region.
    #[serde(default)]
    pub region: Option<String>,
    /// How many matching calls pass first.
    #[serde(default)]
    pub after: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FaultKind {
    /// `RequestLimitExceeded`; Google's 403 `rateLimitExceeded`.
    Throttle,
    /// Google's other way to say so, with 429; `RequestLimitExceeded` at AWS.
    Throttle429,
    /// `InternalError`; Google's 500 `internalError`.
    Error500,
    /// `Unavailable`; Google's 503 `backendError`.
    Unavailable503,
    /// `UnauthorizedOperation`; Google's 403 `forbidden`, which names the permission.
    Unauthorized,
    /// Credentials nobody knows: 401, `AuthFailure` or Google's `authError`.
    AuthError,
    /// No answer until the client gives up, and nothing done.
    Hang,
    /// Executes, then hangs.
    HangAfter,
    /// Executes, then closes the connection without a byte.
    LostAnswer,
    /// Executes, then closes the connection in the middle of the answer.
    Cut,
    /// Does nothing and answers 200 with bytes that mean nothing.
    Garbage,
    /// Does nothing and answers 200 with a page of HTML, as a proxy may.
    Html200,
    /// Executes; at AWS the answer is larger than any client should read, when `MaxResults` is above this.
    Oversize { above: u32 },
}

fn any() -> String {
    "*".to_owned()
}

impl Fault {
    /// Hits the next call of `action`.
    pub fn once(action: &str, kind: FaultKind) -> Self {
        Fault::times(action, kind, 1)
    }

    /// Hits the next `times` calls of `action`.
    pub fn times(action: &str, kind: FaultKind, times: u32) -> Self {
        Fault {
            times: Some(times),
            ..Fault::always(action, kind)
        }
    }

    /// Hits every call of `action` until it is cleared.
    pub fn always(action: &str, kind: FaultKind) -> Self {
        Fault {
            action: action.to_owned(),
            kind,
            times: None,
            account: None,
            region: None,
            after: 0,
        }
    }

    fn fits(&self, action: &str, account: &str, region: &str) -> bool {
        wildcard(&self.action, action)
            && self.account.as_ref().is_none_or(|own| own == account)
            && self.region.as_ref().is_none_or(|own| own == region)
    }
}

impl FaultKind {
    /// The refusal that takes the place of AWS's answer, if it is one.
    pub(crate) fn refusal(self) -> Option<Error> {
        match self {
            FaultKind::Throttle | FaultKind::Throttle429 => Some(limit_exceeded()),
            FaultKind::AuthError => Some(unknown(Service::Ec2)),
            FaultKind::Error500 => Some(Error::new(
                "InternalError",
                "An internal error has occurred",
            )),
            FaultKind::Unavailable503 => {
                let text = "The service is unavailable. Please try again shortly.";
                Some(Error::new("Unavailable", text))
            }
            FaultKind::Unauthorized => {
                let text = "You are not authorized to perform this operation.";
                Some(Error::new("UnauthorizedOperation", text))
            }
            _ => None,
        }
    }

    /// Whether the call is executed all the same.
    pub(crate) fn executes(self) -> bool {
        matches!(
            self,
            FaultKind::HangAfter
                | FaultKind::LostAnswer
                | FaultKind::Cut
                | FaultKind::Oversize { .. }
        )
    }
}

/// The faults that wait.
#[derive(Debug, Default)]
pub(crate) struct Faults(pub(crate) Vec<Fault>);

impl Faults {
    /// The fault that hits this call: the first that fits and has let enough calls pass.
    pub(crate) fn take(&mut self, action: &str, account: &str, region: &str) -> Option<FaultKind> {
        let mut hit = None;
        for fault in self
            .0
            .iter_mut()
            .filter(|fault| fault.fits(action, account, region))
        {
            if fault.after > 0 {
                fault.after -= 1;
            } else {
                fault.times = fault.times.map(|times| times.saturating_sub(1));
                hit = Some(fault.kind);
                break;
            }
        }
        self.0.retain(|fault| fault.times != Some(0));
        hit
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_hits_what_it_names_as_often_as_it_says() {
        let mut faults = Faults::default();
        let mut fault = Fault::times("Describe*", FaultKind::Throttle, 2);
        (fault.after, fault.account) = (1, Some("111122223333".to_owned()));
        faults.0.push(fault);
        let mut take = |action, account| faults.take(action, account, "eu-west-1");
        assert_eq!(take("DescribeVpcs", "222233334444"), None);
        assert_eq!(take("CreateVpc", "111122223333"), None);
        assert_eq!(take("DescribeVpcs", "111122223333"), None);
        assert_eq!(
            take("DescribeVpcs", "111122223333"),
            Some(FaultKind::Throttle)
        );
        assert_eq!(
            take("DescribeTags", "111122223333"),
            Some(FaultKind::Throttle)
        );
        assert_eq!(take("DescribeVpcs", "111122223333"), None);
        assert!(faults.0.is_empty());
    }
}
