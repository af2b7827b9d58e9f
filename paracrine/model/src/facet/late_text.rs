//! Late text and contents of resources: they come out only together with those who can read them.

use std::marker::PhantomData;

use crate::content::Content;
use crate::format::Format;
use crate::name::{AbsolutePath, AccountName, Mode, PackageName, UnitName, Version};
use crate::text::Text;

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
        let InFile { path, owner, group, mode, validated, format } = file;
        FileFacet { path, content: self.0, owner, group, mode, validated, format, readers }
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
    /// In what it is written, where that is said.
    pub format: Option<Format>,
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
    format: Option<Format>,
    readers: Readers<'a>,
}

impl<'a> FileFacet<'a> {
    /// Where it is; that tells its format.
    pub fn path(&self) -> &'a AbsolutePath {
        self.path
    }

    /// In what it is written, where that is said and not told by its path.
    pub fn format(&self) -> Option<Format> {
        self.format
    }

    /// The late text in it, if there is any.
    pub(super) fn late_text(&self) -> Option<LateText<'a>> {
        Some(LateText { text: self.content.text()?, readers: self.readers })
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
plain!(
    AbsolutePath,
    AccountName,
    Format,
    PackageName,
    UnitName,
    Version,
    Mode,
    String,
    bool,
    u8,
    u16,
    u32,
    u64
);

impl<'a> Texts<'a> {
    /// All of them.
    pub(super) fn told(&self) -> &[Told<'a>] {
        &self.told
    }
}

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

/// Takes a resource apart: every field by name, no `..`, no `_`. The last word names the [`Texts`] that [`Facets::late`](super::Facets::late)
/// wants, once it was told who can read each.
///
/// ```
/// use paracrine_model::facet::{Acts, Claim, Describe, Facets, Need, Reach, Readers, Undo, Who};
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
///             reach: Reach::Itself,
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
