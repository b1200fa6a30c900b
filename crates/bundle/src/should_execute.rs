//! Whether the condition of a script holds.

/// A condition that can't be read. It never shows the condition, in which a secret may have been replaced.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "shouldExecute can't be read at character {at}: {expected}; it is true, false, A==B or A!=B, joined by && and || \
     and grouped by parentheses"
)]
pub struct ShouldExecuteError {
    /// Counted in characters from 1.
    pub at: usize,
    /// What should be there.
    pub expected: &'static str,
}

/// Whether a `shouldExecute` of Flyway's holds, once its placeholders are replaced: `true`, `false`, `A==B` or `A!=B`,
/// joined by `&&` (which binds more) and `||`, and grouped by parentheses. Blanks around texts do not count, nor does
/// the case of `true` and `false`.
///
/// # Errors
/// If it is anything else.
pub fn should_execute(expression: &str) -> Result<bool, ShouldExecuteError> {
    let tokens = tokens(expression);
    let mut reader = Reader {
        tokens: &tokens,
        end: expression.chars().count() + 1,
        next: 0,
        depth: 0,
    };
    let holds = reader.either()?;
    match reader.peek() {
        None => Ok(holds),
        Some(_) => Err(reader.expected("&&, || or the end")),
    }
}

/// Parentheses in parentheses: more are nobody's intention.
const DEEPEST: usize = 100;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Token<'a> {
    Open,
    Close,
    And,
    Or,
    Equal,
    Unequal,
    Text(&'a str),
}

/// The tokens with their places.
fn tokens(expression: &str) -> Vec<(usize, Token<'_>)> {
    const SIGNS: [(&str, Token<'_>); 6] = [
        ("(", Token::Open),
        (")", Token::Close),
        ("&&", Token::And),
        ("||", Token::Or),
        ("==", Token::Equal),
        ("!=", Token::Unequal),
    ];
    let mut tokens = Vec::new();
    let (mut rest, mut at) = (expression, 1);
    while !rest.is_empty() {
        let sign = |text: &str| SIGNS.into_iter().find(|(sign, _)| text.starts_with(sign));
        let (length, token) = match sign(rest) {
            Some((sign, token)) => (sign.len(), Some(token)),
            None => {
                let end = rest
                    .char_indices()
                    .find(|(at, _)| sign(rest.get(*at..).unwrap_or_default()).is_some());
                let (text, _) = rest.split_at(end.map_or(rest.len(), |(at, _)| at));
                let token = Some(text.trim()).filter(|text| !text.is_empty()).map(Token::Text);
                (text.len(), token)
            }
        };
        let (taken, behind) = rest.split_at(length);
        tokens.extend(token.map(|token| (at, token)));
        at += taken.chars().count();
        rest = behind;
    }
    tokens
}

struct Reader<'a> {
    tokens: &'a [(usize, Token<'a>)],
    end: usize,
    next: usize,
    depth: usize,
}

impl<'a> Reader<'a> {
    fn peek(&self) -> Option<Token<'a>> {
        self.tokens.get(self.next).map(|(_, token)| *token)
    }

    fn take(&mut self, token: Token<'_>) -> bool {
        let found = self.peek() == Some(token);
        self.next += usize::from(found);
        found
    }

    fn text(&mut self) -> Option<&'a str> {
        match self.peek()? {
            Token::Text(text) => {
                self.next += 1;
                Some(text)
            }
            _ => None,
        }
    }

    fn expected(&self, expected: &'static str) -> ShouldExecuteError {
        ShouldExecuteError {
            at: self.tokens.get(self.next).map_or(self.end, |(at, _)| *at),
            expected,
        }
    }

    fn either(&mut self) -> Result<bool, ShouldExecuteError> {
        let mut holds = self.both()?;
        while self.take(Token::Or) {
            holds |= self.both()?;
        }
        Ok(holds)
    }

    fn both(&mut self) -> Result<bool, ShouldExecuteError> {
        let mut holds = self.one()?;
        while self.take(Token::And) {
            holds &= self.one()?;
        }
        Ok(holds)
    }

    fn one(&mut self) -> Result<bool, ShouldExecuteError> {
        if self.take(Token::Open) {
            self.depth += 1;
            if self.depth > DEEPEST {
                return Err(self.expected("fewer parentheses"));
            }
            let holds = self.either()?;
            self.depth -= 1;
            return match self.take(Token::Close) {
                true => Ok(holds),
                false => Err(self.expected("a closing parenthesis")),
            };
        }
        let before = self.next;
        // What a placeholder was replaced by may be empty.
        let left = self.text();
        if self.take(Token::Equal) {
            return Ok(left.unwrap_or_default() == self.text().unwrap_or_default());
        }
        if self.take(Token::Unequal) {
            return Ok(left.unwrap_or_default() != self.text().unwrap_or_default());
        }
        match left {
            Some(word) if word.eq_ignore_ascii_case("true") => Ok(true),
            Some(word) if word.eq_ignore_ascii_case("false") => Ok(false),
            _ => {
                self.next = before;
                Err(self.expected("true, false or a comparison"))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn s8_a_condition_holds_or_does_not() {
        for (expression, holds) in [
            ("true", true),
            ("False", false),
            (" TRUE ", true),
            ("a==a", true),
            ("a == b", false),
            ("a!=b", true),
            ("a b != a  b", true),
            ("==", true),
            ("== a", false),
            ("a !=", true),
            ("true && false || true", true),
            ("true || true && false", true),
            ("(true || true) && false", false),
            ("((a==b) || (c!=d)) && true", true),
            ("a=b == a=b", true),
            ("prod==prod&&(eu-west-1==us-east-1||eu-west-1==eu-west-1)", true),
            ("é==é", true),
        ] {
            assert_eq!(should_execute(expression), Ok(holds), "{expression}");
        }
    }

    #[test]
    fn s8_any_other_condition_is_an_error_that_says_where() {
        for (expression, at) in [
            ("", 1),
            ("yes", 1),
            ("true &&", 8),
            ("true && yes", 8),
            ("(true", 6),
            ("true)", 5),
            ("a==b==c", 5),
            ("true true", 1),
            ("é && true", 1),
            ("()", 2),
        ] {
            assert_eq!(
                should_execute(expression).map_err(|error| error.at),
                Err(at),
                "{expression}"
            );
        }
        assert!(should_execute(&"(".repeat(100_000)).is_err());
        let secret = should_execute("hunter2 &&").unwrap_err();
        assert!(!format!("{secret:?} {secret}").contains("hunter2"));
    }

    proptest! {
        #[test]
        fn it_never_panics(expression in "[a-c()&|=! ]{0,30}|\\PC{0,20}") {
            drop(should_execute(&expression));
        }
    }
}
