//! `belay info`: each migration's state.

use belay_model::{BundleDigest, Outcome, PlannedAction, Problem};
use serde::Serialize;

use super::Prepared;
use crate::arguments::Format;
use crate::error::CliError;
use crate::json::{Answer, Common, InfoOutput};
use crate::table;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Info {
    schema_version: Option<String>,
    schema_name: String,
    all_schemas_empty: bool,
    migrations: Vec<InfoOutput>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Extra {
    bundle: BundleDigest,
    problems: Vec<Problem>,
}

/// Compares bundle and history. Problems are shown and don't fail it.
pub(crate) async fn run(prepared: &Prepared) -> Result<Outcome, CliError> {
    let Prepared {
        bundle,
        request,
        connect,
        screen,
        ..
    } = prepared;
    screen.progress(&format!("Looking at {} …", prepared.place()));
    let info = belay_engine::info(connect, bundle, &request.as_plan_request(PlannedAction::Migrate)).await?;
    match screen.format {
        Format::Table => {
            let version = info
                .version
                .as_ref()
                .map_or("<< Empty Schema >>", |version| version.as_str());
            let mut text = format!(
                "Schema {} of {}, version {version}\n\n",
                info.history.schema, info.database
            );
            text.push_str(&table::of_rows(info.rows.iter()));
            if !info.problems.is_empty() {
                text.push_str("\n\nWhat validate refuses:\n");
                text.extend(info.problems.iter().map(|problem| format!("  {problem}\n")));
            }
            text.extend(prepared.notes().iter().map(|note| format!("\nnote: {note}")));
            screen.say(&text);
        }
        Format::Json => screen.say_json(&Answer {
            common: Common::new("info", &info.database, prepared.notes()),
            flyway: Info {
                schema_version: info.version.as_ref().map(|version| version.as_str().to_owned()),
                schema_name: info.history.schema,
                all_schemas_empty: info.all_schemas_empty,
                migrations: info.rows.iter().map(|row| InfoOutput::new(row, bundle)).collect(),
            },
            belay: Extra {
                bundle: bundle.digest(),
                problems: info.problems,
            },
        }),
    }
    Ok(Outcome::Done)
}
