//! Who runs this, for those who find a host's lock taken.

use crate::account::uid;

/// `ann@laptop, commit 1234abc`
pub(in crate::cli) fn holder(commit: Option<&str>) -> String {
    let variable = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
    let user = variable("USER")
        .or_else(|| variable("LOGNAME"))
        .or_else(account)
        .unwrap_or_else(|| "somebody".to_owned());
    let machine = ["/proc/sys/kernel/hostname", "/etc/hostname"]
        .iter()
        .find_map(|path| std::fs::read_to_string(path).ok())
        .map(|name| name.trim().to_owned())
        .or_else(|| variable("HOSTNAME"))
        .unwrap_or_else(|| "somewhere".to_owned());
    match commit {
        Some(commit) => format!("{user}@{machine}, commit {commit}"),
        None => format!("{user}@{machine}"),
    }
}

/// Whose account this process runs under, where the environment does not say.
fn account() -> Option<String> {
    name_of(&uid().to_string(), &std::fs::read_to_string("/etc/passwd").ok()?)
}

/// The name that `/etc/passwd` gives a number.
fn name_of(uid: &str, passwd: &str) -> Option<String> {
    passwd.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1) == Some(uid)).then(|| name.to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_is_found_by_its_number() {
        let passwd = "root:x:0:0:root:/root:/bin/bash\nbroken\n\nann:x:1000:0::/home/ann:/bin/sh\n";
        assert_eq!(name_of("1000", passwd).as_deref(), Some("ann"));
        assert_eq!(name_of("0", passwd).as_deref(), Some("root"));
        assert_eq!(name_of("x", passwd), None);
    }

    #[test]
    fn the_commit_stands_behind_who_and_where() {
        let (without, with) = (holder(None), holder(Some("1234abc")));
        assert_eq!(with, format!("{without}, commit 1234abc"));
        assert!(
            without.split_once('@').is_some_and(|(user, machine)| !user.is_empty() && !machine.is_empty())
        );
    }
}
