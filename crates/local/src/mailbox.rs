//! The mails that a stack sends. The emulator only pretends to send them, so a queue that listens to the same topic
//! stands for a person's mailbox.

use std::time::{Duration, Instant};

use aws_sdk_sqs::types::QueueAttributeName;
use serde::Deserialize;

use crate::aws::{Aws, failed, present};
use crate::error::{Error, Result};

/// A mail as it was sent.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Mail {
    /// The subject line.
    #[serde(default)]
    pub subject: String,
    /// The text.
    #[serde(rename = "Message")]
    pub text: String,
}

/// Gets every mail that is sent from its opening on.
#[derive(Debug, Clone)]
pub struct Mailbox {
    aws: Aws,
    queue: String,
}

impl Mailbox {
    /// Opens one; `name` must be new.
    ///
    /// # Errors
    /// The emulator refuses.
    pub async fn open(aws: &Aws, topic: &str, name: &str) -> Result<Self> {
        // The emulator's queue ARN is known before the queue is, and the policy must name nobody else.
        let policy = r#"{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sqs:SendMessage",
            "Principal": {"Service": "sns.amazonaws.com"}, "Resource": "*"}]}"#;
        let create = aws
            .sqs
            .create_queue()
            .queue_name(name)
            .attributes(QueueAttributeName::Policy, policy);
        let created = create.send().await.map_err(failed("sqs:CreateQueue"))?;
        let queue = present(created.queue_url, "the answer of sqs:CreateQueue", "queue")?;
        let look = aws
            .sqs
            .get_queue_attributes()
            .queue_url(&queue)
            .attribute_names(QueueAttributeName::QueueArn);
        let attributes = look
            .send()
            .await
            .map_err(failed("sqs:GetQueueAttributes"))?
            .attributes
            .unwrap_or_default();
        let arn = present(attributes.get(&QueueAttributeName::QueueArn), &queue, "ARN")?;
        let subscribe = aws.sns.subscribe().topic_arn(topic).protocol("sqs").endpoint(arn);
        subscribe.send().await.map_err(failed("sns:Subscribe"))?;
        Ok(Self {
            aws: aws.clone(),
            queue,
        })
    }

    /// The first mail that `is_wanted`. Mails before it are thrown away: they are other runs'.
    ///
    /// # Errors
    /// None came in time.
    pub async fn wait_for(&self, within: Duration, is_wanted: impl Fn(&Mail) -> bool) -> Result<Mail> {
        let (start, mut seen) = (Instant::now(), Vec::new());
        while start.elapsed() < within {
            for mail in self.receive(1).await? {
                if is_wanted(&mail) {
                    return Ok(mail);
                }
                seen.push(mail.subject);
            }
        }
        let what = "a mail".to_owned();
        Err(Error::TooLate {
            what,
            seconds: within.as_secs(),
            seen: format!("mails {seen:?}"),
        })
    }

    /// The next mail; waits for it as long as it takes.
    ///
    /// # Errors
    /// The emulator refuses.
    pub async fn next(&self) -> Result<Mail> {
        loop {
            if let Some(mail) = self.receive(10).await?.into_iter().next() {
                return Ok(mail);
            }
        }
    }

    /// The mails that have come since the last look. One at a time and in order, as far as the topic keeps order.
    ///
    /// # Errors
    /// The emulator refuses.
    pub async fn look(&self) -> Result<Vec<Mail>> {
        let mut mails = Vec::new();
        loop {
            let more = self.receive(0).await?;
            if more.is_empty() {
                return Ok(mails);
            }
            mails.extend(more);
        }
    }

    async fn receive(&self, wait_seconds: i32) -> Result<Vec<Mail>> {
        let receive = self
            .aws
            .sqs
            .receive_message()
            .queue_url(&self.queue)
            .wait_time_seconds(wait_seconds);
        let messages = receive
            .send()
            .await
            .map_err(failed("sqs:ReceiveMessage"))?
            .messages
            .unwrap_or_default();
        let mut mails = Vec::new();
        for message in messages {
            let receipt = message.receipt_handle.unwrap_or_default();
            let delete = self
                .aws
                .sqs
                .delete_message()
                .queue_url(&self.queue)
                .receipt_handle(receipt);
            delete.send().await.map_err(failed("sqs:DeleteMessage"))?;
            let mail = message.body.as_deref().and_then(|body| serde_json::from_str(body).ok());
            mails.push(present(mail, "a message from the topic", "subject and text")?);
        }
        Ok(mails)
    }
}
