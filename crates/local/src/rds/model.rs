//! What RDS is by its own model: the one that the AWS SDKs are made from, as it is installed with the emulator.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::sync::OnceLock;

use flate2::read::GzDecoder;
use serde::Deserialize;

use crate::aws::present;
use crate::error::{Error, Result, file};
use crate::tools;

/// Where it is below a folder of Python packages.
const PLACE: &str = "botocore/data/rds/2014-10-31/service-2.json.gz";

/// The service's operations and the shapes of what goes in and out.
#[derive(Debug, Deserialize)]
pub(super) struct Model {
    operations: BTreeMap<String, Operation>,
    shapes: BTreeMap<String, Shape>,
}

/// One operation.
#[derive(Debug, Deserialize)]
pub(super) struct Operation {
    /// The shape of a request.
    pub(super) input: Member,
    /// The shape of an answer, if it has content.
    pub(super) output: Option<Output>,
    #[serde(default)]
    errors: Vec<Member>,
}

/// An answer's content.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Output {
    /// Its shape.
    pub(super) shape: String,
    /// The element around it.
    pub(super) result_wrapper: String,
}

/// A use of a shape.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Member {
    /// The shape.
    pub(super) shape: String,
    /// For a list's members: what each is called.
    pub(super) location_name: Option<String>,
}

impl Member {
    /// What each member of a list is called in requests and answers.
    pub(super) fn name_in_list(&self) -> &str {
        self.location_name.as_deref().unwrap_or("member")
    }
}

/// A shape.
#[derive(Debug, Deserialize)]
#[serde(tag = "type", rename_all = "lowercase")]
pub(super) enum Shape {
    /// Named members. Errors are such shapes too.
    Structure {
        #[serde(default)]
        members: BTreeMap<String, Member>,
        #[serde(default)]
        required: Vec<String>,
        error: Option<ErrorShape>,
    },
    /// Members in order.
    List {
        member: Member,
        min: Option<usize>,
        max: Option<usize>,
    },
    /// Text.
    String {
        #[serde(default, rename = "enum")]
        values: Vec<String>,
        pattern: Option<String>,
        min: Option<usize>,
        max: Option<usize>,
    },
    /// 32 bits.
    Integer { min: Option<i64>, max: Option<i64> },
    /// 64 bits.
    Long,
    /// A fraction.
    Double,
    /// `true` or `false`.
    Boolean,
    /// A moment, by ISO 8601.
    Timestamp,
    /// Not used by any operation that the double offers.
    Map,
}

/// How an error looks on the wire.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ErrorShape {
    code: String,
    http_status_code: u16,
}

impl Model {
    /// The model, read once in a process.
    pub(super) fn get() -> Result<&'static Self> {
        static MODEL: OnceLock<Model> = OnceLock::new();
        if let Some(model) = MODEL.get() {
            return Ok(model);
        }
        let read = Self::read()?;
        Ok(MODEL.get_or_init(|| read))
    }

    fn read() -> Result<Self> {
        let library = tools::emulator_library()?;
        let versions = fs::read_dir(&library).map_err(file("look into", &library))?;
        let found = versions
            .filter_map(|entry| Some(entry.ok()?.path().join("site-packages").join(PLACE)))
            .find(|path| path.exists());
        let path = present(found, "the emulator's Python", PLACE)?;
        let content = File::open(&path).map_err(file("open", &path))?;
        serde_json::from_reader(std::io::BufReader::new(GzDecoder::new(content)))
            .map_err(|source| file("understand", path)(source.into()))
    }

    /// The operation of a request's `Action`.
    pub(super) fn operation(&self, action: &str) -> Option<&Operation> {
        self.operations.get(action)
    }

    /// A shape. Every name in the model has one.
    pub(super) fn shape(&self, name: &str) -> Option<&Shape> {
        self.shapes.get(name)
    }

    /// Whether a structure has a member.
    pub(super) fn has(&self, structure: &str, member: &str) -> bool {
        matches!(self.shape(structure), Some(Shape::Structure { members, .. }) if members.contains_key(member))
    }

    /// The code of each error that the model documents for an operation.
    ///
    /// # Errors
    /// There is no such operation.
    pub(super) fn errors_of(&self, action: &str) -> Result<BTreeSet<&str>> {
        let operation = self.operation(action).ok_or_else(|| Error::Missing {
            place: "the model of RDS".to_owned(),
            missing: format!("operation {action}"),
        })?;
        let shapes = operation.errors.iter().filter_map(|error| self.error(&error.shape));
        Ok(shapes.map(|error| error.code.as_str()).collect())
    }

    /// The HTTP status that comes with an error's code.
    pub(super) fn status_of(&self, code: &str) -> u16 {
        let documented = self.shapes.keys().filter_map(|name| self.error(name));
        match documented.into_iter().find(|error| error.code == code) {
            Some(error) => error.http_status_code,
            None => match code {
                "InternalFailure" => 500,
                "ServiceUnavailable" | "RequestLimitExceeded" => 503,
                "AccessDenied" | "ExpiredToken" | "InvalidClientTokenId" | "SignatureDoesNotMatch" => 403,
                _ => 400,
            },
        }
    }

    fn error(&self, shape: &str) -> Option<&ErrorShape> {
        match self.shape(shape) {
            Some(Shape::Structure { error, .. }) => error.as_ref(),
            _ => None,
        }
    }
}
