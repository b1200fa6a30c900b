//! A template, deployed as to AWS: `aws cloudformation package`, then `deploy`.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::aws::{Aws, failed, present};
use crate::error::{Result, file};
use crate::{functions, place, program, tools};

/// Where packaged code is kept, as it would be on AWS.
const ARTIFACTS: &str = "belay-artifacts";

/// What is deployed.
#[derive(Debug, Clone)]
pub struct Source {
    /// The folder that holds `sam/template.yaml` and, beside `sam`, what the template refers to.
    pub root: PathBuf,
    /// Each function's program, by the name of the folder in `functions/` that the template's `CodeUri` names.
    pub functions: BTreeMap<String, PathBuf>,
}

impl Source {
    /// This project, with its functions built in a profile of cargo's (`local` for the demo and the tests).
    ///
    /// # Errors
    /// Something does not compile.
    pub async fn project(profile: &str) -> Result<Self> {
        Ok(Self {
            root: tools::checkout(),
            functions: functions::build_functions(profile).await?,
        })
    }

    /// Copies all of it to `stage`, laid out as in the checkout. So the template is deployed as it is: only where it
    /// names a function's folder, there is a zip of the function's program.
    fn stage(&self, stage: &Path) -> Result<()> {
        for folder in ["sam", "statemachine"] {
            let source = self.root.join(folder);
            if source.exists() {
                program::run(std::process::Command::new("cp").arg("-R").arg(&source).arg(stage))?;
            }
        }
        let folder = stage.join("functions");
        fs::create_dir(&folder).map_err(file("make", &folder))?;
        self.functions
            .iter()
            .try_for_each(|(name, program)| functions::pack(program, &folder.join(name)))
    }
}

/// What a deployed stack gave: its outputs by name.
pub(crate) type Outputs = BTreeMap<String, String>;

/// Deploys `source` as the stack `name`, or updates it. A few seconds.
///
/// # Errors
/// The template is refused; the message is CloudFormation's.
pub(crate) async fn deploy(aws: &Aws, name: &str, source: &Source, parameters: &[(String, String)]) -> Result<Outputs> {
    let stage = place::new_folder("belay-stage-")?;
    source.stage(stage.path())?;
    aws.s3
        .create_bucket()
        .bucket(ARTIFACTS)
        .send()
        .await
        .map_err(failed("s3:CreateBucket"))?;
    let (template, packaged) = (
        stage.path().join("sam/template.yaml"),
        stage.path().join("packaged.yaml"),
    );
    let (template, packaged) = (template.display().to_string(), packaged.display().to_string());
    let to = ["--s3-bucket", ARTIFACTS, "--output-template-file", &packaged];
    aws.cli(
        ["cloudformation", "package", "--template-file", &template]
            .iter()
            .chain(&to),
    )
    .await?;

    let mut deploy = vec![
        "cloudformation",
        "deploy",
        "--stack-name",
        name,
        "--template-file",
        &packaged,
    ];
    deploy.extend([
        "--s3-bucket",
        ARTIFACTS,
        "--no-fail-on-empty-changeset",
        "--capabilities",
    ]);
    deploy.extend(["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"]);
    let overrides: Vec<String> = parameters
        .iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    if !overrides.is_empty() {
        deploy.push("--parameter-overrides");
        deploy.extend(overrides.iter().map(String::as_str));
    }
    aws.cli(deploy).await?;
    outputs(aws, name).await
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Stacks {
    stacks: Vec<Stack>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Stack {
    #[serde(default)]
    outputs: Vec<Output>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Output {
    output_key: String,
    output_value: String,
}

async fn outputs(aws: &Aws, name: &str) -> Result<Outputs> {
    let text = aws
        .cli([
            "cloudformation",
            "describe-stacks",
            "--stack-name",
            name,
            "--output",
            "json",
        ])
        .await?;
    let stacks: Option<Stacks> = serde_json::from_str(&text).ok();
    let stack = stacks.and_then(|found| found.stacks.into_iter().next());
    let outputs = present(stack, "the answer of cloudformation describe-stacks", "stack")?.outputs;
    Ok(outputs
        .into_iter()
        .map(|output| (output.output_key, output.output_value))
        .collect())
}
