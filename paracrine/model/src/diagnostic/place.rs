use std::fmt;
use std::sync::Arc;

/// A place in a text file: one line, a first column and a length.
///
/// Lines and columns count from 1, columns and lengths in characters (not bytes), so that every editor agrees.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// Path as the user would type it, relative to the site.
    pub file: Arc<str>,
    /// From 1.
    pub line: u32,
    /// From 1, in characters.
    pub column: u32,
    /// In characters; 0 where only a point is known.
    pub length: u32,
}

impl Place {
    /// A place of `length` characters.
    pub fn new(file: impl Into<Arc<str>>, line: u32, column: u32, length: u32) -> Self {
        Self { file: file.into(), line, column, length }
    }

    /// The place of a caller in Rust; its length is found when it is drawn.
    pub fn caller(location: &std::panic::Location<'_>) -> Self {
        Self::new(location.file(), location.line(), location.column(), 0)
    }
}

/// `file:line:column`
impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.file, self.line, self.column)
    }
}
