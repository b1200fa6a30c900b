//! What a statement is to a transaction of ours.

use crate::statement::Statement;

/// The kinds of statements that need care. Everything else is [`StatementKind::Plain`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum StatementKind {
    /// Runs in any transaction.
    Plain,
    /// `BEGIN`, `START TRANSACTION`.
    Begin,
    /// `COMMIT`, `END`.
    Commit,
    /// `ROLLBACK`, `ABORT`; not `ROLLBACK TO`.
    Rollback,
    /// `SAVEPOINT`, `RELEASE`, `ROLLBACK TO`.
    Savepoint,
    /// `SET TRANSACTION`.
    SetTransaction,
    /// Anything of two-phase commit.
    TwoPhase,
    /// `COPY … FROM STDIN`.
    CopyFromStdin,
    /// PostgreSQL refuses it inside a transaction block.
    Alone,
    /// `SET` and `RESET` of a session: what a resumed file must say again.
    Session,
    /// `CALL` and `DO`: in a transaction, unless the file's `.conf` says that they commit by themselves.
    Procedure,
}

/// Tells a statement's kind from its words.
pub(crate) fn classify(statement: &Statement) -> StatementKind {
    let words: Vec<&str> = statement.words.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["BEGIN", ..] | ["START", "TRANSACTION", ..] => StatementKind::Begin,
        ["PREPARE", "TRANSACTION", ..] | ["COMMIT" | "ROLLBACK", "PREPARED", ..] => StatementKind::TwoPhase,
        ["COMMIT" | "END", ..] => StatementKind::Commit,
        ["ROLLBACK", rest @ ..] if rest.contains(&"TO") => StatementKind::Savepoint,
        ["ROLLBACK" | "ABORT", ..] => StatementKind::Rollback,
        ["SAVEPOINT" | "RELEASE", ..] => StatementKind::Savepoint,
        ["SET", "TRANSACTION", ..] => StatementKind::SetTransaction,
        ["COPY", rest @ ..] if rest.windows(2).any(|pair| pair == ["FROM", "STDIN"]) => StatementKind::CopyFromStdin,
        ["SET" | "RESET", ..] => StatementKind::Session,
        ["CALL" | "DO", ..] => StatementKind::Procedure,
        words if is_alone(words, &statement.last_word) => StatementKind::Alone,
        _ => StatementKind::Plain,
    }
}

fn is_alone(words: &[&str], last: &str) -> bool {
    match words {
        ["CREATE", "INDEX", "CONCURRENTLY", ..] | ["CREATE", "UNIQUE", "INDEX", "CONCURRENTLY", ..] => true,
        ["DROP", "INDEX", "CONCURRENTLY", ..] => true,
        ["CREATE" | "DROP", "DATABASE" | "TABLESPACE" | "SUBSCRIPTION", ..] => true,
        ["ALTER", "SYSTEM", ..] | ["VACUUM", ..] | ["DISCARD", "ALL"] | ["CLUSTER"] => true,
        ["ALTER", "DATABASE", _, "SET", "TABLESPACE", ..] => true,
        ["ALTER", "TABLE", rest @ ..] => rest.contains(&"DETACH") && last == "CONCURRENTLY",
        // `REINDEX (VERBOSE) TABLE t`: the options are in parentheses, so not among the words; with CONCURRENTLY as an
        // option the server refuses the group and says so.
        ["REINDEX", rest @ ..] => rest
            .iter()
            .take_while(|word| !word.starts_with('"'))
            .any(|word| matches!(*word, "SCHEMA" | "DATABASE" | "SYSTEM" | "CONCURRENTLY")),
        _ => false,
    }
}

/// Whether a statement changes how the server reads strings, which would hide transaction control from the lexer.
///
/// `SET standard_conforming_strings = on` is what every dump begins with, and changes nothing here. Any other mention
/// counts: a file that needs one is rare, and being wrong would be fatal.
pub(crate) fn changes_string_syntax(sql: &str, statement: &Statement) -> bool {
    let text = sql.get(statement.start..statement.end).unwrap_or_default();
    if !text.to_ascii_lowercase().contains("standard_conforming_strings") {
        return false;
    }
    let words: Vec<&str> = statement.words.iter().map(|word| word.trim_matches('\'')).collect();
    !matches!(
        words.as_slice(),
        [
            "SET",
            "STANDARD_CONFORMING_STRINGS",
            "=" | "TO",
            "ON" | "TRUE" | "YES" | "1"
        ] | [
            "SET",
            "LOCAL" | "SESSION",
            "STANDARD_CONFORMING_STRINGS",
            "=" | "TO",
            "ON" | "TRUE" | "YES" | "1"
        ]
    )
}

/// The name of a temporary table that a statement creates, in upper case.
pub(crate) fn temporary_table(statement: &Statement) -> Option<&str> {
    let words: Vec<&str> = statement.words.iter().map(String::as_str).collect();
    let rest = match words.as_slice() {
        ["CREATE", "TEMP" | "TEMPORARY", "TABLE", rest @ ..]
        | ["CREATE", "LOCAL" | "GLOBAL", "TEMP" | "TEMPORARY", "TABLE", rest @ ..] => rest,
        _ => return None,
    };
    match rest {
        ["IF", "NOT", "EXISTS", ..] => None,
        [name, ..] => Some(*name),
        [] => None,
    }
    .and_then(|name| statement.words.iter().find(|word| word.as_str() == name))
    .map(String::as_str)
}

