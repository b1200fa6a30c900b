//! What Plan and `info` see of bundle and database together: one snapshot, only read (P1).

use std::collections::BTreeMap;

use belay_bundle::{Bundle, Migration};
use belay_model::{
    Checksum, Code, FlywaySettings, FrozenPlaceholder, HistoryTable, MigrationKind, PlannedBaseline, Problem,
};
use tokio_postgres::Client;
use tokio_postgres::types::Type;

use crate::compare::{Entry, compare};
use crate::error::EngineError;
use crate::facts::Facts;
use crate::history::{self, Applied, ReadError};
use crate::journal::{self, Seen};
use crate::placeholder::Placeholders;
use crate::plan::{Given, PlanRequest};
use crate::script::Script;
use crate::session::quote_identifier;

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
    pub(crate) frozen: BTreeMap<String, FrozenPlaceholder>,
    pub(crate) placeholders: Placeholders,
    /// Of each file of the bundle, in its order: the checksum that its row has or would have.
    pub(crate) checksums: Vec<Checksum>,
    /// Placeholders without a value, and what does not end, in repeatables.
    pub(crate) problems: Vec<Problem>,
}

impl<'a> Survey<'a> {
    /// Looks. The client is in a read-only transaction of one snapshot.
    pub(crate) async fn new(
        client: &'a Client,
        bundle: &'a Bundle,
        request: &'a PlanRequest<'a>,
    ) -> Result<Self, EngineError> {
        let facts = Facts::read(client).await?;
        let unfit = facts.problems();
        if !unfit.is_empty() {
            return Err(EngineError::Rejected(unfit));
        }
        let history = history_table(bundle.settings(), &facts)?;
        let rows = history::read(client, &history).await.map_err(|error| match error {
            ReadError::Engine(error) => error,
            ReadError::Unreadable(why) => EngineError::Rejected(vec![problem(
                Code::HistoryUnreadable,
                format!("{history} is not a history of Flyway's: {why}"),
            )]),
        })?;
        let frozen = freeze(request, &facts, &history);
        let mut survey = Self {
            client,
            bundle,
            request,
            rows,
            journal: journal::see(client, &history).await?,
            placeholders: placeholders(request.placeholders, &frozen),
            frozen,
            facts,
            history,
            checksums: Vec::new(),
            problems: Vec::new(),
        };
        survey.read_checksums()?;
        Ok(survey)
    }

