//! What is set for a lone file before it begins.

use std::sync::Arc;

use super::{Lone, not_again, transaction};
use crate::classify::StatementKind;
use crate::frame::callbacks_before;
use crate::overridden::{is_passed_over, raised};
use crate::script::Script;
use crate::stop::{At, Refused, Stop};

impl Lone<'_, '_> {
    /// What is said before each file; then what the callbacks right before this one have set for their session. They
    /// committed by themselves, and on Flyway's one connection what they set holds for the file.
    pub(super) async fn say_what_comes_before(&self) -> Result<(), Stop> {
        // What our own statements are told is none of the file's.
        let _ = self.applying.session.notices().take_raised();
        if let Some(init) = self.applying.init()? {
            self.say(&init, init.len(), |_| true).await?;
        }
        for path in callbacks_before(self.applying, self.index) {
            let script = Arc::new(self.applying.ready(path)?);
            self.say(&script, script.len(), |kind| kind == StatementKind::Session)
                .await?;
        }
        Ok(())
    }

    /// Says statements among the first of a file.
    pub(super) async fn say(
        &self,
        script: &Arc<Script>,
        first: usize,
        which: impl Fn(StatementKind) -> bool,
    ) -> Result<(), Stop> {
        let kinds = script.kinds().enumerate().take(first);
        for (index, _) in kinds.filter(|(_, kind)| which(*kind)) {
            let client = self.applying.session.client();
            let place = script.statement_place(index);
            if let Err(error) = client.batch_execute(script.statement_sql(index)).await {
                let refused = Refused {
                    error,
                    cancelled: false,
                    at: At::File(place.clone()),
                };
                if !is_passed_over(self.applying, &refused) {
                    return Err(not_again(refused.stop(self.applying)));
                }
                self.ours(&transaction(self.told(&refused))).await?;
            }
            raised(self.applying, place)?;
        }
        Ok(())
    }
}
