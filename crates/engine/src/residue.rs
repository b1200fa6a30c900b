//! What a statement that can't be in a transaction may leave behind, noted before it starts so that Cleanup can tell (L2).

use serde::Deserialize;
use squawk_lexer::{TokenKind, tokenize};

use crate::session::quote_literal;

/// What a statement may leave behind if it fails or is cut off.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Residue {
    /// Nothing that anybody sees: VACUUM, CLUSTER, REINDEX without CONCURRENTLY.
    Nothing,
    /// CREATE INDEX CONCURRENTLY: an index on this table, which is INVALID until it is done.
    Index {
        /// The table as the statement names it.
        table: String,
        /// The index's name, where the statement gives it one.
        name: Option<String>,
    },
    /// REINDEX TABLE CONCURRENTLY: INVALID twins of the table's indexes.
    Twins {
        /// The table as the statement names it.
        table: String,
    },
    /// REINDEX INDEX CONCURRENTLY: an INVALID twin of the index.
    Twin {
        /// The index as the statement names it.
        index: String,
    },
    /// DROP INDEX CONCURRENTLY: nothing, as long as the index is as it was.
    Gone {
        /// The index as the statement names it.
        index: String,
    },
    /// Nobody can tell.
    Unknown,
}

/// What was noted of a statement that was started.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Noted {
    pub(crate) leaves: Leaves,
    /// What was done before it: the statement's number and the progress.
    pub(crate) back: (i32, String),
    /// The table's OID (of a DROP INDEX, the index's); nothing if there was none of that name.
    #[serde(default)]
    pub(crate) table: Option<u32>,
    /// The name that the index gets.
    #[serde(default)]
    pub(crate) name: Option<String>,
    /// The OIDs of the indexes that the table had.
    #[serde(default)]
    pub(crate) indexes: Vec<u32>,
}

/// What a statement may have left.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Leaves {
    /// Nothing.
    Nothing,
    /// One index.
    Index,
    /// Twins of indexes.
    Twins,
    /// One index less.
    Gone,
}

impl Residue {
    /// Tells it from a statement's text.
    pub(crate) fn of(sql: &str) -> Self {
        let mut tokens = Tokens::of(sql);
        let unique = tokens.words(&["CREATE", "UNIQUE", "INDEX", "CONCURRENTLY"]);
        if unique || tokens.words(&["CREATE", "INDEX", "CONCURRENTLY"]) {
            return tokens.created().unwrap_or(Self::Unknown);
        }
        if tokens.words(&["REINDEX"]) {
            return tokens.rebuilt().unwrap_or(Self::Unknown);
        }
        if tokens.words(&["DROP", "INDEX", "CONCURRENTLY"]) {
            return tokens.dropped().unwrap_or(Self::Unknown);
        }
        match tokens.word().as_deref() {
            Some("VACUUM" | "ANALYZE" | "ANALYSE" | "CLUSTER" | "CHECKPOINT" | "DISCARD") => Self::Nothing,
            _ => Self::Unknown,
        }
    }

    /// The expression that finds the table, with the file's own search path and role; nothing where none is needed.
    pub(crate) fn table(&self) -> Option<String> {
        match self {
            Self::Index { table, .. } | Self::Twins { table } | Self::Gone { index: table } => Some(format!(
                "pg_catalog.to_regclass({})::pg_catalog.oid",
                quote_literal(table)
            )),
            Self::Twin { index } => Some(format!(
                "(SELECT indrelid FROM pg_catalog.pg_index WHERE indexrelid = pg_catalog.to_regclass({}))",
                quote_literal(index)
            )),
            Self::Nothing | Self::Unknown => None,
        }
    }

