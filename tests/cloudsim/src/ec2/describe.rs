//! What every describe call has in common: ids, filters, pages, and what is visible yet.

use crate::cloud::{Caller, Error};
use crate::config::Config;
use crate::ec2::error;
use crate::ec2::filters::Filters;
use crate::ec2::id::Kind;
use crate::ec2::query::{Query, lower_first};
use crate::ec2::state::{State, Tags};
use crate::ec2::xml::{self, Node, text};

/// What somebody sees at some time.
#[derive(Clone, Copy)]
pub(crate) struct View<'a> {
    pub(crate) state: &'a State,
    pub(crate) config: &'a Config,
    pub(crate) caller: &'a Caller,
    pub(crate) now_ms: i64,
}

impl<'a> View<'a> {
    /// Whether something created then shows in describe calls by now.
    pub(crate) fn is_out(&self, created_ms: i64) -> bool {
        created_ms + self.config.describe_lag_ms <= self.now_ms
    }

    pub(crate) fn tags(&self, id: &str) -> Option<&'a Tags> {
        self.state.tags_of(self.caller, id)
    }

    pub(crate) fn tag_set(&self, id: &str) -> Node {
        let entry = |(key, value): (&String, &String)| vec![text("key", key), text("value", value)];
        xml::set("tagSet", self.tags(id).into_iter().flatten().map(entry))
    }
}

/// How a kind of object is listed.
pub(crate) struct Listing {
    pub(crate) action: &'static str,
    /// The name of the answer's set.
    pub(crate) set: &'static str,
    /// The parameter with ids.
    pub(crate) ids: &'static str,
    pub(crate) kind: Kind,
    pub(crate) filters: &'static [&'static str],
    pub(crate) most_results: i64,
}

pub(crate) trait Listed {
    const LISTING: Listing;

    fn id(&self) -> &str;
    fn is_visible(&self, view: &View<'_>) -> bool;
    /// What the object has under a filter's name.
    fn values(&self, view: &View<'_>, filter: &str) -> Vec<String>;
    fn node(&self, view: &View<'_>) -> Vec<Node>;
}

/// Answers a describe call over `all`, which stand in the order of their ids.
pub(crate) fn describe<'a, T: Listed + 'a>(
    view: &View<'_>,
    query: &Query,
    all: impl Iterator<Item = &'a T> + Clone,
) -> Result<Vec<Node>, Error> {
    let listing = T::LISTING;
    let filters = Filters::parse(query, listing.filters, true)?;
    let ids = query.list(listing.ids);
    let page = Page::parse(view, query, &listing, !ids.is_empty())?;
    let visible = all.filter(|x| x.is_visible(view));
    for id in &ids {
        listing.kind.check(id)?;
        if !visible.clone().any(|x| x.id() == *id) {
            return Err(error::not_found(listing.kind, id));
        }
    }
    let wanted = visible
        .filter(|x| page.holds(x.id()))
        .filter(|x| ids.is_empty() || ids.contains(&x.id()))
        .filter(|x| filters.pass(view.tags(x.id()), |name| x.values(view, name)));
    let (shown, next) = page.cut(view, listing.action, wanted, |x| x.id().to_owned());
    let mut nodes = vec![xml::set(
        listing.set,
        shown.into_iter().map(|x| x.node(view)),
    )];
    nodes.extend(next.map(|token| text("nextToken", token)));
    Ok(nodes)
}

/// Which part of a list a call asks for.
pub(crate) struct Page {
    size: Option<usize>,
    after: Option<String>,
}

impl Page {
    fn parse(
        view: &View<'_>,
        query: &Query,
        listing: &Listing,
        has_ids: bool,
    ) -> Result<Self, Error> {
        if has_ids && query.get("MaxResults").is_some() && !view.config.ids_with_max_results {
            return Err(error::combination(format!(
                "The parameter {}s cannot be used with the parameter MaxResults",
                listing.ids
            )));
        }
        Page::parse_plain(view, query, listing.action, listing.most_results)
    }

    pub(crate) fn parse_plain(
        view: &View<'_>,
        query: &Query,
        action: &str,
        most: i64,
    ) -> Result<Self, Error> {
        let size = query.int("MaxResults")?;
        let bound = match size {
            Some(size) if size < 5 => Some("greater than or equal to 5".to_owned()),
            Some(size) if size > most => Some(format!("smaller than or equal to {most}")),
            _ => None,
        };
        if let (Some(size), Some(bound)) = (size, bound) {
            return Err(error::invalid_value(format!(
                "Value ( {size} ) for parameter MaxResults is invalid. Expecting a value {bound}."
            )));
        }
        let read = |token: &str| read_token(view, action, token);
        Ok(Page {
            size: size.and_then(|size| usize::try_from(size).ok()),
            after: query.get("NextToken").map(read).transpose()?,
        })
    }

    /// Whether an entry, by what it is ordered by, lies behind the pages before.
    pub(crate) fn holds(&self, key: &str) -> bool {
        self.after.as_deref().is_none_or(|after| key > after)
    }

    /// The entries of this page out of those it holds, and the token of the next one.
    pub(crate) fn cut<T>(
        &self,
        view: &View<'_>,
        action: &str,
        mut rest: impl Iterator<Item = T>,
        key: impl Fn(&T) -> String,
    ) -> (Vec<T>, Option<String>) {
        let Some(size) = self.size else {
            return (rest.collect(), None);
        };
        let shown: Vec<T> = rest.by_ref().take(size).collect();
        let more = rest.next().is_some();
        let last = shown.last().filter(|_| more).map(key);
        (shown, last.map(|last| write_token(view, action, &last)))
    }
}

/// A token holds where the page ended, and for whom.
fn write_token(view: &View<'_>, action: &str, last: &str) -> String {
    let plain = format!(
        "{action}|{}|{}|{last}",
        view.caller.account, view.caller.region
    );
    plain
        .bytes()
        .map(|byte| format!("{:02x}", byte ^ 0x5a))
        .collect()
}

fn read_token(view: &View<'_>, action: &str, token: &str) -> Result<String, Error> {
    let decode = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
    let bytes: Option<Vec<u8>> = token
        .as_bytes()
        .chunks(2)
        .map(|pair| decode(pair).map(|byte| byte ^ 0x5a))
        .collect();
    let plain = bytes
        .and_then(|bytes| String::from_utf8(bytes).ok())
        .unwrap_or_default();
    let prefix = format!("{action}|{}|{}|", view.caller.account, view.caller.region);
    let invalid = || {
        error::invalid_value(format!(
            "Value ( {token} ) for parameter NextToken is invalid. The token is invalid."
        ))
    };
    plain
        .strip_prefix(&prefix)
        .map(str::to_owned)
        .ok_or_else(invalid)
}

/// The id a call must name, checked for its form.
pub(crate) fn required_id<'a>(query: &'a Query, name: &str, kind: Kind) -> Result<&'a str, Error> {
    let id = query.required(name)?;
    kind.check(id)?;
    Ok(id)
}

/// `true` as EC2 says it of calls with nothing else to say.
pub(crate) fn returned() -> Vec<Node> {
    vec![text("return", true)]
}

/// A filter's name with dashes, for those that also have a form like `cidrBlock`.
pub(crate) fn dashed(name: &str) -> String {
    let dash = |c: char| {
        if c.is_ascii_uppercase() {
            format!("-{}", c.to_ascii_lowercase())
        } else {
            c.to_string()
        }
    };
    lower_first(name).chars().map(dash).collect()
}
