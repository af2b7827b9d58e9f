//! Which environment and which hosts a command is about.

use paracrine_model::artifact::{Host, Index};

use super::problem::Problem;

/// The environment that was named, or the only one.
pub(crate) fn environment<'i>(index: &'i Index, named: Option<&str>) -> Result<&'i str, Problem> {
    match (optional_environment(index, named)?, index.environments.as_slice()) {
        (Some(name), _) => Ok(name),
        (None, [only]) => Ok(only),
        (None, []) => Err(Problem::new("the site has no environment").help("add one to config.yaml")),
        (None, several) => {
            let names: Vec<_> = several.iter().map(|name| format!("`{name}`")).collect();
            Err(Problem::new("which environment?").help(format!("name one of {}", names.join(", "))))
        }
    }
}

/// The environment that was named, if one was.
pub(crate) fn optional_environment<'i>(
    index: &'i Index,
    named: Option<&str>,
) -> Result<Option<&'i str>, Problem> {
    let Some(named) = named else { return Ok(None) };
    match index.environments.iter().find(|name| *name == named) {
        Some(name) => Ok(Some(name)),
        None => {
            let names: Vec<_> = index.environments.iter().map(String::as_str).collect();
            Err(Problem::new(format!("unknown environment `{named}`")).nearest(named, "environments", &names))
        }
    }
}

/// The hosts of an environment that `limit` picks, in the order of the inventory; all of them where it is empty.
pub(crate) fn hosts<'i>(
    index: &'i Index,
    environment: &str,
    limit: &[String],
) -> Result<Vec<&'i Host>, Problem> {
    let all: Vec<_> = index.hosts.iter().filter(|host| host.environment == environment).collect();
    if all.is_empty() {
        return Err(Problem::new(format!("environment `{environment}` has no hosts"))
            .help(format!("add an inventory with `environment: {environment}`")));
    }
    if limit.is_empty() {
        return Ok(all);
    }
    let mut picked = vec![false; all.len()];
    for word in limit.iter().map(|word| word.trim()) {
        let mut found = false;
        for (host, picked) in all.iter().zip(&mut picked) {
            if matches(word, host) {
                found = true;
                *picked = true;
            }
        }
        if !found {
            return Err(nothing(word, environment, &all));
        }
    }
    Ok(all.into_iter().zip(picked).filter_map(|(host, picked)| picked.then_some(host)).collect())
}

/// The hosts that were named, of one environment or of all.
pub(crate) fn picked<'i>(
    index: &'i Index,
    named: Option<&str>,
    limit: &[String],
) -> Result<Vec<&'i Host>, Problem> {
    let mut picked = Vec::new();
    for environment in environments(index, named, limit)? {
        picked.extend(hosts(index, environment, limit)?);
    }
    Ok(picked)
}

/// The environment that was named; all that have hosts where none was.
fn environments<'i>(
    index: &'i Index,
    named: Option<&str>,
    limit: &[String],
) -> Result<Vec<&'i str>, Problem> {
    match optional_environment(index, named)? {
        Some(named) => Ok(vec![named]),
        // Names of hosts mean something only within one environment.
        None if !limit.is_empty() => Ok(vec![environment(index, None)?]),
        None => Ok(index
            .environments
            .iter()
            .filter(|name| index.hosts.iter().any(|host| host.environment == **name))
            .map(String::as_str)
            .collect()),
    }
}

fn matches(word: &str, host: &Host) -> bool {
    is_meant(word, &host.address.name, host.roles.iter().map(String::as_str))
}

/// Whether a word of `--limit` means a host of that name with those roles.
pub(crate) fn is_meant<'r>(word: &str, name: &str, mut roles: impl Iterator<Item = &'r str>) -> bool {
    match word.strip_prefix("role:") {
        Some(role) => roles.any(|name| glob(role, name)),
        None => glob(word, name),
    }
}

fn nothing(word: &str, environment: &str, all: &[&Host]) -> Problem {
    let is_glob = |word: &str| word.contains(['*', '?']);
    match word.strip_prefix("role:") {
        Some(role) => {
            let mut roles: Vec<_> =
                all.iter().flat_map(|host| host.roles.iter().map(String::as_str)).collect();
            roles.sort_unstable();
            roles.dedup();
            Problem::new(format!("no host of `{environment}` has a role `{role}`"))
                .nearest(role, "roles", &roles)
        }
        None if is_glob(word) => {
            let names: Vec<_> = all.iter().map(|host| host.address.name.as_str()).collect();
            Problem::new(format!("no host of `{environment}` is named like `{word}`"))
                .nearest(word, "hosts", &names)
        }
        None => {
            let names: Vec<_> = all.iter().map(|host| host.address.name.as_str()).collect();
            let problem = Problem::new(format!("unknown host `{word}` in `{environment}`"));
            if all.iter().any(|host| host.roles.iter().any(|role| role == word)) {
                return problem.help(format!("for a role write `role:{word}`"));
            }
            problem.nearest(word, "hosts", &names)
        }
    }
}

/// Whether `name` is like `pattern`: `*` stands for any characters, `?` for one.
fn glob(pattern: &str, name: &str) -> bool {
    let (pattern, name): (Vec<char>, Vec<char>) = (pattern.chars().collect(), name.chars().collect());
    let (mut p, mut n) = (0, 0);
    // The last `*`, and where in the name what follows it was tried.
    let mut star: Option<(usize, usize)> = None;
    while n < name.len() {
        match pattern.get(p) {
            Some('*') => {
                star = Some((p, n));
                p += 1;
            }
            Some(c) if *c == '?' || *c == name[n] => {
                p += 1;
                n += 1;
            }
            _ => match star {
                Some((at, tried)) => {
                    star = Some((at, tried + 1));
                    p = at + 1;
                    n = tried + 1;
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|c| *c == '*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn globs_match_whole_names() {
        for (pattern, name, expected) in [
            ("web*", "web1", true),
            ("web?", "web12", false),
            ("*1", "web1", true),
            ("*e*1", "web1", true),
            ("*", "", true),
            ("w*b*2", "web1", false),
            ("web", "web1", false),
            ("?", "ä", true),
            ("a*a", "a", false),
        ] {
            assert_eq!(glob(pattern, name), expected, "{pattern} {name}");
        }
    }
}
