//! Text from outside, made harmless.

/// The most characters of one piece of text. What is longer is in the result object.
const MOST: usize = 4_000;

/// One line: no control characters, nothing that reorders text or can't be seen.
pub(crate) fn line(text: &str) -> String {
    let line: String = text
        .chars()
        .take(MOST)
        .filter_map(|c| match c {
            '\n' | '\r' | '\t' | '\u{2028}' | '\u{2029}' => Some(' '),
            c if c.is_control() || is_invisible(c) => None,
            c => Some(c),
        })
        .collect();
    line.trim().to_owned()
}

/// Several lines, each as [`line`], without empty ones at the end.
pub(crate) fn lines(text: &str) -> Vec<String> {
    let mut lines: Vec<_> = text.lines().take(200).map(line).collect();
    while lines.last().is_some_and(String::is_empty) {
        lines.pop();
    }
    lines
}

/// For a POSIX shell: one word, whatever is in it.
pub(crate) fn shell_word(text: &str) -> String {
    let plain = !text.is_empty()
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"-_./:=@%+,".contains(&b));
    if plain {
        return text.to_owned();
    }
    format!("'{}'", line(text).replace('\'', r"'\''"))
}

/// `1 row`, `104,233 rows`.
pub(crate) fn amount(number: u64, one: &str, many: &str) -> String {
    let noun = if number == 1 { one } else { many };
    format!("{} {noun}", thousands(number))
}

/// `104,233`.
pub(crate) fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

fn is_invisible(c: char) -> bool {
    matches!(
        c,
        '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}'
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_hidden_is_left() {
        assert_eq!(line("a\u{1b}[31mb\r\nc\u{202e}d\u{200b}\u{0}"), "a[31mb  cd");
        assert_eq!(lines("a\nb\u{7}\n\n"), ["a", "b"]);
        assert_eq!(line(&"x".repeat(10_000)).len(), MOST);
    }

    #[test]
    fn numbers_are_for_people() {
        for (number, text) in [
            (0, "0 rows"),
            (1, "1 row"),
            (999, "999 rows"),
            (1_000, "1,000 rows"),
            (104_233, "104,233 rows"),
            (u64::MAX, "18,446,744,073,709,551,615 rows"),
        ] {
            assert_eq!(amount(number, "row", "rows"), text);
        }
    }

    #[test]
    fn a_word_for_the_shell_is_one_word() {
        for (text, word) in [
            ("arn:aws:states:eu-west-1:1:x", "arn:aws:states:eu-west-1:1:x"),
            ("a b", "'a b'"),
            ("it's $(x)", r"'it'\''s $(x)'"),
            ("", "''"),
        ] {
            assert_eq!(shell_word(text), word);
        }
    }
}
