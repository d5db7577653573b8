//! Commands, in the two forms in which they are wanted.

use super::quote::shell;

/// A command as text for a shell, and as the words that a shell would make of it; variables stand in both as `$NAME`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Command {
    /// For a shell.
    pub shell: String,
    /// For a program.
    pub argv: Vec<String>,
}

/// A word of a command.
#[derive(Debug, Clone)]
pub enum Word {
    /// As it stands; quoted where a shell needs it.
    Plain(String),
    /// A variable, such as `ROUTE_TABLE_ID`.
    Variable(&'static str),
}

impl<T: Into<String>> From<T> for Word {
    fn from(text: T) -> Self {
        Self::Plain(text.into())
    }
}

impl Command {
    /// A single program with its arguments.
    pub fn new(words: impl IntoIterator<Item = Word>) -> Self {
        let (mut text, mut argv) = (Vec::new(), Vec::new());
        for word in words {
            match word {
                Word::Plain(word) => {
                    text.push(shell(&word).into_owned());
                    argv.push(word);
                }
                Word::Variable(name) => {
                    text.push(format!("\"${name}\""));
                    argv.push(format!("${name}"));
                }
            }
        }
        Self {
            shell: text.join(" "),
            argv,
        }
    }

    /// Several programs in a shell's own words; every foreign value in it has gone through [`shell`].
    pub fn script(script: Script) -> Self {
        Self {
            argv: vec!["sh".into(), "-c".into(), script.0.clone()],
            shell: script.0,
        }
    }
}

/// Text for a shell.
#[derive(Debug, Clone)]
pub struct Script(pub String);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_name_the_same_words() {
        let command = Command::new(["aws".into(), "a b".into(), Word::Variable("ROUTE_TABLE_ID")]);
        assert_eq!(command.shell, r#"aws 'a b' "$ROUTE_TABLE_ID""#);
        assert_eq!(command.argv, ["aws", "a b", "$ROUTE_TABLE_ID"]);
    }

    #[test]
    fn a_script_is_run_by_a_shell() {
        let command = Command::script(Script("a | b".into()));
        assert_eq!(command.argv, ["sh", "-c", "a | b"]);
        assert_eq!(command.shell, "a | b");
    }
}
