//! Formats of files that Debian's programs read, and would refuse or misread only on the host.
//!
//! A format is a file of this directory and a line of [`FORMATS`]. A file's path tells what reads it; what that takes
//! depends on the host's system. What stands where, and which task is to blame, is the business of `checks/format.rs`.

mod authorized_keys;
mod calendar;
mod cron;
mod data;
mod entry;
mod finding;
#[cfg(test)]
mod judge;
mod sudoers;
mod sysctl;
mod time_span;
mod unit;

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use paracrine_model::deployment::Os;
use paracrine_model::facet::FileFacet;
use paracrine_model::hash::Hash;

pub(crate) use finding::{Finding, LATE, Look};

use entry::{At, Format, Sort};

/// The format of a path is the first that reads it.
static FORMATS: [Format; 6] =
    [authorized_keys::FORMAT, cron::FORMAT, sudoers::FORMAT, sysctl::FORMAT, unit::FORMAT, data::FORMAT];

/// What reads the file at some path.
#[derive(Clone, Copy)]
pub(crate) struct Reader<'a> {
    /// Which of [`FORMATS`].
    format: usize,
    sort: Sort,
    path: &'a str,
}

impl<'a> Reader<'a> {
    /// What reads a file, if it is known: as the plan says, or as its path tells.
    pub(crate) fn of(file: &FileFacet<'a>) -> Option<Self> {
        let path = file.path().as_str();
        if let Some(written) = file.format() {
            return Some(Self { format: FORMATS.len() - 1, sort: data::sort_of(written)?, path });
        }
        let read = |(format, Format { reads, .. }): (usize, &Format)| {
            Some(Self { format, sort: reads(path)?, path })
        };
        FORMATS.iter().enumerate().find_map(read)
    }

    /// What is wrong with a file around its content.
    pub(crate) fn about(self, file: &FileFacet<'_>) -> Vec<Finding> {
        (FORMATS[self.format].about)(file)
    }

    /// What is wrong with a text, on hosts with that system.
    pub(crate) fn look(self, text: &str, os: Os) -> Look {
        (FORMATS[self.format].look)(text, At { path: self.path, sort: self.sort, os })
    }
}

/// By whom a content is read, where, and its hash.
type Way = (usize, Sort, String, Os, Hash);

/// The contents that were looked at: each once for each way in which it is read, however many hosts have it.
#[derive(Default)]
pub(crate) struct Looks {
    known: RefCell<HashMap<Way, Option<Rc<Look>>>>,
}

impl Looks {
    /// What is wrong with the content of that hash, whose text is asked for only the first time; nothing is where it has
    /// none.
    pub(crate) fn of<'t>(
        &self,
        reader: Reader<'_>,
        os: Os,
        hash: Hash,
        text: impl FnOnce() -> Option<&'t str>,
    ) -> Option<Rc<Look>> {
        let key = (reader.format, reader.sort, reader.path.to_owned(), os, hash);
        if let Some(known) = self.known.borrow().get(&key) {
            return known.clone();
        }
        let look = text().map(|text| Rc::new(reader.look(text, os)));
        self.known.borrow_mut().insert(key, look.clone());
        look
    }
}

#[cfg(test)]
mod tests;
