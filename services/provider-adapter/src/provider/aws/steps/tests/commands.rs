//! Whether commands can be run as they stand.

use super::*;
use crate::provider::steps::testing::words;

#[test]
fn a_shell_makes_the_same_words_of_every_command() {
    for facts in all() {
        let guide = guide(&facts, Some("http://127.0.0.1:4566"));
        for command in commands(&guide) {
            if command.argv[0] == "sh" {
                assert_eq!(command.argv, ["sh", "-c", command.shell.as_str()]);
            } else {
                assert_eq!(words(&guide, command), command.argv);
            }
        }
    }
}

#[test]
fn every_script_is_one_that_a_shell_can_read() {
    let guides = all().map(|facts| guide(&facts, None));
    let scripts: Vec<_> = guides
        .flat_map(|guide| commands(&guide).into_iter().cloned().collect::<Vec<_>>())
        .filter(|command| command.argv[0] == "sh")
        .collect();
    assert!(scripts.len() > 10);
    for script in scripts {
        let read = std::process::Command::new("sh")
            .args(["-n", "-c", &script.shell])
            .status();
        assert!(read.unwrap().success(), "{}", script.shell);
    }
}

#[test]
fn every_aws_command_names_the_customer_s_region_and_the_stand_in() {
    let url = "http://127.0.0.1:4566";
    let flags = format!("--region us-east-1 --endpoint-url {url}");
    let mut facts = other("cross_region");
    for state in STATES {
        facts.state = state;
        let guide = guide(&facts, Some(url));
        for command in commands(&guide) {
            let text = &command.shell;
            let calls = text.matches("aws ec2 ").count() + text.matches("aws logs ").count();
            assert_eq!(text.matches(&flags).count(), calls, "{text}");
            assert_eq!(text.matches("--region").count(), calls, "{text}");
        }
    }
}

#[test]
fn every_variable_in_a_command_is_explained_and_no_other() {
    for facts in all() {
        let guide = guide(&facts, None);
        let mut used: Vec<_> = guide
            .steps
            .iter()
            .flat_map(|step| step.commands.iter().chain(&step.verify).chain(&step.undo))
            .flat_map(|command| command.shell.split("\"$").skip(1))
            .filter_map(|rest| rest.split('"').next())
            .filter(|name| name.bytes().all(|b| b.is_ascii_uppercase() || b == b'_'))
            .collect();
        used.sort_unstable();
        used.dedup();
        let mut known: Vec<_> = guide.variables.iter().map(|one| one.name).collect();
        known.sort_unstable();
        assert_eq!(used, known, "{:?}", facts.state);
    }
}

#[test]
fn every_step_with_commands_names_permissions_and_a_page() {
    for facts in all() {
        for step in guide(&facts, None).steps {
            let is_cloud = step.commands.iter().any(|one| one.argv[0] != "nc");
            assert!(!is_cloud || !step.permissions.is_empty(), "{}", step.code);
            assert!(!is_cloud || step.docs_url.starts_with("https://docs.aws.amazon.com/"));
        }
    }
}
