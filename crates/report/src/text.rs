//! A report as plain text: the mail.

use crate::report::{Block, Report};

/// How many entries of a list a mail shows.
const LIST: usize = 60;

impl Report {
    /// The mail's text. Headings begin a line; what comes from outside never does.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = String::new();
        for first in &self.first {
            text.push_str(&format!("{first}\n"));
        }
        if !self.first.is_empty() {
            text.push('\n');
        }
        text.push_str(&format!("{}\n", self.headline));
        for section in &self.sections {
            text.push_str(&format!("\n{}\n", section.title.to_uppercase()));
            for block in &section.blocks {
                write(&mut text, block);
            }
        }
        text
    }
}

fn write(text: &mut String, block: &Block) {
    let mut add = |line: &str| {
        text.push_str("  ");
        text.push_str(line);
        text.push('\n');
    };
    match block {
        Block::Words(words) => add(words),
        Block::Quote(lines) => lines.iter().for_each(|line| add(line)),
        Block::List(heading, items) => {
            add(&format!("{heading}:"));
            for item in items.iter().take(LIST) {
                add(&format!("  - {item}"));
            }
            if items.len() > LIST {
                add(&format!("  … and {} more: see the report", items.len() - LIST));
            }
        }
        Block::Command(purpose, command) => {
            add(&format!("{purpose}:"));
            add(&format!("    {command}"));
        }
        Block::Facts(facts) => {
            let width = facts.iter().map(|(name, _)| name.len()).max().unwrap_or_default();
            for (name, value) in facts {
                add(&format!("{name:width$}  {value}"));
            }
        }
    }
}
