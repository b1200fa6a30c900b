//! A file's statements, as PostgreSQL's own scanner and grammar would split them.
//!
//! The server still does the splitting of what is sent whole. This is for what must be known before: whether a file can
//! be in a transaction of ours, and which statement an error belongs to.

use std::ops::Range;

use squawk_lexer::{LiteralKind, TokenKind, tokenize};

use crate::classify::{Nature, StatementKind};
use crate::copy;

/// One statement of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Statement {
    /// The first byte of its first word.
    pub(crate) start: usize,
    /// The byte after its last token, without the semicolon.
    pub(crate) end: usize,
    /// What matters of it.
    pub(crate) nature: Nature,
    /// The bytes of the data below it, if it is a `COPY … FROM STDIN`.
    pub(crate) data: Option<Range<usize>>,
}

/// A statement that has begun: its words and signs outside parentheses, in upper case, up to [`WORDS`].
struct Begun {
    start: usize,
    end: usize,
    words: Vec<String>,
    last_word: String,
}

/// How many words of a statement are looked at: enough to tell its kind.
const WORDS: usize = 24;

/// What makes a text no sequence of statements.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum SplitError {
    /// A quote or comment that does not end.
    #[error("{what} is not closed")]
    Unterminated {
        /// What is open.
        what: &'static str,
        /// Where it begins, in bytes.
        at: usize,
    },
    /// A string that PostgreSQL continues on the next line with backslash escapes, which the lexer doesn't.
    #[error("an escape string is continued on another line with backslashes; write it as one string")]
    Continued {
        /// Where the continuation begins, in bytes.
        at: usize,
    },
    /// A `COPY … FROM STDIN` whose data can't be told from the rest.
    #[error("{what}")]
    Copy {
        /// What is wrong.
        what: &'static str,
        /// Where the statement begins, in bytes.
        at: usize,
    },
}

impl SplitError {
    /// Where, in bytes.
    pub(crate) fn at(self) -> usize {
        match self {
            Self::Unterminated { at, .. } | Self::Continued { at } | Self::Copy { at, .. } => at,
        }
    }
}

/// Splits a text into statements. Empty ones are dropped, as the server does.
///
/// A semicolon ends a statement outside parentheses and outside the body of a `BEGIN ATOMIC … END` function. The data
/// below a `COPY … FROM STDIN` is not looked at.
pub(crate) fn split(sql: &str) -> Result<Vec<Statement>, SplitError> {
    let mut splitter = Splitter {
        sql,
        ..Splitter::default()
    };
    let mut at = 0;
    while at < sql.len() {
        at = splitter.up_to_data(at)?;
    }
    splitter.finish();
    match splitter.awaits_data() {
        Some(copy) => Err(SplitError::Copy {
            what: copy::NO_SEMICOLON,
            at: copy.start,
        }),
        None => Ok(splitter.done),
    }
}

#[derive(Default)]
struct Splitter<'a> {
    sql: &'a str,
    done: Vec<Statement>,
    current: Option<Begun>,
    parens: usize,
    /// Open `BEGIN ATOMIC` and `CASE` blocks of a function's body.
    blocks: usize,
    /// An escape string was the last token but for white space with a line end.
    after_escape: AfterEscape,
}

#[derive(Default, Clone, Copy, PartialEq, Eq)]
enum AfterEscape {
    #[default]
    No,
    Yes,
    OnANewLine,
}

