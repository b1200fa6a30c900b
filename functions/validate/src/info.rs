//! Info: each migration's state, for the actions `info` and `validate`. Only reads.

use belay_engine::{Info, PlanRequest, State};
use belay_model::{Action, BundleDigest, Code, Failure, InfoReply, PlannedAction, RunHeader, Target};
use belay_report::{InfoLine, InfoTable};

use crate::Validate;

impl Validate {
    pub(crate) async fn info(
        &self,
        run: &RunHeader,
        target: &Target,
        digest: &BundleDigest,
    ) -> Result<InfoReply, Failure> {
        let bundle = self.access.known_bundle(run, target, digest).await?;
        let placeholders = self.access.given(target).await?;
        let connect = self.access.connect(run, target).await?;
        let request = PlanRequest {
            action: PlannedAction::Migrate,
            transaction: target.transaction,
            placeholders: &placeholders,
            instance: None,
        };
        let info = belay_engine::info(&connect, &bundle, &request).await;
        let info = info.map_err(|error| error.failure())?;
        // A repeatable that has changed is there twice: as the row of its last run, and as what is to run.
        let pending = info.rows.iter().filter(|row| row.state == State::Pending).count();
        if run.action == Action::Validate {
            // As Flyway: also what is only not applied yet.
            let problems = [info.problems.as_slice(), &info.not_applied].concat();
            if !problems.is_empty() {
                return Err(Failure::of_problems(Code::PlanRejected, problems)
                    .next("bring bundle and database together; nothing was changed"));
            }
        }
        let table = table(info, bundle.notes());
        let report = self.access.papers().put_json(run, "info.json", &table).await;
        Ok(InfoReply {
            report: report.map_err(|error| error.failure())?,
            pending: u32::try_from(pending).unwrap_or(u32::MAX),
        })
    }
}

fn table(info: Info, notes: &[String]) -> InfoTable {
    let line = |row: belay_engine::InfoRow| InfoLine {
        version: row.version,
        description: row.description,
        script: row.script,
        state: row.state.as_str().to_owned(),
        installed_on: row.installed_on,
    };
    InfoTable {
        database: info.database,
        version: info.version,
        migrations: info.rows.into_iter().map(line).collect(),
        problems: info.problems,
        notes: notes.to_vec(),
    }
}
