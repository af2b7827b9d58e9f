//! A regular file.

use serde::{Deserialize, Serialize};

use crate::content::Content;
use crate::facet::{
    Acts, Claim, Describe, Entry, Facets, InFile, Need, Provided, Reach, Readers, Shown, Undo, Who,
};
use crate::format::Format;
use crate::name::{AbsolutePath, AccountName, Mode};
use crate::resource::owned::owned;
use crate::take_apart;
#[cfg(feature = "declare")]
use crate::{content::IntoContent, declare::Declared, diagnostic::Code, resource::Plan};

/// A regular file with this content, owner, group and mode. It is replaced atomically and never through a link.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct File {
    /// The path.
    pub path: AbsolutePath,
    /// What is in it.
    pub content: Content,
    /// `root` where nothing is said.
    pub owner: AccountName,
    /// `root` where nothing is said.
    pub group: AccountName,
    /// 0644 where nothing is said; 0600 where the content holds a secret.
    pub mode: Mode,
    /// A command that sees the new content before it is in place, in a check as well, at the path that stands for `{}` in
    /// it; it fails on bad content.
    pub validate: Option<String>,
    /// Why a secret may stand where others can read it.
    pub exposed: Option<String>,
    /// In what the content is written, where the path does not tell.
    pub format: Option<Format>,
}

owned!(File);

impl Describe for File {
    const KIND: &'static str = "file";

    fn name(&self) -> &str {
        self.path.as_str()
    }

    fn facets(&self) -> Facets<'_> {
        take_apart!(let File { path, content, owner, group, mode, validate, exposed, format } = self; late);
        let file = InFile {
            path,
            owner: owner.as_str(),
            group: group.as_str(),
            mode: *mode,
            validated: validate.is_some(),
            format: format.copied(),
        };
        let readers = Readers { who: Who::Mode(*mode), exposed: exposed.map(String::as_str) };
        let content = content.in_file(file, readers);
        let mut attributes: Vec<(_, Shown<'_>)> = vec![
            ("content", content.into()),
            ("owner", owner.into()),
            ("group", group.into()),
            ("mode", mode.into()),
        ];
        attributes.extend(validate.map(|command| ("validate", command.into())));
        attributes.extend(format.map(|format| ("format", Shown::said(format_args!("{format:?}")))));
        attributes.extend(exposed.map(|reason| ("exposed", reason.into())));
        Facets {
            late: late.tell(content),
            claims: vec![Claim::Path(path.as_str())],
            needs: vec![Need::Above(path), Need::User(owner.as_str()), Need::Group(group.as_str())],
            provides: vec![Provided::Path(path, Entry::File(*mode))],
            acts: Acts::WhenDifferent,
            removes: false,
            reach: Reach::Itself,
            undo: Undo::Paths(vec![path]),
            attributes,
        }
    }
}

#[cfg(feature = "declare")]
impl Plan {
    /// Declares a file. `content` is text (`"…"`, `text!(…)`), a `template(…)` or a `local_file(…)`.
    #[track_caller]
    pub fn file(&self, path: impl AsRef<str>, content: impl IntoContent) -> Declared<'_, File> {
        let (path, content) = (self.path(path.as_ref()), self.content(content));
        let (Some(path), Some((content, source))) = (path, content) else {
            return self.nothing();
        };
        let mode = if content.is_secret() { Mode::PRIVATE } else { Mode::FILE };
        let (owner, group) = (AccountName::root(), AccountName::root());
        let file = File { path, content, owner, group, mode, validate: None, exposed: None, format: None };
        self.declare_from(file, source)
    }
}

#[cfg(feature = "declare")]
impl Declared<'_, File> {
    /// Has a shell command look at the new content before it is put in place; `{}` in it is the path of the new
    /// content, as in `.validate("visudo -c -f {}")`. When it fails, the file stays as it was and the task fails. A check
    /// runs it as well, so it must change nothing. The new content lies by itself in a directory of its own, under the name
    /// of the file: relative paths in it lead nowhere.
    #[track_caller]
    pub fn validate(self, command: impl AsRef<str>) -> Self {
        let command = self.plan().parse(Code::BAD_VALUE, "validation", command.as_ref(), |command| {
            if command.contains("{}") {
                Ok(command.to_owned())
            } else {
                Err("has no `{}`, which stands for the new content's path".into())
            }
        });
        self.adjust_with(command, |file, command| file.validate = Some(command))
    }

    /// Allows a secret to stand where others than its users can read it, for this reason; without it, that is an error.
    #[track_caller]
    pub fn expose(self, reason: impl AsRef<str>) -> Self {
        let reason = self.plan().parse(Code::BAD_VALUE, "reason", reason.as_ref(), super::reason);
        self.adjust_with(reason, |file, reason| file.exposed = Some(reason))
    }

    /// Says in what the content is written, where its path does not end as such files do, or its reader takes more: the build
    /// looks whether it is so.
    #[track_caller]
    pub fn format(self, format: Format) -> Self {
        self.adjust(|file| file.format = Some(format))
    }

    /// Keeps the build from looking at the content, whatever its path says.
    #[track_caller]
    pub fn unchecked(self) -> Self {
        self.format(Format::Unchecked)
    }
}
