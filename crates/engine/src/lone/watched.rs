//! A lone file with `errorOverrides`: what the server said to a statement is heard before its trail is committed, and an
//! error that is only told takes back that statement alone.

use super::{Lone, WAIT_FOR_LOCKS, WAIT_NO_MORE, transaction};
use crate::classify::StatementKind;
use crate::cleanup::{CleanupInput, left_nothing};
use crate::error::EngineError;
use crate::overridden::{BACK, RELEASE, SAVEPOINT, is_passed_over, raised, tell_of};
use crate::stop::{Refused, Stop};

/// What became of a statement of the file.
enum Said {
    Done,
    /// It failed, and the file goes on.
    PassedOver(Refused),
}

impl Lone<'_, '_> {
    /// Runs one statement with its trail. Whether a transaction of the file's own is open after it.
    pub(super) async fn watched(&self, index: usize, kind: StatementKind, in_transaction: bool) -> Result<bool, Stop> {
        let open = match kind {
            // On how these end hangs which transaction is open; an error of theirs stays one.
            StatementKind::Begin
            | StatementKind::Commit
            | StatementKind::Rollback
            | StatementKind::Savepoint
            | StatementKind::SetTransaction => self.statement(index, kind, in_transaction).await?,
            _ if in_transaction => {
                self.under_savepoint(index, kind).await?;
                true
            }
            StatementKind::Session if self.is_only_settings(index + 1) => {
                if let Said::PassedOver(refused) = self.said(index, &[]).await? {
                    self.ours(&transaction(self.told(&refused))).await?;
                }
                false
            }
            kind if self.is_bare(kind) => {
                self.bare(index).await?;
                false
            }
            kind => {
                self.in_ours(index, kind).await?;
                false
            }
        };
        raised(self.applying, self.script.statement_place(index))?;
        Ok(open)
    }

    /// In the file's own transaction.
    async fn under_savepoint(&self, index: usize, kind: StatementKind) -> Result<(), Stop> {
        if kind == StatementKind::CopyFromStdin {
            return self.file(index, &[], &[]).await;
        }
        let session = self.applying.session;
        session.run(SAVEPOINT).await?;
        let said = self.said(index, &[]).await?;
        if let Said::PassedOver(refused) = &said {
            session.run(BACK).await?;
            session.run(&self.told(refused).join(";\n")).await?;
        }
        Ok(session.run(RELEASE).await?)
    }

    /// In a transaction of ours, which commits only if nothing that was said is an error.
    async fn in_ours(&self, index: usize, kind: StatementKind) -> Result<(), Stop> {
        let begin = ["BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE".to_owned()];
        let said = match kind {
            StatementKind::CopyFromStdin => self.file(index, &begin, &[]).await.map(|()| Said::Done)?,
            _ => self.said(index, &begin).await?,
        };
        raised(self.applying, self.script.statement_place(index))?;
        let mut note = self.note(index + 1);
        match said {
            Said::Done => {
                note.push("COMMIT".to_owned());
                self.message(index, &note, 0..0, &[]).await
            }
            Said::PassedOver(refused) => {
                self.applying.session.rollback().await?;
                note.extend(self.told(&refused));
                self.ours(&transaction(note)).await
            }
        }
    }

    /// Outside of any transaction: an error is passed over only if nothing is left of the statement (L2).
    async fn bare(&self, index: usize) -> Result<(), Stop> {
        self.clear_the_way(index).await?;
        self.ours(&self.started(index)).await?;
        self.ours(&[WAIT_FOR_LOCKS.to_owned()]).await?;
        let statement = self.bytes(index);
        let mut note = self.note(index + 1);
        if let Err(refused) = self.answer(index, &[], statement, &[]).await? {
            if !is_passed_over(self.applying, &refused) || !self.left_nothing().await? {
                return Err(super::not_again(refused.stop(self.applying)));
            }
            note.extend(self.told(&refused));
        }
        self.ours(&[WAIT_NO_MORE.to_owned()]).await?;
        self.ours(&transaction(note)).await
    }

    /// Asked as ourselves, whatever role the file has.
    async fn left_nothing(&self) -> Result<bool, EngineError> {
        let session = self.applying.session;
        let input = self.applying.input;
        let cleanup = CleanupInput {
            connect: input.connect,
            plan: input.plan,
            budget: input.budget,
            gate: input.gate,
        };
        session
            .run(&format!("BEGIN READ ONLY; SET LOCAL ROLE {}", session.reset_role()))
            .await?;
        let nothing = left_nothing(session.client(), cleanup, self.index).await;
        session.rollback().await?;
        nothing
    }

    /// Tells of what is passed over: its row in the journal, written as ourselves.
    pub(super) fn told(&self, refused: &Refused) -> Vec<String> {
        let row = tell_of(self.applying, self.index, refused);
        self.as_ourselves(row.unwrap_or_default())
    }

    /// A statement of the file after statements of ours.
    async fn said(&self, index: usize, before: &[String]) -> Result<Said, Stop> {
        let statement = self.bytes(index);
        let refused: Refused = match self.answer(index, before, statement, &[]).await? {
            Ok(()) => return Ok(Said::Done),
            Err(refused) => refused,
        };
        if !is_passed_over(self.applying, &refused) {
            return Err(super::not_again(refused.stop(self.applying)));
        }
        Ok(Said::PassedOver(refused))
    }

    fn bytes(&self, index: usize) -> std::ops::Range<usize> {
        let statement = self.script.statements().get(index);
        statement.map_or(0..0, |statement| statement.start..statement.end)
    }
}
