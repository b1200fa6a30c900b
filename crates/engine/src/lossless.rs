//! Whether a restore would lose what others wrote: only if somebody else could write (Q2).

use belay_model::{Code, HistoryTable, Instance, Problem, RestorePolicy};
use tokio_postgres::Client;
use tokio_postgres::types::Type;

use crate::door;
use crate::error::EngineError;
use crate::history;
use crate::journal;
use crate::own::Own;
use crate::session::{Connect, Session, application_name};

/// Roles that can log in and connect to any database of the server, but the one that we log in as, the provider's
/// (superusers, and RDS's own) and the named ones.
///
/// # Errors
/// If the database can't be asked.
pub async fn unnamed_roles(connect: &Connect, named: &[String]) -> Result<Vec<String>, EngineError> {
    let session = Session::open(connect, None).await?;
    let roles = unnamed(session.client(), named).await;
    session.close().await;
    roles
}

/// Why a restore could lose what somebody else wrote, as it is now, each reason in a sentence. Empty: it is lossless.
///
/// # Errors
/// If the database can't be asked.
pub async fn not_lossless(connect: &Connect, named: &[String]) -> Result<Vec<String>, EngineError> {
    let session = Session::open(connect, None).await?;
    let client = session.client();
    let looking = async {
        let mut obstacles = obstacles(client, connect, named).await?;
        obstacles.extend(open_door(client, named).await?);
        obstacles.extend(sessions(client, &[], false).await?);
        obstacles.extend(foreign_rows(client, connect).await?);
        Ok(obstacles)
    };
    let obstacles = looking.await;
    session.close().await;
    obstacles
}

/// Plan's part: what the instance's policy asks for, before anybody is kept out.
pub(crate) async fn problems(
    client: &Client,
    connect: &Connect,
    instance: &Instance,
) -> Result<Vec<Problem>, EngineError> {
    let named = &instance.quiesce.roles;
    let mut wrong = match instance.restore {
        RestorePolicy::Never => return Ok(Vec::new()),
        RestorePolicy::IfLossless => {
            let mut obstacles = obstacles(client, connect, named).await?;
            obstacles.extend(sessions(client, named, true).await?);
            obstacles.into_iter().map(not_lossless_problem).collect()
        }
        RestorePolicy::Always => {
            let unnamed = unnamed(client, named).await?;
            unnamed
                .iter()
                .map(|role| door::problem(unnamed_role(role)))
                .collect::<Vec<_>>()
        }
    };
    wrong.extend(door::problems(client, named, connect.set_role.as_deref()).await?);
    Ok(wrong)
}

fn not_lossless_problem(message: String) -> Problem {
    Problem {
        code: Code::NotLossless,
        place: None,
        message,
    }
}

/// What is there whether or not the door is closed.
async fn obstacles(client: &Client, connect: &Connect, named: &[String]) -> Result<Vec<String>, EngineError> {
    let mut obstacles: Vec<String> = unnamed(client, named)
        .await?
        .iter()
        .map(|role| unnamed_role(role))
        .collect();
    obstacles.extend(subscriptions(client).await?);
    obstacles.extend(workers(client).await?);
    obstacles.extend(our_other_sessions(client, connect).await?);
    Ok(obstacles)
}

fn unnamed_role(role: &str) -> String {
    format!("role {role} can log in, and quiesce.roles does not name it")
}

async fn unnamed(client: &Client, named: &[String]) -> Result<Vec<String>, EngineError> {
    let rows = client
        .query_typed(
            "SELECT rolname::text FROM pg_catalog.pg_roles r
             WHERE rolcanlogin AND NOT rolsuper AND rolname !~ $2 AND rolname <> session_user
               AND rolname <> ALL ($1::text[])
               AND EXISTS (SELECT FROM pg_catalog.pg_database d
                           WHERE d.datallowconn AND pg_catalog.has_database_privilege(r.oid, d.oid, 'CONNECT'))
             ORDER BY rolname",
            &[(&named, Type::TEXT_ARRAY), (&door::PROVIDER, Type::TEXT)],
        )
        .await?;
    rows.iter().map(|row| Ok(row.try_get(0)?)).collect()
}

/// Named roles that can log in.
async fn open_door(client: &Client, named: &[String]) -> Result<Vec<String>, EngineError> {
    let rows = client
        .query_typed(
            "SELECT pg_catalog.format('role %s can log in', rolname) FROM pg_catalog.pg_roles
             WHERE rolcanlogin AND rolname = ANY ($1::text[]) ORDER BY rolname",
            &[(&named, Type::TEXT_ARRAY)],
        )
        .await?;
    rows.iter().map(|row| Ok(row.try_get(0)?)).collect()
}

