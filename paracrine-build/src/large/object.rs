//! An object file that is nothing but one section of bytes, for the linker to put into the deploy binary.
//!
//! Written by hand, because the crates that write object files hold the section in memory, and all there is to it are one
//! header and three entries of fixed layout (System V ABI, chapter 4; `elf.h`). The tests read it with the `object` crate.

use std::fs::File;
use std::io::{self, Seek, SeekFrom, Write};
use std::path::Path;

use paracrine_model::artifact::LARGE_SECTION;

const HEADER: u64 = 64;
const ENTRY: u64 = 64;
/// Where the section's bytes begin.
const START: u64 = 4096;

#[cfg(target_arch = "aarch64")]
const MACHINE: u16 = 183;
#[cfg(not(target_arch = "aarch64"))]
const MACHINE: u16 = 62;

const SHT_PROGBITS: u32 = 1;
const SHT_STRTAB: u32 = 3;
/// Kept though nothing refers to it; without `SHF_ALLOC` it is not loaded when the program starts.
const SHF_GNU_RETAIN: u64 = 0x20_0000;

/// Writes an object file whose section has `length` bytes, which `content` writes.
pub(super) fn write(
    path: &Path,
    length: u64,
    content: impl FnOnce(&mut File) -> io::Result<()>,
) -> io::Result<()> {
    let names = format!("\0{LARGE_SECTION}\0.shstrtab\0.note.GNU-stack\0");
    let name = |name: &str| names.find(name).and_then(|at| u32::try_from(at).ok()).unwrap_or_default();
    let names_at = START + length;
    let entries_at = (names_at + names.len() as u64).next_multiple_of(8);

    let mut file = File::create(path)?;
    file.write_all(&header(entries_at))?;
    file.seek(SeekFrom::Start(START))?;
    content(&mut file)?;
    if file.stream_position()? != names_at {
        return Err(io::Error::other("the contents are not as long as they were"));
    }
    file.write_all(names.as_bytes())?;
    file.seek(SeekFrom::Start(entries_at))?;
    file.write_all(&[0; ENTRY as usize])?;
    file.write_all(&entry(name(LARGE_SECTION), SHT_PROGBITS, SHF_GNU_RETAIN, START, length, 16))?;
    file.write_all(&entry(name(".shstrtab"), SHT_STRTAB, 0, names_at, names.len() as u64, 1))?;
    // Says that the stack need not be executable, without which linkers warn.
    file.write_all(&entry(name(".note.GNU-stack"), SHT_PROGBITS, 0, names_at, 0, 1))
}

/// `Elf64_Ehdr` of a relocatable file for System V with GNU's extensions.
fn header(entries_at: u64) -> Vec<u8> {
    let mut header = vec![0x7f, b'E', b'L', b'F', 2, 1, 1, 3, 0, 0, 0, 0, 0, 0, 0, 0];
    let (relocatable, version, entries, names_entry) = (1_u16, 1_u32, 4_u16, 2_u16);
    header.extend(relocatable.to_le_bytes());
    header.extend(MACHINE.to_le_bytes());
    header.extend(version.to_le_bytes());
    let (entry_point, segments_at, flags) = (0_u64, 0_u64, 0_u32);
    header.extend(entry_point.to_le_bytes());
    header.extend(segments_at.to_le_bytes());
    header.extend(entries_at.to_le_bytes());
    header.extend(flags.to_le_bytes());
    for half in [HEADER as u16, 0, 0, ENTRY as u16, entries, names_entry] {
        header.extend(half.to_le_bytes());
    }
    header
}

/// `Elf64_Shdr`.
fn entry(name: u32, kind: u32, flags: u64, at: u64, length: u64, alignment: u64) -> Vec<u8> {
    let mut entry = Vec::with_capacity(ENTRY as usize);
    entry.extend(name.to_le_bytes());
    entry.extend(kind.to_le_bytes());
    let address = 0;
    for word in [flags, address, at, length] {
        entry.extend(word.to_le_bytes());
    }
    // Neither a link nor information.
    entry.extend(0_u64.to_le_bytes());
    for word in [alignment, 0] {
        entry.extend(word.to_le_bytes());
    }
    entry
}