/// Whether a statement adds a value to an enum: it can't be used before the transaction ends.
pub(crate) fn adds_enum_value(statement: &Statement) -> bool {
    let words = &statement.words;
    words.first().is_some_and(|w| w == "ALTER")
        && words.get(1).is_some_and(|w| w == "TYPE")
        && words.windows(2).any(|pair| pair == ["ADD", "VALUE"])
}

/// Whether a statement creates a relation, which a transaction must lock until its end.
pub(crate) fn creates_relation(statement: &Statement) -> bool {
    let words = &statement.words;
    words.first().is_some_and(|w| w == "CREATE")
        && words
            .iter()
            .take(5)
            .any(|w| matches!(w.as_str(), "TABLE" | "INDEX" | "SEQUENCE" | "MATERIALIZED"))
}

/// Whether a statement makes a constraint that waits for the end of the transaction.
pub(crate) fn defers_constraint(sql: &str, statement: &Statement) -> bool {
    sql.get(statement.start..statement.end)
        .is_some_and(|text| text.to_ascii_uppercase().contains("DEFERRED"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::statement::split;

    fn kind(sql: &str) -> StatementKind {
        let statements = split(sql).unwrap();
        assert_eq!(statements.len(), 1, "{sql}");
        classify(&statements[0])
    }

    #[test]
    fn u1_what_cannot_be_in_our_transaction_is_told() {
        use StatementKind::*;
        for (expected, statements) in [
            (
                Begin,
                &[
                    "BEGIN",
                    "begin work",
                    "START TRANSACTION READ ONLY",
                    "/* x */ Begin -- y",
                ][..],
            ),
            (Commit, &["COMMIT", "END", "COMMIT AND CHAIN", "end transaction"]),
            (Rollback, &["ROLLBACK", "ABORT", "rollback work"]),
            (
                Savepoint,
                &[
                    "SAVEPOINT a",
                    "ROLLBACK TO a",
                    "ROLLBACK WORK TO SAVEPOINT a",
                    "RELEASE a",
                ],
            ),
            (
                TwoPhase,
                &[
                    "PREPARE TRANSACTION 'x'",
                    "COMMIT PREPARED 'x'",
                    "ROLLBACK PREPARED 'x'",
                ],
            ),
            (SetTransaction, &["SET TRANSACTION ISOLATION LEVEL SERIALIZABLE"]),
            (
                CopyFromStdin,
                &["COPY t FROM STDIN", "copy t (a, b) from stdin with (format csv)"],
            ),
            (
                Alone,
                &[
                    "CREATE INDEX CONCURRENTLY ON t (a)",
                    "create unique index concurrently if not exists i on t (a)",
                    "DROP INDEX CONCURRENTLY i",
                    "REINDEX TABLE CONCURRENTLY t",
                    "REINDEX (VERBOSE) SCHEMA s",
                    "REINDEX SYSTEM",
                    "VACUUM",
                    "VACUUM (ANALYZE) t",
                    "ALTER SYSTEM SET a = 1",
                    "CREATE DATABASE d",
                    "DROP TABLESPACE s",
                    "CREATE SUBSCRIPTION s CONNECTION '' PUBLICATION p",
                    "DISCARD ALL",
                    "CLUSTER",
                    "ALTER TABLE t DETACH PARTITION p CONCURRENTLY",
                    "ALTER DATABASE d SET TABLESPACE s",
                ],
            ),
            (
                Session,
                &[
                    "SET search_path = ''",
                    "RESET ALL",
                    "SET standard_conforming_strings = on",
                ],
            ),
            (Procedure, &["CALL p()", "DO $$ BEGIN COMMIT; END $$"]),
            (
                Plain,
                &[
                    "CREATE INDEX i ON t (a)",
                    "REINDEX TABLE t",
                    "REINDEX TABLE \"CONCURRENTLY\"",
                    "REFRESH MATERIALIZED VIEW CONCURRENTLY m",
                    "CLUSTER t",
                    "COPY t TO STDOUT",
                    "COPY t FROM '/x'",
                    "CREATE TABLE \"BEGIN\" (a int)",
                    "SELECT 'COMMIT'",
                    "ALTER TABLE t DETACH PARTITION p",
                    "CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT 1; END",
                    "DISCARD PLANS",
                    "PREPARE a AS SELECT 1",
                ],
            ),
        ] {
            for sql in statements {
                assert_eq!(kind(sql), expected, "{sql}");
            }
        }
    }

    #[test]
    fn u1_what_changes_the_string_syntax_is_seen() {
        for (sql, expected) in [
            ("SET standard_conforming_strings = on", false),
            ("set session standard_conforming_strings to 'on'", false),
            ("SELECT 1", false),
            ("SET standard_conforming_strings = off", true),
            ("RESET standard_conforming_strings", true),
            ("SELECT set_config('Standard_Conforming_Strings', 'off', false)", true),
        ] {
            assert_eq!(changes_string_syntax(sql, &split(sql).unwrap()[0]), expected, "{sql}");
        }
    }

    #[test]
    fn u2_what_only_grouping_breaks_is_seen() {
        let temporary = |sql: &str| temporary_table(&split(sql).unwrap()[0]).map(str::to_owned);
        assert_eq!(temporary("CREATE TEMP TABLE a (b int)").as_deref(), Some("A"));
        assert_eq!(
            temporary("create local temporary table a as select 1").as_deref(),
            Some("A")
        );
        assert_eq!(temporary("CREATE TEMP TABLE IF NOT EXISTS a (b int)"), None);
        assert_eq!(temporary("CREATE TABLE a (b int)"), None);
        assert!(adds_enum_value(
            &split("ALTER TYPE s.t ADD VALUE IF NOT EXISTS 'x'").unwrap()[0]
        ));
    }
}