    /// The expression of what is noted; the table's OID is the setting `belay.table`.
    pub(crate) fn noted(&self, back: (usize, &str)) -> String {
        const INDEXES: &str = "(SELECT COALESCE(pg_catalog.jsonb_agg(indexrelid::pg_catalog.int8), '[]') FROM pg_catalog.pg_index i \
             JOIN pg_catalog.pg_class c ON i.indrelid IN (c.oid, c.reltoastrelid) \
             WHERE c.oid::text = pg_catalog.current_setting('belay.table'))";
        const TABLE: &str = "NULLIF(pg_catalog.current_setting('belay.table'), '')::pg_catalog.int8";
        let (statement, progress) = back;
        let back = format!("pg_catalog.jsonb_build_array({statement}, '{progress}')");
        let of_index = |leaves: &str, name: &str| {
            format!(
                "pg_catalog.jsonb_build_object('leaves', '{leaves}', 'back', {back}, 'table', {TABLE}, 'name', {name}, 'indexes', {INDEXES})"
            )
        };
        match self {
            Self::Nothing => format!("pg_catalog.jsonb_build_object('leaves', 'nothing', 'back', {back})"),
            Self::Index { name: Some(name), .. } => of_index(
                "index",
                &format!("(pg_catalog.parse_ident({}))[1]::pg_catalog.name", quote_literal(name)),
            ),
            Self::Index { name: None, .. } => of_index("index", "NULL::text"),
            Self::Twins { .. } | Self::Twin { .. } => of_index("twins", "NULL::text"),
            Self::Gone { .. } => {
                format!("pg_catalog.jsonb_build_object('leaves', 'gone', 'back', {back}, 'table', {TABLE})")
            }
            Self::Unknown => "NULL".to_owned(),
        }
    }
}

