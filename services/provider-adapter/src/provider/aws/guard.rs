//! Refuses answers of EC2 that are not whole and well-formed.
//!
//! The SDK's parser takes what it can get: it reads a listing that was cut off as a shorter listing, and does not
//! read the answers of calls without a result at all. Either would make Peerway believe what nobody said.

use aws_sdk_ec2::config::interceptors::{
    AfterDeserializationInterceptorContextRef, BeforeDeserializationInterceptorContextMut,
};
use aws_sdk_ec2::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_ec2::error::BoxError;
use aws_smithy_runtime_api::client::orchestrator::Metadata;
use aws_smithy_types::body::SdkBody;
use http_body_util::Limited;
use xmlparser::{ElementEnd, Token, Tokenizer};

/// The largest answer that is read, in bytes; a page of 1,000 peerings is about 2 MiB.
const LARGEST_BODY: usize = 8 * 1024 * 1024;
/// The deepest nesting of elements; EC2's own answers stay below 12.
const DEEPEST: usize = 64;

/// Why an answer is not believed.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Unusable {
    #[error("the answer is not XML")]
    NotXml,
    #[error("the answer ends early")]
    Cut,
    #[error("the answer's elements do not match")]
    Mismatched,
    #[error("the answer is nested too deep")]
    TooDeep,
    #[error("the answer declares a document type or entities")]
    Doctype,
    #[error("the answer is to another call")]
    OtherCall,
}

/// Checks every answer before anyone sees what was parsed from it.
#[derive(Debug)]
pub(super) struct WellFormed;

impl Intercept for WellFormed {
    fn name(&self) -> &'static str {
        "WellFormed"
    }

    fn modify_before_deserialization(
        &self,
        context: &mut BeforeDeserializationInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let response = context.response_mut();
        let body = std::mem::replace(response.body_mut(), SdkBody::taken());
        *response.body_mut() = SdkBody::from_body_1_x(Limited::new(body, LARGEST_BODY));
        Ok(())
    }

    fn read_after_deserialization(
        &self,
        context: &AfterDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        bag: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let response = context.response();
        let expected = bag
            .load::<Metadata>()
            .filter(|_| response.status().is_success())
            .map(|metadata| format!("{}Response", metadata.name()));
        match response.body().bytes() {
            Some(body) => Ok(check(body, expected.as_deref())?),
            // It could not be read, and the error that says why stands.
            None if context.output_or_error().is_err() => Ok(()),
            None => Err(Unusable::Cut.into()),
        }
    }
}

/// Whether `body` is one whole XML element, named `root` if that is given, and nothing that could hide more.
fn check(body: &[u8], root: Option<&str>) -> Result<(), Unusable> {
    let text = std::str::from_utf8(body).map_err(|_| Unusable::NotXml)?;
    let mut open: Vec<(&str, &str)> = Vec::new();
    let mut closed = false;
    for token in Tokenizer::from(text) {
        match token.map_err(|_| Unusable::NotXml)? {
            Token::ElementStart { prefix, local, .. } => {
                if closed {
                    return Err(Unusable::Mismatched);
                }
                if open.is_empty() && root.is_some_and(|root| root != local.as_str()) {
                    return Err(Unusable::OtherCall);
                }
                open.push((prefix.as_str(), local.as_str()));
                if open.len() > DEEPEST {
                    return Err(Unusable::TooDeep);
                }
            }
            Token::ElementEnd {
                end: ElementEnd::Open,
                ..
            } => {}
            Token::ElementEnd {
                end: ElementEnd::Empty,
                ..
            } => {
                open.pop();
                closed = open.is_empty();
            }
            Token::ElementEnd {
                end: ElementEnd::Close(prefix, local),
                ..
            } => {
                if open.pop() != Some((prefix.as_str(), local.as_str())) {
                    return Err(Unusable::Mismatched);
                }
                closed = open.is_empty();
            }
            Token::DtdStart { .. }
            | Token::DtdEnd { .. }
            | Token::EmptyDtd { .. }
            | Token::EntityDeclaration { .. } => return Err(Unusable::Doctype),
            Token::Declaration { .. }
            | Token::ProcessingInstruction { .. }
            | Token::Comment { .. }
            | Token::Attribute { .. }
            | Token::Text { .. }
            | Token::Cdata { .. } => {}
        }
    }
    if closed { Ok(()) } else { Err(Unusable::Cut) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROOT: Option<&str> = Some("DeleteVpcResponse");

    #[test]
    fn a_whole_answer_passes() {
        let body = br#"<?xml version="1.0"?><DeleteVpcResponse xmlns="x"><requestId>1</requestId><a/></DeleteVpcResponse>
"#;
        assert_eq!(check(body, ROOT), Ok(()));
        assert_eq!(check(b"<DeleteVpcResponse/>", ROOT), Ok(()));
        assert_eq!(check(b"<Response><Errors/></Response>", None), Ok(()));
    }

    #[test]
    fn every_cut_of_an_answer_is_refused() {
        let body = b"<DeleteVpcResponse><requestId>1</requestId><set><item>a</item></set></DeleteVpcResponse>";
        for end in 0..body.len() {
            assert!(check(&body[..end], ROOT).is_err(), "{end}");
        }
    }

    #[test]
    fn garbage_is_refused() {
        let deep = "<a>".repeat(100) + &"</a>".repeat(100);
        for (body, why) in [
            ("", Unusable::Cut),
            ("<html><body>busy</body></html>", Unusable::OtherCall),
            ("{\"ok\": true}", Unusable::NotXml),
            ("<Response><Errors/></Response>", Unusable::OtherCall),
            (
                "<DeleteVpcResponse><a></DeleteVpcResponse>",
                Unusable::Mismatched,
            ),
            ("<DeleteVpcResponse/><DeleteVpcResponse/>", Unusable::NotXml),
            (
                "<!DOCTYPE x [<!ENTITY y \"z\">]><DeleteVpcResponse/>",
                Unusable::Doctype,
            ),
        ] {
            assert_eq!(check(body.as_bytes(), ROOT), Err(why), "{body}");
        }
        assert_eq!(check(deep.as_bytes(), None), Err(Unusable::TooDeep));
        assert_eq!(check(&[0xff, 0xfe], ROOT), Err(Unusable::NotXml));
    }
}
