//! A group of users.

use serde::{Deserialize, Serialize};

use crate::facet::{Acts, Claim, Describe, Facets, Provided, Reach, Shown, Undo};
use crate::name::AccountName;
use crate::take_apart;
#[cfg(feature = "declare")]
use crate::{declare::Declared, diagnostic::Code, resource::Plan};

/// A group that exists, or does not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Group {
    /// Its name.
    pub group: AccountName,
    /// Whether it exists.
    pub present: bool,
    /// Made with an id of the system's range; has a say only when it is made.
    pub system: bool,
    /// Its id; `None`: whatever it is.
    pub gid: Option<u32>,
}

impl Describe for Group {
    const KIND: &'static str = "group";

    fn name(&self) -> &str {
        self.group.as_str()
    }

    fn facets(&self) -> Facets<'_> {
        take_apart!(let Group { group, present, system, gid } = self; late);
        let mut attributes: Vec<(_, Shown<'_>)> = vec![("present", present.into())];
        attributes.extend(system.then_some(("system", system.into())));
        attributes.extend(gid.map(|gid| ("gid", gid.into())));
        Facets {
            late,
            claims: std::iter::once(Claim::Group(group.as_str()))
                .chain(gid.filter(|_| *present).map(|gid| Claim::Id("gid", *gid)))
                .collect(),
            needs: vec![],
            provides: present.then_some(Provided::Group(group.as_str())).into_iter().collect(),
            acts: Acts::WhenDifferent,
            removes: !present,
            reach: Reach::Itself,
            undo: Undo::Not("files may belong to an account by now"),
            attributes,
        }
    }
}

#[cfg(feature = "declare")]
impl Plan {
    /// Declares a group.
    #[track_caller]
    pub fn group(&self, name: impl AsRef<str>) -> Declared<'_, Group> {
        match self.parse(Code::BAD_NAME, "group", name.as_ref(), AccountName::parse) {
            Some(group) => self.declare(Group { group, present: true, system: false, gid: None }),
            None => self.nothing(),
        }
    }
}

#[cfg(feature = "declare")]
impl Declared<'_, Group> {
    /// Makes it with an id of the system's range.
    pub fn system(self) -> Self {
        self.adjust(|group| group.system = true)
    }

    /// Sets its id.
    pub fn gid(self, gid: u32) -> Self {
        self.adjust(|group| group.gid = Some(gid))
    }

    /// Removes it.
    pub fn absent(self) -> Self {
        self.adjust(|group| group.present = false)
    }
}
