//! What is in a file.

use std::any::Any;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt;
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

/// Contents of all hosts' files, each once.
#[derive(Clone, Default)]
pub struct Blobs(Rc<RefCell<BTreeMap<Hash, Rc<[u8]>>>>);

impl Blobs {
    /// Keeps `bytes` and names them.
    pub fn keep(&self, bytes: &[u8]) -> Content {
        let hash = Hash::of(bytes);
        self.0.borrow_mut().entry(hash).or_insert_with(|| bytes.into());
        Content::Blob { hash, length: bytes.len() as u64 }
    }

    /// The bytes of that name.
    pub fn get(&self, hash: &Hash) -> Option<Rc<[u8]>> {
        self.0.borrow().get(hash).cloned()
    }

    /// All, in the order of their names.
    pub fn all(&self) -> Vec<(Hash, Rc<[u8]>)> {
        self.0.borrow().iter().map(|(hash, bytes)| (*hash, bytes.clone())).collect()
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
    Bytes(Vec<u8>),
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
        Ok(Made { body: Body::Bytes(self), source: None })
    }
}

impl Made {
    /// Puts known bytes among the blobs.
    pub fn keep(self, blobs: &Blobs) -> Content {
        match self.body {
            Body::Bytes(bytes) => blobs.keep(&bytes),
            Body::Text(text) => match text.literal() {
                Some(literal) => blobs.keep(literal.as_bytes()),
                None => Content::Late(text),
            },
        }
    }
}
