//! Facets: all that a resource says about itself to those who do not know it.
//!
//! Checks, conflicts, reports, receipts and `plan_test` go over [`Facets`] and name no resource. A resource answers each
//! question in one function, [`Describe::facets`], which has no defaults and begins by taking the resource apart
//! ([`take_apart!`](crate::take_apart)): a field that is forgotten or passed over does not compile. Late text comes out of it
//! as [`Unread`], which can be shown only together with who can read it, and as long as that is not said of each text,
//! there are no [`Facets`].

mod late_text;

use std::borrow::Cow;
use std::fmt;

use crate::name::{AbsolutePath, AccountName, Mode, PackageName, UnitName, Version, one_spelling};
pub use late_text::{Field, FileFacet, InFile, LateText, NotTold, Plain, Readers, Texts, Told, Unread, Who};

/// What every resource can say about itself without a host.
pub trait Describe {
    /// The word for it in plans and reports: `file`, `package`.
    const KIND: &'static str;

    /// What it is called: a path, the name of a package.
    fn name(&self) -> &str;

    /// Everything else.
    fn facets(&self) -> Facets<'_>;
}

/// Any of several resources: what a plan is made of.
pub trait AnyResource: fmt::Display + PartialEq {
    /// The word for it.
    fn kind(&self) -> &'static str;

    /// What it is called.
    fn name(&self) -> &str;

    /// All else that it says about itself.
    fn facets(&self) -> Facets<'_>;
}

/// A resource as one of several.
pub trait Variant: Describe + Into<Self::Any> {
    /// What it is one of.
    type Any: AnyResource;

    /// Itself, out of any.
    fn of_mut(resource: &mut Self::Any) -> Option<&mut Self>;

    /// Itself, out of any.
    fn of(resource: &Self::Any) -> Option<&Self>;
}

/// What a resource says about itself. It has no default: each question wants an answer.
#[derive(Clone, Debug)]
pub struct Facets<'a> {
    /// The late text in it and the contents of its files, with who can read them.
    pub late: Texts<'a>,
    /// What it decides about; one or several. Two tasks of one plan that claim the same have to be alike.
    pub claims: Vec<Claim<'a>>,
    /// What has to be there before it.
    pub needs: Vec<Need<'a>>,
    /// What will be there after it.
    pub provides: Vec<Provided<'a>>,
    /// When it acts.
    pub acts: Acts,
    /// Whether it takes away what it is about.
    pub removes: bool,
    /// What else it may change than what it claims.
    pub reach: Reach<'a>,
    /// How what it does can be undone.
    pub undo: Undo<'a>,
    /// What it should be, attribute by attribute, as it may be shown.
    pub attributes: Vec<(&'static str, Shown<'a>)>,
}

impl<'a> Facets<'a> {
    /// The late text in it, with who can read it.
    pub fn texts(&self) -> impl Iterator<Item = LateText<'a>> {
        self.late.told().iter().filter_map(|told| match told {
            Told::Text(text) => Some(*text),
            Told::File(file) => file.late_text(),
        })
    }

    /// The files that it puts somewhere.
    pub fn files(&self) -> impl Iterator<Item = &FileFacet<'a>> {
        self.late.told().iter().filter_map(|told| match told {
            Told::File(file) => Some(file),
            Told::Text(_) => None,
        })
    }

    /// What will be at which path after it.
    pub fn entries(&self) -> impl Iterator<Item = (&'a AbsolutePath, Entry<'a>)> {
        self.provides.iter().filter_map(|provided| match provided {
            Provided::Path(path, entry) => Some((*path, *entry)),
            _ => None,
        })
    }
}

