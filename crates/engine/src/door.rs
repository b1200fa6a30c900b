//! The door: named roles are kept from logging in, and let in again (Q1).
//!
//! All of it is done as the role that logs in, whatever the target's `set_role` is: `CREATEROLE` is not inherited, and
//! what the door needs should be granted to Belay's login alone.

use std::time::Duration;

use belay_model::{Code, Problem};
use tokio::time::Instant;
use tokio_postgres::types::Type;
use tokio_postgres::{Client, Row};

use crate::error::EngineError;
use crate::lock::POLL;
use crate::session::{Connect, Session, quote_identifier};

/// Roles of RDS's own, which nobody keeps out. A superuser is not either.
pub(crate) const PROVIDER: &str = "^(rds_.*|rdsadmin|rdsrepladmin|rdstopmgr|rdswriteforwarduser)$";

/// How long the sessions of those who are kept out may take to end.
const PATIENCE: Duration = Duration::from_secs(60);

/// Those of the named roles that can log in now.
///
/// # Errors
/// [`EngineError::DoorRefused`] with every role that can't or must not be kept out, and what to type where a privilege is
/// missing; else what the database or the network said.
pub async fn who_logs_in(connect: &Connect, named: &[String]) -> Result<Vec<String>, EngineError> {
    let session = open(connect).await?;
    let asked = roles(session.client(), named, connect.set_role.as_deref()).await;
    session.close().await;
    let roles = asked?;
    let refused: Vec<String> = roles.iter().filter_map(Role::refusal).collect();
    if !refused.is_empty() {
        return Err(EngineError::DoorRefused(refused));
    }
    let can_log_in = roles.into_iter().filter(|role| role.can_log_in);
    Ok(can_log_in.map(|role| role.name).collect())
}

/// Keeps these roles out: they can't log in any more, then their sessions are ended until none is left, in whatever
/// database of the server. What they had not committed is rolled back. Doing it again is harmless.
///
/// # Errors
/// [`EngineError::DoorRefused`] if the server forbids it; [`EngineError::SessionsStay`] if a session does not end.
pub async fn keep_out(connect: &Connect, roles: &[String]) -> Result<(), EngineError> {
    let session = open(connect).await?;
    let closed = async {
        alter(session.client(), roles, "NOLOGIN").await?;
        end_sessions(session.client(), roles).await
    };
    let closed = closed.await;
    session.close().await;
    closed
}

/// Lets these roles log in again. Doing it again is harmless, and so is a role that is gone.
///
/// # Errors
/// [`EngineError::DoorRefused`] if the server forbids it; else what the database or the network said.
pub async fn let_in(connect: &Connect, roles: &[String]) -> Result<(), EngineError> {
    let session = open(connect).await?;
    let opened = alter(session.client(), roles, "LOGIN").await;
    session.close().await;
    opened
}

/// Why the named roles can't be kept out, each role's reason as a problem. The client may have another role by now.
pub(crate) async fn problems(
    client: &Client,
    named: &[String],
    set_role: Option<&str>,
) -> Result<Vec<Problem>, EngineError> {
    let roles = roles(client, named, set_role).await?;
    Ok(roles.iter().filter_map(Role::refusal).map(problem).collect())
}

/// A reason why the door can't be closed, as a problem.
pub(crate) fn problem(message: String) -> Problem {
    Problem {
        code: Code::DoorRefused,
        place: None,
        message,
    }
}

async fn open(connect: &Connect) -> Result<Session, EngineError> {
    let as_login = Connect {
        set_role: None,
        ..connect.clone()
    };
    Session::open(&as_login, None).await
}

/// A named role, as it is to the role that logs in.
#[derive(Debug)]
struct Role {
    name: String,
    /// Who logs in.
    login: String,
    can_log_in: bool,
    unfit: Option<Unfit>,
    /// The statements that an administrator would run to let it be kept out.
    missing: Vec<String>,
}

/// Why a role must not or can't be kept out, whoever asks.
#[derive(Debug, Clone, Copy)]
enum Unfit {
    Missing,
    Ours,
    SetRole,
    Owner,
    Provider,
    Replication,
}

impl Role {
    fn read(row: &Row) -> Result<Self, EngineError> {
        let (name, login): (String, String) = (row.try_get(0)?, row.try_get(1)?);
        let get = |index: usize| row.try_get::<_, bool>(index);
        let reasons = [
            (get(2)?, Unfit::Missing),
            (get(3)?, Unfit::Ours),
            (get(4)?, Unfit::SetRole),
            (get(5)?, Unfit::Provider),
            (get(6)?, Unfit::Owner),
            (get(7)?, Unfit::Replication),
        ];
        let (may_create_roles, administers, ends_sessions) = (get(9)?, get(10)?, get(11)?);
        let (role, us) = (quote_identifier(&name), quote_identifier(&login));
        let mut missing = Vec::new();
        if !may_create_roles {
            missing.push(format!("ALTER ROLE {us} CREATEROLE;"));
        }
        if !administers {
            // A member may end the role's sessions too.
            missing.push(format!("GRANT {role} TO {us} WITH ADMIN OPTION;"));
        } else if !ends_sessions {
            missing.push(format!("GRANT pg_signal_backend TO {us};"));
        }
        Ok(Self {
            unfit: reasons.into_iter().find_map(|(holds, why)| holds.then_some(why)),
            can_log_in: get(8)?,
            name,
            login,
            missing,
        })
    }

