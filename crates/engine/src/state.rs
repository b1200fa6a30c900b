//! The states of a migration, under Flyway's names.

/// A migration's state. The names are Flyway's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// To be applied.
    Pending,
    /// Applied.
    Success,
    /// Applied although a higher version was.
    OutOfOrder,
    /// Applied, and failed.
    Failed,
    /// Applied; its file is gone.
    Missing,
    /// Failed; its file is gone.
    FailedMissing,
    /// Applied; its version is above every file's.
    Future,
    /// Failed; its version is above every file's.
    FailedFuture,
    /// Not applied, and not to be: below an applied version, or left out by its settings or by `cherryPick`.
    Ignored,
    /// Not applied, above the target version.
    AboveTarget,
    /// Not applied, below the baseline.
    BelowBaseline,
    /// Not applied, at the baseline.
    IgnoredBaseline,
    /// The baseline.
    Baseline,
    /// Applied, then deleted by `repair`.
    Deleted,
    /// Applied, then undone.
    Undone,
    /// A repeatable that ran again since.
    Superseded,
    /// A repeatable whose file changed since.
    Outdated,
    /// An undo: it runs when it is asked for.
    Available,
}

impl State {
    /// As Flyway shows it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "Pending",
            Self::Success => "Success",
            Self::OutOfOrder => "Out of Order",
            Self::Failed => "Failed",
            Self::Missing => "Missing",
            Self::FailedMissing => "Failed (Missing)",
            Self::Future => "Future",
            Self::FailedFuture => "Failed (Future)",
            Self::Ignored => "Ignored",
            Self::AboveTarget => "Above Target",
            Self::BelowBaseline => "Below Baseline",
            Self::IgnoredBaseline => "Ignored (Baseline)",
            Self::Baseline => "Baseline",
            Self::Deleted => "Deleted",
            Self::Undone => "Undone",
            Self::Superseded => "Superseded",
            Self::Outdated => "Outdated",
            Self::Available => "Available",
        }
    }

    /// Whether a row of the history says that it failed.
    #[must_use]
    pub fn is_failed(self) -> bool {
        matches!(self, Self::Failed | Self::FailedMissing | Self::FailedFuture)
    }
}
