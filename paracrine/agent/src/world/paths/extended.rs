//! Extended attributes of files that are replaced: access control lists stay, and what cannot stay is known before.
//!
//! No stat shows them, so they are looked at only where a file is about to be replaced; what no plan speaks of is not
//! looked for in a run that has nothing to do.

use std::os::fd::AsFd;

use paracrine_model::name::AbsolutePath;
use paracrine_model::protocol::Failure;
use rustix::fs::{XattrFlags, fgetxattr, flistxattr, fremovexattr, fsetxattr};
use rustix::io::Errno;

use super::{Paths, failed, open_file};

/// Who besides owner, group and others may do what (acl(5)).
const ACL: &str = "system.posix_acl_access";

/// What a program may do more than its user.
const CAPABILITIES: &str = "security.capability";

/// As much as most have.
const USUAL: usize = 512;

/// As much as there can be (xattr(7)).
const LONGEST: usize = 64 * 1024;

/// What a file has besides content, owner and mode.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Extended {
    /// What its successor gets: lists of access, and what users have noted.
    kept: Vec<(String, Vec<u8>)>,
    /// Whether it has capabilities. They were given to this content: no other gets them.
    pub(crate) capabilities: bool,
}

impl Paths {
    /// What a file that is to be replaced has; nothing of what is only predicted.
    ///
    /// # Errors
    /// It cannot be looked at.
    pub(crate) fn extended(&mut self, path: &AbsolutePath) -> Result<Extended, Failure> {
        let found = self.find(path)?;
        let there = self.overlay.get(&found.key).is_none() && self.stat(&found, path)?.is_file_or_link();
        if !there {
            return Ok(Extended::default());
        }
        match open_file(&found, path) {
            Ok((fd, _)) => {
                extended(&fd).map_err(|error| failed("read the extended attributes of", path, error))
            }
            // An agent that is not root can replace what it cannot read.
            Err(_) if !rustix::process::geteuid().is_root() => Ok(Extended::default()),
            Err(failure) => Err(failure),
        }
    }
}

fn extended(fd: impl AsFd) -> Result<Extended, Errno> {
    let mut extended = Extended::default();
    let names = match read(&mut |buffer| flistxattr(&fd, buffer)) {
        Err(Errno::OPNOTSUPP) => return Ok(extended),
        names => names?,
    };
    for name in names.split(|byte| *byte == 0).filter_map(|name| std::str::from_utf8(name).ok()) {
        extended.capabilities |= name == CAPABILITIES;
        if name == ACL || name.starts_with("user.") {
            extended.kept.push((name.to_owned(), read(&mut |buffer| fgetxattr(&fd, name, buffer))?));
        }
    }
    Ok(extended)
}

/// What is read into a buffer that is large enough.
fn read(into: &mut dyn FnMut(&mut [u8]) -> Result<usize, Errno>) -> Result<Vec<u8>, Errno> {
    let mut buffer = vec![0; USUAL];
    let length = match into(&mut buffer) {
        Err(Errno::RANGE) => {
            buffer.resize(LONGEST, 0);
            into(&mut buffer)?
        }
        length => length?,
    };
    buffer.truncate(length);
    Ok(buffer)
}

/// Gives a new file what its predecessor had, and nothing of what the directory would have given it: with the bits of
/// `mode` for all of those whom a mode knows, it lets nobody in whom neither the mode nor the predecessor did.
pub(super) fn bequeath(fd: impl AsFd, extended: &Extended, mode: u32) -> Result<(), Errno> {
    if extended.kept.iter().all(|(name, _)| name != ACL) {
        remove_acl(&fd)?;
    }
    for (name, value) in &extended.kept {
        match name.as_str() {
            ACL => fsetxattr(&fd, ACL, &with_mode(value, mode), XattrFlags::empty())?,
            _ => {
                // What somebody has noted is worth a try.
                let _ = fsetxattr(&fd, name.as_str(), value, XattrFlags::empty());
            }
        }
    }
    Ok(())
}

/// Removes the list of access that a directory's default has put on something new: its mode says it all.
pub(super) fn remove_acl(fd: impl AsFd) -> Result<(), Errno> {
    match fremovexattr(fd, ACL) {
        // There is none, or there cannot be; or it is open only to be named.
        Err(Errno::NODATA | Errno::OPNOTSUPP | Errno::BADF) | Ok(()) => Ok(()),
        Err(error) => Err(error),
    }
}

/// A list as the kernel has it (`linux/posix_acl_xattr.h`: a version, then tag, permissions and id of each entry), with those
/// of its permissions that are the bits of a mode.
fn with_mode(list: &[u8], mode: u32) -> Vec<u8> {
    const VERSION: usize = 4;
    const ENTRY: usize = 8;
    const USER: u8 = 0x01;
    const GROUP: u8 = 0x04;
    const MASK: u8 = 0x10;
    const OTHER: u8 = 0x20;
    let mut list = list.to_vec();
    let entries = list.get_mut(VERSION..).unwrap_or_default();
    let has_mask = entries.chunks_exact(ENTRY).any(|entry| entry[0] == MASK);
    for entry in entries.chunks_exact_mut(ENTRY) {
        let bits = match entry[0] {
            USER => mode >> 6,
            MASK => mode >> 3,
            GROUP if !has_mask => mode >> 3,
            OTHER => mode,
            _ => continue,
        };
        entry[2] = (bits & 0o7) as u8;
    }
    list
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(tag: u8, permissions: u8, id: u32) -> Vec<u8> {
        [&[tag, 0, permissions, 0][..], &id.to_le_bytes()].concat()
    }

    fn list(entries: &[(u8, u8, u32)]) -> Vec<u8> {
        let mut list = vec![2, 0, 0, 0];
        entries.iter().for_each(|(tag, permissions, id)| list.extend(entry(*tag, *permissions, *id)));
        list
    }

    #[test]
    fn a_list_gets_the_bits_of_a_mode_and_keeps_whom_it_names() {
        let none = u32::MAX;
        assert_eq!(
            with_mode(
                &list(&[(1, 6, none), (2, 6, 1000), (4, 0, none), (16, 6, none), (32, 4, none)]),
                0o4740
            ),
            list(&[(1, 7, none), (2, 6, 1000), (4, 0, none), (16, 4, none), (32, 0, none)])
        );
        assert_eq!(
            with_mode(&list(&[(1, 6, none), (4, 0, none), (32, 4, none)]), 0o640),
            list(&[(1, 6, none), (4, 4, none), (32, 0, none)])
        );
        for damaged in [&[][..], &[2, 0], &[2, 0, 0, 0, 1, 0, 6]] {
            assert_eq!(with_mode(damaged, 0o640), damaged);
        }
    }
}
