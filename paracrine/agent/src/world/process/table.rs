//! The processes of this machine, as `/proc` tells of them (proc(5)).

use std::fs;

/// A process at the moment of the look.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Process {
    pub(crate) id: u32,
    /// Ticks since the machine was started. No other process has this together with the same number.
    pub(crate) started: u64,
    pub(crate) parent: u32,
    pub(crate) group: u32,
    pub(crate) session: u32,
    /// What the kernel calls it: the first 15 bytes of its program's name, unless it said otherwise.
    pub(crate) name: String,
    /// It has ended, and its parent does not know yet.
    pub(crate) ended: bool,
}

/// All that can be seen.
pub(crate) fn all() -> Vec<Process> {
    let Ok(listed) = fs::read_dir("/proc") else {
        return Vec::new();
    };
    let numbers = listed.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    numbers.filter_map(one).collect()
}

/// The process of that number, if there is one.
pub(crate) fn one(id: u32) -> Option<Process> {
    parse(&String::from_utf8_lossy(&fs::read(format!("/proc/{id}/stat")).ok()?))
}

/// `12 (a name (or) so) S 1 12 12 …`
fn parse(stat: &str) -> Option<Process> {
    let (id, rest) = stat.split_once(" (")?;
    let (name, rest) = rest.rsplit_once(") ")?;
    let fields: Vec<&str> = rest.split_whitespace().collect();
    let number = |place: usize| fields.get(place)?.parse().ok();
    Some(Process {
        id: id.parse().ok()?,
        started: fields.get(19)?.parse().ok()?,
        parent: number(1)?,
        group: number(2)?,
        session: number(3)?,
        name: name.to_owned(),
        ended: matches!(fields.first(), Some(&("Z" | "X"))),
    })
}

/// What tells this start of the machine from all others.
pub(crate) fn boot() -> String {
    fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default().trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_may_be_anything() {
        let stat = "77 (a) (b c) Z 5 76 75 0 -1 4228100 0 0 0 0 1 2 3 4 20 0 1 0 987654 0 0\n";
        let process = Process {
            id: 77,
            started: 987_654,
            parent: 5,
            group: 76,
            session: 75,
            name: "a) (b c".to_owned(),
            ended: true,
        };
        assert_eq!(parse(stat), Some(process));
        for broken in ["", "77", "77 (a", "77 (a) S", "x (a) S 5 76 75 0 -1 0 0 0 0 0 1 2 3 4 20 0 1 0 1"] {
            assert_eq!(parse(broken), None, "{broken}");
        }
    }

    #[test]
    fn this_process_is_among_all() {
        let own = one(std::process::id()).unwrap();
        assert!(!own.ended && own.started > 0);
        assert!(all().iter().any(|process| (process.id, process.started) == (own.id, own.started)));
        assert_eq!(one(0), None);
    }
}
