//! A request's form, checked against the model.
//!
//! RDS itself overlooks some mistakes. The double overlooks none: an unknown, missing or mistyped parameter is an error.

use std::collections::BTreeMap;

use jiff::Timestamp;
use regex_lite::Regex;
use serde_json::{Map, Value};

use super::model::{Model, Shape};
use super::refusal::Refusal;

/// The version of the API.
const VERSION: &str = "2014-10-31";

/// A request that the model allows.
#[derive(Debug, PartialEq)]
pub(super) struct Query {
    /// The operation.
    pub(super) action: String,
    /// Its parameters.
    pub(super) input: Map<String, Value>,
}

/// Reads a request from its form's fields.
pub(super) fn read(model: &Model, fields: &[(String, String)]) -> Result<Query, Refusal> {
    let mut form = Form::of(fields)?;
    let action = match form.0.remove("Action") {
        Some(Node::Text(action)) => action,
        _ => return Err(Refusal::new("MissingAction", "the request has no Action")),
    };
    match form.0.remove("Version") {
        Some(Node::Text(version)) if version == VERSION => {}
        other => return Err(Refusal::value(format!("Version is {other:?} and not {VERSION}"))),
    }
    let Some(operation) = model.operation(&action) else {
        return Err(Refusal::new("InvalidAction", format!("RDS has no operation {action}")));
    };
    let read = Reader(model).value(&operation.input.shape, Node::Branch(form), &action)?;
    match read {
        Value::Object(input) => Ok(Query { action, input }),
        other => Err(Refusal::bug(format!("{action}'s input is {other}"))),
    }
}

/// Fields by the words of their dotted names.
#[derive(Debug, Default)]
struct Form(BTreeMap<String, Node>);

#[derive(Debug)]
enum Node {
    Text(String),
    Branch(Form),
}

impl Form {
    fn of(fields: &[(String, String)]) -> Result<Self, Refusal> {
        let mut form = Self::default();
        for (name, value) in fields {
            form.insert(name, value)
                .map_err(|()| Refusal::new("InvalidQueryParameter", format!("{name} is there twice")))?;
        }
        Ok(form)
    }

    fn insert(&mut self, name: &str, value: &str) -> Result<(), ()> {
        match name.split_once('.') {
            None => match self.0.insert(name.to_owned(), Node::Text(value.to_owned())) {
                None => Ok(()),
                Some(_) => Err(()),
            },
            Some((first, rest)) => {
                let branch = || Node::Branch(Self::default());
                match self.0.entry(first.to_owned()).or_insert_with(branch) {
                    Node::Branch(below) => below.insert(rest, value),
                    Node::Text(_) => Err(()),
                }
            }
        }
    }
}

struct Reader<'a>(&'a Model);

impl Reader<'_> {
    fn value(&self, shape: &str, node: Node, path: &str) -> Result<Value, Refusal> {
        let shape = self
            .0
            .shape(shape)
            .ok_or_else(|| Refusal::bug(format!("no shape {shape}")))?;
        match (shape, node) {
            (Shape::Structure { .. }, Node::Branch(form)) => self.structure(shape, form, path),
            (Shape::List { .. }, node) => self.list(shape, node, path),
            (_, Node::Text(text)) => scalar(shape, text, path),
            (_, Node::Branch(_)) => Err(Refusal::value(format!("{path} has parts, and should be one value"))),
        }
    }

    fn structure(&self, shape: &Shape, form: Form, path: &str) -> Result<Value, Refusal> {
        let Shape::Structure { members, required, .. } = shape else {
            return Err(Refusal::bug(format!("{path} is no structure")));
        };
        if let Some(missing) = required.iter().find(|name| !form.0.contains_key(*name)) {
            return Err(Refusal::new("MissingParameter", format!("{path} has no {missing}")));
        }
        let mut read = Map::new();
        for (name, node) in form.0 {
            let Some(member) = members.get(&name) else {
                return Err(Refusal::new(
                    "InvalidQueryParameter",
                    format!("{path} has no parameter {name}"),
                ));
            };
            let value = self.value(&member.shape, node, &format!("{path}.{name}"))?;
            read.insert(name, value);
        }
        Ok(Value::Object(read))
    }

    /// `Name.<member>.1`, `.2` and so on. An empty list is `Name=`.
    fn list(&self, shape: &Shape, node: Node, path: &str) -> Result<Value, Refusal> {
        let Shape::List { member, min, max } = shape else {
            return Err(Refusal::bug(format!("{path} is no list")));
        };
        let wrong = |what: &str| Refusal::value(format!("{path} {what}"));
        let mut items = match node {
            Node::Text(text) if text.is_empty() => Form::default(),
            Node::Text(_) => return Err(wrong("is one value, and should be a list")),
            Node::Branch(mut form) => match (form.0.remove(member.name_in_list()), form.0.is_empty()) {
                (Some(Node::Branch(items)), true) => items,
                _ => return Err(wrong(&format!("should hold {}.1, .2 and so on", member.name_in_list()))),
            },
        };
        let mut read = Vec::new();
        for number in 1..=items.0.len() {
            let Some(node) = items.0.remove(&number.to_string()) else {
                return Err(wrong(&format!("has no number {number}")));
            };
            read.push(self.value(&member.shape, node, &format!("{path}.{number}"))?);
        }
        within(read.len(), *min, *max).ok_or_else(|| wrong(&format!("has {} members", read.len())))?;
        Ok(Value::Array(read))
    }
}

fn scalar(shape: &Shape, text: String, path: &str) -> Result<Value, Refusal> {
    let wrong = |what: &str| Refusal::value(format!("{path} is {text:?}, {what}"));
    match shape {
        Shape::String {
            values,
            pattern,
            min,
            max,
        } => {
            if !values.is_empty() && !values.contains(&text) {
                return Err(wrong(&format!("and should be one of {}", values.join(", "))));
            }
            if let Some(pattern) = pattern
                && !matches(pattern, &text)?
            {
                return Err(wrong(&format!("and should match {pattern}")));
            }
            within(text.chars().count(), *min, *max).ok_or_else(|| wrong("too short or too long"))?;
            Ok(Value::from(text))
        }
        Shape::Integer { min, max } => {
            let number: i32 = text.parse().map_err(|_| wrong("and should be a number of 32 bits"))?;
            within(number.into(), *min, *max).ok_or_else(|| wrong("too small or too large"))?;
            Ok(Value::from(number))
        }
        Shape::Long => text
            .parse::<i64>()
            .map(Value::from)
            .map_err(|_| wrong("and should be a number")),
        Shape::Double => text
            .parse::<f64>()
            .map(Value::from)
            .map_err(|_| wrong("and should be a number")),
        Shape::Boolean => text
            .parse::<bool>()
            .map(Value::from)
            .map_err(|_| wrong("and should be true or false")),
        Shape::Timestamp => match text.parse::<Timestamp>() {
            Ok(_) => Ok(Value::from(text)),
            Err(_) => Err(wrong("and should be a moment by ISO 8601")),
        },
        Shape::Structure { .. } | Shape::List { .. } | Shape::Map => Err(wrong("one value, and should have parts")),
    }
}

fn within<T: PartialOrd>(value: T, min: Option<T>, max: Option<T>) -> Option<()> {
    (min.is_none_or(|min| value >= min) && max.is_none_or(|max| value <= max)).then_some(())
}

fn matches(pattern: &str, text: &str) -> Result<bool, Refusal> {
    let whole = format!("^(?:{pattern})$");
    let regex = Regex::new(&whole).map_err(|error| Refusal::bug(format!("pattern {pattern}: {error}")))?;
    Ok(regex.is_match(text))
}
