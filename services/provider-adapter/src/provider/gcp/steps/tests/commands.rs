//! Whether commands can be run as they stand.

use std::fmt::Write as _;
use std::process;

use super::*;

#[test]
fn a_shell_makes_the_same_words_of_every_command() {
    for (facts, endpoint) in all().flat_map(|facts| {
        [None, Some("http://127.0.0.1:9000")].map(|endpoint| (facts.clone(), endpoint))
    }) {
        let guide = guide(&facts, endpoint);
        let mut script = String::new();
        for variable in &guide.variables {
            let _ = writeln!(script, "{0}='${0}'", variable.name);
        }
        let mut expected = String::new();
        for command in commands(&guide) {
            let _ = writeln!(script, "printf '<%s>' {}; echo", command.shell);
            let words: String = command
                .argv
                .iter()
                .map(|word| format!("<{word}>"))
                .collect();
            let _ = writeln!(expected, "{words}");
        }
        let output = process::Command::new("sh")
            .args(["-c", &script])
            .output()
            .unwrap();
        assert!(output.status.success(), "{script}");
        assert_eq!(String::from_utf8(output.stdout).unwrap(), expected);
    }
}

#[test]
fn every_variable_in_a_command_is_explained() {
    for facts in all() {
        let guide = guide(&facts, None);
        for word in commands(&guide).iter().flat_map(|command| &command.argv) {
            let known = guide.variables.iter().any(|one| word[1..] == *one.name);
            assert!(
                !word.starts_with('$') || known,
                "{word} in {:?}",
                facts.state
            );
        }
    }
}

#[test]
fn every_gcloud_names_the_customer_s_project_and_no_other_s() {
    for facts in all() {
        for command in commands(&guide(&facts, None)) {
            let is_gcloud = command.argv[0] == "gcloud";
            assert!(is_gcloud || ["nc", "dig"].contains(&command.argv[0].as_str()));
            let project = command
                .argv
                .windows(2)
                .filter(|pair| pair[0] == "--project");
            let projects: Vec<_> = project.map(|pair| pair[1].as_str()).collect();
            let expected: &[&str] = if is_gcloud { &["customer-shop"] } else { &[] };
            assert_eq!(projects, expected, "{}", command.shell);
        }
    }
}

#[test]
fn in_development_every_gcloud_asks_the_stand_in() {
    let guide = guide(
        &facts(State::PendingAcceptance),
        Some("http://127.0.0.1:9000/"),
    );
    let start = [
        "env",
        "CLOUDSDK_API_ENDPOINT_OVERRIDES_COMPUTE=http://127.0.0.1:9000/compute/v1/",
        "gcloud",
        "compute",
    ];
    let commands = commands(&guide);
    let (gcloud, rest): (Vec<_>, Vec<_>) =
        commands.into_iter().partition(|one| one.argv[0] == "env");
    assert!(gcloud.len() > 5);
    assert!(gcloud.iter().all(|one| one.argv[..4] == start));
    assert!(rest.iter().all(|one| one.argv[0] == "nc"), "{rest:?}");
    let custom = "compute_custom_endpoint = \"http://127.0.0.1:9000/compute/v1/\"";
    assert!(guide.terraform.contains(custom));
}

#[test]
fn nothing_is_named_after_a_vendor_s_network_that_has_no_name_yet() {
    let facts = Facts {
        vendor_vpc_id: None,
        ..facts(State::Provisioning)
    };
    let (guide, cli) = (guide(&facts, None), Cli::new(&facts, None));
    assert!(guide.variables.is_empty() && guide.terraform.is_empty());
    assert_eq!(step(&guide, "OPEN_EGRESS").status, Status::Blocked);
    let words = commands(&guide)
        .into_iter()
        .flat_map(|one| one.argv.clone());
    let answers = guide.answers.iter().map(|one| one.answer.clone());
    for text in words.chain(answers) {
        assert!(!text.contains(&cli.half), "{text}");
    }
}
