//! The home that `useradd` makes.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use paracrine_model::hash::Hash;
use paracrine_model::name::AbsolutePath;
use paracrine_model::resource::user::User;

use super::State;
use crate::world::World;
use crate::world::paths::{PathKind, PathState};

/// What `useradd` and `usermod` leave as it is, though it may not be meant: a home that was there before is as it was, and
/// another home is not made. Of what the plan decides itself nothing has to be said.
pub(super) fn left_as_it_is(user: &User, state: &State, world: &World) -> Option<String> {
    let name = user.user.as_str();
    let new = state.user.is_none();
    let home = home(user)?;
    let changed = state.user.as_ref().is_none_or(|there| there.home != home.as_str());
    let is_meant = user.present && changed && if new { !user.system } else { user.home.is_some() };
    if !is_meant || world.decides(&home) {
        return None;
    }
    let program = if new { "useradd" } else { "usermod" };
    let group = match (&user.group, &state.user) {
        (Some(group), _) => group.as_str(),
        (None, Some(there)) => there.group.as_str(),
        (None, None) => name,
    };
    let declare =
        format!("declare `plan.directory(\"{home}\").owner(\"{name}\").group(\"{group}\")` after the user");
    let there = state.home.as_ref()?;
    let uid = user.uid.or(state.user.as_ref().and_then(|there| there.uid));
    let owns = there.owner == name || there.ids.is_some_and(|(owner, _)| Some(owner) == uid);
    match &there.kind {
        PathKind::Missing if new => None,
        PathKind::Missing => {
            Some(format!("the new home {home} of {name} does not exist, and {program} makes none: {declare}"))
        }
        PathKind::Directory if owns => None,
        PathKind::Directory => Some(format!(
            "the home {home} of {name} is there already and belongs to {}, which {program} leaves so: {declare}",
            there.owner
        )),
        other => Some(format!(
            "the home {home} of {name} is a {}, which {program} leaves so: move it away by hand, or give {name} another home",
            other.describe()
        )),
    }
}

/// Where a new user's home is.
pub(super) fn home(user: &User) -> Option<AbsolutePath> {
    match &user.home {
        Some(home) => Some(home.clone()),
        None => AbsolutePath::parse(&format!("/home/{}", user.user)).ok(),
    }
}

/// A new home holds a copy of `/etc/skel`.
pub(super) fn predict_home(home: &AbsolutePath, owner: &str, group: &str, world: &mut World) {
    let mode = home_mode(&defaults(world));
    world.predict_path(home, PathState::made(PathKind::Directory, owner, group, mode));
    let skeleton = world.root.join("etc/skel");
    copy_skeleton(&skeleton, home, (owner, group), world, 8);
}

fn copy_skeleton(from: &Path, to: &AbsolutePath, owners: (&str, &str), world: &mut World, depth: usize) {
    let Ok(entries) = std::fs::read_dir(from) else {
        return;
    };
    for entry in entries.flatten() {
        let (Ok(name), Ok(metadata)) = (entry.file_name().into_string(), entry.metadata()) else {
            continue;
        };
        let Ok(path) = AbsolutePath::parse(&format!("{to}/{name}")) else {
            continue;
        };
        let kind = if metadata.is_dir() {
            PathKind::Directory
        } else if metadata.is_file() {
            let Ok(content) = std::fs::read(entry.path()) else {
                continue;
            };
            PathKind::File { length: content.len() as u64, predicted: Some(Hash::of(&content)) }
        } else if let Ok(target) = std::fs::read_link(entry.path()) {
            PathKind::Link { target: target.to_string_lossy().into_owned() }
        } else {
            continue;
        };
        let mode = metadata.permissions().mode() & 0o7777;
        world.predict_path(&path, PathState::made(kind, owners.0, owners.1, mode));
        if metadata.is_dir() && depth > 0 {
            copy_skeleton(&entry.path(), &path, owners, world, depth - 1);
        }
    }
}

/// Whether each user has a group of its own, which goes with it.
pub(super) fn has_user_groups(world: &World) -> bool {
    setting(&defaults(world), "USERGROUPS_ENAB").is_some_and(|value| value.eq_ignore_ascii_case("yes"))
}

fn defaults(world: &World) -> String {
    std::fs::read_to_string(world.root.join("etc/login.defs")).unwrap_or_default()
}

/// The mode that `useradd` gives a home.
fn home_mode(defaults: &str) -> u32 {
    let octal = |name| setting(defaults, name).and_then(|value| u32::from_str_radix(value, 8).ok());
    octal("HOME_MODE").unwrap_or_else(|| 0o777 & !octal("UMASK").unwrap_or(0o022))
}

/// A setting of login.defs(5): the last line that has it.
fn setting<'a>(defaults: &'a str, name: &str) -> Option<&'a str> {
    let value = |line: &'a str| {
        let mut words = line.split_whitespace();
        (words.next() == Some(name)).then(|| words.next()).flatten()
    };
    defaults.lines().filter_map(value).next_back()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn homes_have_the_mode_of_login_defs() {
        for (defaults, mode) in [
            ("", 0o755),
            ("UMASK\t\t022\n#HOME_MODE 0700\n", 0o755),
            ("UMASK 027\n", 0o750),
            ("UMASK 022\nHOME_MODE\t0700\n", 0o700),
            ("HOME_MODE\nUMASK x\n", 0o755),
        ] {
            assert_eq!(home_mode(defaults), mode, "{defaults:?}");
        }
    }
}