    /// Flyway's settings.
    pub(crate) fn flyway(&self) -> &'a FlywaySettings {
        self.bundle.settings()
    }

    /// Each migration with its state.
    pub(crate) fn entries(&self) -> Vec<Entry<'_>> {
        self.entries_over(&[])
    }

    /// The same, with these rows where there is no history yet.
    pub(crate) fn entries_over<'b>(&'b self, planned: &'b [Applied]) -> Vec<Entry<'b>> {
        let rows = self.rows.as_deref().unwrap_or(planned);
        compare(self.bundle.migrations(), &self.checksums, rows, self.flyway())
    }

    /// A migration made ready, or what is wrong with it.
    pub(crate) fn script(&self, migration: &Migration) -> Result<Result<Script, Problem>, EngineError> {
        let replace = migration
            .config
            .placeholder_replacement
            .unwrap_or(self.flyway().placeholder_replacement);
        let text = self.bundle.text(&migration.path)?;
        Ok(Script::new(
            &migration.path,
            text,
            replace.then_some(&self.placeholders),
        ))
    }

    fn read_checksums(&mut self) -> Result<(), EngineError> {
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
        }
        Ok(())
    }

    /// Everything outside the bundle that keeps a plan from being made.
    pub(crate) async fn environment_problems(&self) -> Result<Vec<Problem>, EngineError> {
        let mut wrong = self.privilege_problems().await?;
        if !self.flyway().baseline_on_migrate
            && let Some(object) = self.unknown_object().await?
        {
            wrong.push(problem(
                Code::NonEmptySchema,
                format!("there is no history, but {object} is there; set baselineOnMigrate in the target, or name an empty schema"),
            ));
        }
        if !self.flyway().create_schemas {
            wrong.extend(self.missing_schemas().await?.iter().map(|schema| {
                problem(
                    Code::TargetInvalid,
                    format!("schema {schema} does not exist, and createSchemas is false"),
                )
            }));
        }
        Ok(wrong)
    }

    /// The baseline to write, where the target asks for one and the database has objects and no history.
    pub(crate) async fn baseline(&self) -> Result<Option<PlannedBaseline>, EngineError> {
        let flyway = self.flyway();
        if !flyway.baseline_on_migrate || self.unknown_object().await?.is_none() {
            return Ok(None);
        }
        Ok(Some(PlannedBaseline {
            version: flyway.baseline_version.clone(),
            description: flyway.baseline_description.clone(),
        }))
    }

    /// An object that no history tells of. With a half-done file there are objects before there is a history.
    async fn unknown_object(&self) -> Result<Option<String>, EngineError> {
        if self.rows.is_none() && self.journal.open.is_empty() {
            self.first_object().await
        } else {
            Ok(None)
        }
    }

    async fn privilege_problems(&self) -> Result<Vec<Problem>, EngineError> {
        let Self { facts, history, .. } = self;
        let history_exists = self.rows.is_some();
        let row = self
            .client
            .query_typed_one(
                "SELECT pg_catalog.to_regnamespace('belay') IS NULL,
                        COALESCE(pg_catalog.has_schema_privilege(pg_catalog.to_regnamespace('belay'), 'CREATE'), false),
                        COALESCE((SELECT pg_catalog.bool_and(pg_catalog.has_table_privilege(t, 'SELECT')
                                      AND pg_catalog.has_table_privilege(t, 'INSERT')
                                      AND pg_catalog.has_table_privilege(t, 'UPDATE')
                                      AND pg_catalog.has_table_privilege(t, 'DELETE'))
                                  FROM pg_catalog.unnest(ARRAY[pg_catalog.to_regclass('belay.run'), pg_catalog.to_regclass('belay.unit'),
                                                               pg_catalog.to_regclass('belay.applied')]) t), false),
                        pg_catalog.to_regclass('belay.applied') IS NOT NULL,
                        COALESCE(pg_catalog.has_table_privilege(pg_catalog.to_regclass($1), 'SELECT'), false)
                        AND COALESCE(pg_catalog.has_table_privilege(pg_catalog.to_regclass($1), 'INSERT'), false),
                        COALESCE(pg_catalog.has_schema_privilege(pg_catalog.to_regnamespace($2), 'CREATE'), false),
                        pg_catalog.to_regnamespace($2) IS NULL",
                &[(&history.to_string(), Type::TEXT), (&quote_identifier(&history.schema), Type::TEXT)],
            )
            .await?;
        let get = |index: usize| row.try_get::<_, bool>(index);
        let (no_schema, may_fill, may_write, ready) = (get(0)?, get(1)?, get(2)?, get(3)?);
        let (may_record, may_make, history_schema_missing) = (get(4)?, get(5)?, get(6)?);
        let mut wrong = Vec::new();
        let journal_ok = if ready {
            may_write
        } else if no_schema {
            facts.may_create_schema
        } else {
            may_fill
        };
        if !journal_ok {
            wrong.push(problem(
                Code::JournalDenied,
                format!(
                    "{} may not make the journal; let an administrator run: {}",
                    facts.user,
                    journal::admin_statements(&facts.user)
                ),
            ));
        }
        let may = if history_exists {
            may_record
        } else {
            may_make || (history_schema_missing && facts.may_create_schema)
        };
        if !may {
            let what = if history_exists { "read and write" } else { "create" };
            wrong.push(problem(
                Code::PrivilegeMissing,
                format!("{} may not {what} {history}", facts.user),
            ));
        }
        Ok(wrong)
    }

    fn schemas(&self) -> Vec<&str> {
        let named = self.flyway().schemas.iter().map(String::as_str);
        named.chain([self.history.schema.as_str()]).collect()
    }

    /// Schemas that the target names and that do not exist.
    pub(crate) async fn missing_schemas(&self) -> Result<Vec<String>, EngineError> {
        let rows = self
            .client
            .query_typed(
                "SELECT s FROM pg_catalog.unnest($1::text[]) WITH ORDINALITY schemas (s, number)
                 WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_namespace WHERE nspname = s) GROUP BY s ORDER BY min(number)",
                &[(&self.schemas(), Type::TEXT_ARRAY)],
            )
            .await?;
        rows.iter().map(|row| Ok(row.try_get(0)?)).collect()
    }

    /// An object of a schema that must be empty, if there is one: what Flyway counts.
    async fn first_object(&self) -> Result<Option<String>, EngineError> {
        let row = self
            .client
            .query_typed_opt(
                "WITH schemas AS (SELECT oid FROM pg_catalog.pg_namespace WHERE nspname = ANY ($1::text[])),
                      members AS (SELECT classid, objid FROM pg_catalog.pg_depend WHERE deptype = 'e')
                 SELECT object FROM (
                     SELECT oid, 'pg_class'::regclass AS class, 'relation ' || oid::regclass::text AS object
                     FROM pg_catalog.pg_class WHERE relnamespace IN (SELECT oid FROM schemas) AND relkind IN ('r', 'p', 'v', 'm', 'S', 'f')
                     UNION ALL
                     SELECT oid, 'pg_proc'::regclass, 'function ' || oid::regprocedure::text
                     FROM pg_catalog.pg_proc WHERE pronamespace IN (SELECT oid FROM schemas)
                     UNION ALL
                     SELECT oid, 'pg_type'::regclass, 'type ' || oid::regtype::text
                     FROM pg_catalog.pg_type WHERE typnamespace IN (SELECT oid FROM schemas) AND typtype IN ('d', 'e', 'r')
                 ) objects
                 WHERE NOT EXISTS (SELECT FROM members WHERE classid = class AND objid = oid) ORDER BY object LIMIT 1",
                &[(&self.schemas(), Type::TEXT_ARRAY)],
            )
            .await?;
        row.map(|row| Ok(row.try_get(0)?)).transpose()
    }
}

