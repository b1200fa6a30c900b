//! A run's ending in words: what happened, what state the database is in, what to do next.
//!
//! Pure: from what is known of the run to a [`Report`], and from that to the mail's text and to a page. Whatever comes
//! from outside (names, SQL, what the server said) is stripped of characters that could hide, reorder or forge text.

mod arn;
mod execution;
mod html;
mod info;
mod plain;
mod report;
mod sections;
mod story;
mod text;

pub use arn::{console_link, state_machine};
pub use info::{InfoLine, InfoTable};
pub use report::{Block, Report, Section};
pub use story::{LockFate, Story};
