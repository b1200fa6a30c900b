//! What each function needed, by its own log, and how large it is.

use std::collections::BTreeMap;
use std::time::Duration;

use belay_local::{Error, Result, Source, Stack};
use serde::Deserialize;

/// A line that a function logs after each invocation.
#[derive(Deserialize)]
struct Line {
    usage: Usage,
}

/// What one invocation needed.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Usage {
    pub(super) function: String,
    step: String,
    duration_ms: u64,
    peak_memory_kb: Option<u64>,
}

impl Usage {
    pub(super) fn seconds(&self) -> f64 {
        Duration::from_millis(self.duration_ms).as_secs_f64()
    }
}

/// Every invocation until now.
pub(super) async fn usages(stack: &Stack) -> Result<Vec<Usage>> {
    let lines = stack.logs(&stack.aws()).await?;
    Ok(lines
        .iter()
        .filter_map(|line| serde_json::from_str::<Line>(line).ok())
        .map(|line| line.usage)
        .collect())
}

/// Each function's zip in bytes, compressed as for Lambda.
pub(super) fn zip_sizes(source: &Source) -> Result<BTreeMap<String, u64>> {
    let mut sizes = BTreeMap::new();
    for (name, path) in &source.functions {
        let failed = |source| Error::File {
            doing: "compress",
            path: path.clone(),
            source,
        };
        let program = std::fs::read(path).map_err(failed)?;
        let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
        let write = |zip: &mut zip::ZipWriter<std::io::Cursor<Vec<u8>>>| {
            zip.start_file("bootstrap", zip::write::SimpleFileOptions::default())?;
            std::io::Write::write_all(zip, &program)?;
            Ok::<_, zip::result::ZipError>(())
        };
        write(&mut zip).map_err(|error| failed(std::io::Error::other(error)))?;
        let bytes = zip
            .finish()
            .map_err(|error| failed(std::io::Error::other(error)))?
            .into_inner();
        sizes.insert(name.clone(), bytes.len() as u64);
    }
    Ok(sizes)
}

/// A row for each function and step, a pair of columns for each set: median milliseconds, peak megabytes.
pub(super) fn table(used: &[(&str, Vec<Usage>)], sizes: &BTreeMap<String, u64>) -> String {
    let mut steps: Vec<(String, String)> = used
        .iter()
        .flat_map(|(_, usages)| usages)
        .map(|u| (u.function.clone(), u.step.clone()))
        .collect();
    steps.sort();
    steps.dedup();
    let heads: String = used.iter().map(|(title, _)| format!("  {title:>33}")).collect();
    let mut lines = vec![format!("{:24} {:>8}{heads}", "function", "zip")];
    for (function, step) in steps {
        let of = |usages: &[Usage]| {
            let mine: Vec<&Usage> = usages
                .iter()
                .filter(|u| u.function == function && u.step == step)
                .collect();
            let mut millis: Vec<u64> = mine.iter().map(|usage| usage.duration_ms).collect();
            millis.sort_unstable();
            let peak = mine.iter().filter_map(|usage| usage.peak_memory_kb).max();
            match (millis.get(millis.len() / 2), peak) {
                (Some(millis), Some(peak)) => format!("{millis} ms, peak {:.1} MB", to_megabytes(peak * 1024)),
                _ => "-".to_owned(),
            }
        };
        let columns: String = used.iter().map(|(_, usages)| format!("  {:>33}", of(usages))).collect();
        let size = sizes
            .get(&function)
            .map_or_else(String::new, |bytes| format!("{:.1} MB", to_megabytes(*bytes)));
        lines.push(format!("{:24} {size:>8}{columns}", format!("{function} {step}")));
    }
    lines.join("\n")
}

#[expect(clippy::cast_precision_loss, reason = "one decimal is shown")]
fn to_megabytes(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}