/// The tokens of a statement that say something.
struct Tokens<'a> {
    left: std::iter::Peekable<std::vec::IntoIter<(TokenKind, &'a str)>>,
    all: Vec<(TokenKind, &'a str)>,
}

impl<'a> Tokens<'a> {
    fn of(sql: &'a str) -> Self {
        let mut at = 0;
        let mut all = Vec::new();
        for token in tokenize(sql) {
            let end = at + token.len as usize;
            if !matches!(
                token.kind,
                TokenKind::Whitespace | TokenKind::LineComment | TokenKind::BlockComment { .. }
            ) {
                all.push((token.kind, sql.get(at..end).unwrap_or_default()));
            }
            at = end;
        }
        Self {
            left: all.clone().into_iter().peekable(),
            all,
        }
    }

    /// Whether the statement begins with these words; then it goes on behind them.
    fn words(&mut self, words: &[&str]) -> bool {
        let begins = words.len() <= self.all.len()
            && words
                .iter()
                .zip(&self.all)
                .all(|(word, (kind, text))| *kind == TokenKind::Ident && text.eq_ignore_ascii_case(word));
        if begins {
            self.left = self.all.split_off(words.len()).into_iter().peekable();
        }
        begins
    }

    /// The next word, in upper case, if one is next.
    fn word(&mut self) -> Option<String> {
        let (_, text) = self.left.next_if(|(kind, _)| *kind == TokenKind::Ident)?;
        Some(text.to_ascii_uppercase())
    }

    /// Whether this word is next; then it goes on behind it.
    fn is_next(&mut self, word: &str) -> bool {
        self.left
            .next_if(|(kind, text)| *kind == TokenKind::Ident && text.eq_ignore_ascii_case(word))
            .is_some()
    }

    /// One part of a name, as it is written. What is written with `U&` is none.
    fn part(&mut self) -> Option<&'a str> {
        let is_name = |kind: &TokenKind, text: &str| match kind {
            TokenKind::Ident => true,
            TokenKind::QuotedIdent { .. } => text.starts_with('"'),
            _ => false,
        };
        self.left
            .next_if(|(kind, text)| is_name(kind, text))
            .map(|(_, text)| text)
    }

    /// A name with its schema, as it is written.
    fn name(&mut self) -> Option<String> {
        let mut name = self.part()?.to_owned();
        while self.left.next_if(|(kind, _)| *kind == TokenKind::Dot).is_some() {
            name.push('.');
            name.push_str(self.part()?);
        }
        Some(name)
    }

    /// Behind CREATE INDEX CONCURRENTLY: `[[IF NOT EXISTS] name] ON [ONLY] table`.
    fn created(&mut self) -> Option<Residue> {
        let mut name = None;
        if !self.is_next("ON") {
            if self.is_next("IF") && !(self.is_next("NOT") && self.is_next("EXISTS")) {
                return None;
            }
            name = Some(self.part()?.to_owned());
            if !self.is_next("ON") {
                return None;
            }
        }
        let _ = self.is_next("ONLY");
        Some(Residue::Index {
            table: self.name()?,
            name,
        })
    }

    /// Behind DROP INDEX CONCURRENTLY: `[IF EXISTS] name`.
    fn dropped(&mut self) -> Option<Residue> {
        if self.is_next("IF") && !self.is_next("EXISTS") {
            return None;
        }
        Some(Residue::Gone { index: self.name()? })
    }

    /// Behind REINDEX: `[(options)] what [CONCURRENTLY] name`.
    fn rebuilt(&mut self) -> Option<Residue> {
        let mut concurrently = false;
        if self.left.next_if(|(kind, _)| *kind == TokenKind::OpenParen).is_some() {
            // `(CONCURRENTLY false)` is rare enough to be called concurrent: nothing is found then.
            for (kind, text) in self.left.by_ref() {
                concurrently |= kind == TokenKind::Ident && text.eq_ignore_ascii_case("CONCURRENTLY");
                if kind == TokenKind::CloseParen {
                    break;
                }
            }
        }
        let what = self.word()?;
        concurrently |= self.is_next("CONCURRENTLY");
        match what.as_str() {
            _ if !concurrently => Some(Residue::Nothing),
            "TABLE" => Some(Residue::Twins { table: self.name()? }),
            "INDEX" => Some(Residue::Twin { index: self.name()? }),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn l2_what_a_statement_may_leave_is_told_by_its_kind() {
        let index = |table: &str, name: Option<&str>| Residue::Index {
            table: table.to_owned(),
            name: name.map(str::to_owned),
        };
        let twins = |table: &str| Residue::Twins {
            table: table.to_owned(),
        };
        for (sql, expected) in [
            ("CREATE INDEX CONCURRENTLY i ON t (a)", index("t", Some("i"))),
            (
                "create unique index concurrently if not exists \"I\" on only /* x */ \"S\".\"t.u\" using btree (a)",
                index("\"S\".\"t.u\"", Some("\"I\"")),
            ),
            ("CREATE INDEX CONCURRENTLY ON s . t (a)", index("s.t", None)),
            ("CREATE INDEX CONCURRENTLY \"on\" ON t (a)", index("t", Some("\"on\""))),
            ("CREATE INDEX CONCURRENTLY U&\"d\\0061\" ON t (a)", Residue::Unknown),
            ("REINDEX TABLE CONCURRENTLY t", twins("t")),
            ("REINDEX (VERBOSE, CONCURRENTLY) TABLE s.t", twins("s.t")),
            (
                "REINDEX INDEX CONCURRENTLY s.i",
                Residue::Twin {
                    index: "s.i".to_owned(),
                },
            ),
            ("REINDEX SCHEMA CONCURRENTLY s", Residue::Unknown),
            ("REINDEX (VERBOSE) SCHEMA s", Residue::Nothing),
            ("VACUUM (ANALYZE) t", Residue::Nothing),
            ("CLUSTER", Residue::Nothing),
            (
                "DROP INDEX CONCURRENTLY IF EXISTS s.\"I\" CASCADE",
                Residue::Gone {
                    index: "s.\"I\"".to_owned(),
                },
            ),
            ("CREATE DATABASE d", Residue::Unknown),
            ("CALL p()", Residue::Unknown),
            ("", Residue::Unknown),
        ] {
            assert_eq!(Residue::of(sql), expected, "{sql}");
        }
    }
}
