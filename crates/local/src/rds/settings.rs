//! How the double behaves.

use std::time::Duration;

/// How the double behaves; each can be changed while it runs.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RdsSettings {
    /// How long RDS's states last.
    pub pace: Pace,
    /// After each change, so many describing requests still show the world before it.
    pub stale_describes: u32,
    /// Where a name leads that leads to another server now.
    pub stale_addresses: StaleAddresses,
    /// What the account may have.
    pub quotas: Quotas,
}

/// How long each of RDS's transitional states lasts: `creating`, `backing-up`, `renaming` and so on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pace {
    /// Until it was described so many times; with 0 a state is over before anybody can see it. A describing request
    /// that is answered with the world as it was before doesn't count.
    Looks(u32),
    /// A while.
    Time(Duration),
}

impl Default for Pace {
    fn default() -> Self {
        Self::Looks(1)
    }
}

/// What new connections to a name reach after another instance took it: clients remember for a while what the name
/// service said. Until then the address leads to the renamed server also while no instance has the name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum StaleAddresses {
    /// The instance that has the name.
    #[default]
    Never,
    /// The server before, for so many connections.
    Connections(u32),
    /// The server before, until another of these is set.
    UntilTold,
}

/// The most that the account may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quotas {
    /// DB instances.
    pub instances: u32,
    /// Manual snapshots.
    pub snapshots: u32,
    /// The storage of all instances in GiB.
    pub storage: u32,
}

impl Default for Quotas {
    /// As in a new account.
    fn default() -> Self {
        Self {
            instances: 40,
            snapshots: 100,
            storage: 100_000,
        }
    }
}
