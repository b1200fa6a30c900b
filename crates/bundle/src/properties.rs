//! Files of `key=value`, as Flyway reads them: `flyway.conf` and `<script>.conf`.

/// A key with its value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Property {
    pub(crate) key: String,
    pub(crate) value: String,
    /// Where it begins, counted from 1.
    pub(crate) line: u32,
}

/// Every property, in order.
///
/// Flyway trims each line and takes every backslash as one, but at the end of a line: there it joins the next, unless
/// that is empty or begins with a key of its own. `#` and `!` begin comments. Key and value are separated by `=`, `:`
/// or blanks.
pub(crate) fn read(text: &str) -> Vec<Property> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text).replace("\r\n", "\n");
    let mut lines = (1..).zip(text.split(['\n', '\r']).map(trim)).peekable();
    let mut properties = Vec::new();
    while let Some((line, first)) = lines.next() {
        if first.is_empty() || first.starts_with(['#', '!']) {
            continue;
        }
        let mut whole = first.to_owned();
        while whole.ends_with('\\')
            && let Some((_, next)) = lines.next_if(|(_, next)| goes_on(next))
        {
            whole.pop();
            whole.push_str(next);
        }
        let (key, value) = split(&whole);
        properties.push(Property {
            key: key.to_owned(),
            value: value.to_owned(),
            line,
        });
    }
    properties
}

/// As Java trims: no other blanks.
fn trim(line: &str) -> &str {
    line.trim_matches(|c: char| c <= ' ')
}

/// Whether a line that comes after a backslash belongs to the one before.
fn goes_on(next: &str) -> bool {
    let is_key = next.starts_with("flyway.") && next.contains('=');
    let is_condition = next.contains("==") || next.contains("!=");
    !next.is_empty() && (!is_key || is_condition)
}

fn split(whole: &str) -> (&str, &str) {
    let is_blank = |c: char| matches!(c, ' ' | '\t' | '\u{c}');
    let end = whole
        .find(|c: char| is_blank(c) || matches!(c, '=' | ':'))
        .unwrap_or(whole.len());
    let (key, rest) = whole.split_at(end);
    let rest = rest.trim_start_matches(is_blank);
    let rest = rest.strip_prefix(['=', ':']).unwrap_or(rest);
    (key, rest.trim_start_matches(is_blank))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What Flyway 9.22.3 and 13.12.0 read.
    #[test]
    fn s14_properties_as_flyway_reads_them() {
        for (text, expected) in [
            ("a=b", vec![("a", "b", 1)]),
            (
                "\u{feff}a=b\r\nc : d\re f\n",
                vec![("a", "b", 1), ("c", "d", 2), ("e", "f", 3)],
            ),
            ("  # no\n!no\n\n a = b = c ", vec![("a", "b = c", 4)]),
            ("a", vec![("a", "", 1)]),
            ("a=", vec![("a", "", 1)]),
            ("a=b,\\\n   c,\\\n d\ne=f", vec![("a", "b,c,d", 1), ("e", "f", 4)]),
            (
                "flyway.a=C:\\x\\\nflyway.b=c",
                vec![("flyway.a", "C:\\x\\", 1), ("flyway.b", "c", 2)],
            ),
            ("a=b\\\n\nc=d", vec![("a", "b\\", 1), ("c", "d", 3)]),
            ("a=b\\", vec![("a", "b\\", 1)]),
            ("a=b\\   \n c", vec![("a", "bc", 1)]),
            ("#x\\\na=b", vec![("a", "b", 2)]),
            ("x y=z", vec![("x", "y=z", 1)]),
            ("a==b", vec![("a", "=b", 1)]),
            ("k = v # w", vec![("k", "v # w", 1)]),
            ("a=\\u0041\\t", vec![("a", "\\u0041\\t", 1)]),
            (
                "shouldExecute=A==B || \\\n flyway.x==C",
                vec![("shouldExecute", "A==B || flyway.x==C", 1)],
            ),
            ("", vec![]),
        ] {
            let read = read(text);
            let found: Vec<_> = read
                .iter()
                .map(|one| (one.key.as_str(), one.value.as_str(), one.line))
                .collect();
            assert_eq!(found, expected, "{text:?}");
        }
    }
}
