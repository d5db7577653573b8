//! STS: assuming a role, and who am I.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::cloud::{Answer, Call, Caller, Error, State};
use crate::ec2::id::Kind;
use crate::ec2::xml::{self, Node, text, tree};
use crate::time::timestamp;

const NAMESPACE: &str = "https://sts.amazonaws.com/doc/2011-06-15/";

/// Temporary credentials, by access key id.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Sessions(pub BTreeMap<String, Session>);

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Session {
    pub account: String,
    /// `arn:aws:sts::222233334444:assumed-role/NAME/SESSION`.
    pub principal: String,
    pub token: String,
    pub expires_ms: i64,
}

pub(crate) fn execute(
    state: &mut State,
    caller: &Caller,
    call: &Call,
    now_ms: i64,
) -> Result<Answer, Error> {
    match call.action.as_str() {
        "GetCallerIdentity" => Ok(Answer(caller_identity(caller, call))),
        "AssumeRole" => assume_role(state, call, now_ms).map(Answer),
        other => {
            let text = format!("Could not find operation {other} for version 2011-06-15");
            Err(Error::new("InvalidAction", text))
        }
    }
}

fn caller_identity(caller: &Caller, call: &Call) -> Vec<Node> {
    let session = call
        .principal
        .rsplit_once('/')
        .filter(|_| call.principal.contains(":assumed-role/"));
    let user_id = match session {
        Some((_, name)) => format!("AROASIM{}:{name}", caller.account),
        None => format!("AIDASIM{}", caller.account),
    };
    vec![
        text("UserId", user_id),
        text("Account", &caller.account),
        text("Arn", &call.principal),
    ]
}

fn assume_role(state: &mut State, call: &Call, now_ms: i64) -> Result<Vec<Node>, Error> {
    let query = &call.query;
    let arn = query.get("RoleArn").ok_or_else(|| null("roleArn"))?;
    let session = query
        .get("RoleSessionName")
        .ok_or_else(|| null("roleSessionName"))?;
    let (account, role) = parse_arn(arn).ok_or_else(|| validation(format!("{arn} is invalid")))?;
    let allowed = |c: char| c.is_ascii_alphanumeric() || "_+=,.@-".contains(c);
    if !(2..=64).contains(&session.len()) || !session.chars().all(allowed) {
        return Err(validation(format!(
            "1 validation error detected: Value '{session}' at 'roleSessionName' failed to satisfy constraint: \
             Member must satisfy regular expression pattern: [\\w+=,.@-]*"
        )));
    }
    let seconds = query.int("DurationSeconds")?.unwrap_or(3600);
    check_duration(seconds, &call.principal)?;
    let denied = state
        .config
        .external_ids
        .get(arn)
        .is_some_and(|id| query.get("ExternalId") != Some(id));
    if denied {
        let text = format!(
            "User: {} is not authorized to perform: sts:AssumeRole on resource: {arn}",
            call.principal
        );
        return Err(Error::new("AccessDenied", text));
    }
    let mut digits = || state.ec2.new_id(Kind::Vpc)[5..].to_ascii_uppercase();
    let key = format!("ASIA{}", digits());
    let secret = format!("{}{}{}", digits(), digits(), &digits()[..8]);
    let principal = format!("arn:aws:sts::{account}:assumed-role/{role}/{session}");
    let made = Session {
        account: account.to_owned(),
        principal: principal.clone(),
        token: format!("SIMTOKEN{}{}{}", digits(), digits(), digits()),
        expires_ms: now_ms + seconds * 1000,
    };
    let credentials = vec![
        text("AccessKeyId", &key),
        text("SecretAccessKey", secret),
        text("SessionToken", &made.token),
        text("Expiration", timestamp(made.expires_ms)),
    ];
    let user = vec![
        text("AssumedRoleId", format!("AROASIM{account}:{session}")),
        text("Arn", principal),
    ];
    state
        .sts
        .0
        .retain(|_, session| session.expires_ms + 86_400_000 > now_ms);
    state.sts.0.insert(key, made);
    Ok(vec![
        tree("Credentials", credentials),
        tree("AssumedRoleUser", user),
    ])
}

/// Account and name out of `arn:aws:iam::222233334444:role/path/NAME`.
fn parse_arn(arn: &str) -> Option<(&str, &str)> {
    let (account, path) = arn.strip_prefix("arn:aws:iam::")?.split_once(":role/")?;
    let is_account = account.len() == 12 && account.bytes().all(|b| b.is_ascii_digit());
    let name = path.rsplit('/').next().filter(|name| !name.is_empty())?;
    is_account.then_some((account, name))
}

fn check_duration(seconds: i64, principal: &str) -> Result<(), Error> {
    if !(900..=43_200).contains(&seconds) {
        return Err(validation(format!(
            "1 validation error detected: Value '{seconds}' at 'durationSeconds' failed to satisfy constraint: \
             Member must have value between 900 and 43200"
        )));
    }
    if seconds > 3600 && principal.contains(":assumed-role/") {
        let text = "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining";
        return Err(validation(text));
    }
    Ok(())
}

fn null(parameter: &str) -> Error {
    validation(format!(
        "1 validation error detected: Value null at '{parameter}' failed to satisfy constraint: Member must not be null"
    ))
}

fn validation(text: impl Into<String>) -> Error {
    Error::new("ValidationError", text)
}

/// The body of a successful STS answer.
pub(crate) fn response(action: &str, request_id: &str, nodes: &[Node]) -> String {
    let mut out = format!("<{action}Response xmlns=\"{NAMESPACE}\"><{action}Result>");
    xml::write_nodes(&mut out, nodes);
    out.push_str(&format!(
        "</{action}Result><ResponseMetadata><RequestId>{request_id}</RequestId></ResponseMetadata></{action}Response>"
    ));
    out
}

/// The body of a refused STS call.
pub(crate) fn failure(error: &Error, request_id: &str) -> String {
    let kind = if error.status < 500 {
        "Sender"
    } else {
        "Receiver"
    };
    let mut out = format!("<ErrorResponse xmlns=\"{NAMESPACE}\">");
    let nodes = vec![
        text("Type", kind),
        text("Code", &error.code),
        text("Message", &error.message),
    ];
    xml::write_nodes(
        &mut out,
        &[tree("Error", nodes), text("RequestId", request_id)],
    );
    out.push_str("</ErrorResponse>");
    out
}
