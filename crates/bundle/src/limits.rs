//! How large a bundle may be.

/// The limits that a bundle is held to, whatever its headers say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// The zip itself, in bytes.
    pub zip_bytes: u64,
    /// Entries, folders too.
    pub entries: u32,
    /// One file unpacked, in bytes.
    pub file_bytes: u64,
    /// All files unpacked, in bytes.
    pub total_bytes: u64,
    /// How many times its packed size a file, and the whole, may unpack to. Asked above 1 MiB only: below, it is no
    /// bomb.
    pub ratio: u32,
    /// A path, in bytes.
    pub path_bytes: usize,
    /// Components of a path.
    pub levels: usize,
}

impl Default for Limits {
    fn default() -> Self {
        const MIB: u64 = 1024 * 1024;
        Self {
            zip_bytes: 64 * MIB,
            entries: 20_000,
            file_bytes: 64 * MIB,
            total_bytes: 256 * MIB,
            ratio: 200,
            path_bytes: 512,
            levels: 32,
        }
    }
}
