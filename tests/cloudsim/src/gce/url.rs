//! Names of resources: links, paths and what the last part of them may be.

use crate::gce::Error;
use crate::gce::state::State;

/// Where all paths hang below a server's address.
pub(crate) const ROOT: &str = "/compute/v1/";

/// The link to a path.
pub(crate) fn link(base_url: &str, path: &str) -> String {
    format!("{base_url}{ROOT}{path}")
}

pub(crate) fn network(project: &str, name: &str) -> String {
    format!("projects/{project}/global/networks/{name}")
}

pub(crate) fn firewall(project: &str, name: &str) -> String {
    format!("projects/{project}/global/firewalls/{name}")
}

pub(crate) fn subnetwork(project: &str, region: &str, name: &str) -> String {
    format!("projects/{project}/regions/{region}/subnetworks/{name}")
}

pub(crate) fn operation(project: &str, region: Option<&str>, name: &str) -> String {
    match region {
        Some(region) => format!("projects/{project}/regions/{region}/operations/{name}"),
        None => format!("projects/{project}/global/operations/{name}"),
    }
}

/// The last part of a path.
pub(crate) fn last(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// The path of a network that is given in full or in part; without a project it is in `project`.
///
/// # Errors
/// When `field` holds something else.
pub(crate) fn network_given(
    state: &State,
    project: &str,
    field: &str,
    given: &str,
) -> Result<String, Error> {
    let path = match given.split_once("/compute/") {
        Some((_, versioned)) => versioned.split_once('/').map_or("", |(_, path)| path),
        None => given,
    };
    let parts: Vec<_> = path.trim_start_matches('/').split('/').collect();
    let (owner, name) = match parts[..] {
        ["projects", owner, "global", "networks", name] => (state.project_id(owner), name),
        ["global", "networks", name] => (project, name),
        _ => return Err(Error::invalid(field, given, "The URL is malformed.")),
    };
    if !is_name(name) || owner.is_empty() {
        return Err(Error::invalid(field, given, "The URL is malformed."));
    }
    Ok(network(owner, name))
}

/// Whether it is a name as most resources have: RFC 1035, at most 63 characters.
pub(crate) fn is_name(name: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let bytes = name.as_bytes();
    let (Some(first), Some(last)) = (bytes.first(), bytes.last()) else {
        return false;
    };
    bytes.len() <= 63
        && first.is_ascii_lowercase()
        && plain(*last)
        && bytes.iter().all(|byte| plain(*byte) || *byte == b'-')
}

/// The name in `field`.
///
/// # Errors
/// When it is missing or not a name.
pub(crate) fn name_given<'a>(field: &str, given: Option<&'a str>) -> Result<&'a str, Error> {
    match given {
        None | Some("") => Err(Error::required(field)),
        Some(name) if is_name(name) => Ok(name),
        Some(name) => {
            let rule = "Must be a match of regex '(?:[a-z](?:[-a-z0-9]{0,61}[a-z0-9])?)'";
            Err(Error::invalid(field, name, rule))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_is_found_by_every_form_of_its_name() {
        let mut state = State::default();
        state.put_project("vendor", None);
        let number = state.projects["vendor"].number;
        let full = "https://www.googleapis.com/compute/v1/projects/vendor/global/networks/n";
        let forms = [
            full.to_owned(),
            full.replace("v1", "beta"),
            "projects/vendor/global/networks/n".to_owned(),
            format!("projects/{number}/global/networks/n"),
            "global/networks/n".to_owned(),
        ];
        for form in forms {
            let path = network_given(&state, "vendor", "network", &form);
            assert_eq!(path.unwrap(), "projects/vendor/global/networks/n", "{form}");
        }
        for bad in [
            "",
            "n",
            "networks/n",
            "projects/vendor/networks/n",
            "global/networks/N",
        ] {
            assert!(
                network_given(&state, "vendor", "network", bad).is_err(),
                "{bad}"
            );
        }
    }

    #[test]
    fn names_follow_rfc_1035() {
        let long = "a".repeat(63);
        assert!(["a", "a-1", long.as_str()].into_iter().all(is_name));
        let longer = "a".repeat(64);
        let bad = ["", "1a", "a-", "A", "a_b", "-", longer.as_str()];
        assert!(!bad.into_iter().any(is_name));
    }
}
