//! What is set for a lone file before it begins.

use std::sync::Arc;

use super::{Lone, not_again};
use crate::classify::StatementKind;
use crate::frame::callbacks_before;
use crate::script::Script;
use crate::stop::{At, Stop, stop};

impl Lone<'_, '_> {
    /// What is said before each file; then what the callbacks right before this one have set for their session. They
    /// committed by themselves, and on Flyway's one connection what they set holds for the file.
    pub(super) async fn say_what_comes_before(&self) -> Result<(), Stop> {
        if let Some(init) = self.applying.init()? {
            self.say(&init, |_| true).await?;
        }
        for path in callbacks_before(self.applying, self.index) {
            let script = Arc::new(self.applying.ready(path)?);
            self.say(&script, |kind| kind == StatementKind::Session).await?;
        }
        Ok(())
    }

    /// Says statements of another file.
    async fn say(&self, script: &Arc<Script>, which: impl Fn(StatementKind) -> bool) -> Result<(), Stop> {
        for (index, _) in script.kinds().enumerate().filter(|(_, kind)| which(*kind)) {
            let said = self
                .applying
                .session
                .client()
                .batch_execute(script.statement_sql(index))
                .await;
            said.map_err(|error| {
                let at = At::File(script.statement_place(index));
                not_again(stop(self.applying, error, false, at))
            })?;
        }
        Ok(())
    }
}
