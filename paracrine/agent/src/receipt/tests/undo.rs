//! Tests: puts everything back, by the receipt alone.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, chown, lchown, symlink};
use std::path::{Path, PathBuf};

use paracrine_model::receipt::{Access, Kept, PathBefore, Was};

use crate::receipt::read::{Content, Receipts, Step, Told};

/// Puts back what a run has changed below `root`.
pub(crate) fn undo(state: &Path, run: &str, root: &Path) -> Told {
    let receipts = Receipts::open(state).unwrap();
    let told = receipts.read(run).unwrap().unwrap();
    assert!(!told.damaged && told.unknown == 0);
    for step in told.steps.iter().rev() {
        if let Step::Path(before) = step {
            put_back(&receipts, run, root, before);
        }
    }
    told
}

fn put_back(receipts: &Receipts, run: &str, root: &Path, before: &PathBefore) {
    let path = at(root, &before.path);
    let now = path.symlink_metadata().ok();
    let is_directory = now.as_ref().is_some_and(|now| now.is_dir());
    match &before.was {
        Was::Missing if is_directory => fs::remove_dir(&path).unwrap(),
        Was::Missing if now.is_some() => fs::remove_file(&path).unwrap(),
        Was::Missing => {}
        Was::File(access, Kept::InPlace) => set(&path, *access),
        Was::File(access, kept) => {
            let mut content = Vec::new();
            assert_eq!(receipts.content(run, kept, &mut content), Ok(Content::Here), "{}", path.display());
            if now.is_some() {
                fs::remove_file(&path).unwrap();
            }
            fs::write(&path, content).unwrap();
            set(&path, *access);
        }
        Was::Directory(access) => {
            if !is_directory {
                fs::create_dir(&path).unwrap();
            }
            set(&path, *access);
        }
        Was::Link(access, target) => {
            if now.is_some() {
                fs::remove_file(&path).unwrap();
            }
            symlink(OsStr::from_bytes(target), &path).unwrap();
            lchown(&path, Some(access.owner), Some(access.group)).unwrap();
        }
        Was::Lost { .. } => {}
    }
}

fn set(path: &Path, access: Access) {
    chown(path, Some(access.owner), Some(access.group)).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(access.mode)).unwrap();
}

fn at(root: &Path, path: &[u8]) -> PathBuf {
    root.join(OsStr::from_bytes(path.strip_prefix(b"/").unwrap()))
}
