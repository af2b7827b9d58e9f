//! Tests: whole runs over a machine below a temporary root, or the real one, against a controller that is a struct.

use std::cell::RefCell;
use std::fs;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::Duration;

use paracrine_model::content::Blobs;
use paracrine_model::hash::Hash;
use paracrine_model::late::LateValues;
use paracrine_model::plan::{Plan, Work};
use paracrine_model::protocol::{Lacking, Mode, Report, Summary};

use super::{Engine, Setup};
use crate::journal::Journal;
use crate::port::{Ending, Leave, Port};
use crate::receipt::Receipt;
use crate::world::World;
use crate::world::paths::suite::about;

/// A machine below a temporary root, and a controller for it.
pub(crate) struct Bench {
    directory: tempfile::TempDir,
    root: PathBuf,
    blobs: Blobs,
    /// What is known of late values.
    pub(crate) values: LateValues,
}

/// What the controller saw.
#[derive(Default)]
pub(crate) struct Controller {
    pub(crate) blobs: Blobs,
    pub(crate) said: Vec<Said>,
    /// Is gone when asked to let the run go on.
    pub(crate) vanishes: bool,
    /// Is gone before it sends this content.
    pub(crate) vanishes_before: Option<Hash>,
    /// Values that it sends once a task has begun.
    pub(crate) learns: LateValues,
    /// Stops the run once so many tasks have begun.
    pub(crate) stops_after: Option<usize>,
    /// Stops the run when the closing look begins.
    pub(crate) stops_at_the_end: bool,
}

/// What the engine said.
#[derive(Debug, PartialEq)]
pub(crate) enum Said {
    Notice(String),
    Report(Report),
    Ready { lacking: Vec<Lacking> },
    Lacking(Vec<Lacking>),
    Begun { task: u32 },
    ClosingLook,
}

impl Controller {
    fn begun(&self) -> usize {
        self.said.iter().filter(|said| matches!(said, Said::Begun { .. })).count()
    }
}

impl Port for Controller {
    fn notice(&mut self, text: String) {
        self.said.push(Said::Notice(text));
    }

    fn report(&mut self, report: Report) {
        self.said.push(Said::Report(report));
    }

    fn ask_leave(&mut self, lacking: Vec<Lacking>) -> Result<Leave, Ending> {
        self.said.push(Said::Ready { lacking });
        if self.vanishes { Err(Ending::Gone) } else { Ok(Leave::for_tests()) }
    }

    fn begun(&mut self, _leave: &Leave, task: u32) {
        self.said.push(Said::Begun { task });
    }

    fn closing(&mut self, _leave: &Leave) {
        self.said.push(Said::ClosingLook);
    }

    fn lacking(&mut self, lacking: Vec<Lacking>) {
        self.said.push(Said::Lacking(lacking));
    }

    fn delivery(&mut self, _length: u64, take: &mut dyn FnMut(&[u8])) -> Result<(), Ending> {
        let lacking = self.said.iter().rev().find_map(|said| match said {
            Said::Ready { lacking } | Said::Lacking(lacking) => Some(lacking.clone()),
            _ => None,
        });
        for content in lacking.unwrap_or_default() {
            if self.vanishes_before == Some(content.hash) {
                return Err(Ending::Gone);
            }
            take(&self.blobs.get(&content.hash).unwrap());
        }
        Ok(())
    }

    fn late(&mut self) -> Option<LateValues> {
        (Self::begun(self) > 0).then(|| std::mem::take(&mut self.learns))
    }

    fn ending(&mut self) -> Option<Ending> {
        let stops = self.stops_after.filter(|after| Self::begun(self) >= *after);
        let looks = self.stops_at_the_end && self.said.contains(&Said::ClosingLook);
        (stops.is_some() || looks).then_some(Ending::Stopped)
    }

    fn pause(&mut self, time: Duration) -> Option<Ending> {
        std::thread::sleep(time);
        self.ending()
    }
}

/// What came of a run.
pub(crate) struct Ran {
    pub(crate) summary: Summary,
    pub(crate) said: Vec<Said>,
}

