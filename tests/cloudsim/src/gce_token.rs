//! Google service accounts with their keys, and the bearer tokens that prove who calls.
//!
//! A token is either a JWT that the account signed itself, or an opaque one given out for such a JWT or for another
//! account's token. JWTs carry times of the client's clock, so they are held against the machine's; tokens given out
//! here expire by the cloud's own clock, which tests move.

use std::collections::{BTreeMap, BTreeSet};

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::KeyPair as _;
use base64::prelude::{BASE64_STANDARD, Engine};
use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// What Google allows between `iat` and `exp`, with the margin that its own clients take.
const LONGEST_JWT_S: i64 = 3600 + 60;

/// How far the clock of a client may be ahead.
const SKEW_S: i64 = 60;

/// How long a token given out lives, in milliseconds.
pub(crate) const LIFETIME_MS: i64 = 3_600_000;

/// Service accounts by e-mail address, and the tokens given out to them.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Identities {
    accounts: BTreeMap<String, Account>,
    tokens: BTreeMap<String, Token>,
    /// Self-signed tokens that were accepted, so that they can be revoked. A restart forgets them.
    #[serde(skip)]
    seen: BTreeSet<String>,
    #[serde(skip)]
    revoked: BTreeSet<String>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Account {
    project: String,
    client_id: String,
    /// Key id to public key: PKCS#1 DER in base64.
    keys: BTreeMap<String, String>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Token {
    email: String,
    scopes: Vec<String>,
    expires_ms: i64,
}

/// Who a token speaks for, and where it may.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Bearer {
    pub(crate) email: String,
    pub(crate) project: String,
    reach: Reach,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Reach {
    Scopes(Vec<String>),
    Audience(String),
}

/// Why a token is not believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Doubt {
    Missing,
    Invalid,
}

/// A signed claim of a service account's.
#[derive(Debug, Deserialize)]
pub(crate) struct Claims {
    pub(crate) iss: String,
    pub(crate) sub: Option<String>,
    pub(crate) aud: Option<String>,
    pub(crate) scope: Option<String>,
    iat: i64,
    exp: i64,
}

/// What is wrong with a JWT.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flaw {
    Malformed,
    UnknownAccount,
    Signature,
    Times,
}

/// A new RSA key; making one takes a good part of a second.
pub(crate) struct NewKey {
    id: String,
    private_pem: String,
    public: String,
}

impl NewKey {
    /// # Errors
    /// When the machine has no randomness to give.
    pub(crate) fn generate() -> Result<Self, aws_lc_rs::error::Unspecified> {
        let pair = KeyPair::generate(KeySize::Rsa2048)?;
        let private: Pkcs8V1Der<'_> = pair.as_der()?;
        Ok(NewKey {
            id: format!("{:040x}", rand::random::<u128>()),
            private_pem: pem(private.as_ref()),
            public: BASE64_STANDARD.encode(pair.public_key()),
        })
    }
}

fn pem(der: &[u8]) -> String {
    let text = BASE64_STANDARD.encode(der);
    let lines: Vec<&str> = text
        .as_bytes()
        .chunks(64)
        .filter_map(|line| str::from_utf8(line).ok())
        .collect();
    format!(
        "-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n",
        lines.join("\n")
    )
}

/// The address of an account of this name in a project.
pub(crate) fn email(name: &str, project: &str) -> String {
    format!("{name}@{project}.iam.gserviceaccount.com")
}

impl Identities {
    /// Adds a key to the account, which is made if need be; answers the key file.
    pub(crate) fn add_key(
        &mut self,
        project: &str,
        name: &str,
        key: NewKey,
        base_url: &str,
    ) -> Value {
        let email = email(name, project);
        let account = self.accounts.entry(email.clone());
        let account = account.or_insert_with(|| Account {
            project: project.to_owned(),
            client_id: format!("1{:020}", rand::random::<u64>()),
            keys: BTreeMap::new(),
        });
        account.keys.insert(key.id.clone(), key.public);
        json!({
            "type": "service_account",
            "project_id": project,
            "private_key_id": key.id,
            "private_key": key.private_pem,
            "client_email": email,
            "client_id": account.client_id,
            "auth_uri": format!("{base_url}/o/oauth2/auth"),
            "token_uri": format!("{base_url}/token"),
            "universe_domain": "googleapis.com",
        })
    }

    /// The project of an account; `None` when there is no such account.
    pub(crate) fn project_of(&self, email: &str) -> Option<&str> {
        let account = self.accounts.get(email)?;
        Some(&account.project)
    }

    /// Gives out an opaque token.
    pub(crate) fn issue(&mut self, email: &str, scopes: Vec<String>, expires_ms: i64) -> String {
        let token = format!("ya29.sim-{:032x}", rand::random::<u128>());
        let issued = Token {
            email: email.to_owned(),
            scopes,
            expires_ms,
        };
        self.tokens.insert(token.clone(), issued);
        token
    }

