//! Other names of Debian's units.

/// The unit that is meant by a name that is only an alias, in all of Debian.
pub(in crate::checks) fn own_name(alias: &str) -> Option<&'static str> {
    let lines = TABLE.lines().filter(|line| !line.starts_with('#'));
    lines.filter_map(|line| line.split_once(' ')).find(|(known, _)| *known == alias).map(|(_, unit)| unit)
}

/// Lines of `alias unit`; made by the script that it names.
const TABLE: &str = include_str!("aliases.txt");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn aliases_are_those_of_one_unit_each() {
        assert_eq!(own_name("sshd.service"), Some("ssh.service"));
        assert_eq!(own_name("ssh.service"), None);
        let known: Vec<&str> = TABLE
            .lines()
            .filter(|line| !line.starts_with('#'))
            .map(|line| line.split(' ').next().unwrap())
            .collect();
        assert!(known.is_sorted_by(|one, other| one < other), "sorted, and each once");
        let leads_on = known.iter().find(|alias| own_name(alias).and_then(own_name).is_some());
        assert_eq!(leads_on, None, "an alias leads to no other");
    }
}