impl Ran {
    pub(crate) fn reports(&self) -> Vec<&Report> {
        let reports = self.said.iter().filter_map(|message| match message {
            Said::Report(report) => Some(report),
            _ => None,
        });
        reports.collect()
    }

    pub(crate) fn lacking(&self) -> Option<usize> {
        self.said.iter().find_map(|message| match message {
            Said::Ready { lacking } => Some(lacking.len()),
            _ => None,
        })
    }
}

impl Bench {
    /// A machine that has nothing but root, who is whoever runs the tests.
    pub(crate) fn new() -> Self {
        Self::below(tempfile::tempdir().unwrap())
    }

    /// The same in memory, where nothing waits for a disk.
    pub(crate) fn in_memory() -> Self {
        let memory = Path::new("/dev/shm");
        Self::below(if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() }.unwrap())
    }

    fn below(directory: tempfile::TempDir) -> Self {
        let root = directory.path().join("root");
        fs::create_dir_all(root.join("etc")).unwrap();
        let own = rustix::process::getuid().as_raw();
        let group = rustix::process::getgid().as_raw();
        fs::write(root.join("etc/passwd"), format!("root:x:{own}:{group}::/:/bin/sh\n")).unwrap();
        fs::write(root.join("etc/group"), format!("root:x:{group}:\n")).unwrap();
        Self { directory, root, blobs: Blobs::default(), values: LateValues::default() }
    }

    /// This machine as it is.
    pub(crate) fn on_the_machine() -> Self {
        Self {
            directory: tempfile::tempdir().unwrap(),
            root: PathBuf::from("/"),
            blobs: Blobs::default(),
            values: LateValues::default(),
        }
    }

    /// A place beside the root, gone with it.
    pub(crate) fn beside(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// Where its agent keeps what it has to remember.
    pub(crate) fn state(&self) -> PathBuf {
        self.directory.path().join("state")
    }

    pub(crate) fn log(&self) -> PathBuf {
        self.directory.path().join("log")
    }

    pub(crate) fn tasks(&self, declare: impl Fn(&Plan)) -> Vec<Work> {
        let plan = Plan::new(self.blobs.clone());
        declare(&plan);
        let (plan, problems) = plan.finish();
        assert!(problems.is_empty(), "{problems:?}");
        plan.tasks.into_iter().map(|task| task.work).collect()
    }

    pub(crate) fn run(&self, mode: Mode, declare: impl Fn(&Plan)) -> Ran {
        self.run_with(mode, Controller::default(), declare)
    }

    pub(crate) fn run_with(&self, mode: Mode, controller: Controller, declare: impl Fn(&Plan)) -> Ran {
        let tasks = self.tasks(declare);
        let port = Rc::new(RefCell::new(Controller { blobs: self.blobs.clone(), ..controller }));
        let asked = Rc::clone(&port);
        let world = World::new(&self.root, self.values.clone(), move |lacking, take| {
            let mut port = asked.borrow_mut();
            port.lacking(lacking.to_vec());
            port.delivery(0, take).map_err(Ending::failure)
        });
        let setup = Setup {
            mode,
            tasks: &tasks,
            world,
            journal: Journal::open(&self.state()).unwrap(),
            receipt: Some(Receipt::new(self.state(), about("run"))).filter(|_| mode == Mode::Apply),
            lock: None,
            identity: "site/dev/web1".into(),
            holder: "ann@laptop".into(),
            port: Rc::clone(&port),
        };
        let summary = Engine::new(setup).run().unwrap();
        assert_eq!(summary.tasks(), tasks.len() as u64, "every task is counted once: {summary:?}");
        Ran { summary, said: std::mem::take(&mut port.borrow_mut().said) }
    }

    pub(crate) fn debts(&self) -> Vec<String> {
        let journal = Journal::open(&self.state()).unwrap();
        journal.debts().iter().map(|debt| format!("{} owes {}", debt.task, debt.action)).collect()
    }
}
