//! A systemd unit file.

use serde::{Deserialize, Serialize};

use crate::content::Content;
use crate::facet::{
    Acts, Claim, Describe, Entry, Facets, InFile, Need, Provided, Reach, Readers, Shown, Undo, Who,
};
use crate::name::{AbsolutePath, Mode, UnitName};
use crate::resource::owned::moded;
use crate::take_apart;
#[cfg(feature = "declare")]
use crate::{content::IntoContent, declare::Declared, diagnostic::Code, resource::Plan};

/// A unit file of our own in `/etc/systemd/system`, owned by root. systemd is told to read it again, once, before
/// the next service is looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unit {
    /// The unit.
    pub unit: UnitName,
    /// Its file: `/etc/systemd/system/` and its name.
    pub path: AbsolutePath,
    /// What is in it.
    pub content: Content,
    /// 0644; 0600 where the content holds a secret.
    pub mode: Mode,
    /// Why a secret may stand where others can read it.
    pub exposed: Option<String>,
}

moded!(Unit);

impl Describe for Unit {
    const KIND: &'static str = "unit";

    fn name(&self) -> &str {
        self.unit.as_str()
    }

    fn facets(&self) -> Facets<'_> {
        take_apart!(let Unit { unit, path, content, mode, exposed } = self; late);
        let file = InFile { path, owner: "root", group: "root", mode: *mode, validated: false, format: None };
        let readers = Readers { who: Who::Systemd(*mode), exposed: exposed.map(String::as_str) };
        let content = content.in_file(file, readers);
        let mut attributes: Vec<(_, Shown<'_>)> = vec![("content", content.into()), ("mode", mode.into())];
        attributes.extend(exposed.map(|reason| ("exposed", reason.into())));
        Facets {
            late: late.tell(content),
            claims: vec![Claim::Path(path.as_str())],
            needs: vec![Need::Above(path)],
            provides: vec![Provided::Path(path, Entry::File(*mode)), Provided::Unit(unit.as_str())],
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
    /// Declares a unit file, as `plan.unit("app.service", template("app.service.j2", …))`.
    #[track_caller]
    pub fn unit(&self, name: impl AsRef<str>, content: impl IntoContent) -> Declared<'_, Unit> {
        let unit = self.parse(Code::BAD_NAME, UnitName::WHAT, name.as_ref(), UnitName::parse);
        let content = self.content(content);
        let (Some(unit), Some((content, source))) = (unit, content) else {
            return self.nothing();
        };
        let Some(path) = self.path(&format!("/etc/systemd/system/{unit}")) else {
            return self.nothing();
        };
        let mode = if content.is_secret() { Mode::PRIVATE } else { Mode::FILE };
        self.declare_from(Unit { unit, path, content, mode, exposed: None }, source)
    }
}

#[cfg(feature = "declare")]
impl Declared<'_, Unit> {
    /// Allows a secret to stand where others than its users can read it, for this reason; without it, that is an error.
    #[track_caller]
    pub fn expose(self, reason: impl AsRef<str>) -> Self {
        let reason = self.plan().parse(Code::BAD_VALUE, "reason", reason.as_ref(), super::reason);
        self.adjust_with(reason, |unit, reason| unit.exposed = Some(reason))
    }
}
