//! What a statement is to a transaction of ours.

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
    /// `COPY … FROM STDIN`, for which PostgreSQL also takes `FROM STDOUT`: data follows.
    CopyFromStdin,
    /// PostgreSQL refuses it inside a transaction block.
    Alone,
    /// `SET` and `RESET` of a session: what a resumed file must say again.
    Session,
    /// `CALL` and `DO`: in a transaction, unless the file's `.conf` says that they commit by themselves.
    Procedure,
}

/// What matters of a statement. Made once, from its words, which are not kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Nature {
    /// Its kind.
    pub(crate) kind: StatementKind,
    /// It creates a relation, which a transaction must lock until its end.
    pub(crate) creates_relation: bool,
    /// It adds a value to an enum, which can't be used before the transaction ends.
    pub(crate) adds_enum_value: bool,
    /// The temporary table that it creates, in upper case.
    pub(crate) temporary_table: Option<Box<str>>,
    /// It says `standard_conforming_strings = on`, as every dump does first, and nothing more.
    keeps_string_syntax: bool,
}

impl Nature {
    /// Tells it from a statement's words and signs outside parentheses, in upper case: the first ones, and the last.
    pub(crate) fn of(words: &[&str], last: &str) -> Self {
        Self {
            kind: kind(words, last),
            creates_relation: words.first() == Some(&"CREATE")
                && words
                    .iter()
                    .take(5)
                    .any(|word| matches!(*word, "TABLE" | "INDEX" | "SEQUENCE" | "MATERIALIZED")),
            adds_enum_value: matches!(words, ["ALTER", "TYPE", rest @ ..] if rest.windows(2).any(|pair| pair == ["ADD", "VALUE"])),
            temporary_table: temporary_table(words).map(Into::into),
            keeps_string_syntax: matches!(
                words,
                ["SET", "STANDARD_CONFORMING_STRINGS", "=" | "TO", value]
                | ["SET", "LOCAL" | "SESSION", "STANDARD_CONFORMING_STRINGS", "=" | "TO", value]
                    if matches!(value.trim_matches('\''), "ON" | "TRUE" | "YES" | "1")
            ),
        }
    }

    /// Whether the statement with this text changes how the server reads strings, which would hide transaction control
    /// from the lexer. Any mention counts: a file that needs one is rare, and being wrong would be fatal.
    pub(crate) fn changes_string_syntax(&self, text: &str) -> bool {
        !self.keeps_string_syntax && mentions(text, "standard_conforming_strings")
    }
}

/// Whether a text has a word, in whatever case.
pub(crate) fn mentions(text: &str, word: &str) -> bool {
    let word = word.as_bytes();
    // The first letter decides nearly always, and a file may have millions.
    let begins =
        |window: &[u8]| matches!((window.first(), word.first()), (Some(a), Some(b)) if a.eq_ignore_ascii_case(b));
    text.as_bytes()
        .windows(word.len())
        .any(|window| begins(window) && window.eq_ignore_ascii_case(word))
}

fn kind(words: &[&str], last: &str) -> StatementKind {
    match words {
        ["BEGIN", ..] | ["START", "TRANSACTION", ..] => StatementKind::Begin,
        ["PREPARE", "TRANSACTION", ..] | ["COMMIT" | "ROLLBACK", "PREPARED", ..] => StatementKind::TwoPhase,
        ["COMMIT" | "END", ..] => StatementKind::Commit,
        ["ROLLBACK", rest @ ..] if rest.contains(&"TO") => StatementKind::Savepoint,
        ["ROLLBACK" | "ABORT", ..] => StatementKind::Rollback,
        ["SAVEPOINT" | "RELEASE", ..] => StatementKind::Savepoint,
        ["SET", "TRANSACTION", ..] => StatementKind::SetTransaction,
        ["COPY", rest @ ..] if rest.windows(2).any(|pair| matches!(pair, ["FROM", "STDIN" | "STDOUT"])) => {
            StatementKind::CopyFromStdin
        }
        ["SET" | "RESET", ..] => StatementKind::Session,
        ["CALL" | "DO", ..] => StatementKind::Procedure,
        words if is_alone(words, last) => StatementKind::Alone,
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

fn temporary_table<'a>(words: &[&'a str]) -> Option<&'a str> {
    match words {
        ["CREATE", "TEMP" | "TEMPORARY", "TABLE", rest @ ..]
        | ["CREATE", "LOCAL" | "GLOBAL", "TEMP" | "TEMPORARY", "TABLE", rest @ ..] => match rest {
            ["IF", "NOT", "EXISTS", ..] => None,
            rest => rest.first().copied(),
        },
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::statement::split;

    fn kind(sql: &str) -> StatementKind {
        let statements = split(sql).unwrap();
        assert_eq!(statements.len(), 1, "{sql}");
        statements[0].nature.kind
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
                &[
                    "COPY t FROM STDIN;\n\\.",
                    "copy t (a, b) from stdin with (format csv);\n\\.\n",
                    "COPY t FROM STDOUT;\n\\.",
                ],
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
            assert_eq!(
                split(sql).unwrap()[0].nature.changes_string_syntax(sql),
                expected,
                "{sql}"
            );
        }
    }

    #[test]
    fn u2_what_only_grouping_breaks_is_seen() {
        let temporary = |sql: &str| {
            split(sql).unwrap()[0]
                .nature
                .temporary_table
                .as_deref()
                .map(str::to_owned)
        };
        assert_eq!(temporary("CREATE TEMP TABLE a (b int)").as_deref(), Some("A"));
        assert_eq!(
            temporary("create local temporary table a as select 1").as_deref(),
            Some("A")
        );
        assert_eq!(temporary("CREATE TEMP TABLE IF NOT EXISTS a (b int)"), None);
        assert_eq!(temporary("CREATE TABLE a (b int)"), None);
        assert!(
            split("ALTER TYPE s.t ADD VALUE IF NOT EXISTS 'x'").unwrap()[0]
                .nature
                .adds_enum_value
        );
    }
}
