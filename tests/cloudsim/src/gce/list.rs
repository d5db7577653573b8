//! Listings: filters and pages.

use serde_json::{Value, json};

use crate::gce::url::{last, link};
use crate::gce::{Context, Error};

/// One listing: what it is called, where it is, and what is in it by name, in order.
pub(crate) struct List<'a, T> {
    pub(crate) kind: &'static str,
    /// Such as `projects/p/global/networks`.
    pub(crate) path: String,
    pub(crate) items: Vec<(&'a str, T)>,
}

/// A page of a listing before it is put into words.
pub(crate) struct Page {
    pub(crate) items: Vec<Value>,
    next: Option<String>,
    is_partial: bool,
}

impl<T> List<'_, T> {
    /// The page that the call asks for.
    pub(crate) fn answer(
        self,
        context: &Context<'_>,
        view: impl Fn(&T) -> Value,
    ) -> Result<Value, Error> {
        let (kind, path) = (self.kind, self.path.clone());
        let mut page = self.page(context, view)?;
        let mut items = std::mem::take(&mut page.items);
        if page.is_partial {
            items.truncate(items.len() / 2);
        }
        let items = (!items.is_empty()).then_some(Value::Array(items));
        Ok(page.envelope(context, kind, &path, items))
    }

    pub(crate) fn page(
        mut self,
        context: &Context<'_>,
        view: impl Fn(&T) -> Value,
    ) -> Result<Page, Error> {
        let query = &context.call.query;
        if query.contains_key("orderBy") {
            let rule = "The order of this listing cannot be chosen here.";
            return Err(Error::invalid("orderBy", &query["orderBy"], rule));
        }
        let most = size(context)?;
        if let Some(token) = query.get("pageToken").filter(|token| !token.is_empty()) {
            let after = from_token(token)?;
            self.items.retain(|(name, _)| *name > after.as_str());
        }
        let filter = query.get("filter").map(|text| Filter::parse(text));
        let filter = filter.transpose()?;
        let mut page = Page {
            items: Vec::new(),
            next: None,
            is_partial: context.config.partial_lists,
        };
        let mut shown = "";
        for (name, item) in &self.items {
            if page.items.len() == most {
                page.next = Some(to_token(shown));
                break;
            }
            let item = view(item);
            shown = name;
            if filter.as_ref().is_none_or(|filter| filter.fits(&item)) {
                page.items.push(item);
            }
        }
        Ok(page)
    }
}

impl Page {
    /// Whether something is to be left away; it is said by the caller from now on.
    pub(crate) fn take_partial(&mut self) -> bool {
        std::mem::take(&mut self.is_partial)
    }

    /// What stands around the items.
    pub(crate) fn envelope(
        self,
        context: &Context<'_>,
        kind: &str,
        path: &str,
        items: Option<Value>,
    ) -> Value {
        let mut answer = json!({
            "kind": kind,
            "id": path,
            "selfLink": link(&context.call.base_url, path),
        });
        if let Some(items) = items {
            answer["items"] = items;
        }
        if let Some(next) = self.next {
            answer["nextPageToken"] = json!(next);
        }
        if self.is_partial {
            let text = "Some resources could not be reached and are missing from the answer.";
            answer["warning"] = json!({ "code": "UNREACHABLE", "message": text });
        }
        answer
    }
}

/// How many entries the call wants at most.
fn size(context: &Context<'_>) -> Result<usize, Error> {
    let most = context.config.max_page;
    let Some(given) = context.call.query.get("maxResults") else {
        return Ok(most);
    };
    match given.parse::<usize>() {
        Ok(0) => Ok(most),
        Ok(size) if size <= most => Ok(size),
        _ => {
            let rule = format!("Values must be within the range: [0, {most}]");
            Err(Error::invalid("maxResults", given, &rule))
        }
    }
}

/// The token of the page that follows the entry with this name.
fn to_token(name: &str) -> String {
    name.bytes().map(|byte| format!("{byte:02x}")).collect()
}

fn from_token(token: &str) -> Result<String, Error> {
    let refused = || Error::invalid("pageToken", token, "The page token is not valid.");
    let pairs = token.as_bytes().chunks(2);
    let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
    let bytes = pairs.map(byte).collect::<Option<Vec<_>>>();
    let bytes = bytes.ok_or_else(refused)?;
    String::from_utf8(bytes).map_err(|_| refused())
}

/// `FIELD = VALUE`, or `!=`, `eq`, `ne`; several of them with `AND` between.
struct Filter(Vec<Term>);

struct Term {
    field: String,
    equal: bool,
    value: String,
}

impl Filter {
    fn parse(text: &str) -> Result<Filter, Error> {
        let refused = || Error::invalid("filter", text, "Invalid list filter expression.");
        let term = |term: &str| Term::parse(term).ok_or_else(refused);
        let terms = text.split(" AND ").map(term);
        Ok(Filter(terms.collect::<Result<_, _>>()?))
    }

    fn fits(&self, item: &Value) -> bool {
        self.0.iter().all(|term| {
            let same = match &item[&term.field] {
                // Links match with and without what stands before the path.
                Value::String(text) if is_link(&term.field) => text.ends_with(&term.value),
                Value::String(text) => *text == term.value,
                Value::Bool(value) => value.to_string() == term.value,
                Value::Number(value) => value.to_string() == term.value,
                _ => false,
            };
            same == term.equal
        })
    }
}

fn is_link(field: &str) -> bool {
    last(field).ends_with("Link") || ["network", "region"].contains(&field)
}

impl Term {
    fn parse(text: &str) -> Option<Term> {
        let text = text.trim();
        let inner = text
            .strip_prefix('(')
            .and_then(|text| text.strip_suffix(')'));
        let text = inner.unwrap_or(text);
        let operators = [("!=", false), (" ne ", false), (" eq ", true), ("=", true)];
        let (field, value, equal) = operators.into_iter().find_map(|(operator, equal)| {
            let (field, value) = text.split_once(operator)?;
            Some((field.trim(), value.trim(), equal))
        })?;
        let quoted = value
            .strip_prefix('"')
            .and_then(|value| value.strip_suffix('"'));
        let value = quoted.unwrap_or(value);
        let is_plain = |text: &str, also: &str| {
            let plain = |c: char| c.is_ascii_alphanumeric() || also.contains(c);
            !text.is_empty() && text.chars().all(plain)
        };
        let fits = is_plain(field, "") && is_plain(value, "-_./:@");
        fits.then(|| Term {
            field: field.to_owned(),
            equal,
            value: value.to_owned(),
        })
    }
}
