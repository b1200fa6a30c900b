//! Values that are somewhere else: in an environment variable, or in a vault.

use serde_json::Value;

/// What a value refers to, if it refers to anything: `${NAME}` in a `.conf`, `${env.NAME}`, `${vault.KEY}` and so on in
/// a `.toml`.
pub(super) fn of(value: &Value, is_toml: bool) -> Option<&str> {
    match value {
        Value::String(text) => in_text(text, is_toml),
        Value::Array(items) => items.iter().find_map(|item| of(item, is_toml)),
        _ => None,
    }
}

fn in_text(text: &str, is_toml: bool) -> Option<&str> {
    let mut rest = text;
    while let Some((_, behind)) = rest.split_once("${") {
        let (name, _) = behind.split_once('}')?;
        if is_reference(name, is_toml) {
            return Some(name);
        }
        rest = behind;
    }
    None
}

fn is_reference(name: &str, is_toml: bool) -> bool {
    let is_word =
        |word: &str| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    match is_toml {
        false => is_word(name),
        true => name
            .split_once('.')
            .is_some_and(|(resolver, key)| is_word(resolver) && !key.is_empty()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn s14_a_value_that_is_somewhere_else() {
        for (value, is_toml, found) in [
            (json!("${SCHEMA}"), false, Some("SCHEMA")),
            (json!("a_${SCHEMA}_b"), false, Some("SCHEMA")),
            (json!("${"), false, None),
            (json!("${a${B}"), false, Some("B")),
            (json!("${flyway:user}"), false, None),
            (json!("${env.SCHEMA}"), false, None),
            (json!("${env.SCHEMA}"), true, Some("env.SCHEMA")),
            (json!(["a", "${vault.x}"]), true, Some("vault.x")),
            (json!("${SCHEMA}"), true, None),
            (json!("${flyway:user}"), true, None),
            (json!(true), true, None),
        ] {
            assert_eq!(of(&value, is_toml), found, "{value}");
        }
    }
}