/// What a task decides about: at most one task of a plan has a claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Claim<'a> {
    /// A path, whatever should be there.
    Path(&'a str),
    /// A package.
    Package(&'a str),
    /// The state of a unit.
    Unit(&'a str),
    /// A user.
    User(&'a str),
    /// A group.
    Group(&'a str),
    /// A command, by the name it was given.
    Command(&'a str),
    /// A number that only one can have: `uid` or `gid`.
    Id(&'static str, u32),
}

impl<'a> Claim<'a> {
    /// What tells it from other claims: two that are alike in this are one, however they are spelled.
    pub fn identity(self) -> (&'static str, Cow<'a, str>) {
        match self {
            Self::Path(path) => ("path", one_spelling(path)),
            other => other.parts(),
        }
    }

    /// The word for what is claimed, and its name.
    pub fn parts(self) -> (&'static str, Cow<'a, str>) {
        let (what, name) = match self {
            Self::Path(name) => ("path", name),
            Self::Package(name) => ("package", name),
            Self::Unit(name) => ("service", name),
            Self::User(name) => ("user", name),
            Self::Group(name) => ("group", name),
            Self::Command(name) => ("command", name),
            Self::Id(what, id) => return (what, id.to_string().into()),
        };
        (what, name.into())
    }
}

/// ``path `/etc/motd` ``
impl fmt::Display for Claim<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (what, name) = self.parts();
        write!(f, "{what} `{name}`")
    }
}

/// Something that has to be there before a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need<'a> {
    /// The directories above a path.
    Above(&'a AbsolutePath),
    /// Something at a path.
    Path(&'a AbsolutePath),
    /// A user.
    User(&'a str),
    /// A group.
    Group(&'a str),
    /// A package.
    Package(&'a str),
    /// A unit that systemd can start.
    Unit(&'a str),
}

/// Something that is there after a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Provided<'a> {
    /// This at a path.
    Path(&'a AbsolutePath, Entry<'a>),
    /// A user.
    User(&'a str),
    /// A group.
    Group(&'a str),
    /// A package, with all that it brings.
    Package(&'a str),
    /// A unit that systemd can start.
    Unit(&'a str),
}

/// What is at a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entry<'a> {
    /// A regular file.
    File(Mode),
    /// A directory.
    Directory(Mode),
    /// A symbolic link, and what it says.
    Link(&'a str),
    /// Nothing, and nothing below.
    Nothing,
}

/// When a task acts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Acts {
    /// When what is there differs from what should be.
    WhenDifferent,
    /// When what it asks the host says so.
    WhenGuardsSay,
    /// Only when a trigger makes it; without one, it would act in every run.
    WhenTriggered {
        /// What could be written to let it know when it has nothing to do, for those who wrote no trigger.
        instead: &'static [&'static str],
    },
}

/// What a task may change besides what it decides about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reach<'a> {
    /// Nothing.
    Itself,
    /// What is at these paths and below.
    Paths(Vec<&'a AbsolutePath>),
    /// Nobody knows.
    Anything,
}

/// How what a task does can be undone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Undo<'a> {
    /// By putting back what was at these paths before: content, kind, owner, group and mode.
    Paths(Vec<&'a AbsolutePath>),
    /// Not at all, for this reason: half a sentence.
    Not(&'static str),
}

/// The value of an attribute, as it may be shown.
#[derive(Clone, Debug)]
pub enum Shown<'a> {
    /// Known when building.
    Plain(Cow<'a, str>),
    /// Text; late values in it are shown by their names.
    Late(LateText<'a>),
    /// A file's content, by its length and hash or the late values in it.
    File(FileFacet<'a>),
}

impl Shown<'_> {
    /// A value in words of its own.
    pub fn said(value: impl fmt::Display) -> Self {
        Self::Plain(Cow::Owned(value.to_string()))
    }
}

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Plain(value) => f.write_str(value),
            Self::Late(late) => late.text().fmt(f),
            Self::File(file) => file.content().fmt(f),
        }
    }
}

impl<'a> From<&'a str> for Shown<'a> {
    fn from(value: &'a str) -> Self {
        Self::Plain(Cow::Borrowed(value))
    }
}

impl<'a> From<&'a String> for Shown<'a> {
    fn from(value: &'a String) -> Self {
        value.as_str().into()
    }
}

impl<'a> From<LateText<'a>> for Shown<'a> {
    fn from(text: LateText<'a>) -> Self {
        Self::Late(text)
    }
}

impl<'a> From<FileFacet<'a>> for Shown<'a> {
    fn from(file: FileFacet<'a>) -> Self {
        Self::File(file)
    }
}

macro_rules! shown_by_name {
    ($($type:ty),+) => {
        $(impl<'a> From<&'a $type> for Shown<'a> {
            fn from(name: &'a $type) -> Self {
                name.as_str().into()
            }
        })+
    };
}
shown_by_name!(AbsolutePath, AccountName, PackageName, UnitName, Version);

macro_rules! shown_in_words {
    ($($type:ty),+) => {
        $(impl From<&$type> for Shown<'_> {
            fn from(value: &$type) -> Self {
                Self::said(value)
            }
        })+
    };
}
shown_in_words!(Mode, bool, u32);
