//! Every check in one pass, every problem at once.

use std::collections::BTreeMap;

use belay_model::{Code, FileDigest, FlywayKeys, FlywaySettings, MigrationKind};

use crate::archive::{self, Entry, Packed};
use crate::layout::{self, Role};
use crate::rejected::{Flaw, Problems};
use crate::unpack::{Unpacker, check_claim, check_claims};
use crate::{Assertion, Callback, Limits, Migration, Rejected, ScriptConfig, checksum, entry_name, text};

/// What a zip without a problem holds.
#[derive(Debug, Default)]
pub(crate) struct Checked {
    pub(crate) settings: FlywaySettings,
    pub(crate) notes: Vec<String>,
    pub(crate) callbacks: Vec<Callback>,
    pub(crate) migrations: Vec<Migration>,
    pub(crate) assertions: Vec<Assertion>,
    pub(crate) ignored: Vec<String>,
    /// Where the texts of migrations and assertions are.
    pub(crate) texts: BTreeMap<String, Packed>,
}

/// Checks the zip: its form, the names, and then each entry's data once.
pub(crate) fn check(zip: &[u8], limits: &Limits, above: &FlywayKeys) -> Result<Checked, Rejected> {
    let mut problems = Problems::default();
    let mut checked = Checked {
        settings: above.settings().unwrap_or_default(),
        ..Checked::default()
    };
    if let Some(entries) = archive::open(zip, limits, &mut problems) {
        let files = files(&entries, limits, &mut problems);
        checked.read(zip, files, limits, &mut problems);
    }
    problems.finish()?;
    checked.sort();
    Ok(checked)
}

struct File<'a> {
    name: &'a str,
    role: Role,
    packed: Option<&'a Packed>,
}

/// The files among the entries, with their roles by name.
fn files<'a>(entries: &'a [Entry], limits: &Limits, problems: &mut Problems) -> Vec<File<'a>> {
    let good = good_names(entries, limits, problems);
    let is_file = |entry: &&Entry| !entry.name.ends_with('/');
    let paths: Vec<&str> = good
        .iter()
        .flatten()
        .copied()
        .filter(|name| !name.ends_with('/'))
        .collect();
    let all_good = good.iter().all(Option::is_some);
    let mut roles = layout::roles(&paths, all_good, problems).into_iter();
    let with_role = |(entry, good): (&'a Entry, Option<&str>)| File {
        name: &entry.name,
        role: good.and_then(|_| roles.next()).unwrap_or(Role::Refused),
        packed: entry.packed.as_ref(),
    };
    let files = entries.iter().zip(good).filter(|(entry, _)| is_file(entry));
    files.map(with_role).collect()
}

/// The name of each entry, if there is nothing wrong with it.
fn good_names<'a>(entries: &'a [Entry], limits: &Limits, problems: &mut Problems) -> Vec<Option<&'a str>> {
    let mut names: Vec<Option<&str>> = Vec::with_capacity(entries.len());
    for entry in entries {
        let mut flaws = entry_name::flaws(&entry.name, limits);
        if !entry.name_is_utf8 {
            flaws.push(Flaw::new(Code::NameNotUtf8, "the name is not UTF-8"));
        }
        names.push(flaws.is_empty().then_some(entry.name.as_str()));
        flaws.into_iter().for_each(|flaw| problems.of_entry(&entry.name, flaw));
    }
    // Only names within the limits are compared, so that this takes time in proportion to their number.
    let duplicates = entry_name::duplicates(&names);
    let mut good = |(name, duplicate): (Option<&'a str>, Option<Flaw>)| match (name, duplicate) {
        (Some(name), Some(flaw)) => {
            problems.of_entry(name, flaw);
            None
        }
        (name, _) => name,
    };
    names.into_iter().zip(duplicates).map(&mut good).collect()
}

/// The files that may be unpacked: none if they are too much together.
fn within_limits<'a>(
    zip: &[u8],
    files: Vec<File<'a>>,
    limits: &Limits,
    problems: &mut Problems,
) -> Vec<(File<'a>, &'a Packed)> {
    let mut within = Vec::with_capacity(files.len());
    for file in files {
        let Some(packed) = file.packed else { continue };
        match check_claim(packed, limits) {
            Ok(()) => within.push((file, packed)),
            Err(flaw) => problems.of_entry(file.name, flaw),
        }
    }
    if let Err(flaw) = check_claims(zip, within.iter().map(|(_, packed)| *packed), limits) {
        problems.of_bundle(flaw);
        within.clear();
    }
    within
}

