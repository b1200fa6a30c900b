//! Who may log in.

use std::fmt;
use std::hash::{BuildHasher, RandomState};

/// A role that can log in with a password.
#[derive(Clone)]
pub struct Role {
    name: String,
    password: String,
}

impl Role {
    /// A role with a random password. Good enough for a server on the loopback interface that lives for a test or a
    /// demo; made of letters and digits, so that it needs no escaping in SQL or in a URL.
    pub(super) fn new(name: &str) -> Self {
        let random = RandomState::new();
        Self {
            name: name.to_owned(),
            password: format!("{:016x}{:016x}", random.hash_one(0), random.hash_one(1)),
        }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its password.
    pub fn password(&self) -> &str {
        &self.password
    }
}

impl fmt::Debug for Role {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Role({})", self.name)
    }
}

/// A name as an SQL identifier.
pub(crate) fn quote(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}
