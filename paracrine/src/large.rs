//! The large contents in the deploy binary: in a section that is not loaded, so they are read from the executable's file,
//! piece by piece, and cost no memory however large they are.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;

use object::read::elf::ElfFile64;
use object::read::{Object, ObjectSection, ReadCache};
use paracrine_model::artifact::{LARGE_SECTION, Section};

/// The section of an executable, or of an object file, that holds the large contents.
#[derive(Debug)]
pub(crate) struct LargeContents {
    file: File,
    start: u64,
    length: u64,
}

impl LargeContents {
    /// Those in the running executable.
    ///
    /// # Errors
    /// The file cannot be read, or has none.
    pub(crate) fn own() -> io::Result<Self> {
        Self::open(Path::new("/proc/self/exe"))
    }

    /// Those in the file at `path`.
    ///
    /// # Errors
    /// The file cannot be read, or has none.
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        let file = File::open(path)?;
        let cache = ReadCache::new(&file);
        let elf: ElfFile64<'_, object::Endianness, _> = ElfFile64::parse(&cache).map_err(io::Error::other)?;
        let range = elf.section_by_name(LARGE_SECTION).and_then(|section| section.file_range());
        let (start, length) =
            range.ok_or_else(|| io::Error::other(format!("it has no section {LARGE_SECTION}")))?;
        drop(cache);
        Ok(Self { file, start, length })
    }

    /// Reads a piece of a content from so many bytes of it on, as much as the piece holds or the content has left; returns
    /// how much.
    ///
    /// # Errors
    /// A content that lies elsewhere, a file that cannot be read.
    pub(crate) fn read(&self, content: Section, from: u64, piece: &mut [u8]) -> io::Result<usize> {
        let outside = || io::Error::other("the compiled site and its contents do not belong together");
        let end = content.start.checked_add(content.length).filter(|end| *end <= self.length);
        if end.is_none() || from > content.length {
            return Err(outside());
        }
        let left = usize::try_from(content.length - from).unwrap_or(usize::MAX);
        let wanted = left.min(piece.len());
        self.file.read_exact_at(&mut piece[..wanted], self.start + content.start + from)?;
        Ok(wanted)
    }
}
