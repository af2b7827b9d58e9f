//! What a host may cost this machine: it may be broken, or somebody else's by now. Honest agents stay far below.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use paracrine_model::hash::Hash;
use paracrine_model::protocol::{Failure, Lacking};

/// Messages of a run, whatever they are, and more of them for each task: an agent says that a task begins and what came of it,
/// and a few times more of those that are looked at again.
const MESSAGES: u64 = 2_000;
const MESSAGES_OF_A_TASK: u64 = 16;
/// So many messages of a host are heard before others have a turn.
const AT_ONCE: u64 = 16;
/// Bytes of messages. Of a task the longest is the old content of a file, of which 256 KiB are shown.
const BYTES: u64 = 16 * 1024 * 1024;
const BYTES_OF_A_TASK: u64 = 1024 * 1024;
/// Notices: an agent has a handful.
const NOTICES: u64 = 1_000;
const BYTES_OF_NOTICES: u64 = 1024 * 1024;
/// How often a content is asked for, for each task that has it: to tell how it differs, and to write it.
const ASKED: u64 = 4;
/// A look at a plan: guards and validators run then, of which none takes longer than minutes.
const LOOKING: Duration = Duration::from_secs(3600);
/// A whole run: a host that is still at it after a day does not come to an end.
const RUN: Duration = Duration::from_secs(24 * 3600);
const HELP: &str =
    "something is wrong with this host, or somebody else speaks in its place: look at it before you trust it";

/// What one host has cost so far.
pub(super) struct Budget {
    tasks: u64,
    messages: u64,
    notices: u64,
    bytes_of_notices: u64,
    asked: BTreeMap<Hash, u64>,
    began: Instant,
    looks_since: Option<Instant>,
    waits: bool,
}

impl Budget {
    /// For a host with a plan of so many tasks.
    pub(super) fn new(tasks: u32) -> Self {
        let now = Instant::now();
        Self {
            tasks: tasks.into(),
            messages: 0,
            notices: 0,
            bytes_of_notices: 0,
            asked: BTreeMap::new(),
            began: now,
            looks_since: Some(now),
            waits: false,
        }
    }

    /// The host has said something; so many bytes it has said in all. Returns whether it is time to let others go first.
    pub(super) fn said(&mut self, bytes: u64) -> Result<bool, Failure> {
        if std::mem::take(&mut self.waits) {
            self.looks_since = Some(Instant::now());
        }
        self.messages += 1;
        let most = MESSAGES + MESSAGES_OF_A_TASK * self.tasks;
        if self.messages > most {
            return Err(self.over(&format!("more than {most} messages")));
        }
        if bytes > BYTES + BYTES_OF_A_TASK * self.tasks {
            let most = (BYTES + BYTES_OF_A_TASK * self.tasks) / (1024 * 1024);
            return Err(self.over(&format!("more than {most} MiB")));
        }
        Ok(self.messages.is_multiple_of(AT_ONCE))
    }

    /// The host has something to tell that belongs to no task.
    pub(super) fn noticed(&mut self, text: &str) -> Result<(), Failure> {
        self.notices += 1;
        self.bytes_of_notices += text.len() as u64;
        if self.notices > NOTICES || self.bytes_of_notices > BYTES_OF_NOTICES {
            return Err(
                self.over(&format!("more than {NOTICES} notices, or {BYTES_OF_NOTICES} bytes of them"))
            );
        }
        Ok(())
    }

    /// The host asks for contents, each of which so many tasks of its plan have.
    pub(super) fn asked(
        &mut self,
        lacking: &[Lacking],
        of_tasks: impl Fn(&Hash) -> usize,
    ) -> Result<(), Failure> {
        for content in lacking {
            let times = self.asked.entry(content.hash).or_default();
            *times += 1;
            if *times > ASKED * of_tasks(&content.hash).max(1) as u64 {
                let message =
                    format!("the host asks for the content {} again and again", content.hash.short());
                return Err(Failure::new(message).help(HELP));
            }
        }
        Ok(())
    }

    /// The host waits for another run, and begins to look when that has ended.
    pub(super) fn waits(&mut self) {
        self.looks_since = None;
        self.waits = true;
    }

    /// The host is at the end of its look, or waits for others.
    pub(super) fn looked(&mut self) {
        self.looks_since = None;
    }

    /// When its time is over, if it says nothing else.
    pub(super) fn until(&self) -> Instant {
        let run = self.began + RUN;
        self.looks_since.map_or(run, |since| run.min(since + LOOKING))
    }

    /// That it is.
    pub(super) fn too_late(&self) -> Failure {
        let message = match self.looks_since {
            Some(_) => {
                format!("the host has not come to the end of its look in {} minutes", LOOKING.as_secs() / 60)
            }
            None => format!("the host has not come to the end of its plan in {} hours", RUN.as_secs() / 3600),
        };
        Failure::new(message).help(HELP)
    }

    fn over(&self, what: &str) -> Failure {
        let tasks = self.tasks;
        let plural = if tasks == 1 { "" } else { "s" };
        Failure::new(format!("the host says {what}, for a plan of {tasks} task{plural}")).help(HELP)
    }
}
