//! Processes that are to be ended, wherever they have gone: into groups and sessions of their own, or to another parent.
//!
//! What apt and dpkg are at comes to its end first, where nobody says otherwise: packages that are torn in the middle are
//! worse than a program that goes on for a minute. Daemons that maintainer scripts start then are no leftovers.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use super::table::{self, Process};

/// How long processes that were told to end (SIGTERM) have before they are killed.
pub(super) const GRACE: Duration = Duration::from_secs(5);

/// How long is waited for what is killed and does not end: it hangs in the kernel.
const HANGING: Duration = Duration::from_secs(30);

/// As long as the agent gives apt itself.
const LONGEST: Duration = Duration::from_secs(3600);

const TICK: Duration = Duration::from_millis(10);

/// What is let come to its end, with all that it starts.
const PACKAGES: [&str; 6] = ["apt", "apt-get", "aptitude", "dpkg", "dpkg-deb", "unattended-upgr"];

/// Where to look for them. What they start belongs to them.
#[derive(Clone, Copy, Debug)]
pub(super) enum Whose {
    /// All that came from this process, which takes in orphans (`PR_SET_CHILD_SUBREAPER`), but not itself.
    From(u32),
    /// A process group, in whatever session or in this one.
    Group(u32, Option<u32>),
}

/// What is done about packages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Packages {
    Finish,
    End,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Ends,
    /// A part of installing packages.
    Finishes,
}

/// Processes that are to be ended, as far as they are known.
pub(super) struct Doomed {
    whose: Whose,
    packages: Packages,
    known: BTreeMap<(u32, u64), Fate>,
    looked: bool,
}

impl Doomed {
    pub(super) fn new(whose: Whose, packages: Packages) -> Self {
        Self { whose, packages, known: BTreeMap::new(), looked: false }
    }

    /// Those that there are now and have not ended, with what is to become of them.
    fn look(&mut self, all: Vec<Process>) -> Vec<(Process, Fate)> {
        let own = std::process::id();
        let by_number: BTreeMap<u32, &Process> = all.iter().map(|process| (process.id, process)).collect();
        loop {
            let mut new = Vec::new();
            for process in all.iter().filter(|process| process.id != own) {
                let key = (process.id, process.started);
                if self.known.contains_key(&key) {
                    continue;
                }
                let parent = by_number.get(&process.parent).map(|parent| (parent.id, parent.started));
                let inherited = parent.and_then(|parent| self.known.get(&parent).copied());
                let fate = match (inherited, self.is_first(process)) {
                    // Whoever was a part of it before its parent went away may be one: nobody can tell.
                    (None, true) if self.looked => Some(self.fate_of_strangers()),
                    (None, true) => Some(Fate::Ends),
                    (inherited, _) => inherited,
                };
                if let Some(fate) = fate {
                    let is_package = PACKAGES.contains(&process.name.as_str());
                    let finishes = self.packages == Packages::Finish && is_package;
                    new.push((key, if finishes { Fate::Finishes } else { fate }));
                }
            }
            if new.is_empty() {
                break;
            }
            self.known.extend(new);
        }
        self.looked = true;
        let alive = all.into_iter().filter(|process| !process.ended);
        alive
            .filter_map(|process| {
                let fate = *self.known.get(&(process.id, process.started))?;
                Some((process, fate))
            })
            .collect()
    }

    fn is_first(&self, process: &Process) -> bool {
        match self.whose {
            Whose::From(parent) => process.parent == parent,
            Whose::Group(group, session) => {
                process.group == group && session.is_none_or(|session| process.session == session)
            }
        }
    }

    fn fate_of_strangers(&self) -> Fate {
        let any = self.known.values().any(|fate| *fate == Fate::Finishes);
        if any { Fate::Finishes } else { Fate::Ends }
    }

    /// Those that there are now: `sleep (123)`.
    pub(super) fn told(&mut self) -> Vec<String> {
        self.look(table::all()).into_iter().map(|(process, _)| told(&process)).collect()
    }

