//! A group with `errorOverrides`: statement by statement, each under a savepoint, and COMMIT only once everything that the
//! server had to say is heard.

use std::sync::Arc;

use belay_model::Place;

use super::{Group, TRANSACTION, Wrapped, still_in};
use crate::classify::StatementKind;
use crate::copy;
use crate::message::Message;
use crate::overridden::{BACK, RELEASE, SAVEPOINT, is_passed_over, raised, tell_of};
use crate::script::Script;
use crate::stop::{Refused, Stop};

impl Group<'_, '_> {
    /// Sends files between statements of ours. Between two messages the savepoint of the next statement is open.
    pub(super) async fn send_watched(&mut self, wrapped: Wrapped<'_>) -> Result<(), Stop> {
        self.drain().await?;
        let about = || Place::file(wrapped.about);
        let mut message = Message::default();
        message.ours(&wrapped.prefix);
        let asks = message.statements();
        message.ours(&[TRANSACTION.to_owned(), SAVEPOINT.to_owned()]);
        self.send(message, about(), Some(asks), false).await?;
        let token = still_in(&self.receive().await?.unwrap_or_default());
        // What our own statements are told is none of a file's.
        let _ = self.applying.session.notices().take_raised();
        let mut passed_over = Vec::new();
        for piece in &wrapped.pieces {
            for index in piece.chunk.statements.clone() {
                let refused = self.statement(&piece.script, index, &token).await?;
                passed_over.extend(refused.and_then(|refused| tell_of(self.applying, wrapped.unit, &refused)));
            }
        }
        let mut message = Message::default();
        message.ours(&[token.clone(), RELEASE.to_owned()]);
        message.ours(&wrapped.suffix);
        message.ours(&passed_over);
        self.send(message, about(), None, false).await?;
        self.receive().await?;
        raised(self.applying, about())?;
        if wrapped.commits {
            let mut message = Message::default();
            message.ours(&[token, "COMMIT".to_owned()]);
            self.send(message, about(), None, true).await?;
            self.receive().await?;
        }
        Ok(())
    }

    /// Sends one statement. What of it is passed over.
    async fn statement(&mut self, script: &Arc<Script>, index: usize, token: &str) -> Result<Option<Refused>, Stop> {
        let place = script.statement_place(index);
        let begin = [token.to_owned(), RELEASE.to_owned()];
        let mut message = Message::default();
        let mut passed_over = None;
        match script.kinds().nth(index) {
            // An error amid the data leaves a session that can't be gone on with.
            Some(StatementKind::CopyFromStdin) => {
                message.ours(&begin);
                message.ours(&copy::before(script.statement_sql(index)));
                self.send(message, place.clone(), None, false).await?;
                self.receive().await?;
                copy::run(self.applying, script, index).await?;
                let mut after = Message::default();
                after.ours(&[token.to_owned(), SAVEPOINT.to_owned()]);
                self.send(after, place.clone(), None, false).await?;
                self.receive().await?;
            }
            // Ours must not be between the file's own.
            Some(StatementKind::Savepoint) => {
                message.ours(&begin);
                message.statement(script, index);
                message.ours(&[SAVEPOINT.to_owned()]);
                self.send(message, place.clone(), None, false).await?;
                self.receive().await?;
            }
            _ => {
                message.ours(&[token.to_owned()]);
                message.statement(script, index);
                message.ours(&[RELEASE.to_owned(), SAVEPOINT.to_owned()]);
                self.send(message, place.clone(), None, false).await?;
                match self.answer().await? {
                    Ok(_) => {}
                    Err(refused) if is_passed_over(self.applying, &refused) => {
                        self.applying.session.run(BACK).await?;
                        passed_over = Some(refused);
                    }
                    Err(refused) => return Err(refused.stop(self.applying)),
                }
            }
        }
        raised(self.applying, place)?;
        Ok(passed_over)
    }
}