impl Splitter<'_> {
    /// Splits from here to the next data or to the end: the byte to go on from.
    fn up_to_data(&mut self, from: usize) -> Result<usize, SplitError> {
        let sql = self.sql;
        let mut at = from;
        for token in tokenize(sql.get(from..).unwrap_or_default()) {
            let end = at + token.len as usize;
            self.token(token.kind, at, end)?;
            at = end;
            if let Some(copy) = self.awaits_data() {
                let wrong = |what| SplitError::Copy { what, at: copy.start };
                let (data, next) = copy::below(sql, at).map_err(wrong)?;
                copy.data = Some(data);
                return Ok(next);
            }
        }
        Ok(sql.len())
    }

    /// The statement that has just ended, if data must follow it.
    fn awaits_data(&mut self) -> Option<&mut Statement> {
        self.done
            .last_mut()
            .filter(|last| last.nature.kind == StatementKind::CopyFromStdin && last.data.is_none())
    }

    fn token(&mut self, kind: TokenKind, at: usize, end: usize) -> Result<(), SplitError> {
        if let Some(what) = unterminated(kind) {
            return Err(SplitError::Unterminated { what, at });
        }
        let text = self.sql.get(at..end).unwrap_or_default();
        self.check_continuation(kind, at, text)?;
        match kind {
            TokenKind::Whitespace | TokenKind::LineComment | TokenKind::BlockComment { .. } | TokenKind::Eof => {}
            TokenKind::Semi if self.parens == 0 && self.blocks == 0 => self.finish(),
            _ => self.extend(kind, text, at, end),
        }
        Ok(())
    }

    fn extend(&mut self, kind: TokenKind, text: &str, at: usize, end: usize) {
        let statement = self.current.get_or_insert_with(|| Begun {
            start: at,
            end,
            words: Vec::new(),
            last_word: String::new(),
        });
        statement.end = end;
        match kind {
            TokenKind::OpenParen => self.parens += 1,
            TokenKind::CloseParen => self.parens = self.parens.saturating_sub(1),
            _ if self.parens > 0 && self.blocks == 0 => {}
            _ => {
                let word = text.to_ascii_uppercase();
                if kind == TokenKind::Ident && statement.words.first().is_some_and(|first| first == "CREATE") {
                    let atomic = word == "ATOMIC" && statement.last_word == "BEGIN";
                    let case = word == "CASE" && self.blocks > 0;
                    if atomic || case {
                        self.blocks += 1;
                    } else if word == "END" {
                        self.blocks = self.blocks.saturating_sub(1);
                    }
                }
                if statement.words.len() < WORDS {
                    statement.words.push(word.clone());
                }
                statement.last_word = word;
            }
        }
    }

    fn finish(&mut self) {
        self.parens = 0;
        self.blocks = 0;
        self.done.extend(self.current.take().map(|begun| {
            let words: Vec<&str> = begun.words.iter().map(String::as_str).collect();
            let nature = Nature::of(&words, &begun.last_word);
            Statement {
                start: begun.start,
                end: begun.end,
                nature,
                data: None,
            }
        }));
    }

    /// PostgreSQL joins strings with a line end between them, and goes on with the escapes of the first.
    fn check_continuation(&mut self, kind: TokenKind, at: usize, text: &str) -> Result<(), SplitError> {
        self.after_escape = match (kind, self.after_escape) {
            (
                TokenKind::Literal {
                    kind: LiteralKind::EscStr { .. },
                },
                _,
            ) => AfterEscape::Yes,
            (
                TokenKind::Literal {
                    kind: LiteralKind::Str { .. },
                },
                AfterEscape::OnANewLine,
            ) if text.contains('\\') => {
                return Err(SplitError::Continued { at });
            }
            (
                TokenKind::Literal {
                    kind: LiteralKind::Str { .. },
                },
                AfterEscape::OnANewLine,
            ) => AfterEscape::Yes,
            (TokenKind::Whitespace, AfterEscape::Yes) if text.contains(['\n', '\r']) => AfterEscape::OnANewLine,
            (TokenKind::Whitespace | TokenKind::LineComment, state) => state,
            _ => AfterEscape::No,
        };
        Ok(())
    }
}

