//! What Plan and `info` see of bundle and database together: one snapshot, only read (P1).

use std::collections::BTreeMap;

use belay_bundle::{Bundle, Migration, ScriptConfig};
use belay_model::{
    Checksum, Code, FlywaySettings, FrozenPlaceholder, HistoryTable, MigrationKind, Place, PlaceholderSyntax, Problem,
};
use tokio_postgres::Client;

use crate::compare::{Entry, File, Scope, compare};
use crate::error::EngineError;
use crate::facts::Facts;
use crate::history::{self, Applied, ReadError};
use crate::journal::{self, Seen};
use crate::object;
use crate::placeholder::Placeholders;
use crate::plan::{Given, PlanRequest};
use crate::script::Script;
use crate::session::Session;

/// Bundle and database, as they are.
pub(crate) struct Survey<'a> {
    pub(crate) client: &'a Client,
    pub(crate) bundle: &'a Bundle,
    pub(crate) request: &'a PlanRequest<'a>,
    pub(crate) facts: Facts,
    pub(crate) history: HistoryTable,
    /// The history's rows; nothing if there is no table.
    pub(crate) rows: Option<Vec<Applied>>,
    pub(crate) journal: Seen,
    /// Where there is no history, an object of a schema that must be empty.
    pub(crate) object: Option<String>,
    pub(crate) frozen: BTreeMap<String, FrozenPlaceholder>,
    pub(crate) placeholders: Placeholders,
    /// Of each file of the bundle, in its order: the checksum that its row has or would have.
    checksums: Vec<Checksum>,
    /// Of each file of the bundle, in its order: what its `shouldExecute` says.
    should_execute: Vec<bool>,
    /// Placeholders without a value, and what does not end, in repeatables.
    pub(crate) problems: Vec<Problem>,
}

impl<'a> Survey<'a> {
    /// Looks, in two round trips: the second asks for what only the first tells to be there.
    pub(crate) async fn new(
        session: &'a Session,
        bundle: &'a Bundle,
        request: &'a PlanRequest<'a>,
    ) -> Result<Self, EngineError> {
        let client = session.client();
        // What is polled together is sent together.
        let begin = session.run("BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY");
        let ((), facts) = futures_util::try_join!(begin, Facts::read(client, bundle.settings()))?;
        let unfit = facts.problems();
        if !unfit.is_empty() {
            return Err(EngineError::Rejected(unfit));
        }
        let history = history_table(bundle.settings(), &facts)?;
        let (journal, object, rows) = look(client, bundle.settings(), &history, &facts).await?;
        let frozen = freeze(request, bundle.settings(), &facts, &history);
        let mut survey = Self {
            client,
            bundle,
            request,
            rows,
            journal,
            object,
            placeholders: placeholders(bundle.settings(), request.placeholders, &frozen),
            frozen,
            facts,
            history,
            checksums: Vec::new(),
            should_execute: Vec::new(),
            problems: Vec::new(),
        };
        survey.read_files()?;
        Ok(survey)
    }

