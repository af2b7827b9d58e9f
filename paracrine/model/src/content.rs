//! What is in a file.

use std::any::Any;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::rc::Rc;

use serde::{Deserialize, Serialize};

use crate::diagnostic::Diagnostic;
use crate::hash::Hash;
use crate::secret::Secret;
use crate::text::Text;

/// The content a file should have.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Content {
    /// Known when building; the bytes travel only to hosts that lack them.
    Blob {
        /// Names the bytes.
        hash: Hash,
        /// In bytes.
        length: u64,
    },
    /// Holds late values; put together on the host.
    Late(Text),
}

impl Content {
    /// The late text in it.
    pub fn text(&self) -> Option<&Text> {
        match self {
            Self::Blob { .. } => None,
            Self::Late(text) => Some(text),
        }
    }

    /// Whether a value in it may be shown to nobody.
    pub fn is_secret(&self) -> bool {
        self.text().is_some_and(Text::is_secret)
    }
}

/// As it may be shown: never the content.
impl fmt::Display for Content {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Blob { length, hash } => write!(f, "{length} bytes, {}", hash.short()),
            Self::Late(text) => {
                let names: std::collections::BTreeSet<_> = text.lates().map(ToString::to_string).collect();
                write!(f, "text with {}", names.into_iter().collect::<Vec<_>>().join(", "))
            }
        }
    }
}

/// A local file of so many bytes or more is large: it is never held in memory as a whole, and lies in a section of the
/// deploy binary that is not loaded.
pub const LARGE: u64 = 1024 * 1024;

/// A large content, which stays where it is until the site is linked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LargeFile {
    /// Where it lies on the machine that builds.
    pub path: PathBuf,
    /// Names the bytes.
    pub hash: Hash,
    /// As it was when it was hashed.
    pub stamp: Stamp,
}

/// What tells that a file is the one it was, without reading it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stamp {
    /// In bytes.
    pub length: u64,
    /// When its content was changed last, in nanoseconds since 1970.
    pub modified: i128,
}

impl Stamp {
    /// Out of what the file system says of a file.
    ///
    /// # Errors
    /// A file system that does not say when.
    pub fn of(metadata: &std::fs::Metadata) -> std::io::Result<Self> {
        let since = metadata.modified()?.duration_since(std::time::UNIX_EPOCH);
        let since = since.map_err(std::io::Error::other)?;
        Ok(Self {
            length: metadata.len(),
            modified: i128::try_from(since.as_nanos()).map_err(std::io::Error::other)?,
        })
    }
}

/// Contents of all hosts' files, each once.
#[derive(Clone, Default)]
pub struct Blobs(Rc<RefCell<Kept>>);

#[derive(Default)]
struct Kept {
    bytes: BTreeMap<Hash, Rc<[u8]>>,
    large: BTreeMap<Hash, LargeFile>,
}

impl Blobs {
    /// Keeps `bytes` and names them.
    pub fn keep(&self, bytes: &[u8]) -> Content {
        let hash = Hash::of(bytes);
        self.0.borrow_mut().bytes.entry(hash).or_insert_with(|| bytes.into());
        Content::Blob { hash, length: bytes.len() as u64 }
    }

    /// Notes where a large content lies.
    pub fn keep_large(&self, file: LargeFile) -> Content {
        let (hash, length) = (file.hash, file.stamp.length);
        self.0.borrow_mut().large.entry(hash).or_insert(file);
        Content::Blob { hash, length }
    }

    /// The bytes of that name; none where they are large.
    pub fn get(&self, hash: &Hash) -> Option<Rc<[u8]>> {
        self.0.borrow().bytes.get(hash).cloned()
    }

    /// All that are not large, in the order of their names.
    pub fn all(&self) -> Vec<(Hash, Rc<[u8]>)> {
        self.0.borrow().bytes.iter().map(|(hash, bytes)| (*hash, bytes.clone())).collect()
    }

    /// All large ones, in the order of their names.
    pub fn large(&self) -> Vec<LargeFile> {
        self.0.borrow().large.values().cloned().collect()
    }
}

/// The files of a site, as a plan hands them on to contents that are made from them; only who made them knows what they are.
#[derive(Clone, Default)]
pub struct SiteFiles(Option<Rc<dyn Any>>);

impl SiteFiles {
    /// Files of some kind.
    pub fn new<T: 'static>(files: Rc<T>) -> Self {
        Self(Some(files))
    }

    /// The files, if there are some of that kind.
    pub fn get<T: 'static>(&self) -> Option<&T> {
        self.0.as_ref()?.downcast_ref()
    }
}

/// What can become the content of a file: text, late text, a template, a local file.
pub trait IntoContent {
    /// The bytes or the late text.
    ///
    /// # Errors
    /// What is wrong with the source of the content, at its own place (a template's line).
    fn into_content(self, site: &SiteFiles) -> Result<Made, Box<Diagnostic>>;
}

/// Content as [`IntoContent`] makes it.
pub struct Made {
    /// What is in the file.
    pub body: Body,
    /// The template or local file it came from, relative to the site.
    pub source: Option<String>,
}

/// The content itself.
pub enum Body {
    /// Known bytes.
    Bytes(Rc<[u8]>),
    /// Known, and too large to be read.
    Large(LargeFile),
    /// Text, perhaps with late values.
    Text(Text),
}

impl IntoContent for Text {
    fn into_content(self, _: &SiteFiles) -> Result<Made, Box<Diagnostic>> {
        Ok(Made { body: Body::Text(self), source: None })
    }
}

macro_rules! content_by_text {
    ($($type:ty),+) => {
        $(impl IntoContent for $type {
            fn into_content(self, site: &SiteFiles) -> Result<Made, Box<Diagnostic>> {
                Text::from(self).into_content(site)
            }
        })+
    };
}
content_by_text!(&str, String, &String, Secret, &Secret);

impl IntoContent for &Text {
    fn into_content(self, site: &SiteFiles) -> Result<Made, Box<Diagnostic>> {
        self.clone().into_content(site)
    }
}

impl IntoContent for Vec<u8> {
    fn into_content(self, _: &SiteFiles) -> Result<Made, Box<Diagnostic>> {
        Ok(Made { body: Body::Bytes(self.into()), source: None })
    }
}

impl Made {
    /// Puts known bytes among the blobs.
    pub fn keep(self, blobs: &Blobs) -> Content {
        match self.body {
            Body::Bytes(bytes) => blobs.keep(&bytes),
            Body::Large(file) => blobs.keep_large(file),
            Body::Text(text) => match text.literal() {
                Some(literal) => blobs.keep(literal.as_bytes()),
                None => Content::Late(text),
            },
        }
    }
}
