//! A regular file.

use serde::{Deserialize, Serialize};

use super::{Claim, Describe};
use crate::content::{Content, IntoContent};
use crate::diagnostic::Code;
use crate::name::{AbsolutePath, AccountName, Mode};
use crate::plan::{Declared, Plan};
use crate::text::Text;

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
    /// A command that sees the new content before it is in place, at the path that stands for `{}` in it; it fails
    /// on bad content.
    pub validate: Option<String>,
    /// Why a secret may stand where others can read it.
    pub exposed: Option<String>,
}

impl Describe for File {
    const KIND: &'static str = "file";

    fn name(&self) -> &str {
        self.path.as_str()
    }

    fn claim(&self) -> Claim {
        Claim::Path(self.path.to_string())
    }

    fn attributes(&self) -> Vec<(&'static str, String)> {
        let mut attributes = vec![
            ("content", self.content.to_string()),
            ("owner", self.owner.to_string()),
            ("group", self.group.to_string()),
            ("mode", self.mode.to_string()),
        ];
        attributes.extend(self.validate.iter().map(|command| ("validate", command.clone())));
        attributes.extend(self.exposed.iter().map(|reason| ("exposed", reason.clone())));
        attributes
    }

    fn texts(&self) -> Vec<&Text> {
        self.content.text().into_iter().collect()
    }

    fn content(&self) -> Option<&Content> {
        Some(&self.content)
    }
}

impl Plan {
    /// Declares a file. `content` is text (`"…"`, `text!(…)`), a `template(…)` or a `local_file(…)`.
    #[track_caller]
    pub fn file(&self, path: impl AsRef<str>, content: impl IntoContent) -> Declared<'_, File> {
        let (path, content) = (self.path(path.as_ref()), self.content(content));
        let (Some(path), Some((content, source))) = (path, content) else {
            return self.nothing();
        };
        let mode = if content.text().is_some() { Mode::PRIVATE } else { Mode::FILE };
        let (owner, group) = (AccountName::root(), AccountName::root());
        self.declare_from(File { path, content, owner, group, mode, validate: None, exposed: None }, source)
    }
}

impl Declared<'_, File> {
    /// Sets the owner.
    #[track_caller]
    pub fn owner(self, owner: &str) -> Self {
        let owner = self.plan().parse(Code::BAD_NAME, "owner", owner, AccountName::parse);
        self.adjust_with(owner, |file, owner| file.owner = owner)
    }

    /// Sets the group.
    #[track_caller]
    pub fn group(self, group: &str) -> Self {
        let group = self.plan().parse(Code::BAD_NAME, "group", group, AccountName::parse);
        self.adjust_with(group, |file, group| file.group = group)
    }

    /// Sets the mode, like `0o640`.
    #[track_caller]
    pub fn mode(self, mode: u32) -> Self {
        let mode = self.plan().mode(mode);
        self.adjust_with(mode, |file, mode| file.mode = mode)
    }

    /// Has a shell command look at the new content before it is put in place; `{}` in it is the path of the new
    /// content, as in `.validate("visudo -c -f {}")`. When it fails, the file stays as it was and the task fails.
    #[track_caller]
    pub fn validate(self, command: &str) -> Self {
        let command = self.plan().parse(Code::BAD_VALUE, "validation", command, |command| {
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
    pub fn expose(self, reason: &str) -> Self {
        let reason = self.plan().parse(Code::BAD_VALUE, "reason", reason, super::reason);
        self.adjust_with(reason, |file, reason| file.exposed = Some(reason))
    }
}