    fn refusal(&self) -> Option<String> {
        let Self { name, login, .. } = self;
        Some(match self.unfit {
            Some(Unfit::Missing) => format!("role {name} of quiesce.roles does not exist"),
            Some(Unfit::Ours) => {
                format!("role {name} of quiesce.roles is who Belay logs in as; applications need a role of their own")
            }
            Some(Unfit::SetRole) => format!(
                "role {name} of quiesce.roles is the target's set_role; applications need a role of their own, and it must be \
                 one that can't log in: ALTER ROLE {} NOLOGIN;",
                quote_identifier(name)
            ),
            Some(Unfit::Owner) => {
                format!(
                    "role {name} of quiesce.roles administers {login}, who Belay logs in as; nobody could help if it were kept out"
                )
            }
            Some(Unfit::Provider) => format!(
                "role {name} of quiesce.roles is a superuser or the provider's own; it need not and can't be kept out"
            ),
            Some(Unfit::Replication) => format!(
                "role {name} of quiesce.roles has the attribute REPLICATION, so only a superuser may keep it out before PostgreSQL 16"
            ),
            None if self.missing.is_empty() => return None,
            None => format!(
                "{login} may not keep {name} out; let an administrator run: {}",
                self.missing.join(" ")
            ),
        })
    }
}

/// The named roles. Up to PostgreSQL 15, `CREATEROLE` is enough to alter a role that is no superuser; from 16 the role must
/// be administered too. Sessions are ended by whoever has the role's privileges, or `pg_signal_backend`'s.
async fn roles(client: &Client, named: &[String], set_role: Option<&str>) -> Result<Vec<Role>, EngineError> {
    let rows = client
        .query_typed(
            "SELECT n.name, us.rolname::text, r.oid IS NULL, COALESCE(r.oid = us.oid, false), COALESCE(r.rolname = $2, false),
                    COALESCE(r.rolsuper OR r.rolname ~ $3, false),
                    COALESCE(pg_catalog.pg_has_role(r.oid, us.oid, 'MEMBER WITH ADMIN OPTION'), false),
                    COALESCE(r.rolreplication AND NOT us.rolsuper AND version < 160000, false),
                    COALESCE(r.rolcanlogin, false),
                    us.rolsuper OR us.rolcreaterole,
                    COALESCE(us.rolsuper OR version < 160000 OR pg_catalog.pg_has_role(us.oid, r.oid, 'MEMBER WITH ADMIN OPTION'), false),
                    COALESCE(pg_catalog.pg_has_role(us.oid, r.oid, 'USAGE')
                             OR pg_catalog.pg_has_role(us.oid, 'pg_signal_backend', 'USAGE'), false)
             FROM pg_catalog.unnest($1::text[]) WITH ORDINALITY n (name, number)
             CROSS JOIN (SELECT * FROM pg_catalog.pg_roles WHERE rolname = session_user) us
             CROSS JOIN (SELECT pg_catalog.current_setting('server_version_num')::int4 AS version) server
             LEFT JOIN pg_catalog.pg_roles r ON r.rolname = n.name
             ORDER BY n.number",
            &[
                (&named, Type::TEXT_ARRAY),
                (&set_role, Type::TEXT),
                (&PROVIDER, Type::TEXT),
            ],
        )
        .await?;
    rows.iter().map(Role::read).collect()
}

/// Alters those of the roles that exist, all or none.
async fn alter(client: &Client, roles: &[String], to: &str) -> Result<(), EngineError> {
    let rows = client
        .query_typed(
            "SELECT rolname::text FROM pg_catalog.pg_roles WHERE rolname = ANY ($1::text[]) ORDER BY rolname",
            &[(&roles, Type::TEXT_ARRAY)],
        )
        .await?;
    let mut statements = vec!["BEGIN".to_owned()];
    for row in &rows {
        let name: String = row.try_get(0)?;
        statements.push(format!("ALTER ROLE {} {to}", quote_identifier(&name)));
    }
    statements.push("COMMIT".to_owned());
    let altered = client.batch_execute(&statements.join(";\n")).await;
    altered.map_err(refused)
}

/// Two looks in a row must see nobody: a login that was let through just before has a session only a moment later.
async fn end_sessions(client: &Client, roles: &[String]) -> Result<(), EngineError> {
    let patience = Instant::now() + PATIENCE;
    let mut looks_without = 0;
    loop {
        let left: i64 = client
            .query_typed_one(
                "SELECT pg_catalog.count(pg_catalog.pg_terminate_backend(pid)) FROM pg_catalog.pg_stat_activity
                 WHERE usename = ANY ($1::text[]) AND pid <> pg_catalog.pg_backend_pid()",
                &[(&roles, Type::TEXT_ARRAY)],
            )
            .await
            .map_err(refused)?
            .try_get(0)?;
        looks_without = if left == 0 { looks_without + 1 } else { 0 };
        if looks_without == 2 {
            return Ok(());
        }
        if Instant::now() >= patience {
            return Err(EngineError::SessionsStay(left));
        }
        tokio::time::sleep(POLL).await;
    }
}

/// What the catalog did not tell: a server that has rules of its own about roles.
fn refused(error: tokio_postgres::Error) -> EngineError {
    match error.as_db_error() {
        Some(db) if *db.code() == tokio_postgres::error::SqlState::INSUFFICIENT_PRIVILEGE => {
            EngineError::DoorRefused(vec![format!(
                "the server refused to alter a role or to end its sessions: {}",
                db.message()
            )])
        }
        _ => error.into(),
    }
}
