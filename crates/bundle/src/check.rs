//! Every check in one pass, every problem at once.

use std::collections::BTreeMap;

use belay_model::{Code, Encoding, FileDigest, FlywayKeys, FlywaySettings};

use crate::archive::{self, Entry, Packed};
use crate::layout::{self, Role};
use crate::rejected::{Flaw, Notes, Problems};
use crate::settings::{self, FLYWAY_SETTINGS};
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
    /// Where the texts of migrations, callbacks and assertions are.
    pub(crate) texts: BTreeMap<String, (Packed, Encoding)>,
}

/// Checks the zip: its form, the names, and then each entry's data once.
pub(crate) fn check(zip: &[u8], limits: &Limits, above: &FlywayKeys) -> Result<Checked, Rejected> {
    let mut problems = Problems::default();
    let mut checked = Checked::default();
    if let Some(entries) = archive::open(zip, limits, &mut problems) {
        let good = good_names(&entries, limits, &mut problems);
        let mut notes = Vec::new();
        let written = written_settings(zip, &entries, &good, limits);
        checked.settings = settings::read(&written, above, &mut problems, &mut notes);
        let files = files(&entries, good, &checked.settings, &mut problems, &mut notes);
        checked.notes = Notes::of(notes);
        checked.read(zip, files, limits, &mut problems);
    }
    problems.finish()?;
    checked.sort();
    Ok(checked)
}

/// Flyway's own settings in the bundle, by their paths. What can't be read is told when all files are.
fn written_settings<'a>(
    zip: &[u8],
    entries: &'a [Entry],
    good: &[Option<&str>],
    limits: &Limits,
) -> BTreeMap<&'a str, String> {
    let is_one = |entry: &&Entry| FLYWAY_SETTINGS.contains(&entry.name.as_str());
    let of_settings = entries
        .iter()
        .zip(good)
        .filter(|(entry, good)| good.is_some() && is_one(entry));
    let mut unpacker = Unpacker::new();
    let mut text = |entry: &Entry| {
        let packed = entry.packed.as_ref()?;
        check_claim(packed, limits).ok()?;
        let mut bytes = Vec::new();
        unpacker
            .unpack(zip, packed, |piece| bytes.extend_from_slice(piece))
            .ok()?;
        text::check(&bytes).ok().map(str::to_owned)
    };
    of_settings
        .filter_map(|(entry, _)| Some((entry.name.as_str(), text(entry)?)))
        .collect()
}

struct File<'a> {
    name: &'a str,
    role: Role,
    packed: Option<&'a Packed>,
}

/// The files among the entries, with their roles by name.
fn files<'a>(
    entries: &'a [Entry],
    good: Vec<Option<&'a str>>,
    settings: &FlywaySettings,
    problems: &mut Problems,
    notes: &mut Vec<String>,
) -> Vec<File<'a>> {
    let is_file = |entry: &&Entry| !entry.name.ends_with('/');
    let paths: Vec<&str> = good
        .iter()
        .flatten()
        .copied()
        .filter(|name| !name.ends_with('/'))
        .collect();
    let all_good = good.iter().all(Option::is_some);
    let mut roles = layout::roles(&paths, all_good, settings, problems, notes).into_iter();
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
        let mut files = within_limits(zip, files, limits, problems);
        // A script's own settings say how it is to be read.
        files.sort_by_key(|(file, _)| !matches!(file.role, Role::ScriptConfig(_)));
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
        match &file.role {
            Role::Migration { .. } | Role::Callback { .. } => {
                let config = configs.remove(&path).unwrap_or_default();
                return self.keep_script(file, packed, bytes, config).map_err(|flaw| vec![flaw]);
            }
            Role::Assertion => {
                text()?;
                self.assertions.push(Assertion {
                    path: path.clone(),
                    sha256: FileDigest::of(bytes),
                    bytes: packed.size,
                });
                self.texts.insert(path, (packed.clone(), Encoding::Utf8));
            }
            Role::ScriptConfig(of) => {
                configs.insert(of.clone(), ScriptConfig::read(text()?)?);
            }
            Role::BelayToml => check_belay_toml(text()?)?,
            Role::FlywaySettings => drop(text()?),
            Role::Ignored => self.ignored.push(path),
            Role::Refused => {}
        }
        Ok(())
    }

    fn keep_script(
        &mut self,
        file: &File<'_>,
        packed: &Packed,
        bytes: &[u8],
        config: ScriptConfig,
    ) -> Result<(), Flaw> {
        let encoding = config.encoding.unwrap_or(self.settings.encoding);
        let text = text::decode(bytes, encoding)?;
        let path = file.name.to_owned();
        let sha256 = FileDigest::of(bytes);
        match file.role.clone() {
            Role::Migration {
                kind,
                version,
                description,
                script,
            } => self.migrations.push(Migration {
                kind,
                version,
                description,
                script,
                path: path.clone(),
                checksum: checksum(&text),
                sha256,
                bytes: packed.size,
                config,
            }),
            Role::Callback {
                event,
                description,
                script,
            } => self.callbacks.push(Callback {
                event,
                description,
                script,
                path: path.clone(),
                sha256,
                bytes: packed.size,
                config,
            }),
            _ => return Ok(()),
        }
        self.texts.insert(path, (packed.clone(), encoding));
        Ok(())
    }

    fn sort(&mut self) {
        let by_description = |a: &str, b: &str| a.encode_utf16().cmp(b.encode_utf16());
        self.migrations.sort_by(|a, b| {
            let by_version = a.kind.cmp(&b.kind).then_with(|| a.version.cmp(&b.version));
            by_version.then_with(|| by_description(&a.description, &b.description))
        });
        self.callbacks.sort_by(|a, b| {
            let by_event = a.event.cmp(&b.event);
            let by_name = by_event.then_with(|| by_description(&a.description, &b.description));
            by_name.then_with(|| a.path.cmp(&b.path))
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
