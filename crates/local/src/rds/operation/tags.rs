//! Tags, and which ones nobody but AWS gives.

use serde_json::Value;

use crate::rds::refusal::Refusal;

/// A stack's own tags on what it made begin with `aws:`. RDS shows them, and refuses them in a request.
const RESERVED: [&str; 2] = ["aws:", "rds:"];

/// Whether RDS takes the tags of a request.
pub(super) fn check(tags: Option<&Value>) -> Result<(), Refusal> {
    for tag in list(tags) {
        let [key, value] = ["Key", "Value"].map(|part| tag[part].as_str().unwrap_or_default());
        if is_reserved(&tag) {
            let message = format!("Tag keys cannot start with the reserved prefix: {key}");
            return Err(Refusal::value(message));
        }
        let fits = |text: &str, longest: usize| {
            let known = |c: char| c.is_alphanumeric() || c.is_whitespace() || "_.:/=+-@".contains(c);
            text.chars().count() <= longest && text.chars().all(known)
        };
        if key.is_empty() || !fits(key, 128) || !fits(value, 256) {
            let message = format!(
                "Tags may only contain unicode letters, digits, whitespace, or one of these symbols: \
                 _ . : / = + - @, and not {key}={value}"
            );
            return Err(Refusal::value(message));
        }
    }
    Ok(())
}

/// Tags with more; of two with the same key the later stays.
pub(super) fn with(tags: Option<&Value>, more: Option<&Value>) -> Value {
    let more = list(more);
    let mut all = list(tags);
    all.retain(|tag| more.iter().all(|new| new.get("Key") != tag.get("Key")));
    all.extend(more);
    Value::Array(all)
}

/// The tags that go along when RDS copies tags by itself.
pub(super) fn copied(tags: Option<&Value>) -> Value {
    let mut all = list(tags);
    all.retain(|tag| !is_reserved(tag));
    Value::Array(all)
}

fn is_reserved(tag: &Value) -> bool {
    let key = tag["Key"].as_str().unwrap_or_default().to_lowercase();
    RESERVED.iter().any(|prefix| key.starts_with(prefix))
}

fn list(tags: Option<&Value>) -> Vec<Value> {
    tags.and_then(Value::as_array).cloned().unwrap_or_default()
}