    /// Makes every token invalid that was given out or used so far.
    pub(crate) fn revoke(&mut self) {
        self.tokens.clear();
        self.revoked.append(&mut self.seen);
    }

    /// Who sends this `Authorization` header.
    ///
    /// # Errors
    /// When it is missing, or its token is unknown, expired, revoked or badly signed.
    pub(crate) fn bearer(
        &mut self,
        authorization: Option<&str>,
        now_ms: i64,
        machine_ms: i64,
    ) -> Result<Bearer, Doubt> {
        let header = authorization.ok_or(Doubt::Missing)?;
        let token = header.strip_prefix("Bearer ").ok_or(Doubt::Invalid)?.trim();
        if token.matches('.').count() == 2 {
            return self.self_signed(token, machine_ms);
        }
        let given = self.tokens.get(token).ok_or(Doubt::Invalid)?;
        let project = self.project_of(&given.email).ok_or(Doubt::Invalid)?;
        if given.expires_ms <= now_ms {
            return Err(Doubt::Invalid);
        }
        Ok(Bearer {
            email: given.email.clone(),
            project: project.to_owned(),
            reach: Reach::Scopes(given.scopes.clone()),
        })
    }

    fn self_signed(&mut self, token: &str, machine_ms: i64) -> Result<Bearer, Doubt> {
        let claims = self.verify(token, machine_ms).map_err(|_| Doubt::Invalid)?;
        let is_own = claims.sub.as_deref() == Some(&claims.iss);
        if !is_own || self.revoked.contains(token) {
            return Err(Doubt::Invalid);
        }
        let reach = match (claims.aud, claims.scope) {
            (Some(audience), None) => Reach::Audience(audience),
            (None, Some(scope)) => Reach::Scopes(words(&scope)),
            _ => return Err(Doubt::Invalid),
        };
        let project = self.project_of(&claims.iss).ok_or(Doubt::Invalid)?;
        let project = project.to_owned();
        self.seen.insert(token.to_owned());
        Ok(Bearer {
            email: claims.iss,
            project,
            reach,
        })
    }

    /// Checks signature and times of a JWT.
    pub(crate) fn verify(&self, jwt: &str, machine_ms: i64) -> Result<Claims, Flaw> {
        let header = decode_header(jwt).map_err(|_| Flaw::Malformed)?;
        let mut unchecked = Validation::new(Algorithm::RS256);
        unchecked.required_spec_claims.clear();
        (unchecked.validate_exp, unchecked.validate_aud) = (false, false);
        let issuer = jsonwebtoken::dangerous::insecure_decode::<Claims>(jwt);
        let issuer = issuer.map_err(|_| Flaw::Malformed)?.claims.iss;
        let account = self.accounts.get(&issuer).ok_or(Flaw::UnknownAccount)?;
        let named = |id: &String| header.kid.as_ref().is_none_or(|kid| kid == id);
        let claims = account
            .keys
            .iter()
            .filter(|(id, _)| named(id))
            .find_map(|(_, key)| {
                let der = BASE64_STANDARD.decode(key).ok()?;
                match decode::<Claims>(jwt, &DecodingKey::from_rsa_der(&der), &unchecked) {
                    Ok(decoded) => Some(Ok(decoded.claims)),
                    Err(error) if *error.kind() == ErrorKind::InvalidSignature => None,
                    Err(_) => Some(Err(Flaw::Malformed)),
                }
            });
        let claims = claims.ok_or(Flaw::Signature)??;
        let now_s = machine_ms.div_euclid(1000);
        let is_timely = claims.iat <= now_s + SKEW_S
            && claims.exp > now_s
            && (1..=LONGEST_JWT_S).contains(&(claims.exp - claims.iat));
        is_timely.then_some(claims).ok_or(Flaw::Times)
    }
}

impl Bearer {
    /// Whether the token may be used with a service such as `compute`, which takes one of these scopes.
    pub(crate) fn reaches(&self, service: &str, scopes: &[&str]) -> bool {
        match &self.reach {
            Reach::Audience(audience) => {
                audience.trim_end_matches('/') == format!("https://{service}.googleapis.com")
            }
            Reach::Scopes(own) => own.iter().any(|scope| {
                let scope = scope.strip_prefix("https://www.googleapis.com/auth/");
                scope.is_some_and(|scope| scope == "cloud-platform" || scopes.contains(&scope))
            }),
        }
    }
}

/// The parts of a list with blanks between.
pub(crate) fn words(text: &str) -> Vec<String> {
    text.split_whitespace().map(str::to_owned).collect()
}
