//! What tests of each cloud's guide have in common.

use std::fmt::Write as _;
use std::process;

use super::{Command, Guide, State, Step};

/// Every common state.
pub(crate) const STATES: [State; 10] = [
    State::Provisioning,
    State::PendingAcceptance,
    State::Active,
    State::Degraded,
    State::Disconnected,
    State::Rejected,
    State::Expired,
    State::Failed,
    State::Deleting,
    State::Deleted,
];

/// The step of this code.
pub(crate) fn step<'a>(guide: &'a Guide, code: &str) -> &'a Step {
    let found = guide.steps.iter().find(|step| step.code == code);
    found.unwrap_or_else(|| panic!("no step {code}"))
}

/// Every command that a guide has.
pub(crate) fn commands(guide: &Guide) -> Vec<&Command> {
    let steps = guide.steps.iter();
    let steps = steps.flat_map(|step| step.commands.iter().chain(&step.verify).chain(&step.undo));
    let finds = guide.variables.iter().map(|one| &one.find);
    steps.chain(finds).collect()
}

/// The words that a POSIX shell makes of the command's text, with each variable read as `$NAME`.
pub(crate) fn words(guide: &Guide, command: &Command) -> Vec<String> {
    let mut script = String::new();
    for variable in &guide.variables {
        let _ = writeln!(script, "{0}='${0}'", variable.name);
    }
    let _ = write!(script, "printf '%s\\0' {}", command.shell);
    let output = process::Command::new("sh").args(["-c", &script]).output();
    let output = output.unwrap();
    assert!(output.status.success(), "{script}");
    let text = String::from_utf8(output.stdout).unwrap();
    text.split_terminator('\0').map(str::to_owned).collect()
}

/// The steps and variables as a person reads them.
pub(crate) fn page(guide: &Guide) -> String {
    let mut page = String::new();
    for step in &guide.steps {
        let optional = if step.optional { ", optional" } else { "" };
        let (code, actor, status) = (step.code, step.actor, step.status);
        let title = format!(
            "## {} ({code}, {actor:?}, {status:?}{optional})",
            step.title
        );
        let _ = writeln!(page, "{title}\n{}", step.why);
        for (word, commands) in [
            ("run", &step.commands),
            ("check", &step.verify),
            ("undo", &step.undo),
        ] {
            for command in commands {
                let _ = writeln!(page, "  {word}: {}", command.shell);
            }
        }
        for (word, text) in [
            ("console", step.console_path.as_str()),
            ("needs", &step.permissions.join(" ")),
            ("docs", step.docs_url),
        ] {
            if !text.is_empty() {
                let _ = writeln!(page, "  {word}: {text}");
            }
        }
        page.push('\n');
    }
    for variable in &guide.variables {
        let (name, find) = (variable.name, &variable.find.shell);
        let _ = writeln!(page, "${name}: {}\n  find: {find}", variable.description);
    }
    page
}

/// The answers as a person reads them.
pub(crate) fn answers(guide: &Guide) -> String {
    let answers = guide.answers.iter();
    let texts = answers.map(|one| format!("## {}\n{}\n", one.question, one.answer));
    texts.collect::<Vec<_>>().join("\n")
}
