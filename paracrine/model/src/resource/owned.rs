//! Owner, group and mode, the same for all resources that have them.

use crate::name::{AccountName, Mode};
#[cfg(feature = "declare")]
use crate::{declare::Declared, diagnostic::Code, resource::Kind};

/// A resource that is at a path with a mode.
pub trait Moded {
    /// Its mode.
    fn mode(&self) -> Mode;

    /// Gives it another.
    fn set_mode(&mut self, mode: Mode);
}

/// A resource that is at a path and belongs to somebody.
pub trait Owned: Moded {
    /// Whose it is.
    fn owner(&self) -> &AccountName;

    /// Its group.
    fn group(&self) -> &AccountName;

    /// Gives it to somebody.
    fn set_owner(&mut self, owner: AccountName);

    /// Gives it to a group.
    fn set_group(&mut self, group: AccountName);
}

/// Makes a resource [`Moded`] by its field `mode`.
macro_rules! moded {
    ($type:ty) => {
        impl $crate::resource::owned::Moded for $type {
            fn mode(&self) -> $crate::name::Mode {
                self.mode
            }

            fn set_mode(&mut self, mode: $crate::name::Mode) {
                self.mode = mode;
            }
        }
    };
}

/// Makes a resource [`Owned`] by its fields `owner`, `group` and `mode`.
macro_rules! owned {
    ($type:ty) => {
        $crate::resource::owned::moded!($type);

        impl $crate::resource::owned::Owned for $type {
            fn owner(&self) -> &$crate::name::AccountName {
                &self.owner
            }

            fn group(&self) -> &$crate::name::AccountName {
                &self.group
            }

            fn set_owner(&mut self, owner: $crate::name::AccountName) {
                self.owner = owner;
            }

            fn set_group(&mut self, group: $crate::name::AccountName) {
                self.group = group;
            }
        }
    };
}

pub(crate) use {moded, owned};

#[cfg(feature = "declare")]
impl<K: Kind + Moded> Declared<'_, K> {
    /// Sets the mode, like `0o640`.
    #[track_caller]
    pub fn mode(self, mode: u32) -> Self {
        let mode = self.plan().mode(mode);
        self.adjust_with(mode, Moded::set_mode)
    }
}

#[cfg(feature = "declare")]
impl<K: Kind + Owned> Declared<'_, K> {
    /// Sets the owner.
    #[track_caller]
    pub fn owner(self, owner: impl AsRef<str>) -> Self {
        let owner = self.plan().parse(Code::BAD_NAME, "owner", owner.as_ref(), AccountName::parse);
        self.adjust_with(owner, Owned::set_owner)
    }

    /// Sets the group.
    #[track_caller]
    pub fn group(self, group: impl AsRef<str>) -> Self {
        let group = self.plan().parse(Code::BAD_NAME, "group", group.as_ref(), AccountName::parse);
        self.adjust_with(group, Owned::set_group)
    }
}
