//! Mail by SNS.

use aws_sdk_sns::Client;
use aws_sdk_sns::types::MessageAttributeValue;

use crate::AwsError;
use crate::error::said;

/// SNS takes fewer than 100 characters.
const SUBJECT: usize = 99;
/// SNS takes 256 KB with the attributes.
const MESSAGE: usize = 250_000;

/// A mail, as it is to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Letter {
    /// One line; made fit for SNS when it is sent.
    pub subject: String,
    /// Plain text.
    pub body: String,
    /// For filter policies.
    pub outcome: String,
    /// For filter policies.
    pub target: String,
}

/// Sends mail.
#[derive(Debug, Clone)]
pub struct Mail {
    client: Client,
}

impl Mail {
    /// Mail by this client.
    #[must_use]
    pub fn new(client: Client) -> Self {
        Self { client }
    }

    /// Sends a letter to everybody who subscribed to the topic.
    ///
    /// # Errors
    /// [`AwsError::Notification`].
    pub async fn send(&self, topic: &str, letter: &Letter) -> Result<(), AwsError> {
        let failed = |said: String| AwsError::Notification {
            topic: topic.to_owned(),
            said,
        };
        let attribute = |value: &str| {
            MessageAttributeValue::builder()
                .data_type("String")
                .string_value(attribute_text(value))
                .build()
                .map_err(|error| failed(error.to_string()))
        };
        self.client
            .publish()
            .topic_arn(topic)
            .subject(subject_text(&letter.subject))
            .message(body_text(&letter.body))
            .message_attributes("outcome", attribute(&letter.outcome)?)
            .message_attributes("target", attribute(&letter.target)?)
            .send()
            .await
            .map_err(|error| failed(said(&error)))?;
        Ok(())
    }
}

/// Printable ASCII, begun by something visible, short enough.
fn subject_text(subject: &str) -> String {
    let ascii: String = subject
        .chars()
        .map(|c| match c {
            ' '..='~' => c,
            '\t' | '\n' | '\r' => ' ',
            _ => '?',
        })
        .collect();
    let text: String = ascii.trim().chars().take(SUBJECT).collect();
    if text.is_empty() {
        return "[belay]".to_owned();
    }
    text
}

fn body_text(body: &str) -> String {
    if body.is_empty() {
        return "(no text)".to_owned();
    }
    if body.len() <= MESSAGE {
        return body.to_owned();
    }
    let end = body.floor_char_boundary(MESSAGE);
    format!(
        "{}\n\n(cut here: the full text is in the report)\n",
        body.get(..end).unwrap_or_default()
    )
}

fn attribute_text(value: &str) -> String {
    let text: String = value.chars().filter(|c| !c.is_control()).take(100).collect();
    if text.is_empty() { "-".to_owned() } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subject_is_what_sns_takes() {
        for (given, sent) in [
            ("[belay] shop: migrated", "[belay] shop: migrated"),
            ("[belay] shöp:\nx\u{7}", "[belay] sh?p: x?"),
            ("  \n", "[belay]"),
        ] {
            assert_eq!(subject_text(given), sent);
        }
        assert_eq!(subject_text(&"x".repeat(300)).len(), 99);
    }

    #[test]
    fn a_long_body_is_cut_between_characters() {
        let sent = body_text(&"ä".repeat(200_000));
        assert!(sent.len() < 256 * 1024);
        assert!(sent.ends_with("report)\n"));
        assert_eq!(body_text("short"), "short");
    }

    #[test]
    fn an_attribute_is_never_empty() {
        assert_eq!(attribute_text("\u{1}"), "-");
    }
}
