//! Faults on demand, and what was asked.

use std::sync::Arc;

use tokio::sync::Notify;

use super::query::Query;
use super::refusal::Refusal;

/// A fault: what the double does with some requests instead of answering them well.
#[derive(Debug, Clone)]
pub struct Fault {
    action: String,
    parameter: Option<(String, String)>,
    kind: Kind,
    after_effect: bool,
    skip: u32,
    times: u32,
}

#[derive(Debug, Clone)]
enum Kind {
    Spoiled(Spoiled),
    Held(Arc<Gate>),
}

#[derive(Debug, Default)]
struct Gate {
    reached: Notify,
    released: Notify,
}

/// What a client gets instead of the answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Spoiled {
    /// The client gets this error.
    Error(Refusal),
    /// The connection is cut.
    Cut,
}

impl Fault {
    /// Stands for every operation.
    pub const ANY: &str = "*";

    /// The next request of this operation is refused with a code of RDS's, as `SnapshotQuotaExceeded`, `Throttling` or
    /// `InternalFailure`, before it had an effect. Which codes an operation has is told by
    /// [`Rds::errors_of`](super::Rds::errors_of). A client of the AWS SDK tries again after `Throttling` and
    /// `InternalFailure`.
    pub fn error(action: &str, code: &str) -> Self {
        let refusal = Refusal::new(code, "A fault on demand.");
        Self::new(action, Kind::Spoiled(Spoiled::Error(refusal)))
    }

    /// The next request of this operation has no effect and no answer: the connection is cut. A client of the AWS SDK
    /// tries again.
    pub fn cut(action: &str) -> Self {
        Self::new(action, Kind::Spoiled(Spoiled::Cut))
    }

    /// The next request of this operation is held, before it has an effect, until the [`Hold`] is dropped: time to look,
    /// or to kill who asked. Then it goes on, whether or not somebody still waits for the answer.
    pub fn hold(action: &str) -> (Self, Hold) {
        let gate = Arc::new(Gate::default());
        (Self::new(action, Kind::Held(Arc::clone(&gate))), Hold(gate))
    }

    fn new(action: &str, kind: Kind) -> Self {
        Self {
            action: action.to_owned(),
            parameter: None,
            kind,
            after_effect: false,
            skip: 0,
            times: 1,
        }
    }

    /// Only requests with this parameter: `("NewDBInstanceIdentifier", "shop")` tells one renaming from another.
    #[must_use]
    pub fn with(mut self, parameter: &str, value: &str) -> Self {
        self.parameter = Some((parameter.to_owned(), value.to_owned()));
        self
    }

    /// The request has its effect first; only the answer is lost, or held.
    #[must_use]
    pub fn after_effect(mut self) -> Self {
        self.after_effect = true;
        self
    }

    /// So many requests are answered well before the first that isn't.
    #[must_use]
    pub fn skip(mut self, requests: u32) -> Self {
        self.skip = requests;
        self
    }

    /// So many requests, and not one.
    #[must_use]
    pub fn times(mut self, requests: u32) -> Self {
        self.times = requests;
        self
    }

    fn concerns(&self, query: &Query) -> bool {
        let value = |name: &str| match query.input.get(name) {
            Some(serde_json::Value::String(text)) => text.clone(),
            Some(other) => other.to_string(),
            None => String::new(),
        };
        let fits = |(name, wanted): &(String, String)| value(name) == *wanted;
        (self.action == Self::ANY || self.action == query.action) && self.parameter.as_ref().is_none_or(fits)
    }
}

/// A request that is held: see [`Fault::hold`].
#[derive(Debug)]
pub struct Hold(Arc<Gate>);

impl Hold {
    /// Waits until the request is there. Once.
    pub async fn reached(&self) {
        self.0.reached.notified().await;
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        self.0.released.notify_one();
    }
}

/// What a request met.
#[derive(Debug)]
pub(super) struct Met {
    kind: Kind,
    /// Whether it has its effect first.
    pub(super) after_effect: bool,
}

impl Met {
    /// Holds the request, or spoils its answer.
    pub(super) async fn strike(self) -> Result<(), Spoiled> {
        match self.kind {
            Kind::Spoiled(spoiled) => Err(spoiled),
            Kind::Held(gate) => {
                gate.reached.notify_one();
                gate.released.notified().await;
                Ok(())
            }
        }
    }
}

/// The faults that are still to come.
#[derive(Debug, Default)]
pub(super) struct Faults(Vec<Fault>);

impl Faults {
    pub(super) fn add(&mut self, fault: Fault) {
        self.0.push(fault);
    }

    pub(super) fn forget(&mut self) {
        self.0.clear();
    }

    /// The fault that this request meets. It counts as met.
    pub(super) fn meet(&mut self, query: &Query) -> Option<Met> {
        let mut met = None;
        for fault in self.0.iter_mut().filter(|fault| fault.concerns(query)) {
            if fault.skip > 0 {
                fault.skip -= 1;
            } else if met.is_none() && fault.times > 0 {
                fault.times -= 1;
                met = Some(Met {
                    kind: fault.kind.clone(),
                    after_effect: fault.after_effect,
                });
            }
        }
        self.0.retain(|fault| fault.times > 0);
        met
    }
}

/// A request as it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RdsRequest {
    /// The operation.
    pub action: String,
    /// Every parameter by its name on the wire, in the order of the request.
    pub parameters: Vec<(String, String)>,
    /// Whose request it is: the access key id that signed it.
    pub access_key: Option<String>,
    /// The port that it came from: by it, the process can be found that asked.
    pub client_port: u16,
    /// What the client got: nothing if all was well, else RDS's code, or `connection cut`.
    pub refused: Option<String>,
}
