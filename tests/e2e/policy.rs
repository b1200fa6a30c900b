//! What the deployed roles may do: just so much of IAM's policy language as the template uses. Whatever else a policy says
//! is an error, so that nothing is overlooked.

use std::collections::BTreeMap;

use belay_local::Aws;
use belay_model::BundleDigest;
use serde::Deserialize;
use serde_json::Value;

/// AWS's own policies that SAM gives to functions: logs, traces and the network; nothing of RDS.
const OF_AWS: [&str; 3] = [
    "service-role/AWSLambdaBasicExecutionRole",
    "service-role/AWSLambdaVPCAccessExecutionRole",
    "AWSXrayWriteOnlyAccess",
];

/// A function, with what its role may do.
#[derive(Debug)]
pub(crate) struct Function {
    /// Its name in the template, without `Function`.
    pub(crate) name: String,
    /// The access key with which it signs its requests.
    pub(crate) access_key: String,
    pub(crate) role: Role,
}

/// What a role may do.
#[derive(Debug)]
pub(crate) struct Role(Vec<Statement>);

/// What IAM says of an action.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Decision {
    Allowed,
    /// No statement allows it.
    NotAllowed,
    /// A statement denies it, whatever any other allows.
    Denied,
}

/// An action on a resource, with what conditions ask for.
#[derive(Debug, Clone)]
pub(crate) struct Ask {
    pub(crate) action: String,
    pub(crate) resource: String,
    pub(crate) context: BTreeMap<String, String>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Policy {
    #[serde(rename = "Version")]
    _version: String,
    statement: Vec<Statement>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Statement {
    effect: Effect,
    action: OneOrMore,
    resource: OneOrMore,
    #[serde(default)]
    condition: BTreeMap<Operator, BTreeMap<String, OneOrMore>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
enum Effect {
    Allow,
    Deny,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
enum Operator {
    StringEquals,
    StringEqualsIfExists,
    Bool,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
enum OneOrMore {
    One(String),
    More(Vec<String>),
}

impl OneOrMore {
    fn any(&self, fits: impl Fn(&String) -> bool) -> bool {
        match self {
            Self::One(one) => fits(one),
            Self::More(more) => more.iter().any(fits),
        }
    }

    fn all(&self) -> Vec<&str> {
        match self {
            Self::One(one) => vec![one],
            Self::More(more) => more.iter().map(String::as_str).collect(),
        }
    }
}

impl Ask {
    pub(crate) fn of(action: &str, resource: impl Into<String>) -> Self {
        Self {
            action: action.to_owned(),
            resource: resource.into(),
            context: BTreeMap::new(),
        }
    }

    pub(crate) fn with(mut self, key: impl Into<String>, value: &str) -> Self {
        self.context.insert(key.into(), value.to_owned());
        self
    }
}

impl Role {
    pub(crate) fn decides(&self, ask: &Ask) -> Decision {
        let says = |effect| {
            let mut of_it = self.0.iter().filter(|statement| statement.effect == effect);
            of_it.any(|statement| statement.concerns(ask))
        };
        match (says(Effect::Deny), says(Effect::Allow)) {
            (true, _) => Decision::Denied,
            (false, true) => Decision::Allowed,
            (false, false) => Decision::NotAllowed,
        }
    }

    /// The actions of a service that any of its statements allows, as they are written.
    pub(crate) fn allowed(&self, service: &str) -> Vec<&str> {
        let allowing = self.0.iter().filter(|statement| statement.effect == Effect::Allow);
        let actions = allowing.flat_map(|statement| statement.action.all());
        actions
            .filter(|action| action.split(':').next().is_none_or(|of| matches(of, service)))
            .collect()
    }
}

impl Statement {
    fn concerns(&self, ask: &Ask) -> bool {
        let action = self
            .action
            .any(|pattern| matches(&pattern.to_lowercase(), &ask.action.to_lowercase()));
        action && self.resource.any(|pattern| matches(pattern, &ask.resource)) && self.holds(&ask.context)
    }

    fn holds(&self, context: &BTreeMap<String, String>) -> bool {
        let all = self
            .condition
            .iter()
            .flat_map(|(operator, keys)| keys.iter().map(move |key| (operator, key)));
        all.into_iter().all(|(operator, (key, wanted))| match context.get(key) {
            Some(value) => wanted.any(|wanted| wanted == value),
            None => *operator == Operator::StringEqualsIfExists,
        })
    }
}

/// `*` is anything, also nothing.
fn matches(pattern: &str, text: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == text,
        Some((start, rest)) => text.strip_prefix(start).is_some_and(|text| {
            let ends = text.char_indices().map(|(at, _)| at).chain([text.len()]);
            ends.into_iter().any(|at| matches(rest, &text[at..]))
        }),
    }
}

/// Every function of the stack, as it was deployed.
pub(crate) async fn functions(aws: &Aws) -> Vec<Function> {
    let account = Account::read(aws).await;
    let list = [
        "lambda",
        "list-functions",
        "--query",
        "Functions[].[FunctionName,FunctionArn,Role]",
    ];
    let listed = aws.cli(list.iter().chain(&["--output", "json"])).await.unwrap();
    let listed: Vec<[String; 3]> = serde_json::from_str(&listed).unwrap();
    let function = |[name, arn, role]: [String; 3]| {
        // So the emulator makes a session of a function's role.
        let digest = BundleDigest::of(format!("{arn}:{role}").as_bytes()).to_string();
        let digest = digest.trim_start_matches("sha256:").to_uppercase();
        Function {
            name: name.split('-').nth(1).unwrap().trim_end_matches("Function").to_owned(),
            access_key: format!("ASIA{}", &digest[..16]),
            role: account.role(&role),
        }
    };
    listed.into_iter().map(function).collect()
}

/// What the workflow itself may do.
pub(crate) async fn workflow(aws: &Aws, machine: &str) -> Role {
    let described = aws.sfn.describe_state_machine().state_machine_arn(machine);
    let role = described.send().await.unwrap().role_arn;
    Account::read(aws).await.role(&role)
}

/// Everything that IAM knows.
struct Account(Value);

impl Account {
    async fn read(aws: &Aws) -> Self {
        let details = ["iam", "get-account-authorization-details", "--output", "json"];
        Self(serde_json::from_str(&aws.cli(details).await.unwrap()).unwrap())
    }

    fn role(&self, arn: &str) -> Role {
        let role = find(&self.0["RoleDetailList"], arn);
        let mut documents: Vec<&Value> = Vec::new();
        let inline = role["RolePolicyList"].as_array().unwrap();
        documents.extend(inline.iter().map(|policy| &policy["PolicyDocument"]));
        for attached in role["AttachedManagedPolicies"].as_array().unwrap() {
            let arn = attached["PolicyArn"].as_str().unwrap();
            match arn.strip_prefix("arn:aws:iam::aws:policy/") {
                Some(name) => assert!(OF_AWS.contains(&name), "{name}"),
                None => documents.push(default_version(find(&self.0["Policies"], arn))),
            }
        }
        let policies = documents.into_iter().map(|document| {
            let policy: Result<Policy, _> = serde_json::from_value(document.clone());
            policy.unwrap_or_else(|e| panic!("{e}: {document:#}"))
        });
        Role(policies.flat_map(|policy| policy.statement).collect())
    }
}

fn find<'a>(list: &'a Value, arn: &str) -> &'a Value {
    let mut all = list.as_array().unwrap().iter();
    all.find(|one| one["Arn"] == *arn).unwrap_or_else(|| panic!("{arn}"))
}

fn default_version(policy: &Value) -> &Value {
    let mut versions = policy["PolicyVersionList"].as_array().unwrap().iter();
    let version = versions.find(|version| version["IsDefaultVersion"] == true);
    &version.unwrap()["Document"]
}