    /// Flyway's settings.
    pub(crate) fn flyway(&self) -> &'a FlywaySettings {
        self.bundle.settings()
    }

    /// Each migration with its state.
    pub(crate) fn entries(&self, scope: &Scope<'_>) -> Result<Vec<Entry<'_>>, EngineError> {
        self.entries_over(&[], scope)
    }

    /// The same, with these rows where there is no history yet.
    pub(crate) fn entries_over<'b>(
        &'b self,
        planned: &'b [Applied],
        scope: &Scope<'_>,
    ) -> Result<Vec<Entry<'b>>, EngineError> {
        self.entries_of(self.rows.as_deref().unwrap_or(planned), scope)
    }

    /// Each migration with its state, with these rows as the history.
    pub(crate) fn entries_of<'b>(
        &'b self,
        rows: &'b [Applied],
        scope: &Scope<'_>,
    ) -> Result<Vec<Entry<'b>>, EngineError> {
        compare(&self.files(), rows, scope).map_err(|corrupt| {
            EngineError::Rejected(vec![problem(
                Code::HistoryUnreadable,
                format!(
                    "{} contradicts itself: the row with installed_rank {} says of version {} again that it was deleted; take that row out",
                    self.history, corrupt.rank, corrupt.version
                ),
            )])
        })
    }

    fn files(&self) -> Vec<File<'_>> {
        let told = self.checksums.iter().zip(&self.should_execute);
        let files = self.bundle.migrations().iter().zip(told);
        files
            .map(|(migration, (checksum, should_execute))| File {
                migration,
                checksum: *checksum,
                should_execute: *should_execute,
            })
            .collect()
    }

    /// A migration made ready, or what is wrong with it.
    pub(crate) fn script(&self, migration: &Migration) -> Result<Result<Script, Problem>, EngineError> {
        self.script_of(&migration.path, &migration.config)
    }

    /// A file of the bundle made ready, or what is wrong with it.
    pub(crate) fn script_of(&self, path: &str, config: &ScriptConfig) -> Result<Result<Script, Problem>, EngineError> {
        let replace = config
            .placeholder_replacement
            .unwrap_or(self.flyway().placeholder_replacement);
        let text = self.bundle.text(path)?;
        Ok(Script::new(path, text, replace.then_some(&self.placeholders)))
    }

    /// What the `shouldExecute` of a file's `.conf` says, once its placeholders are replaced. What is wrong is told.
    pub(crate) fn should_execute(&self, path: &str, config: &ScriptConfig, wrong: &mut Vec<Problem>) -> bool {
        let Some(expression) = &config.should_execute else {
            return true;
        };
        let conf = format!("{path}.conf");
        let file_name = path.rsplit('/').next().unwrap_or(path);
        let told = match self.placeholders.replace(expression, file_name) {
            Ok(replaced) => {
                let text = replaced.map_or_else(|| expression.clone(), |replaced| replaced.sql);
                belay_bundle::should_execute(&text).map_err(|error| (Code::ConfigInvalid, error.to_string()))
            }
            Err(unknown) => Err((
                Code::PlaceholderUnknown,
                format!("shouldExecute: no value for placeholder {}", unknown.shown),
            )),
        };
        told.unwrap_or_else(|(code, message)| {
            wrong.push(Problem {
                code,
                place: Some(Place::file(conf)),
                message: self.placeholders.mask(&message),
            });
            true
        })
    }

    fn read_files(&mut self) -> Result<(), EngineError> {
        for migration in self.bundle.migrations() {
            let checksum = match migration.kind {
                MigrationKind::Versioned | MigrationKind::Baseline | MigrationKind::Undo => migration.checksum,
                MigrationKind::Repeatable => match self.script(migration)? {
                    Ok(script) => belay_bundle::checksum(script.sql()),
                    Err(problem) => {
                        self.problems.push(problem);
                        migration.checksum
                    }
                },
            };
            self.checksums.push(checksum);
            let mut wrong = Vec::new();
            let should_execute = self.should_execute(&migration.path, &migration.config, &mut wrong);
            self.should_execute.push(should_execute);
            self.problems.append(&mut wrong);
        }
        Ok(())
    }

    /// An object that no history tells of. With a half-done file there are objects before there is a history.
    pub(crate) fn unknown_object(&self) -> Option<&str> {
        self.object.as_deref().filter(|_| self.journal.open.is_empty())
    }

    /// One that matters to `migrate`: where a schema is made, the row that says so begins the history, and Flyway looks
    /// into no other.
    pub(crate) fn object_in_the_way(&self) -> Option<&str> {
        let makes_schemas = self.flyway().create_schemas && !self.missing_schemas().is_empty();
        self.unknown_object().filter(|_| !makes_schemas)
    }

    /// Schemas that are to be made, in order.
    pub(crate) fn missing_schemas(&self) -> &[String] {
        &self.facts.missing_schemas
    }
}