fn unterminated(kind: TokenKind) -> Option<&'static str> {
    use LiteralKind::{BitStr, ByteStr, DollarQuotedString, EscStr, NationalStr, Str, UnicodeEscStr};
    match kind {
        TokenKind::BlockComment { terminated: false } => Some("a comment"),
        TokenKind::QuotedIdent { terminated: false, .. } => Some("a quoted name"),
        TokenKind::Literal {
            kind: DollarQuotedString { terminated: false },
        } => Some("a dollar-quoted string"),
        TokenKind::Literal {
            kind:
                Str { terminated: false }
                | NationalStr { terminated: false }
                | ByteStr { terminated: false }
                | BitStr { terminated: false }
                | UnicodeEscStr { terminated: false }
                | EscStr { terminated: false },
        } => Some("a string"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn texts(sql: &str) -> Vec<&str> {
        split(sql)
            .unwrap_or_else(|e| panic!("{e}: {sql}"))
            .into_iter()
            .map(|s| &sql[s.start..s.end])
            .collect()
    }

    #[test]
    fn statements_are_split_as_the_server_splits_them() {
        for (sql, expected) in [
            ("", vec![]),
            (";; ; -- nothing\n", vec![]),
            ("SELECT 1", vec!["SELECT 1"]),
            ("SELECT 1;;SELECT 2; -- end", vec!["SELECT 1", "SELECT 2"]),
            ("/* a; /* b; */ c; */ SELECT ';' ; x", vec!["SELECT ';'", "x"]),
            (
                "SELECT $$;$$; SELECT $a$ $$;$$ ; $a$;y",
                vec!["SELECT $$;$$", "SELECT $a$ $$;$$ ; $a$", "y"],
            ),
            ("SELECT E'a\\';b'; z", vec!["SELECT E'a\\';b'", "z"]),
            ("SELECT 'a\\'; z", vec!["SELECT 'a\\'", "z"]),
            ("SELECT \"a;\"\"b\"; z", vec!["SELECT \"a;\"\"b\"", "z"]),
            (
                "CREATE RULE r AS ON INSERT TO t DO (SELECT 1; SELECT 2); z",
                vec!["CREATE RULE r AS ON INSERT TO t DO (SELECT 1; SELECT 2)", "z"],
            ),
            (
                "CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT CASE WHEN true THEN 1 END; SELECT 2; END; z",
                vec![
                    "CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT CASE WHEN true THEN 1 END; SELECT 2; END",
                    "z",
                ],
            ),
            ("SELECT $1; z$;$", vec!["SELECT $1", "z$", "$"]),
        ] {
            assert_eq!(texts(sql), expected, "{sql}");
        }
    }

    #[test]
    fn what_is_below_a_copy_is_not_sql() {
        let sql =
            "SELECT 1;\nCOPY t (a) FROM STDIN;\n'it; /* $$ \"\n\\.\nCOPY u FROM STDIN;\n\\.\n;; SELECT ';' -- end";
        assert_eq!(
            texts(sql),
            ["SELECT 1", "COPY t (a) FROM STDIN", "COPY u FROM STDIN", "SELECT ';'"]
        );
        let data: Vec<Option<&str>> = split(sql)
            .unwrap()
            .into_iter()
            .map(|s| s.data.map(|data| &sql[data]))
            .collect();
        assert_eq!(data, [None, Some("'it; /* $$ \"\n"), Some(""), None]);
    }

    #[test]
    fn a_copy_without_its_data_is_refused_where_it_begins() {
        for (sql, at) in [
            ("SELECT 1; COPY t FROM STDIN", 10),
            ("SELECT 1; COPY t FROM STDIN;", 10),
            ("COPY t FROM STDIN\n1\n\\.\n", 0),
            ("COPY t FROM STDIN;\n1\n\\.\nCOPY u FROM STDIN;\n1\n", 24),
        ] {
            assert!(
                matches!(split(sql), Err(SplitError::Copy { at: found, .. }) if found == at),
                "{sql}"
            );
        }
    }

    #[test]
    fn what_does_not_end_is_refused_where_it_begins() {
        for (sql, at) in [
            ("SELECT 'a", 7),
            ("x; /* /* */", 3),
            ("SELECT $a$ $$", 7),
            ("é \"a", 3),
            ("SELECT E'\\'", 7),
        ] {
            assert_eq!(split(sql).map_err(SplitError::at), Err(at), "{sql}");
        }
        assert!(matches!(
            split("SELECT E'a'\n'b\\'c'"),
            Err(SplitError::Continued { at: 12 })
        ));
        assert_eq!(texts("SELECT E'a'\n'b'; z").len(), 2);
    }

    proptest! {
        #[test]
        fn any_data_is_cut_out_as_it_is(lines in prop::collection::vec("[^\n]{0,12}", 0..8)) {
            prop_assume!(lines.iter().all(|line| line.trim_matches(|c| c <= ' ') != "\\."));
            let data: String = lines.iter().map(|line| format!("{line}\n")).collect();
            let sql = format!("SELECT 1; COPY t FROM STDIN;\n{data}\\.\nSELECT 2");
            let statements = split(&sql).unwrap();
            prop_assert_eq!(statements.len(), 3);
            prop_assert_eq!(&sql[statements[1].data.clone().unwrap()], data.as_str());
            prop_assert_eq!(&sql[statements[2].start..statements[2].end], "SELECT 2");
        }

        #[test]
        fn any_text_is_split_without_panic_into_ranges_that_are_its_own(sql in "[a-zA-Z'\"$;()/*\\\\ \n-é]{0,60}") {
            for statement in split(&sql).unwrap_or_default() {
                prop_assert!(sql.get(statement.start..statement.end).is_some_and(|text| !text.is_empty()));
            }
        }
    }
}
