//! A peering's life: its states, what moves it by itself, and who sees it for how long.

use ipnet::Ipv4Net;
use serde::{Deserialize, Serialize};

use crate::cloud::Caller;
use crate::config::Config;
use crate::ec2::describe::View;
use crate::ec2::error::FAILED_TEXT;
use crate::ec2::state::State;

/// One object, seen by both sides.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Peering {
    pub id: String,
    pub requester: Side,
    pub accepter: Side,
    pub status: Status,
    pub created_ms: i64,
    pub expires_ms: i64,
    /// The request will fail: no such VPC there, or the ranges overlap.
    pub doomed: bool,
    /// A test has set the status: nothing moves by itself until somebody acts.
    pub held: bool,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Side {
    pub owner: Caller,
    pub vpc_id: String,
    /// Empty when there is no such VPC.
    pub cidrs: Vec<Ipv4Net>,
    pub allow_dns: bool,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Status {
    pub code: Code,
    pub message: String,
    pub since_ms: i64,
    /// The account that ended it.
    pub ended_by: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Code {
    InitiatingRequest,
    PendingAcceptance,
    Provisioning,
    Active,
    Rejected,
    Expired,
    Failed,
    Deleting,
    Deleted,
    /// What no documentation knows.
    Other(String),
}

impl Code {
    pub fn parse(raw: &str) -> Code {
        use Code::*;
        let known = [
            InitiatingRequest,
            PendingAcceptance,
            Provisioning,
            Active,
            Rejected,
            Expired,
            Failed,
            Deleting,
        ];
        let found = known
            .into_iter()
            .chain([Deleted])
            .find(|code| code.as_str() == raw);
        found.unwrap_or_else(|| Other(raw.to_owned()))
    }

    pub fn as_str(&self) -> &str {
        match self {
            Code::InitiatingRequest => "initiating-request",
            Code::PendingAcceptance => "pending-acceptance",
            Code::Provisioning => "provisioning",
            Code::Active => "active",
            Code::Rejected => "rejected",
            Code::Expired => "expired",
            Code::Failed => "failed",
            Code::Deleting => "deleting",
            Code::Deleted => "deleted",
            Code::Other(raw) => raw,
        }
    }

    /// Requested and not accepted.
    pub(crate) fn is_outstanding(&self) -> bool {
        matches!(self, Code::InitiatingRequest | Code::PendingAcceptance)
    }

    /// Accepted and not ended.
    pub(crate) fn is_up(&self) -> bool {
        matches!(self, Code::Provisioning | Code::Active)
    }

    pub(crate) fn is_live(&self) -> bool {
        self.is_outstanding() || self.is_up()
    }

    pub(crate) fn has_ended(&self) -> bool {
        matches!(
            self,
            Code::Rejected | Code::Expired | Code::Failed | Code::Deleting | Code::Deleted
        )
    }
}

impl Peering {
    pub(crate) fn is_inter_region(&self) -> bool {
        self.requester.owner.region != self.accepter.owner.region
    }

    /// Whether it actively links these two VPCs, in either direction.
    pub(crate) fn links(&self, one: &str, other: &str) -> bool {
        let (requester, accepter) = (
            self.requester.vpc_id.as_str(),
            self.accepter.vpc_id.as_str(),
        );
        self.status.code == Code::Active
            && [(requester, accepter), (accepter, requester)].contains(&(one, other))
    }

    /// The VPC at the other end from this one.
    pub(crate) fn other_vpc(&self, vpc_id: &str) -> Option<&str> {
        let ends = [&self.requester.vpc_id, &self.accepter.vpc_id];
        let is_end = ends.iter().any(|end| *end == vpc_id);
        ends.into_iter()
            .find(|end| is_end && *end != vpc_id)
            .map(String::as_str)
    }

    /// Whether it keeps the VPC from being deleted; a mere request does so on the requester's side only.
    pub(crate) fn holds_vpc(&self, vpc_id: &str) -> bool {
        let requests = self.requester.vpc_id == vpc_id;
        (requests && self.status.code.is_live())
            || (self.accepter.vpc_id == vpc_id && self.status.code.is_up())
    }

    pub(crate) fn turn(&mut self, code: Code, message: impl Into<String>, since_ms: i64) {
        self.status = Status {
            code,
            message: message.into(),
            since_ms,
            ended_by: None,
        };
        self.held = false;
    }

    /// Ends it as `account` asked; between regions that takes a while.
    pub(crate) fn end(&mut self, account: &str, now_ms: i64) {
        if self.is_inter_region() {
            self.turn(Code::Deleting, format!("Deleting by {account}"), now_ms);
        } else {
            self.turn(Code::Deleted, format!("Deleted by {account}"), now_ms);
        }
        self.status.ended_by = Some(account.to_owned());
    }

    /// When it changes by itself, and the change.
    fn next(&self, config: &Config) -> Option<(i64, Code)> {
        let since = self.status.since_ms;
        match self.status.code {
            _ if self.held => None,
            Code::InitiatingRequest if self.doomed => {
                Some((since + config.initiating_ms, Code::Failed))
            }
            Code::InitiatingRequest => {
                Some((since + config.initiating_ms, Code::PendingAcceptance))
            }
            Code::PendingAcceptance => Some((self.expires_ms, Code::Expired)),
            Code::Provisioning => Some((since + config.provisioning_ms, Code::Active)),
            Code::Deleting => Some((since + config.deleting_ms, Code::Deleted)),
            _ => None,
        }
    }

    fn step(&mut self, code: Code, at_ms: i64) {
        let ended_by = self.status.ended_by.take();
        let message = match &code {
            Code::Failed => FAILED_TEXT.to_owned(),
            Code::PendingAcceptance => {
                format!("Pending Acceptance by {}", self.accepter.owner.account)
            }
            Code::Expired => "Expired".to_owned(),
            Code::Active => "Active".to_owned(),
            _ => format!("Deleted by {}", ended_by.as_deref().unwrap_or_default()),
        };
        self.turn(code, message, at_ms);
        self.status.ended_by = ended_by;
    }

    /// How long after its end it shows, to the requester and to the accepter. `None` is for ever.
    fn windows(&self, config: &Config) -> (Option<i64>, Option<i64>) {
        let (short, long) = (Some(config.short_window_ms), Some(config.long_window_ms));
        let same_account = self.requester.owner.account == self.accepter.owner.account;
        let ended_by = self.status.ended_by.as_deref();
        match self.status.code {
            Code::Failed => (short, Some(0)),
            Code::Rejected => (long, short),
            Code::Expired => (long, long),
            Code::Deleted if same_account => (short, short),
            Code::Deleted => {
                let window = |side: &Side| {
                    if ended_by == Some(&side.owner.account) {
                        short
                    } else {
                        long
                    }
                };
                (window(&self.requester), window(&self.accepter))
            }
            Code::InitiatingRequest => (None, Some(0)),
            _ => (None, None),
        }
    }
}

/// Lets every peering do what is due by now, and forgets those that nobody sees any more.
pub(crate) fn settle(state: &mut State, config: &Config, now_ms: i64) {
    let mut gone = Vec::new();
    for peering in state.peerings.values_mut() {
        while let Some((at_ms, code)) = peering.next(config).filter(|(at_ms, _)| *at_ms <= now_ms) {
            peering.step(code, at_ms);
        }
        let is_over = |window: Option<i64>| {
            window.is_some_and(|window| peering.status.since_ms + window <= now_ms)
        };
        let (requester, accepter) = peering.windows(config);
        if is_over(requester) && is_over(accepter) {
            gone.push(peering.id.clone());
        }
    }
    for id in gone {
        state.forget(&id);
    }
}

/// Whether the caller may see it: as a party, in its region, within the window. The lag of listings is not in here.
pub(crate) fn is_seen(peering: &Peering, view: &View<'_>) -> bool {
    let (requester, accepter) = peering.windows(view.config);
    let sees = |side: &Side, window: Option<i64>| {
        side.owner == *view.caller
            && window.is_none_or(|window| view.now_ms < peering.status.since_ms + window)
    };
    sees(&peering.requester, requester) || sees(&peering.accepter, accepter)
}

/// Ends what a deleted VPC was part of.
pub(crate) fn end_all_of(state: &mut State, vpc_id: &str, caller: &Caller, now_ms: i64) {
    for peering in state
        .peerings
        .values_mut()
        .filter(|peering| peering.status.code.is_live())
    {
        if peering.requester.vpc_id == vpc_id {
            peering.end(&caller.account, now_ms);
        } else if peering.accepter.vpc_id == vpc_id {
            match peering.status.code.is_outstanding() {
                true => peering.turn(Code::Failed, FAILED_TEXT, now_ms),
                false => peering.end(&caller.account, now_ms),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: i64 = 3_600_000;

    fn peering(code: Code) -> Peering {
        let side = |account: &str| Side {
            owner: Caller::new(account, "eu-west-1"),
            vpc_id: format!("vpc-{}", &account[..8]),
            cidrs: vec![],
            allow_dns: false,
        };
        Peering {
            id: "pcx-12345678".to_owned(),
            requester: side("111122223333"),
            accepter: side("222233334444"),
            status: Status {
                code,
                message: String::new(),
                since_ms: 0,
                ended_by: None,
            },
            created_ms: 0,
            expires_ms: 168 * HOUR,
            doomed: false,
            held: false,
        }
    }

    /// For how many hours the requester and the accepter see it.
    fn seen_hours(peering: &Peering) -> (i64, i64) {
        let (state, config) = (State::default(), Config::default());
        let hours = |caller: &Caller| {
            let sees = |hour: &i64| {
                let view = View {
                    state: &state,
                    config: &config,
                    caller,
                    now_ms: hour * HOUR,
                };
                is_seen(peering, &view)
            };
            (0..100).take_while(sees).count() as i64
        };
        (
            hours(&peering.requester.owner),
            hours(&peering.accepter.owner),
        )
    }

    #[test]
    fn ended_peerings_stay_visible_as_documented() {
        assert_eq!(seen_hours(&peering(Code::Rejected)), (48, 2));
        assert_eq!(seen_hours(&peering(Code::Expired)), (48, 48));
        assert_eq!(seen_hours(&peering(Code::Failed)), (2, 0));
        let mut deleted = peering(Code::Active);
        deleted.end("222233334444", 0);
        assert_eq!(seen_hours(&deleted), (48, 2));
        deleted.accepter.owner.account = "111122223333".to_owned();
        assert_eq!(seen_hours(&deleted), (2, 2));
    }

    #[test]
    fn a_request_goes_all_its_way_in_one_leap_of_the_clock() {
        let mut state = State::default();
        let one = peering(Code::InitiatingRequest);
        state.peerings.insert(one.id.clone(), one);
        settle(&mut state, &Config::default(), 170 * HOUR);
        let status = &state.peerings["pcx-12345678"].status;
        assert_eq!(
            (status.code.as_str(), status.since_ms),
            ("expired", 168 * HOUR)
        );
        settle(&mut state, &Config::default(), 216 * HOUR);
        assert!(state.peerings.is_empty());
    }

    #[test]
    fn a_held_one_stays() {
        let mut state = State::default();
        let mut one = peering(Code::Provisioning);
        one.held = true;
        state.peerings.insert(one.id.clone(), one);
        settle(&mut state, &Config::default(), 1000 * HOUR);
        assert_eq!(
            state.peerings["pcx-12345678"].status.code,
            Code::Provisioning
        );
    }
}
