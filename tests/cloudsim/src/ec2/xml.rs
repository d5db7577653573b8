//! What an answer is made of, and how it goes on the wire.

use std::fmt::Write;

/// One element: a name with a text or with elements in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Node {
    Text(&'static str, String),
    Tree(&'static str, Vec<Node>),
}

pub(crate) fn text(name: &'static str, value: impl ToString) -> Node {
    Node::Text(name, value.to_string())
}

pub(crate) fn tree(name: &'static str, children: Vec<Node>) -> Node {
    Node::Tree(name, children)
}

/// A set: one `item` per entry.
pub(crate) fn set(name: &'static str, entries: impl IntoIterator<Item = Vec<Node>>) -> Node {
    Node::Tree(
        name,
        entries
            .into_iter()
            .map(|entry| tree("item", entry))
            .collect(),
    )
}

/// The body of a successful EC2 answer.
pub(crate) fn response(action: &str, request_id: &str, nodes: &[Node]) -> String {
    let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    let _ = write!(
        out,
        "<{action}Response xmlns=\"http://ec2.amazonaws.com/doc/2016-11-15/\"><requestId>{request_id}</requestId>"
    );
    write_nodes(&mut out, nodes);
    let _ = write!(out, "</{action}Response>");
    out
}

/// The body of a refused EC2 call.
pub(crate) fn failure(code: &str, message: &str, request_id: &str) -> String {
    let mut out =
        String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Response><Errors><Error>");
    write_nodes(&mut out, &[text("Code", code), text("Message", message)]);
    let _ = write!(
        out,
        "</Error></Errors><RequestID>{request_id}</RequestID></Response>"
    );
    out
}

pub(crate) fn write_nodes(out: &mut String, nodes: &[Node]) {
    for node in nodes {
        match node {
            Node::Text(name, value) => {
                let _ = write!(out, "<{name}>");
                escape(out, value);
                let _ = write!(out, "</{name}>");
            }
            Node::Tree(name, children) if children.is_empty() => {
                let _ = write!(out, "<{name}/>");
            }
            Node::Tree(name, children) => {
                let _ = write!(out, "<{name}>");
                write_nodes(out, children);
                let _ = write!(out, "</{name}>");
            }
        }
    }
}

fn escape(out: &mut String, value: &str) {
    for c in value.chars() {
        match c {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '"' => out.push_str("&quot;"),
            // XML has no way to write the other control characters.
            c if c.is_control() && !matches!(c, '\n' | '\t') => {
                let _ = write!(out, "&#{};", u32::from(c));
            }
            c => out.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_escaped() {
        let body = response(
            "X",
            "r",
            &[
                text("a", "<&>\""),
                set("b", [vec![text("c", 1)]]),
                set("d", []),
            ],
        );
        assert!(body.contains("<a>&lt;&amp;&gt;&quot;</a><b><item><c>1</c></item></b><d/>"));
    }
}
