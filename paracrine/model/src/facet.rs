//! Facets: all that a resource says about itself to those who do not know it.
//!
//! Checks, conflicts, reports, receipts and `plan_test` go over [`Facets`] and name no resource. A resource answers each
//! question in one function, [`Describe::facets`], which has no defaults and begins by taking the resource apart
//! ([`take_apart!`](crate::take_apart)): a field that is forgotten or passed over does not compile. Late text comes out of it
//! as [`Unread`], which can be shown only together with who can read it, and as long as that is not said of each text,
//! there are no [`Facets`].

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use crate::content::Content;
use crate::name::{AbsolutePath, AccountName, Mode, PackageName, UnitName, Version};
use crate::text::Text;

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
    /// How what it does can be undone.
    pub undo: Undo<'a>,
    /// What it should be, attribute by attribute, as it may be shown.
    pub attributes: Vec<(&'static str, Shown<'a>)>,
}

impl<'a> Facets<'a> {
    /// The late text in it, with who can read it.
    pub fn texts(&self) -> impl Iterator<Item = LateText<'a>> {
        self.late.told.iter().filter_map(|told| match told {
            Told::Text(text) => Some(*text),
            Told::File(file) => Some(LateText { text: file.content.text()?, readers: file.readers }),
        })
    }

    /// The files that it puts somewhere.
    pub fn files(&self) -> impl Iterator<Item = &FileFacet<'a>> {
        self.late.told.iter().filter_map(|told| match told {
            Told::File(file) => Some(file),
            Told::Text(_) => None,
        })
    }

    /// What will be at which path after it.
    pub fn entries(&self) -> impl Iterator<Item = (&'a AbsolutePath, Entry)> {
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
}

impl<'a> Claim<'a> {
    /// The word for what is claimed, and its name.
    pub fn parts(self) -> (&'static str, &'a str) {
        match self {
            Self::Path(name) => ("path", name),
            Self::Package(name) => ("package", name),
            Self::Unit(name) => ("service", name),
            Self::User(name) => ("user", name),
            Self::Group(name) => ("group", name),
            Self::Command(name) => ("command", name),
        }
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
    Path(&'a AbsolutePath, Entry),
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
pub enum Entry {
    /// A regular file.
    File(Mode),
    /// A directory.
    Directory(Mode),
    /// A symbolic link.
    Link,
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

/// How what a task does can be undone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Undo<'a> {
    /// By putting back what was at these paths before: content, kind, owner, group and mode.
    Paths(Vec<&'a AbsolutePath>),
    /// Not at all, for this reason: half a sentence.
    Not(&'static str),
}

/// Who can read a text where the resource puts it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Readers<'a> {
    /// Who they are.
    pub who: Who,
    /// Why that is meant, where somebody wrote so (`.expose("…")`).
    pub exposed: Option<&'a str>,
}

/// Those who can read something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Who {
    /// Nobody but root.
    Root,
    /// Those whom the mode of its file lets.
    Mode(Mode),
    /// Those whom the mode of its file lets, and everybody who asks systemd about this unit.
    Systemd(Mode),
    /// Everybody, as far as it is an argument of a program that this shell script starts.
    Arguments,
}

/// Late text that came out of a resource: nothing can be done with it but to say who can read it.
#[derive(Debug)]
#[must_use = "who can read it?"]
pub struct Unread<'a, T>(&'a T);

impl<'a> Unread<'a, Text> {
    /// Says who can read the text.
    pub fn read_by(self, readers: Readers<'a>) -> LateText<'a> {
        LateText { text: self.0, readers }
    }
}

impl<'a> Unread<'a, Content> {
    /// Says in which file the content will be, and who can read it there.
    pub fn in_file(self, file: InFile<'a>, readers: Readers<'a>) -> FileFacet<'a> {
        let InFile { path, owner, group, mode, validated } = file;
        FileFacet { path, content: self.0, owner, group, mode, validated, readers }
    }
}

/// Text with those who can read it.
#[derive(Clone, Copy, Debug)]
pub struct LateText<'a> {
    text: &'a Text,
    readers: Readers<'a>,
}

impl<'a> LateText<'a> {
    /// The text.
    pub fn text(self) -> &'a Text {
        self.text
    }

    /// Who can read it.
    pub fn readers(self) -> Readers<'a> {
        self.readers
    }
}

/// What a file is besides its content.
#[derive(Clone, Copy, Debug)]
pub struct InFile<'a> {
    /// Where it is.
    pub path: &'a AbsolutePath,
    /// Whose it is.
    pub owner: &'a str,
    /// Its group.
    pub group: &'a str,
    /// Its mode.
    pub mode: Mode,
    /// Whether a program looks at new content before it is in place.
    pub validated: bool,
}

/// A file that a resource puts somewhere.
#[derive(Clone, Copy, Debug)]
pub struct FileFacet<'a> {
    path: &'a AbsolutePath,
    content: &'a Content,
    owner: &'a str,
    group: &'a str,
    mode: Mode,
    validated: bool,
    readers: Readers<'a>,
}

impl<'a> FileFacet<'a> {
    /// Where it is; that tells its format.
    pub fn path(&self) -> &'a AbsolutePath {
        self.path
    }

    /// What is in it.
    pub fn content(&self) -> &'a Content {
        self.content
    }

    /// Whose it is.
    pub fn owner(&self) -> &'a str {
        self.owner
    }

    /// Its group.
    pub fn group(&self) -> &'a str {
        self.group
    }

    /// Its mode.
    pub fn mode(&self) -> Mode {
        self.mode
    }

    /// Whether a program looks at new content before it is in place.
    pub fn is_validated(&self) -> bool {
        self.validated
    }

    /// Who can read what is in it.
    pub fn readers(&self) -> Readers<'a> {
        self.readers
    }
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
            Self::Late(late) => late.text.fmt(f),
            Self::File(file) => file.content.fmt(f),
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

