//! Flyway's spelling of a command line, `flyway -url=… -outOfOrder=true migrate`, in this program's own.

use std::ffi::OsString;

/// The line with each `-KEY=VALUE` as an option, behind the command. Everything else stays as it is.
pub(crate) fn translated(line: impl Iterator<Item = OsString>) -> Vec<OsString> {
    let mut translated = Vec::new();
    let mut before_command = Vec::new();
    let mut command = false;
    for (number, word) in line.enumerate() {
        match word.to_str().and_then(option) {
            Some(option) if command => translated.push(option),
            Some(option) => before_command.push(option),
            None => {
                let is_command = number > 0 && !command && !word.to_string_lossy().starts_with('-');
                translated.push(word);
                if is_command {
                    command = true;
                    translated.append(&mut before_command);
                }
            }
        }
    }
    translated.append(&mut before_command);
    translated
}

/// `-KEY=VALUE` as an option of this program; nothing if the word is not of that form.
fn option(word: &str) -> Option<OsString> {
    let (key, value) = word.strip_prefix('-')?.split_once('=')?;
    let is_key = key.len() > 1 && key.starts_with(|c: char| c.is_ascii_lowercase());
    if !is_key
        || !key
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-'))
    {
        return None;
    }
    Some(OsString::from(match key {
        "url" | "user" | "password" => format!("--{key}={value}"),
        "outputType" => format!("--format={value}"),
        "workingDirectory" => format!("--bundle={value}"),
        _ => format!("--flyway={key}={value}"),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flyways_spelling_is_understood() {
        for (line, expected) in [
            (
                "belay -url=jdbc:postgresql://h/d -outOfOrder=true migrate --format json",
                "belay migrate --url=jdbc:postgresql://h/d --flyway=outOfOrder=true --format json",
            ),
            (
                "belay info -outputType=json -workingDirectory=db -placeholders.a-b=c=d",
                "belay info --format=json --bundle=db --flyway=placeholders.a-b=c=d",
            ),
            ("belay bundle db -o x.zip", "belay bundle db -o x.zip"),
            (
                "belay bundle db -o=x.zip --url=a -",
                "belay bundle db -o=x.zip --url=a -",
            ),
            ("belay --help", "belay --help"),
            ("belay -url=x", "belay --url=x"),
        ] {
            let words = translated(line.split(' ').map(OsString::from));
            let words: Vec<&str> = words.iter().map(|word| word.to_str().unwrap()).collect();
            assert_eq!(words.join(" "), expected);
        }
    }
}