/// Sessions of whoever is not ours, the provider's or one of these. A role that can't log in any more can have one that is
/// older than that.
async fn sessions(client: &Client, but: &[String], shut_out_only: bool) -> Result<Vec<String>, EngineError> {
    let rows = client
        .query_typed(
            "SELECT pg_catalog.format('role %s has %s session(s)', rolname, pg_catalog.count(*))
             FROM pg_catalog.pg_stat_activity a JOIN pg_catalog.pg_roles r ON r.oid = a.usesysid
             WHERE NOT rolsuper AND rolname !~ $3 AND rolname <> session_user AND rolname <> ALL ($1::text[])
               AND NOT ($2 AND rolcanlogin)
             GROUP BY rolname ORDER BY rolname",
            &[
                (&but, Type::TEXT_ARRAY),
                (&shut_out_only, Type::BOOL),
                (&door::PROVIDER, Type::TEXT),
            ],
        )
        .await?;
    rows.iter().map(|row| Ok(row.try_get(0)?)).collect()
}

async fn subscriptions(client: &Client) -> Result<Vec<String>, EngineError> {
    let sql = "SELECT pg_catalog.format('subscription %s of database %s writes what another server sends', s.subname, d.datname)
               FROM pg_catalog.pg_subscription s JOIN pg_catalog.pg_database d ON d.oid = s.subdbid ORDER BY 1";
    let rows = client.query_typed(sql, &[]).await?;
    rows.iter().map(|row| Ok(row.try_get(0)?)).collect()
}

/// What runs jobs inside the server, without anybody who logs in.
///
/// A role sees what it may: the server's libraries only with `pg_read_all_settings`, what another's worker is only with
/// `pg_read_all_stats` (on RDS the master user has both), extensions of this database alone. What can't be seen is not
/// held against the policy: on a server where Belay's role has neither, each run would be refused for nothing.
async fn workers(client: &Client) -> Result<Vec<String>, EngineError> {
    const JOBS: &str = "(pg_cron|timescaledb|pg_partman_bgw|pglogical|pg_background|pgagent|citus)";
    let rows = client
        .query_typed(
            "SELECT DISTINCT pg_catalog.format('%s can run jobs inside the server (it is %s)', name, place) FROM (
                 SELECT (pg_catalog.regexp_matches(setting, $1, 'g'))[1], 'in shared_preload_libraries'
                 FROM pg_catalog.pg_settings WHERE name = 'shared_preload_libraries'
                 UNION ALL
                 SELECT extname, 'an extension of this database' FROM pg_catalog.pg_extension
                 WHERE extname IN ('pg_cron', 'timescaledb', 'pglogical')
                 UNION ALL
                 SELECT backend_type, 'at work' FROM pg_catalog.pg_stat_activity
                 WHERE backend_type ~* '^logical replication (apply|parallel|tablesync|worker)|pg_cron|timescale|pg_partman|pglogical'
             ) worker (name, place) ORDER BY 1",
            &[(&JOBS, Type::TEXT)],
        )
        .await?;
    rows.iter().map(|row| Ok(row.try_get(0)?)).collect()
}

/// The migration role is ours alone. Another run of Belay only reads, unless it holds a history's lock.
async fn our_other_sessions(client: &Client, connect: &Connect) -> Result<Vec<String>, EngineError> {
    let rows = client
        .query_typed(
            "SELECT pg_catalog.format('session %s (%s) is Belay''s own role''s and not of this run', pid,
                                      COALESCE(NULLIF(application_name, ''), 'no name'))
             FROM pg_catalog.pg_stat_activity a
             WHERE usename = session_user AND application_name <> $1 AND pid <> pg_catalog.pg_backend_pid()
               AND (application_name !~ '^belay/[a-z2-7]{12}$'
                    OR EXISTS (SELECT FROM pg_catalog.pg_locks l WHERE l.pid = a.pid AND l.locktype = 'advisory'))
             ORDER BY pid",
            &[(&application_name(&connect.run), Type::TEXT)],
        )
        .await?;
    rows.iter().map(|row| Ok(row.try_get(0)?)).collect()
}

/// Rows that came into the history above this run's base and that the run's journal does not know.
async fn foreign_rows(client: &Client, connect: &Connect) -> Result<Vec<String>, EngineError> {
    if !journal::exists(client).await? {
        return Ok(Vec::new());
    }
    let run = connect.run.as_str();
    let sql = "SELECT history, base_rank FROM belay.run WHERE run = $1 ORDER BY attempt DESC LIMIT 1";
    let Some(row) = client.query_typed_opt(sql, &[(&run, Type::TEXT)]).await? else {
        return Ok(Vec::new());
    };
    let (name, base): (String, Option<i32>) = (row.try_get(0)?, row.try_get(1)?);
    let Ok(history) = name.parse::<HistoryTable>() else {
        return Ok(Vec::new());
    };
    let own = Own::read(client, &history, false, &connect.run).await?;
    let rows = match history::read(client, &history).await {
        Ok(rows) => rows.unwrap_or_default(),
        Err(history::ReadError::Unreadable(why)) => {
            return Ok(vec![format!("{history} is not a history any more: {why}")]);
        }
        Err(history::ReadError::Engine(error)) => return Err(error),
    };
    let is_foreign = |row: &&history::Applied| base.is_none_or(|base| row.rank > base) && !own.has_row(row.rank);
    let foreign = rows.iter().filter(is_foreign);
    Ok(foreign
        .map(|row| format!("somebody else wrote {} (rank {}) into {history}", row.script, row.rank))
        .collect())
}