impl Checked {
    /// Unpacks each file once. The sizes that the headers claim bound what is unpacked, and the limits bound those.
    fn read(&mut self, zip: &[u8], files: Vec<File<'_>>, limits: &Limits, problems: &mut Problems) {
        let files = within_limits(zip, files, limits, problems);
        let mut unpacker = Unpacker::new();
        let mut bytes = Vec::new();
        let mut configs = BTreeMap::new();
        for (file, packed) in files {
            bytes.clear();
            let is_text = !matches!(file.role, Role::Ignored | Role::Refused);
            if is_text {
                bytes.reserve_exact(usize::try_from(packed.size).unwrap_or_default());
            }
            let unpacked = unpacker.unpack(zip, packed, |piece| {
                if is_text {
                    bytes.extend_from_slice(piece);
                }
            });
            let kept = unpacked
                .map_err(|flaw| vec![flaw])
                .and_then(|()| self.keep(&file, packed, &bytes, &mut configs));
            for flaw in kept.err().into_iter().flatten() {
                problems.of_entry(file.name, flaw);
            }
        }
        for migration in &mut self.migrations {
            migration.config = configs.remove(&migration.path).unwrap_or_default();
        }
    }

    fn keep(
        &mut self,
        file: &File<'_>,
        packed: &Packed,
        bytes: &[u8],
        configs: &mut BTreeMap<String, ScriptConfig>,
    ) -> Result<(), Vec<Flaw>> {
        let path = file.name.to_owned();
        let text = || text::check(bytes).map_err(|flaw| vec![flaw]);
        let migration = |kind, version, script: &str, description: &str, text| Migration {
            kind,
            version,
            description: description.to_owned(),
            script: script.to_owned(),
            path: path.clone(),
            checksum: checksum(text),
            sha256: FileDigest::of(bytes),
            bytes: packed.size,
            config: ScriptConfig::default(),
        };
        match &file.role {
            Role::Versioned(script, version, description) => {
                let kind = MigrationKind::Versioned;
                let made = migration(kind, Some(version.clone()), script, description, text()?);
                self.migrations.push(made);
            }
            Role::Repeatable(script, description) => {
                let made = migration(MigrationKind::Repeatable, None, script, description, text()?);
                self.migrations.push(made);
            }
            Role::Assertion => {
                text()?;
                self.assertions.push(Assertion {
                    path: path.clone(),
                    sha256: FileDigest::of(bytes),
                    bytes: packed.size,
                });
            }
            Role::ScriptConfig(of) => {
                configs.insert(of.clone(), ScriptConfig::read(text()?)?);
                return Ok(());
            }
            Role::BelayToml => return check_belay_toml(text()?),
            Role::Ignored => {
                self.ignored.push(path);
                return Ok(());
            }
            Role::Refused => return Ok(()),
        }
        self.texts.insert(path, packed.clone());
        Ok(())
    }

    fn sort(&mut self) {
        self.migrations.sort_by(|a, b| {
            let by_version = a.kind.cmp(&b.kind).then_with(|| a.version.cmp(&b.version));
            by_version.then_with(|| a.description.encode_utf16().cmp(b.description.encode_utf16()))
        });
        self.assertions.sort_by(|a, b| a.path.cmp(&b.path));
        self.ignored.sort();
    }
}

/// `belay.toml` is where our own keys will be. There are none yet, so that whoever writes one is told.
fn check_belay_toml(text: &str) -> Result<(), Vec<Flaw>> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let flaws: Vec<Flaw> = text
        .lines()
        .zip(1..)
        .filter(|(line, _)| !line.trim().is_empty() && !line.trim_start().starts_with('#'))
        .map(|(_, number)| {
            let message = "this version of Belay knows no keys in `belay.toml`";
            Flaw::new(Code::ConfigInvalid, message).at_line(number)
        })
        .collect();
    match flaws.is_empty() {
        true => Ok(()),
        false => Err(flaws),
    }
}
