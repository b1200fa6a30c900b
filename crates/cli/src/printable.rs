//! Text from outside (SQL, file names, what a server says), made harmless for a terminal.

/// The text without what could move the cursor, colour, reorder or hide: each such character is shown as one `�`, so that
/// columns stay where they are.
pub(crate) fn printable(text: &str) -> String {
    text.chars()
        .map(|c| match c {
            '\n' | '\t' => c,
            c if c.is_control() || is_invisible(c) => '\u{fffd}',
            c => c,
        })
        .collect()
}

fn is_invisible(c: char) -> bool {
    matches!(
        c,
        '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}'
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_moves_or_hides() {
        assert_eq!(
            printable("a\u{1b}[2Jb\u{202e}c\r\n\té"),
            "a\u{fffd}[2Jb\u{fffd}c\u{fffd}\n\té"
        );
    }
}
