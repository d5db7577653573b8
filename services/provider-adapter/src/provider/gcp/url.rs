//! The addresses by which GCP's answers name objects. Their beginning differs from one service of GCP to the next.

/// The project and the name in the address of a network.
pub(super) fn network(address: &str) -> Option<(&str, &str)> {
    match parts(address)?[..] {
        [project, "global", "networks", name] => named(project, name),
        _ => None,
    }
}

/// The region and the name in the address of a subnet of `project`.
pub(super) fn subnet<'a>(address: &'a str, project: &str) -> Option<(&'a str, &'a str)> {
    match parts(address)?[..] {
        [of, "regions", region, "subnetworks", name] if is_project(of, project) => {
            named(region, name)
        }
        _ => None,
    }
}

/// Whether an address in an answer about `project` shows that project, which some services give by its number.
pub(super) fn is_project(shown: &str, project: &str) -> bool {
    shown == project || is_number(shown)
}

/// Whether a project is given by its number: no project's id is one.
pub(super) fn is_number(project: &str) -> bool {
    !project.is_empty() && project.bytes().all(|b| b.is_ascii_digit())
}

/// Whether a sentence names `path`, rather than something that merely begins like it.
pub(super) fn is_named(sentence: &str, path: &str) -> bool {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    let mut found = sentence.match_indices(path);
    found.any(|(at, _)| !sentence[at + path.len()..].starts_with(fits))
}

/// The path by which a request names a network.
pub(super) fn of_network(project: &str, name: &str) -> String {
    format!("projects/{project}/global/networks/{name}")
}

fn named<'a>(owner: &'a str, name: &'a str) -> Option<(&'a str, &'a str)> {
    (!owner.is_empty() && !name.is_empty()).then_some((owner, name))
}

/// What follows `projects/`.
fn parts(address: &str) -> Option<Vec<&str>> {
    let path = match address.strip_prefix("projects/") {
        Some(path) => path,
        None => address.split_once("/projects/")?.1,
    };
    Some(path.split('/').collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_is_found_behind_any_host() {
        for host in [
            "",
            "https://www.googleapis.com/compute/v1/",
            "https://compute.googleapis.com/compute/beta/",
            "http://127.0.0.1:4566/compute/v1/",
        ] {
            let address = format!("{host}projects/acme-prod/global/networks/main");
            assert_eq!(network(&address), Some(("acme-prod", "main")), "{address}");
        }
        let legacy = "projects/example.com:acme/global/networks/main";
        assert_eq!(network(legacy), Some(("example.com:acme", "main")));
        assert_eq!(network(&of_network("p", "n")), Some(("p", "n")));
    }

    #[test]
    fn what_names_no_network_is_none() {
        for address in [
            "",
            "main",
            "projects/p/global/networks/",
            "projects//global/networks/n",
            "projects/p/global/firewalls/n",
            "projects/p/global/networks/n/x",
            "projects/p/regions/r/subnetworks/n",
        ] {
            assert_eq!(network(address), None, "{address}");
        }
    }

    #[test]
    fn a_subnet_has_to_be_the_project_s() {
        let address = "https://x/compute/v1/projects/p/regions/europe-west1/subnetworks/n";
        assert_eq!(subnet(address, "p"), Some(("europe-west1", "n")));
        assert_eq!(subnet(address, "q"), None);
        let by_number = address.replace("/p/", "/123456789012/");
        assert_eq!(subnet(&by_number, "p"), Some(("europe-west1", "n")));
    }

    #[test]
    fn a_sentence_names_a_path_and_not_what_begins_like_it() {
        let names = |path| is_named("The resource 'projects/acme-prod/x' was not found", path);
        assert!(names("projects/acme-prod") && names("projects/acme-prod/x"));
        assert!(!names("projects/acme") && !names("projects/other"));
    }
}
