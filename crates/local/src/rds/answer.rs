//! An answer as XML, by the model.

use std::fmt::Write;

use serde_json::Value;

use super::model::{Model, Shape};
use super::refusal::Refusal;

const NAMESPACE: &str = "http://rds.amazonaws.com/doc/2014-10-31/";

/// An operation's answer.
pub(super) fn success(model: &Model, action: &str, id: &str, content: &Value) -> Result<String, Refusal> {
    let output = model.operation(action).and_then(|operation| operation.output.as_ref());
    let result = match output {
        Some(output) => {
            let mut xml = String::new();
            element(model, &mut xml, &output.result_wrapper, &output.shape, content)?;
            xml
        }
        None => String::new(),
    };
    Ok(format!(
        r#"<{action}Response xmlns="{NAMESPACE}">{result}<ResponseMetadata><RequestId>{id}</RequestId></ResponseMetadata></{action}Response>"#
    ))
}

/// An error.
pub(super) fn failure(refusal: &Refusal, status: u16, id: &str) -> String {
    let blame = if status < 500 { "Sender" } else { "Receiver" };
    let (code, message) = (escaped(&refusal.code), escaped(&refusal.message));
    format!(
        r#"<ErrorResponse xmlns="{NAMESPACE}"><Error><Type>{blame}</Type><Code>{code}</Code><Message>{message}</Message></Error><RequestId>{id}</RequestId></ErrorResponse>"#
    )
}

/// Whether a value is what the model says of a shape.
pub(super) fn check(model: &Model, shape: &str, value: &Value) -> Result<(), Refusal> {
    element(model, &mut String::new(), "checked", shape, value)
}

fn element(model: &Model, xml: &mut String, name: &str, shape: &str, value: &Value) -> Result<(), Refusal> {
    let unfit = || Refusal::bug(format!("{name} can't be {value}"));
    let mut text = |text: &str| {
        // Writing to a string does not fail.
        let _ = write!(xml, "<{name}>{text}</{name}>");
    };
    match (model.shape(shape).ok_or_else(unfit)?, value) {
        (_, Value::Null) => {}
        (Shape::Structure { members, .. }, Value::Object(found)) => {
            let mut inner = String::new();
            for (member, value) in found {
                let known = members.get(member);
                let known = known.ok_or_else(|| Refusal::bug(format!("{name} has no member {member}")))?;
                element(model, &mut inner, member, &known.shape, value)?;
            }
            text(&inner);
        }
        (Shape::List { member, .. }, Value::Array(found)) => {
            let mut inner = String::new();
            for value in found {
                element(model, &mut inner, member.name_in_list(), &member.shape, value)?;
            }
            text(&inner);
        }
        (Shape::String { .. } | Shape::Timestamp, Value::String(found)) => text(&escaped(found)),
        (Shape::Integer { .. } | Shape::Long | Shape::Double, Value::Number(found)) => text(&found.to_string()),
        (Shape::Boolean, Value::Bool(found)) => text(&found.to_string()),
        _ => return Err(unfit()),
    }
    Ok(())
}

fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            other => escaped.push(other),
        }
    }
    escaped
}
