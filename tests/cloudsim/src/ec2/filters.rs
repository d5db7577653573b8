//! `Filter.N`: which objects a describe call asks for.

use crate::cloud::Error;
use crate::ec2::error;
use crate::ec2::query::Query;
use crate::ec2::state::Tags;

const MOST_FILTERS: usize = 50;
const MOST_VALUES: usize = 200;

/// The filters of one call; an object has to fit each, with any of its values.
#[derive(Debug)]
pub(crate) struct Filters(Vec<Filter>);

#[derive(Debug)]
struct Filter {
    name: String,
    patterns: Vec<String>,
}

impl Filters {
    /// Reads the filters; `known` are the names this action has, besides those of tags.
    pub(crate) fn parse(query: &Query, known: &[&str], tags: bool) -> Result<Self, Error> {
        let given = query.structures("Filter");
        if given.len() > MOST_FILTERS {
            return Err(too_many("filters", MOST_FILTERS));
        }
        let parsed: Result<_, _> = given
            .iter()
            .map(|filter| Filter::parse(filter, known, tags))
            .collect();
        Ok(Filters(parsed?))
    }

    /// Whether an object passes; `values` says what it has under a name.
    pub(crate) fn pass(&self, tags: Option<&Tags>, values: impl Fn(&str) -> Vec<String>) -> bool {
        self.0
            .iter()
            .all(|filter| match filter.name.strip_prefix("tag:") {
                Some(key) => tags
                    .and_then(|tags| tags.get(key))
                    .is_some_and(|value| filter.hits(value)),
                None if filter.name == "tag-key" => {
                    tags.is_some_and(|tags| tags.keys().any(|key| filter.hits(key)))
                }
                None => values(&filter.name).iter().any(|value| filter.hits(value)),
            })
    }
}

impl Filter {
    fn parse(query: &Query, known: &[&str], tags: bool) -> Result<Self, Error> {
        let name = query
            .required("Name")
            .map_err(|_| error::missing("Filter.Name"))?;
        let is_tag = tags
            && (name == "tag-key" || name.strip_prefix("tag:").is_some_and(|key| !key.is_empty()));
        if !is_tag && !known.contains(&name) {
            return Err(error::invalid_value(format!(
                "The filter '{name}' is invalid"
            )));
        }
        let patterns: Vec<String> = query.list("Value").into_iter().map(str::to_owned).collect();
        if patterns.is_empty() {
            return Err(error::invalid_value(format!(
                "The filter '{name}' must have at least one value"
            )));
        }
        if patterns.len() > MOST_VALUES {
            return Err(too_many("filter values", MOST_VALUES));
        }
        Ok(Filter {
            name: name.to_owned(),
            patterns,
        })
    }

    fn hits(&self, value: &str) -> bool {
        self.patterns.iter().any(|pattern| wildcard(pattern, value))
    }
}

fn too_many(what: &str, most: usize) -> Error {
    Error::new(
        "FilterLimitExceeded",
        format!("The maximum number of {what} specified on a single call is {most}"),
    )
}

/// `*` is any run of characters, `?` any one, and a backslash takes the meaning from both.
pub(crate) fn wildcard(pattern: &str, value: &str) -> bool {
    let (pattern, value): (Vec<char>, Vec<char>) =
        (pattern.chars().collect(), value.chars().collect());
    let (mut p, mut v, mut star) = (0, 0, None);
    while v < value.len() {
        match pattern.get(p) {
            Some('*') => {
                star = Some((p, v));
                p += 1;
            }
            Some('?') => (p, v) = (p + 1, v + 1),
            Some('\\') if pattern.get(p + 1) == Some(&value[v]) => (p, v) = (p + 2, v + 1),
            Some(c) if *c != '\\' && *c == value[v] => (p, v) = (p + 1, v + 1),
            _ => match star {
                Some((at, from)) => {
                    star = Some((at, from + 1));
                    (p, v) = (at + 1, from + 1);
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|c| *c == '*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wildcards_match_as_in_ec2() {
        for (pattern, value) in [
            ("*", ""),
            ("a*c", "abbc"),
            ("a?c", "abc"),
            ("*b*", "abc"),
            ("a\\*", "a*"),
            ("pending-*", "pending-acceptance"),
        ] {
            assert!(wildcard(pattern, value), "{pattern} {value}");
        }
        for (pattern, value) in [
            ("a?c", "ac"),
            ("a\\*", "ab"),
            ("", "a"),
            ("A", "a"),
            ("a*b", "abc"),
        ] {
            assert!(!wildcard(pattern, value), "{pattern} {value}");
        }
    }

    fn query(filters: usize, values: usize) -> Query {
        let names = (1..=filters).map(|n| (format!("Filter.{n}.Name"), "vpc-id".to_owned()));
        let all = (1..=filters).flat_map(|n| {
            (1..=values).map(move |v| (format!("Filter.{n}.Value.{v}"), "x".to_owned()))
        });
        Query::new(names.chain(all))
    }

    #[test]
    fn too_many_filters_or_values_are_refused() {
        let code = |filters, values| {
            Filters::parse(&query(filters, values), &["vpc-id"], true)
                .err()
                .map(|error| error.code)
        };
        assert_eq!(code(50, 200), None);
        assert_eq!(code(51, 1).as_deref(), Some("FilterLimitExceeded"));
        assert_eq!(code(1, 201).as_deref(), Some("FilterLimitExceeded"));
        assert_eq!(code(1, 0).as_deref(), Some("InvalidParameterValue"));
    }
}