/// Late text and contents of a resource, as far as it was said who can read them. `Owes` counts those of which it was not:
/// only with none left they are an answer.
#[derive(Clone, Debug)]
pub struct Texts<'a, Owes = ()> {
    told: Vec<Told<'a>>,
    owes: PhantomData<Owes>,
}

/// One field of which it was not said yet who can read it, and others.
#[derive(Clone, Debug)]
pub struct NotTold<Others>(PhantomData<Others>);

/// Text or a file, with those who can read it.
#[derive(Clone, Copy, Debug)]
pub enum Told<'a> {
    /// Text that is in no file.
    Text(LateText<'a>),
    /// The content of a file.
    File(FileFacet<'a>),
}

impl<'a> From<LateText<'a>> for Told<'a> {
    fn from(text: LateText<'a>) -> Self {
        Self::Text(text)
    }
}

impl<'a> From<FileFacet<'a>> for Told<'a> {
    fn from(file: FileFacet<'a>) -> Self {
        Self::File(file)
    }
}

impl<'a, Others> Texts<'a, NotTold<Others>> {
    /// Takes what was said of one field.
    pub fn tell(self, told: impl Into<Told<'a>>) -> Texts<'a, Others> {
        self.tell_all([told])
    }

    /// Takes what was said of one field that holds several texts, or perhaps none.
    pub fn tell_all(mut self, told: impl IntoIterator<Item = impl Into<Told<'a>>>) -> Texts<'a, Others> {
        self.told.extend(told.into_iter().map(Into::into));
        Texts { told: self.told, owes: PhantomData }
    }
}

/// What [`take_apart!`](crate::take_apart) makes of a field: late text comes out as [`Unread`], anything else as a reference.
pub trait Field {
    /// What is owed when this field is taken out besides others.
    type Owes<Others>;

    /// What comes out.
    type Taken<'a>
    where
        Self: 'a;

    /// Takes it out.
    fn take(&self) -> Self::Taken<'_>;
}

impl Field for Text {
    type Owes<Others> = NotTold<Others>;
    type Taken<'a> = Unread<'a, Self>;

    fn take(&self) -> Unread<'_, Self> {
        Unread(self)
    }
}

impl Field for Content {
    type Owes<Others> = NotTold<Others>;
    type Taken<'a> = Unread<'a, Self>;

    fn take(&self) -> Unread<'_, Self> {
        Unread(self)
    }
}

impl<T: Field> Field for Option<T> {
    type Owes<Others> = T::Owes<Others>;
    type Taken<'a>
        = Option<T::Taken<'a>>
    where
        T: 'a;

    fn take(&self) -> Self::Taken<'_> {
        self.as_ref().map(Field::take)
    }
}

impl<T: Field> Field for Vec<T> {
    type Owes<Others> = T::Owes<Others>;
    type Taken<'a>
        = Vec<T::Taken<'a>>
    where
        T: 'a;

    fn take(&self) -> Self::Taken<'_> {
        self.iter().map(Field::take).collect()
    }
}

/// A field without late text. What holds some has to be taken apart itself.
pub trait Plain {}

impl<T: Plain> Field for T {
    type Owes<Others> = Others;
    type Taken<'a>
        = &'a T
    where
        T: 'a;

    fn take(&self) -> &T {
        self
    }
}

macro_rules! plain {
    ($($type:ty),+) => {
        $(impl Plain for $type {})+
    };
}
plain!(AbsolutePath, AccountName, PackageName, UnitName, Version, Mode, String, bool, u8, u16, u32, u64);

impl Texts<'_> {
    #[doc(hidden)]
    pub const fn by_macro() -> Self {
        Self { told: Vec::new(), owes: PhantomData }
    }
}

impl<'a, Owes> Texts<'a, Owes> {
    #[doc(hidden)]
    pub fn and_owes<F: Field>(self, _: &'a F) -> Texts<'a, F::Owes<Owes>> {
        Texts { told: self.told, owes: PhantomData }
    }
}

/// Takes a resource apart: every field by name, no `..`, no `_`. The last word names the [`Texts`] that [`Facets::late`]
/// wants, once it was told who can read each.
///
/// ```
/// use paracrine_model::facet::{Acts, Claim, Describe, Facets, Need, Readers, Undo, Who};
/// use paracrine_model::take_apart;
/// use paracrine_model::text::Text;
///
/// struct Login { user: String, password: Text }
///
/// impl Describe for Login {
///     const KIND: &'static str = "login";
///
///     fn name(&self) -> &str {
///         &self.user
///     }
///
///     fn facets(&self) -> Facets<'_> {
///         take_apart!(let Login { user, password } = self; late);
///         let password = password.read_by(Readers { who: Who::Root, exposed: None });
///         Facets {
///             late: late.tell(password),
///             claims: vec![Claim::User(user)],
///             needs: vec![Need::User(user)],
///             provides: vec![],
///             acts: Acts::WhenDifferent,
///             removes: false,
///             undo: Undo::Not("the old password is known to nobody"),
///             attributes: vec![("password", password.into())],
///         }
///     }
/// }
/// # let login = Login { user: "ann".into(), password: "x".into() };
/// # assert_eq!(login.facets().texts().count(), 1);
/// ```
#[macro_export]
macro_rules! take_apart {
    (let $type:ident { $($field:ident),+ $(,)? } = $resource:expr; $late:ident) => {
        let $type { $($field),+ } = $resource;
        let $late = $crate::facet::Texts::by_macro();
        $(
            let $late = $late.and_owes($field);
            let $field = $crate::facet::Field::take($field);
        )+
    };
}