fn problem(code: Code, message: String) -> Problem {
    Problem {
        code,
        place: None,
        message,
    }
}

fn history_table(flyway: &FlywaySettings, facts: &Facts) -> Result<HistoryTable, EngineError> {
    let schema = flyway
        .default_schema
        .as_ref()
        .or(flyway.schemas.first())
        .or(facts.schema.as_ref());
    let Some(schema) = schema else {
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

fn freeze(request: &PlanRequest<'_>, facts: &Facts, history: &HistoryTable) -> BTreeMap<String, FrozenPlaceholder> {
    let given = request.placeholders.iter().map(|(name, given)| {
        let frozen = match given {
            Given::Value(value) => FrozenPlaceholder::Value(value.clone()),
            Given::Secret { at, .. } => FrozenPlaceholder::Secret(at.clone()),
        };
        (name.to_lowercase(), frozen)
    });
    let built_in = [
        ("flyway:defaultschema", history.schema.clone()),
        ("flyway:user", facts.user.clone()),
        ("flyway:database", facts.database.clone()),
        ("flyway:timestamp", facts.timestamp.clone()),
        ("flyway:workingdirectory", String::new()),
        ("flyway:table", history.table.clone()),
        ("flyway:environment", "default".to_owned()),
    ];
    given
        .chain(built_in.map(|(name, value)| (name.to_owned(), FrozenPlaceholder::Value(value))))
        .collect()
}

/// The values: the target's own, then Flyway's built-in ones, which win.
fn placeholders(given: &BTreeMap<String, Given>, frozen: &BTreeMap<String, FrozenPlaceholder>) -> Placeholders {
    let mut placeholders = Placeholders::default();
    for (name, frozen) in frozen {
        if let FrozenPlaceholder::Value(value) = frozen {
            placeholders.set(name, value);
        }
    }
    for (name, given) in given {
        if let Given::Secret { value, .. } = given {
            placeholders.set_secret(name, value);
        }
    }
    placeholders
}
