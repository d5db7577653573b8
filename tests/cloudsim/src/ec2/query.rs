//! The parameters of a Query request: flat names such as `Filter.1.Value.2` read as what they mean.

use std::collections::{BTreeMap, BTreeSet};

use ipnet::Ipv4Net;

use crate::cloud::Error;
use crate::ec2::error;

/// The parameters without `Action` and `Version`.
#[derive(Clone, Debug, Default)]
pub struct Query(BTreeMap<String, String>);

impl Query {
    pub fn new(params: impl IntoIterator<Item = (String, String)>) -> Self {
        Query(params.into_iter().collect())
    }

    pub fn params(&self) -> &BTreeMap<String, String> {
        &self.0
    }

    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    pub(crate) fn required(&self, name: &str) -> Result<&str, Error> {
        match self.get(name) {
            Some(value) if !value.is_empty() => Ok(value),
            _ => Err(error::missing(name)),
        }
    }

    pub(crate) fn bool(&self, name: &str) -> Result<Option<bool>, Error> {
        match self.get(name) {
            None => Ok(None),
            Some("true" | "True" | "TRUE" | "1") => Ok(Some(true)),
            Some("false" | "False" | "FALSE" | "0") => Ok(Some(false)),
            Some(value) => Err(error::invalid_value(format!(
                "Invalid value for {name}: '{value}'. Must be true or false."
            ))),
        }
    }

    pub(crate) fn int(&self, name: &str) -> Result<Option<i64>, Error> {
        let parse = |value: &str| {
            let text = format!("Invalid integer value {value}");
            value
                .parse()
                .map_err(|_| Error::new("MalformedQueryString", text))
        };
        self.get(name).map(parse).transpose()
    }

    /// A range of addresses in canonical form: EC2 clears the host bits.
    pub(crate) fn cidr(&self, name: &str) -> Result<Ipv4Net, Error> {
        let value = self.required(name)?;
        let parsed: Result<Ipv4Net, _> = value.parse();
        let why = "This is not a valid CIDR block.";
        let parsed =
            parsed.map_err(|_| error::invalid_parameter(&lower_first(name), value, why))?;
        Ok(parsed.trunc())
    }

    /// The values of `name.1`, `name.2`, ….
    pub(crate) fn list(&self, name: &str) -> Vec<&str> {
        let at = |index: usize| self.get(&format!("{name}.{index}"));
        self.indices(name).into_iter().filter_map(at).collect()
    }

    /// The structures `name.1.…`, `name.2.…`, … as queries of their own.
    pub(crate) fn structures(&self, name: &str) -> Vec<Query> {
        let of = |index: usize| self.under(&format!("{name}.{index}"));
        self.indices(name).into_iter().map(of).collect()
    }

    /// What stands below `name.`.
    pub(crate) fn under(&self, name: &str) -> Query {
        let prefix = format!("{name}.");
        let strip = |(key, value): (&String, &String)| {
            Some((key.strip_prefix(&prefix)?.to_owned(), value.clone()))
        };
        Query(self.0.range(prefix.clone()..).map_while(strip).collect())
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn indices(&self, name: &str) -> BTreeSet<usize> {
        let prefix = format!("{name}.");
        let index = |key: &String| key.strip_prefix(&prefix)?.split('.').next()?.parse().ok();
        let range = self.0.range(prefix.clone()..);
        range
            .map(|(key, _)| key)
            .take_while(|key| key.starts_with(&prefix))
            .filter_map(index)
            .collect()
    }

    /// Refuses parameters that the action does not have. In `known`, `#` stands for a number.
    pub(crate) fn check_names(&self, known: &[&str]) -> Result<(), Error> {
        for name in self.0.keys() {
            if !known.iter().any(|pattern| fits(pattern, name)) {
                return Err(error::unknown_parameter(name));
            }
        }
        Ok(())
    }
}

fn fits(pattern: &str, name: &str) -> bool {
    let (mut pattern, mut name) = (pattern.split('.'), name.split('.'));
    loop {
        match (pattern.next(), name.next()) {
            (None, None) => return true,
            (Some("#"), Some(index)) if index.parse::<usize>().is_ok_and(|index| index > 0) => {}
            (Some(known), Some(given)) if known == given => {}
            _ => return false,
        }
    }
}

/// `VpcId` as messages name it: `vpcId`.
pub(crate) fn lower_first(name: &str) -> String {
    let mut chars = name.chars();
    chars.next().map_or_else(String::new, |first| {
        first.to_ascii_lowercase().to_string() + chars.as_str()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn query(params: &[(&str, &str)]) -> Query {
        Query::new(
            params
                .iter()
                .map(|(k, v)| ((*k).to_owned(), (*v).to_owned())),
        )
    }

    #[test]
    fn lists_and_structures_are_read_in_numeric_order() {
        let query = query(&[
            ("Id.10", "c"),
            ("Id.2", "b"),
            ("Id.1", "a"),
            ("Tag.1.Key", "k"),
            ("Tag.1.Value", "v"),
        ]);
        assert_eq!(query.list("Id"), ["a", "b", "c"]);
        let tags = query.structures("Tag");
        assert_eq!((tags.len(), tags[0].get("Key")), (1, Some("k")));
    }

    #[test]
    fn only_known_names_pass() {
        let known = ["VpcId", "Filter.#.Value.#"];
        assert!(
            query(&[("VpcId", ""), ("Filter.1.Value.12", "")])
                .check_names(&known)
                .is_ok()
        );
        for wrong in ["vpcId", "VpcId.1", "Filter.0.Value.1", "Filter.1.Value"] {
            let error = query(&[(wrong, "")]).check_names(&known).unwrap_err();
            assert_eq!(error.code, "UnknownParameter");
        }
    }

    #[test]
    fn host_bits_are_cleared() {
        assert_eq!(
            query(&[("C", "10.0.0.5/16")])
                .cidr("C")
                .unwrap()
                .to_string(),
            "10.0.0.0/16"
        );
        assert_eq!(
            query(&[("C", "10.0.0.5")]).cidr("C").unwrap_err().code,
            "InvalidParameterValue"
        );
    }
}
