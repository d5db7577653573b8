//! Foreign values in a shell's and in Terraform's words: the only two functions that put them there.

use std::borrow::Cow;

/// The text as one word of a POSIX shell.
pub fn shell(text: &str) -> Cow<'_, str> {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-_./:=@%+,".contains(&b);
    if !text.is_empty() && text.bytes().all(plain) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(format!("'{}'", text.replace('\'', r"'\''")))
}

/// The text as a quoted string of HCL, in which nothing is interpolated.
pub fn hcl(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for one in text.chars() {
        match one {
            '"' | '\\' => quoted.extend(['\\', one]),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            _ => quoted.push(one),
        }
    }
    quoted.push('"');
    // Doubled, they begin no template.
    quoted.replace("${", "$${").replace("%{", "%%{")
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    const HOSTILE: [&str; 9] = [
        "",
        "plain-1.2/3",
        "a b",
        "it's",
        "$(reboot) `id` ${HOME} %{x}",
        "a;b|c&d>e",
        "*?[a]~!#",
        "back\\slash \"quoted\"",
        "line\nbreak\ttab",
    ];

    #[test]
    fn a_shell_reads_every_text_back_as_one_word() {
        for text in HOSTILE {
            let script = format!("printf %s {}", shell(text));
            let output = Command::new("sh").args(["-c", &script]).output().unwrap();
            assert_eq!(String::from_utf8(output.stdout).unwrap(), text, "{script}");
        }
    }

    #[test]
    fn terraform_reads_every_text_back_as_it_was() {
        for text in HOSTILE {
            let body: hcl::Body =
                hcl::from_str(&format!("value = {}\n", super::hcl(text))).unwrap();
            let value = body.attributes().next().unwrap().expr().to_string();
            let hcl::Expression::String(read) = body.attributes().next().unwrap().expr() else {
                panic!("{text:?} became {value}");
            };
            assert_eq!(read, text);
        }
    }
}
