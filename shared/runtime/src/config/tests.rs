use std::io::Write;
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use tempfile::NamedTempFile;

use super::*;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    deployment: String,
    server: ServerConfig,
    #[serde(default)]
    queue: QueueConfig,
    #[serde(default)]
    account: Vec<Account>,
    secret: Option<SecretString>,
    needed: u16,
}

#[derive(Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
struct Account {
    id: String,
    regions: Vec<String>,
}

const DEFAULTS: &str = r#"
    deployment = "dev"
    needed = 1
    [server]
    listen = "127.0.0.1:7102"
    request_timeout = "10s"
"#;

fn file(content: &str) -> NamedTempFile {
    let mut file = NamedTempFile::new().unwrap();
    file.write_all(content.as_bytes()).unwrap();
    file
}

fn env(variables: &[(&str, &str)]) -> Vec<(String, String)> {
    variables
        .iter()
        .map(|(name, value)| ((*name).into(), (*value).into()))
        .collect()
}

fn load_from(content: &str, variables: &[(&str, &str)]) -> Result<Settings, Error> {
    let file = file(content);
    load(Sources {
        defaults: &[("", DEFAULTS)],
        file: Some(file.path()),
        env_prefix: "PEERWAY_PEERING",
        env: env(variables),
    })
}

fn refusal(content: &str, variables: &[(&str, &str)]) -> String {
    load_from(content, variables).unwrap_err().to_string()
}

#[test]
fn the_file_wins_over_the_defaults_and_the_environment_over_the_file() {
    let settings = load_from(
        "deployment = 'file'\n[server]\nrequest_timeout = '3s'\ngrace = '1m'",
        &[
            ("PEERWAY_PEERING__SERVER__REQUEST_TIMEOUT", "2s"),
            ("HOME", "/"),
            ("PEERWAY_OTHER", "x"),
        ],
    )
    .unwrap();
    assert_eq!(settings.deployment, "file");
    assert_eq!(settings.server.request_timeout, Duration::from_secs(2));
    assert_eq!(settings.server.grace, Duration::from_secs(60));
    assert_eq!((settings.server.listen.port(), settings.needed), (7102, 1));
}

#[test]
fn an_unknown_key_is_named_with_its_file() {
    let file = file("[server]\nlisten_on = '0.0.0.0:1'");
    let sources = Sources {
        defaults: &[("", DEFAULTS)],
        file: Some(file.path()),
        env_prefix: "PEERWAY_PEERING",
        env: Vec::new(),
    };
    let said = load::<Settings>(sources).unwrap_err().to_string();
    let expected = format!(
        "{}: server.listen_on: there is no such setting",
        file.path().display()
    );
    assert!(said.starts_with(&expected), "{said}");
    assert!(
        said.contains("request_timeout"),
        "the known ones are listed: {said}"
    );
}

#[test]
fn an_unknown_variable_is_named() {
    for (variable, expected) in [
        (
            "PEERWAY_PEERING__SERVER__LISTEN_ON",
            "server.listen_on: there is no such setting",
        ),
        (
            "PEERWAY_PEERING__SERVER_LISTEN",
            "server_listen: there is no such setting",
        ),
        ("PEERWAY_PEERING_LISTEN", "no setting has this name"),
        ("PEERWAY_PEERING__", "no setting has this name"),
        (
            "PEERWAY_PEERING__SERVER____LISTEN",
            "no setting has this name",
        ),
    ] {
        let said = refusal("", &[(variable, "1")]);
        let named = format!("environment variable {variable}: ");
        assert!(
            said.starts_with(&named) && said.contains(expected),
            "{said}"
        );
    }
}

#[test]
fn a_bad_value_is_named_with_its_key_its_source_and_the_rule() {
    let said = refusal("", &[("PEERWAY_PEERING__SERVER__LISTEN", "nowhere")]);
    assert!(
        said.starts_with("environment variable PEERWAY_PEERING__SERVER__LISTEN: server.listen: ")
    );
    assert!(said.contains("socket address"), "{said}");

    let said = refusal("[queue.slots]\nwork = -1", &[]);
    assert!(
        said.contains("queue.slots.work: ") && said.contains("-1"),
        "{said}"
    );

    let said = refusal("[queue]\nlease = 'soon'", &[]);
    assert!(
        said.contains("queue.lease: ") && said.contains("soon"),
        "{said}"
    );

    let said = refusal("needed = 70000", &[]);
    assert!(
        said.contains("needed: ") && said.contains("70000") && said.contains("u16"),
        "{said}"
    );
}

#[test]
fn a_missing_value_is_named() {
    let sources = Sources {
        defaults: &[("", "deployment = 'dev'\n[server]")],
        file: None,
        env_prefix: "PEERWAY_PEERING",
        env: Vec::new(),
    };
    let said = load::<Settings>(sources).unwrap_err().to_string();
    assert_eq!(said, "needed is not set and has no default");
}

#[test]
fn a_missing_or_broken_file_is_named() {
    let sources = Sources {
        defaults: &[("", DEFAULTS)],
        file: Some(Path::new("/nowhere/peerway.toml")),
        env_prefix: "PEERWAY_PEERING",
        env: Vec::new(),
    };
    let said = load::<Settings>(sources).unwrap_err().to_string();
    assert_eq!(
        said,
        "/nowhere/peerway.toml: there is no such settings file"
    );

    let file = file("server = [");
    let sources = Sources {
        defaults: &[("", DEFAULTS)],
        file: Some(file.path()),
        env_prefix: "PEERWAY_PEERING",
        env: Vec::new(),
    };
    let said = load::<Settings>(sources).unwrap_err().to_string();
    assert!(
        said.starts_with(&file.path().display().to_string()),
        "{said}"
    );
}

#[test]
fn a_variable_may_hold_a_list_or_a_table() {
    let settings = load_from(
        "",
        &[
            (
                "PEERWAY_PEERING__ACCOUNT",
                r#"[{id="111122223333", regions=["eu-west-1"]}]"#,
            ),
            ("PEERWAY_PEERING__QUEUE__SLOTS", "{work=2, pending=3}"),
        ],
    )
    .unwrap();
    let account = Account {
        id: "111122223333".into(),
        regions: vec!["eu-west-1".into()],
    };
    assert_eq!(settings.account, [account]);
    assert_eq!(
        (settings.queue.slots.work, settings.queue.slots.pending),
        (2, 3)
    );
    assert_eq!(
        settings.queue.slots.drift,
        QueueConfig::default().slots.drift
    );
}

#[test]
fn text_that_looks_like_a_number_is_text_where_text_is_wanted() {
    let settings = load_from(
        "",
        &[
            ("PEERWAY_PEERING__DEPLOYMENT", "2026"),
            ("PEERWAY_PEERING__SECRET", "true"),
        ],
    )
    .unwrap();
    assert_eq!(settings.deployment, "2026");
    assert_eq!(settings.secret.unwrap().expose_secret(), "true");
}