    /// Tells them to end, then kills them; returns those that were ended, and those that do not end. `meanwhile` waits.
    pub(super) fn end(mut self, mut meanwhile: impl FnMut(Duration)) -> Ended {
        let began = Instant::now();
        let mut all = BTreeMap::new();
        loop {
            let now = self.look(table::all());
            let (doomed, finishing): (Vec<_>, Vec<_>) =
                now.into_iter().partition(|(_, fate)| *fate == Fate::Ends || began.elapsed() > LONGEST);
            let waited_for = finishing.iter().any(|(process, _)| PACKAGES.contains(&process.name.as_str()));
            if doomed.is_empty() && !waited_for {
                return Ended { ended: all.into_values().collect(), hanging: Vec::new() };
            }
            let killing = began.elapsed() > GRACE;
            for (process, _) in &doomed {
                let key = (process.id, process.started);
                let first = all.insert(key, told(process)).is_none();
                if killing {
                    signal(process.id, Signal::KILL);
                } else if first {
                    signal(process.id, Signal::TERM);
                    signal(process.id, Signal::CONT);
                }
            }
            if began.elapsed() > GRACE + HANGING && !waited_for {
                let hanging: Vec<String> = doomed.iter().map(|(process, _)| told(process)).collect();
                return Ended { ended: Vec::new(), hanging };
            }
            meanwhile(TICK);
        }
    }
}

/// What came of it.
pub(super) struct Ended {
    pub(super) ended: Vec<String>,
    pub(super) hanging: Vec<String>,
}

fn told(process: &Process) -> String {
    format!("{} ({})", process.name, process.id)
}

fn signal(process: u32, signal: Signal) {
    if let Some(pid) = i32::try_from(process).ok().and_then(Pid::from_raw) {
        // Fails where it has just ended.
        let _ = kill_process(pid, signal);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn process(id: u32, parent: u32, name: &str) -> Process {
        let (started, group, session) = (u64::from(id), id, id);
        Process { id, started, parent, group, session, name: name.into(), ended: false }
    }

    fn fates(doomed: &mut Doomed, all: &[Process]) -> Vec<(u32, Fate)> {
        doomed.look(all.to_vec()).into_iter().map(|(process, fate)| (process.id, fate)).collect()
    }

    #[test]
    fn those_that_come_from_a_process_are_found_wherever_they_are() {
        let mut doomed = Doomed::new(Whose::From(1_000_000), Packages::Finish);
        // Children may have smaller numbers than their parents: numbers wrap.
        let mut all = vec![
            process(5, 7, "grandchild"),
            process(6, 1, "stranger"),
            process(7, 8, "child"),
            process(8, 1_000_000, "sh"),
            process(1_000_000, 1, "keeper"),
        ];
        let ends = |ids: &[u32]| ids.iter().map(|id| (*id, Fate::Ends)).collect::<Vec<_>>();
        assert_eq!(fates(&mut doomed, &all), ends(&[5, 7, 8]));
        // Whoever was seen once stays known, and one that has ended is none.
        all.retain(|process| process.id != 8);
        all[2].parent = 1;
        all[0].ended = true;
        assert_eq!(fates(&mut doomed, &all), ends(&[7]));
        // A number that was given to another one.
        all[2].started += 1;
        assert_eq!(fates(&mut doomed, &all), []);
    }

    #[test]
    fn a_group_is_that_of_its_session() {
        let mut all = vec![process(5, 1, "a"), process(6, 1, "b"), process(7, 6, "c")];
        (all[0].group, all[1].group) = (4, 4);
        (all[0].session, all[1].session) = (2, 3);
        assert_eq!(fates(&mut Doomed::new(Whose::Group(4, Some(2)), Packages::Finish), &all).len(), 1);
        assert_eq!(fates(&mut Doomed::new(Whose::Group(4, None), Packages::Finish), &all).len(), 3);
    }

    #[test]
    fn packages_come_to_their_end() {
        let own = 1_000_000;
        let mut all = vec![
            process(10, own, "sh"),
            process(11, 10, "apt-get"),
            process(12, 11, "dpkg"),
            process(13, 12, "postinst"),
            process(14, 10, "sleep"),
        ];
        let mut doomed = Doomed::new(Whose::From(own), Packages::Finish);
        let finishing = |id| (id, Fate::Finishes);
        let expected = [(10, Fate::Ends), finishing(11), finishing(12), finishing(13), (14, Fate::Ends)];
        assert_eq!(fates(&mut doomed, &all), expected);
        // A daemon of a package that was just installed.
        all.push(process(15, own, "daemon"));
        assert_eq!(fates(&mut doomed, &all).last(), Some(&finishing(15)));
        // Nothing is spared where that is not wanted.
        let mut doomed = Doomed::new(Whose::From(own), Packages::End);
        assert!(fates(&mut doomed, &all).iter().all(|(_, fate)| *fate == Fate::Ends));
    }
}
