//! Who signed a request: the account follows from the access key id. Signatures are not checked.

use crate::cloud::{Caller, Error, Service};
use crate::sts::Sessions;

/// What the `Authorization` header says, once it is believed.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Identity {
    pub(crate) caller: Caller,
    pub(crate) service: Service,
    pub(crate) principal: String,
}

/// Reads the header's credential scope, `Credential=KEY/DATE/REGION/SERVICE/aws4_request`.
pub(crate) fn identify(
    authorization: Option<&str>,
    token: Option<&str>,
    sessions: &Sessions,
    now_ms: i64,
) -> Result<Identity, Error> {
    let header = authorization.ok_or_else(|| {
        Error::new(
            "MissingAuthenticationToken",
            "Request is missing Authentication Token",
        )
    })?;
    let scope = credential(header).ok_or_else(|| {
        let text = "Authorization header requires 'Credential', 'SignedHeaders' and 'Signature' parameters.";
        Error::new("IncompleteSignature", text)
    })?;
    let service = match scope.service {
        "ec2" => Service::Ec2,
        "sts" => Service::Sts,
        _ => {
            return Err(unscoped(
                "Credential should be scoped to correct service: 'ec2'.",
            ));
        }
    };
    if !crate::region::exists(scope.region) {
        return Err(unscoped("Credential should be scoped to a valid region."));
    }
    let (account, principal) = principal(scope.key, token, sessions, service, now_ms)?;
    Ok(Identity {
        caller: Caller::new(&account, scope.region),
        service,
        principal,
    })
}

struct Scope<'a> {
    key: &'a str,
    region: &'a str,
    service: &'a str,
}

fn credential(header: &str) -> Option<Scope<'_>> {
    let fields = header.strip_prefix("AWS4-HMAC-SHA256")?;
    let field = |name: &str| {
        fields
            .split(',')
            .find_map(|field| field.trim().strip_prefix(name))
    };
    field("SignedHeaders=")?;
    field("Signature=")?;
    let parts: Vec<&str> = field("Credential=")?.split('/').collect();
    match parts[..] {
        [key, _, region, service, "aws4_request"] => Some(Scope {
            key,
            region,
            service,
        }),
        _ => None,
    }
}

fn unscoped(text: &str) -> Error {
    Error::new("SignatureDoesNotMatch", text)
}

/// Account and ARN of a long-lived key, which carries its account, or of a session's.
fn principal(
    key: &str,
    token: Option<&str>,
    sessions: &Sessions,
    service: Service,
    now_ms: i64,
) -> Result<(String, String), Error> {
    if let Some(account) = account_of(key) {
        if token.is_some() {
            return Err(unknown(service));
        }
        return Ok((
            account.to_owned(),
            format!("arn:aws:iam::{account}:user/sim"),
        ));
    }
    let session = sessions
        .0
        .get(key)
        .filter(|session| token == Some(&session.token));
    let session = session.ok_or_else(|| unknown(service))?;
    if session.expires_ms <= now_ms {
        return Err(match service {
            Service::Ec2 => Error::new("RequestExpired", "Request has expired."),
            Service::Sts => Error::new(
                "ExpiredToken",
                "The security token included in the request is expired",
            ),
        });
    }
    Ok((session.account.clone(), session.principal.clone()))
}

/// `AKIA111122223333SIM0` belongs to 111122223333.
fn account_of(key: &str) -> Option<&str> {
    let rest = key.strip_prefix("AKIA")?;
    let is_key = key.len() >= 16
        && rest
            .bytes()
            .all(|b| b.is_ascii_uppercase() || b.is_ascii_digit());
    let account = rest
        .get(..12)
        .filter(|account| account.bytes().all(|b| b.is_ascii_digit()))?;
    is_key.then_some(account)
}

/// What credentials that nobody knows get.
pub(crate) fn unknown(service: Service) -> Error {
    match service {
        Service::Ec2 => Error::new(
            "AuthFailure",
            "AWS was not able to validate the provided access credentials",
        ),
        Service::Sts => Error::new(
            "InvalidClientTokenId",
            "The security token included in the request is invalid.",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(key: &str, region: &str, service: &str) -> String {
        format!(
            "AWS4-HMAC-SHA256 Credential={key}/20260101/{region}/{service}/aws4_request, SignedHeaders=host, Signature=0"
        )
    }

    fn code(header: Option<&str>) -> String {
        identify(header, None, &Sessions::default(), 0)
            .unwrap_err()
            .code
    }

    #[test]
    fn the_key_names_the_account() {
        let header = header("AKIA111122223333SIM0", "eu-west-1", "ec2");
        let identity = identify(Some(&header), None, &Sessions::default(), 0).unwrap();
        assert_eq!(identity.caller, Caller::new("111122223333", "eu-west-1"));
    }

    #[test]
    fn who_cannot_be_told_is_refused() {
        assert_eq!(code(None), "MissingAuthenticationToken");
        assert_eq!(code(Some("Bearer x")), "IncompleteSignature");
        assert_eq!(
            code(Some(&header("AKIAIOSFODNN7EXAMPLE", "eu-west-1", "ec2"))),
            "AuthFailure"
        );
        assert_eq!(
            code(Some(&header("ASIA0000000000000000", "eu-west-1", "ec2"))),
            "AuthFailure"
        );
        assert_eq!(
            code(Some(&header("AKIA111122223333SIM0", "eu-nowhere-1", "ec2"))),
            "SignatureDoesNotMatch"
        );
    }
}