/// The journal, an object where there is no history, and else its rows: together.
async fn look(
    client: &Client,
    flyway: &FlywaySettings,
    history: &HistoryTable,
    facts: &Facts,
) -> Result<(Seen, Option<String>, Option<Vec<Applied>>), EngineError> {
    let exists = facts.history.exists;
    let object = async {
        match exists {
            true => Ok(None),
            false => object::first(client, &object::schemas(flyway, history)).await,
        }
    };
    let rows = async {
        match exists {
            true => history::read_rows(client, history).await.map(Some),
            false => Ok(None),
        }
    };
    // The history last: if it can't be read, the server refuses whatever comes after it.
    let (journal, object, rows) =
        futures_util::join!(journal::see(client, history, facts.journal.exists), object, rows);
    let rows = rows.map_err(|error| match error {
        ReadError::Engine(error) => error,
        ReadError::Unreadable(why) => EngineError::Rejected(vec![problem(
            Code::HistoryUnreadable,
            format!("{history} is not a history of Flyway's: {why}"),
        )]),
    })?;
    Ok((journal?, object?, rows))
}

fn problem(code: Code, message: String) -> Problem {
    Problem {
        code,
        place: None,
        message,
    }
}

fn history_table(flyway: &FlywaySettings, facts: &Facts) -> Result<HistoryTable, EngineError> {
    let Some(schema) = &facts.schema else {
        return Err(EngineError::TargetInvalid(format!(
            "no schema of the search path {:?} exists; set flyway.defaultSchema in the target",
            facts.search_path
        )));
    };
    Ok(HistoryTable {
        schema: schema.clone(),
        table: flyway.table.clone(),
    })
}

fn freeze(
    request: &PlanRequest<'_>,
    flyway: &FlywaySettings,
    facts: &Facts,
    history: &HistoryTable,
) -> BTreeMap<String, FrozenPlaceholder> {
    let value = |value: &String| FrozenPlaceholder::Value(value.clone());
    let settings = flyway
        .placeholders
        .iter()
        .map(|(name, text)| (name.to_lowercase(), value(text)));
    let given = request.placeholders.iter().map(|(name, given)| {
        let frozen = match given {
            Given::Value(text) => value(text),
            Given::Secret { at, .. } => FrozenPlaceholder::Secret(at.clone()),
        };
        (name.to_lowercase(), frozen)
    });
    let separator = flyway.placeholder_separator.to_lowercase();
    let built_in = [
        ("defaultschema", history.schema.clone()),
        ("user", facts.user.clone()),
        ("database", facts.database.clone()),
        ("timestamp", facts.timestamp.clone()),
        ("workingdirectory", String::new()),
        ("table", history.table.clone()),
        (
            "environment",
            flyway.environment.clone().unwrap_or_else(|| "default".to_owned()),
        ),
    ];
    let built_in = built_in.map(|(name, text)| (format!("flyway{separator}{name}"), FrozenPlaceholder::Value(text)));
    settings.chain(given).chain(built_in).collect()
}

/// The values: the settings', over them the target's own, then Flyway's built-in ones, which win.
fn placeholders(
    flyway: &FlywaySettings,
    given: &BTreeMap<String, Given>,
    frozen: &BTreeMap<String, FrozenPlaceholder>,
) -> Placeholders {
    let mut placeholders = Placeholders::new(PlaceholderSyntax {
        prefix: flyway.placeholder_prefix.clone(),
        suffix: flyway.placeholder_suffix.clone(),
        separator: flyway.placeholder_separator.clone(),
    });
    for (name, frozen) in frozen {
        if let FrozenPlaceholder::Value(value) = frozen {
            placeholders.set(name, value);
        }
    }
    for (name, given) in given {
        if let (Given::Secret { value, .. }, Some(FrozenPlaceholder::Secret(_))) =
            (given, frozen.get(&name.to_lowercase()))
        {
            placeholders.set_secret(name, value);
        }
    }
    placeholders
}
