//! The operations that the double offers.

mod change;
mod describe;
mod restore;
mod snapshot;
mod tags;

use serde_json::{Map, Value};

use super::query::Query;
use super::refusal::Refusal;
use super::world::World;

/// A request's parameters, or an answer's content.
type Object = Map<String, Value>;

impl World {
    /// Does what a request asks for, and answers.
    pub(super) async fn answer(&mut self, query: &Query) -> Result<Value, Refusal> {
        let input = &query.input;
        match query.action.as_str() {
            "DescribeDBInstances" => self.describe_instances(input),
            "DescribeDBSnapshots" => self.describe_snapshots(input),
            "DescribeAccountAttributes" => Ok(self.describe_account()),
            "DescribeDBProxies" => self.describe_proxies(input),
            "DescribeDBProxyTargets" => self.describe_proxy_targets(input),
            "ListTagsForResource" => self.list_tags(input),
            _ => self.change(query).await,
        }
    }

    /// As [`answer`](Self::answer), for what changes something: describing requests may not see it at once.
    async fn change(&mut self, query: &Query) -> Result<Value, Refusal> {
        let (input, before) = (&query.input, self.described());
        tags::check(input.get("Tags"))?;
        let answer = match query.action.as_str() {
            "CreateDBSnapshot" => self.create_snapshot(input),
            "DeleteDBSnapshot" => self.delete_snapshot(input),
            "RestoreDBInstanceFromDBSnapshot" => self.restore(input),
            "ModifyDBInstance" => self.modify(input).await,
            "AddRoleToDBInstance" => self.add_role(input),
            "AddTagsToResource" => self.add_tags(input),
            other => Err(Refusal::new(
                "InvalidAction",
                format!("the double of RDS has no {other}"),
            )),
        }?;
        self.before = (self.settings.stale_describes > 0).then_some((before, self.settings.stale_describes));
        Ok(answer)
    }
}

/// An identifier among the parameters; RDS keeps them in small letters. Empty if there is none.
fn identifier(input: &Object, parameter: &str) -> String {
    text(input, parameter).to_lowercase()
}

/// A parameter that is text; empty if there is none.
fn text<'a>(input: &'a Object, parameter: &str) -> &'a str {
    input.get(parameter).and_then(Value::as_str).unwrap_or_default()
}

/// A name for something new, by RDS's rules.
fn new_name(input: &Object, parameter: &str, longest: usize) -> Result<String, Refusal> {
    let name = identifier(input, parameter);
    let good = (1..=longest).contains(&name.len())
        && name.starts_with(|first: char| first.is_ascii_alphabetic())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
        && !name.contains("--")
        && !name.ends_with('-');
    if good {
        Ok(name)
    } else {
        Err(Refusal::value(format!(
            "The parameter {parameter} is not a valid identifier: {name:?}"
        )))
    }
}
