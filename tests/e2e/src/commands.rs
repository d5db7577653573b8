//! The customer's shell: runs the commands of instructions with the customer's credentials.

use std::collections::BTreeMap;
use std::process::Stdio;

use api::peering::v1::{Command, Variable};

use crate::CUSTOMER;
use crate::python::venv;

/// Which of a command's two forms is run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// By a POSIX shell.
    Shell,
    /// Word by word, without a shell.
    Argv,
}

/// A shell of the customer's at AWS, with the values of variables.
#[derive(Debug, Clone)]
pub struct Shell {
    form: Form,
    variables: BTreeMap<String, String>,
}

impl Shell {
    /// A shell that knows no variables yet.
    pub fn new(form: Form) -> Self {
        let variables = BTreeMap::new();
        Self { form, variables }
    }

    /// Runs what finds a variable; the first word of each line, of which the variable takes the first.
    pub async fn find(&mut self, variable: &Variable) -> Vec<String> {
        let find = variable.find.clone().expect("each variable can be found");
        let printed = self.run(&find).await;
        let lines = printed.lines();
        let words = lines.filter_map(|line| line.split_whitespace().next());
        let found: Vec<String> = words.map(ToOwned::to_owned).collect();
        let first = found.first().expect("something is found").clone();
        self.set(&variable.name, &first);
        found
    }

    /// Gives a variable a value.
    pub fn set(&mut self, name: &str, value: &str) {
        self.variables.insert(name.to_owned(), value.to_owned());
    }

    /// Runs a command, which has to succeed; what it prints.
    pub async fn run(&self, command: &Command) -> String {
        let mut command_line = match self.form {
            Form::Shell => self.started(&["sh".to_owned(), "-c".to_owned(), command.shell.clone()]),
            Form::Argv => {
                let words = command.argv.iter().map(|word| self.filled(word));
                self.started(&words.collect::<Vec<_>>())
            }
        };
        let output = command_line.output().await.expect("the command starts");
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        assert!(
            output.status.success(),
            "{}\n{}{}",
            command.shell,
            text(&output.stdout),
            text(&output.stderr)
        );
        text(&output.stdout)
    }

    /// A word with the value in the place of a variable.
    fn filled(&self, word: &str) -> String {
        let known = word
            .strip_prefix('$')
            .and_then(|name| self.variables.get(name));
        known.map_or_else(|| word.to_owned(), Clone::clone)
    }

    fn started(&self, words: &[String]) -> tokio::process::Command {
        let (program, arguments) = words.split_first().expect("a command has words");
        let mut places = vec![venv("aws").parent().expect("a folder").to_owned()];
        let path = std::env::var_os("PATH").unwrap_or_default();
        places.extend(std::env::split_paths(&path));
        let mut command = tokio::process::Command::new(match program.as_str() {
            "aws" => venv("aws").into_os_string(),
            _ => program.into(),
        });
        command
            .args(arguments)
            .envs(&self.variables)
            .env("PATH", std::env::join_paths(places).expect("a path"))
            .env("NO_PROXY", "127.0.0.1")
            .env("AWS_ACCESS_KEY_ID", format!("AKIA{CUSTOMER}SIM0"))
            .env("AWS_SECRET_ACCESS_KEY", "secret")
            .env("AWS_CONFIG_FILE", "/dev/null")
            .env("AWS_PAGER", "")
            .stdin(Stdio::null());
        command
    }
}
