use std::fs;
use std::path::Path;

use object::read::elf::ElfFile64;
use object::{Object as _, ObjectSection as _};
use paracrine_model::artifact::LARGE_SECTION;
use paracrine_model::content::LargeFile;
use paracrine_model::hash::Hash;

use super::{Hashes, stamp, write};

fn large(directory: &Path, name: &str, bytes: &[u8]) -> LargeFile {
    let path = directory.join(name);
    fs::write(&path, bytes).unwrap();
    Hashes::new(None).of(&path, stamp(&path).unwrap()).unwrap()
}

#[test]
fn the_section_holds_the_contents_one_after_the_other() {
    let directory = tempfile::tempdir().unwrap();
    let contents = [large(directory.path(), "a", b"first"), large(directory.path(), "b", &[7; 5000])];
    let object = write(directory.path(), &contents).unwrap().unwrap();
    let bytes = fs::read(object).unwrap();
    let file: ElfFile64<'_> = ElfFile64::parse(&*bytes).unwrap();
    let section = file.section_by_name(LARGE_SECTION).unwrap();
    assert_eq!(section.data().unwrap(), [b"first".as_slice(), &[7; 5000]].concat());
    let names: Vec<&str> = file.sections().map(|section| section.name().unwrap()).collect();
    assert_eq!(names, [LARGE_SECTION, ".shstrtab", ".note.GNU-stack"]);
}

#[test]
fn an_object_file_that_holds_them_is_not_written_again() {
    let directory = tempfile::tempdir().unwrap();
    let contents = [large(directory.path(), "a", b"first")];
    let object = write(directory.path(), &contents).unwrap().unwrap();
    fs::write(&object, "not touched").unwrap();
    write(directory.path(), &contents).unwrap();
    assert_eq!(fs::read(&object).unwrap(), b"not touched");
    write(directory.path(), &[large(directory.path(), "a", b"other")]).unwrap();
    assert_ne!(fs::read(&object).unwrap(), b"not touched");
    assert_eq!(write(directory.path(), &[]).unwrap(), None);
    assert!(!object.exists());
}

#[test]
fn a_file_that_is_another_by_now_is_told() {
    let directory = tempfile::tempdir().unwrap();
    let content = large(directory.path(), "a", b"first");
    fs::write(&content.path, "longer than it was").unwrap();
    let error = write(directory.path(), std::slice::from_ref(&content)).unwrap_err();
    assert_eq!(error.to_string(), format!("`{}` changed while it was read", content.path.display()));
    assert!(!directory.path().join("contents.list").exists());
}

#[test]
fn hashes_are_remembered_for_as_long_as_a_file_is_as_it_was() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("a");
    fs::write(&path, "one").unwrap();
    let first = stamp(&path).unwrap();
    let hash = |stamp| Hashes::new(Some(directory.path())).of(&path, stamp).unwrap().hash;
    assert_eq!(hash(first), Hash::of(b"one"));
    fs::write(&path, "two").unwrap();
    assert_eq!(hash(first), Hash::of(b"one"), "not read again");
    let later = paracrine_model::content::Stamp { modified: first.modified + 1, ..first };
    assert_eq!(hash(later), Hash::of(b"two"));
}
