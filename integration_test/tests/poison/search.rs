//! The search for a word in all files of a folder, whatever way it may have been written there.

use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use memchr::memmem::Finder;

/// What a search came to.
#[derive(Default)]
pub(crate) struct Searched {
    /// Files with the word, and how it was written.
    pub(crate) holding: Vec<(PathBuf, &'static str)>,
    /// How many files were read.
    pub(crate) files: usize,
    /// How many bytes.
    pub(crate) bytes: usize,
}

/// A word in all its spellings.
pub(crate) struct Word {
    finders: Vec<(&'static str, Finder<'static>)>,
}

impl Word {
    /// As it is, in base64 at each of the three places that it can have in it, in hexadecimal, and in UTF-16.
    pub(crate) fn new(word: &str) -> Self {
        let hex = |upper: bool| {
            let digit = |byte: u8| if upper { format!("{byte:02X}") } else { format!("{byte:02x}") };
            word.bytes().map(digit).collect::<String>().into_bytes()
        };
        let wide: Vec<u8> = word.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let spaced: Vec<u8> =
            word.bytes().map(|byte| format!("{byte}, ")).collect::<String>().trim_end_matches(", ").into();
        let mut spellings = vec![
            ("as it is", word.as_bytes().to_vec()),
            ("backwards", word.bytes().rev().collect()),
            ("in hexadecimal", hex(false)),
            ("in hexadecimal", hex(true)),
            ("in UTF-16", wide),
            ("as a list of numbers", spaced),
        ];
        for offset in 0..3 {
            spellings.push(("in base64", base64_inside(word.as_bytes(), offset)));
        }
        let finders = spellings.into_iter().map(|(name, bytes)| (name, Finder::new(&bytes).into_owned()));
        Self { finders: finders.collect() }
    }

    /// All files of a folder, those in folders below it too, and what is in compressed ones. Links are not followed, but
    /// where they lead to is read.
    pub(crate) fn search(&self, folder: &Path) -> Searched {
        let mut searched = Searched::default();
        let mut folders = vec![folder.to_owned()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
            {
                let entry = entry.expect("a folder can be read");
                let (path, kind) = (entry.path(), entry.file_type().expect("a file has a type"));
                self.look(&path, path.as_os_str().as_encoded_bytes(), &mut searched);
                if kind.is_dir() {
                    folders.push(path);
                } else if kind.is_symlink() {
                    let target = fs::read_link(&path).expect("a link can be read");
                    self.look(&path, target.as_os_str().as_encoded_bytes(), &mut searched);
                } else if kind.is_file() {
                    self.file(&path, &mut searched);
                } else {
                    panic!("{} is neither file nor folder nor link", path.display());
                }
            }
        }
        searched
    }

    /// A file's content.
    pub(crate) fn file(&self, path: &Path, searched: &mut Searched) {
        let bytes = fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        searched.files += 1;
        searched.bytes += bytes.len();
        self.look(path, &bytes, searched);
        if bytes.starts_with(&[0x1f, 0x8b]) {
            let mut inside = Vec::new();
            flate2::read::MultiGzDecoder::new(bytes.as_slice())
                .read_to_end(&mut inside)
                .unwrap_or_else(|error| panic!("{} cannot be unpacked: {error}", path.display()));
            self.look(path, &inside, searched);
        }
    }

    fn look(&self, path: &Path, bytes: &[u8], searched: &mut Searched) {
        let found = self.finders.iter().filter(|(_, finder)| finder.find(bytes).is_some());
        searched.holding.extend(found.map(|(spelling, _)| (path.to_owned(), *spelling)));
    }
}

/// Base64, without padding.
pub(crate) fn base64(bytes: &[u8]) -> Vec<u8> {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = Vec::new();
    for chunk in bytes.chunks(3) {
        let three = [chunk[0], chunk.get(1).copied().unwrap_or(0), chunk.get(2).copied().unwrap_or(0)];
        let bits = u32::from_be_bytes([0, three[0], three[1], three[2]]);
        let digits = [18, 12, 6, 0].map(|shift| DIGITS[(bits >> shift & 63) as usize]);
        text.extend_from_slice(&digits[..chunk.len() + 1]);
    }
    text
}

/// What is the same of a word in base64 whatever stands around it, `offset` bytes after a multiple of three.
fn base64_inside(word: &[u8], offset: usize) -> Vec<u8> {
    let mut padded = vec![0; offset];
    padded.extend_from_slice(word);
    let whole = padded.len() / 3 * 4;
    let text = base64(&padded);
    // The first digits hold bits of what stands before, the last of what stands behind.
    let first = [0, 2, 3][offset];
    text[first..whole.min(text.len())].to_vec()
}
