//! What has to survive a run that dies: owed restarts, the run that was under way, what the machine is deployed as.

use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use paracrine_model::plan::Action;
use paracrine_model::protocol::Failure;
use rustix::fs::{Access, access};
use rustix::io::Errno;
use serde::{Deserialize, Serialize};

/// Something a task still has to do, because an earlier task has changed something and the run may die between.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Debt {
    /// The task that owes: `service nginx`. Names outlive plans; places in a plan do not.
    pub task: String,
    /// What it owes.
    pub action: Action,
    /// `file /etc/nginx/nginx.conf`
    pub because: String,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Record {
    identity: Option<String>,
    under_way: Option<String>,
    debts: Vec<Debt>,
}

/// The journal of a machine: read once, written (whole, atomically) when something in it changes.
pub struct Journal {
    path: PathBuf,
    record: Record,
    written: Record,
}

const MAGIC: &[u8] = b"paracrine journal 1\n";

impl Journal {
    /// Reads the journal below `directory` (`/var/lib/paracrine`). One that is not there is empty.
    ///
    /// # Errors
    /// A journal that is there and cannot be read: what it says must not be forgotten silently.
    pub fn open(directory: &Path) -> Result<Self, Failure> {
        let path = directory.join("journal");
        let record = match fs::read(&path) {
            Ok(bytes) => bytes
                .strip_prefix(MAGIC)
                .and_then(|record| postcard::from_bytes(record).ok())
                .ok_or_else(|| {
                    Failure::new(format!("the journal {} is damaged", path.display())).help(
                        "it holds restarts that are owed: restart what was deployed last, then remove the file",
                    )
                })?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Record::default(),
            Err(error) => return Err(Failure::new(format!("cannot read the journal {}: {error}", path.display()))),
        };
        Ok(Self { path, written: record.clone(), record })
    }

    /// What the machine was deployed as, if it was.
    pub fn identity(&self) -> Option<&str> {
        self.record.identity.as_deref()
    }

    /// Who ran the run that did not come to its end, if there is one.
    pub fn cut_off(&self) -> Option<&str> {
        self.record.under_way.as_deref()
    }

    /// All that is owed.
    pub fn debts(&self) -> &[Debt] {
        &self.record.debts
    }

    /// Notes that a run begins to change things.
    pub fn begin(&mut self, identity: &str, holder: &str) {
        self.record.identity = Some(identity.to_owned());
        self.record.under_way = Some(holder.to_owned());
    }

    /// Notes that a run has come to its end, be it a failure that was reported.
    pub fn end(&mut self) {
        self.record.under_way = None;
    }

    /// Notes a debt, and says whether it is a new one: what is owed already is not owed twice.
    pub fn owe(&mut self, debt: Debt) -> bool {
        let new = !self.record.debts.contains(&debt);
        if new {
            self.record.debts.push(debt);
        }
        new
    }

    /// Strikes out one debt that nobody has to pay: its cause did not change after all, or the plan no longer asks for it.
    pub fn forgive(&mut self, debt: &Debt) {
        self.record.debts.retain(|owed| owed != debt);
    }

    /// Strikes out what a task has paid.
    pub fn paid(&mut self, task: &str) {
        self.record.debts.retain(|debt| debt.task != task);
    }

    /// Check only: whether an apply could write it, as it does before its first change.
    ///
    /// # Errors
    /// What such an apply would say.
    pub fn can_be_written(&self) -> Result<(), Failure> {
        let there = self.path.ancestors().skip(1).find(|directory| directory.exists());
        let wanted = Access::WRITE_OK | Access::EXEC_OK;
        match there.map(|directory| access(directory, wanted)) {
            Some(Err(error @ (Errno::ROFS | Errno::ACCESS | Errno::PERM))) => Err(self.wrong(&error.into())),
            _ => Ok(()),
        }
    }

    fn wrong(&self, error: &io::Error) -> Failure {
        Failure::new(format!("cannot write the journal {}: {error}", self.path.display()))
    }

    /// Brings the journal to disk if it says anything new.
    ///
    /// # Errors
    /// It cannot be written: nothing may be changed then.
    pub fn write(&mut self) -> Result<(), Failure> {
        if self.record == self.written {
            return Ok(());
        }
        let mut bytes = MAGIC.to_vec();
        let record = postcard::to_allocvec(&self.record);
        bytes.extend(record.map_err(|error| self.wrong(&io::Error::other(error)))?);
        replace(&self.path, &bytes).map_err(|error| self.wrong(&error))?;
        self.written = self.record.clone();
        Ok(())
    }
}

/// Replaces one of the agent's own files, atomically and durably. Its directory is root's alone.
fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let directory = path.parent().ok_or(io::ErrorKind::InvalidInput)?;
    fs::DirBuilder::new().recursive(true).mode(0o700).create(directory)?;
    let temporary = path.with_extension("new");
    match fs::remove_file(&temporary) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&temporary)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&temporary, path)?;
    fs::File::open(directory)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn restart() -> Debt {
        Debt { task: "service app".into(), action: Action::Restart, because: "file /etc/app.conf".into() }
    }

    #[test]
    fn a_debt_survives_and_is_struck_out() {
        let directory = tempfile::tempdir().unwrap();
        let mut journal = Journal::open(directory.path()).unwrap();
        journal.begin("site/dev/web1", "ann@laptop");
        assert!(journal.owe(restart()));
        assert!(!journal.owe(restart()));
        journal.write().unwrap();

        let mut journal = Journal::open(directory.path()).unwrap();
        assert_eq!(journal.debts(), [restart()]);
        assert_eq!(journal.cut_off(), Some("ann@laptop"));
        journal.paid("service app");
        journal.end();
        journal.write().unwrap();

        let journal = Journal::open(directory.path()).unwrap();
        assert_eq!((journal.debts(), journal.cut_off()), ([].as_slice(), None));
        assert_eq!(journal.identity(), Some("site/dev/web1"));
    }

    #[test]
    fn one_debt_is_forgiven_and_the_others_stay() {
        let directory = tempfile::tempdir().unwrap();
        let mut journal = Journal::open(directory.path()).unwrap();
        let reload = Debt { action: Action::Reload, ..restart() };
        journal.owe(restart());
        journal.owe(reload.clone());
        journal.forgive(&restart());
        assert_eq!(journal.debts(), [reload]);
    }

    #[test]
    fn a_journal_that_says_nothing_new_is_not_written() {
        let directory = tempfile::tempdir().unwrap();
        Journal::open(directory.path()).unwrap().write().unwrap();
        assert!(!directory.path().join("journal").exists());
    }

    #[test]
    fn a_damaged_journal_is_not_taken_for_an_empty_one() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("journal");
        fs::write(&path, "paracrine journal 1\n\u{ff}").unwrap();
        let failure = Journal::open(directory.path()).err().unwrap();
        assert_eq!(failure.message, format!("the journal {} is damaged", path.display()));
    }
}
