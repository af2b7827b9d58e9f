//! Which links enable a unit: those that its file asks for in `[Install]`, and those that are there. systemd calls a unit
//! enabled when any link leads to it, be it one that an earlier file asked for.

use std::collections::BTreeSet;
use std::path::Path;

use paracrine_model::protocol::Difference;

use super::{UNIT_DIRECTORIES, Units, template_of};

/// What `[Install]` of a unit's files says together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Install {
    /// Directories of links and the units that they belong to: `("wants", "multi-user.target")`.
    pub(super) wanted: Vec<(&'static str, String)>,
    /// Other names of the unit.
    pub(super) aliases: Vec<String>,
    /// Units that are enabled together with it.
    pub(crate) also: Vec<String>,
    /// The instance that a template is enabled as.
    pub(super) instance: Option<String>,
}

impl Install {
    /// Reads a unit file, or one that adds to it, after those that were read before.
    pub(crate) fn read(&mut self, text: &str) {
        let mut section = false;
        let mut line = String::new();
        for part in text.lines() {
            let part = part.trim();
            if part.starts_with(['#', ';']) {
                continue;
            }
            if let Some(begun) = part.strip_suffix('\\') {
                line.push_str(begun);
                line.push(' ');
                continue;
            }
            line.push_str(part);
            let whole = std::mem::take(&mut line);
            if whole.starts_with('[') {
                section = whole.trim_end() == "[Install]";
            } else if let (true, Some((key, value))) = (section, whole.split_once('=')) {
                self.assign(key.trim_end(), value.trim());
            }
        }
    }

    fn assign(&mut self, key: &str, value: &str) {
        let words = || value.split_whitespace().map(|word| word.trim_matches('"').to_owned());
        let directory = match key {
            "WantedBy" => "wants",
            "RequiredBy" => "requires",
            "UpheldBy" => "upholds",
            "Alias" => {
                self.aliases.extend(words());
                return;
            }
            "Also" => {
                self.also.extend(words());
                return;
            }
            "DefaultInstance" => {
                self.instance = Some(value.to_owned()).filter(|instance| !instance.is_empty());
                return;
            }
            _ => return,
        };
        if value.is_empty() {
            self.wanted.retain(|(other, _)| *other != directory);
        }
        self.wanted.extend(words().map(|unit| (directory, unit)));
    }

    /// Whether it asks for nothing, so that nothing can be enabled.
    pub(crate) fn is_empty(&self) -> bool {
        self.wanted.is_empty() && self.aliases.is_empty() && self.also.is_empty()
    }

    /// The other names of a unit.
    pub(crate) fn names(&self, unit: &str) -> Vec<String> {
        self.aliases.iter().filter_map(|alias| expanded(alias, unit)).collect()
    }

    /// The links that make `unit` enabled, by their places below the administrator's directory; nothing where that cannot be
    /// told.
    fn links(&self, unit: &str) -> Option<BTreeSet<String>> {
        let name = match (unit.split_once("@."), &self.instance) {
            (Some((stem, kind)), Some(instance)) => format!("{stem}@{instance}.{kind}"),
            (Some(_), None) => return None,
            (None, _) => unit.to_owned(),
        };
        let mut links = BTreeSet::new();
        for (directory, other) in &self.wanted {
            // The instance of a template becomes one of that other template.
            let other = expanded(other, &name).filter(|other| !other.contains("@."))?;
            links.insert(format!("{other}.{directory}/{name}"));
        }
        for alias in &self.aliases {
            let alias = expanded(alias, &name).filter(|alias| !alias.contains("@."))?;
            // Another type is no name of it: systemd says so when it is enabled.
            if alias.rsplit_once('.').map(|(_, kind)| kind) == name.rsplit_once('.').map(|(_, kind)| kind) {
                links.insert(alias);
            }
        }
        // A file may name itself.
        links.remove(&name);
        Some(links)
    }
}

/// A name with systemd's specifiers in it for what they stand for; nothing where that is not known here.
fn expanded(name: &str, unit: &str) -> Option<String> {
    let (stem, _) = unit.rsplit_once('.')?;
    let (prefix, instance) = stem.split_once('@').unwrap_or((stem, ""));
    let mut expanded = String::new();
    let mut rest = name.chars();
    while let Some(char) = rest.next() {
        match char {
            '%' => match rest.next()? {
                'n' => expanded.push_str(unit),
                'N' => expanded.push_str(stem),
                'p' => expanded.push_str(prefix),
                'i' => expanded.push_str(instance),
                'j' => expanded.push_str(prefix.rsplit('-').next().unwrap_or(prefix)),
                '%' => expanded.push('%'),
                _ => return None,
            },
            char => expanded.push(char),
        }
    }
    // Without a type it is no unit, as systemd says when it is enabled.
    Some(expanded).filter(|name| name.contains('.'))
}

/// The links of an enabled unit that are not as its file says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Links {
    /// All that are there.
    there: BTreeSet<String>,
    /// All that should be.
    wanted: BTreeSet<String>,
    /// Those that are there and should not be.
    pub(crate) stray: Vec<String>,
    /// Units that should be enabled with it and are not.
    without: Vec<String>,
    /// Whether its file asks for none.
    pub(crate) no_section: bool,
}

impl Links {
    /// Whether they are as the file says.
    pub(crate) fn are_right(&self) -> bool {
        !self.lack() && self.stray.is_empty()
    }

    /// Whether some are missing.
    pub(crate) fn lack(&self) -> bool {
        !(self.wanted.is_subset(&self.there) && self.without.is_empty())
    }

    /// That they differ.
    pub(crate) fn difference(&self) -> Difference {
        let kept: Vec<&String> = self.there.iter().filter(|link| !self.stray.contains(link)).collect();
        let after = self.wanted.iter().chain(kept.into_iter().filter(|link| !self.wanted.contains(*link)));
        let without =
            |word: &str| self.without.iter().map(|unit| format!("{word} {unit}")).collect::<Vec<_>>();
        Difference::Attribute {
            name: "enabled".to_owned(),
            before: Some(said(self.there.iter(), without("without"))),
            after: said(after, without("with")),
        }
    }
}

/// `yes, wanted by multi-user.target, alias web.service`
fn said<'l>(links: impl Iterator<Item = &'l String>, others: Vec<String>) -> String {
    let mut words = vec!["yes".to_owned()];
    words.extend(links.map(|link| {
        let of = |kind, word: &str| {
            let (unit, _) = link.split_once('/')?;
            Some(format!("{word} by {}", unit.strip_suffix(kind)?))
        };
        of(".wants", "wanted")
            .or_else(|| of(".requires", "required"))
            .or_else(|| of(".upholds", "upheld"))
            .unwrap_or_else(|| format!("alias {link}"))
    }));
    words.extend(others);
    words.join(", ")
}

impl Units {
    /// How the links of an enabled unit are, and how they should be; nothing where that cannot be told. `also` are the units
    /// that are to be enabled with it, and what their files say.
    pub(crate) fn links(
        &mut self,
        root: &Path,
        unit: &str,
        install: &Install,
        also: &[(String, Install)],
    ) -> Option<Links> {
        let wanted = install.links(unit)?;
        let mut links = Links { no_section: install.is_empty(), ..Links::default() };
        let names = self.names_of_links(unit, install);
        let all = self.links.take().unwrap_or_else(|| all_links(root));
        for (place, target) in &all {
            let name = place.rsplit('/').next().unwrap_or(place);
            let by_name = names.iter().any(|known| known == name);
            let leads_here = if place.contains('/') { by_name } else { target == unit };
            // A link of the unit's own name makes its file known, not enabled.
            if leads_here && place != unit {
                links.there.insert(place.clone());
            }
        }
        let stray = links.there.difference(&wanted).filter(|link| !self.claimed_links.contains(*link));
        links.stray = stray.cloned().collect();
        for (other, install) in also {
            let lacks = install.links(other).is_some_and(|wanted| {
                let is_there = |link: &String| all.iter().any(|(place, _)| place == link);
                !wanted.iter().all(is_there)
            });
            if lacks && self.wish(other).enabled != Some(false) {
                links.without.push(other.clone());
            }
        }
        links.wanted = wanted;
        self.links = Some(all);
        Some(links)
    }

    /// What links to a unit are called: like itself, or for a template like the instance that it is enabled as. Other
    /// instances were enabled by themselves.
    fn names_of_links(&self, unit: &str, install: &Install) -> Vec<String> {
        let instance = install.instance.as_ref().and_then(|instance| {
            let (stem, kind) = unit.split_once("@.")?;
            Some(format!("{stem}@{instance}.{kind}"))
        });
        std::iter::once(unit.to_owned()).chain(instance).collect()
    }
}

/// All links that enable units, with the last component of what they lead to.
fn all_links(root: &Path) -> Vec<(String, String)> {
    let directory = root.join(UNIT_DIRECTORIES[0].trim_start_matches('/'));
    let mut links = Vec::new();
    for entry in std::fs::read_dir(&directory).into_iter().flatten().flatten() {
        let Ok(name) = entry.file_name().into_string() else { continue };
        let Ok(kind) = entry.file_type() else { continue };
        let of_links = [".wants", ".requires", ".upholds"].iter().any(|ending| name.ends_with(ending));
        if kind.is_symlink() {
            links.extend(target(&entry.path()).map(|target| (name, target)));
        } else if kind.is_dir() && of_links {
            for link in std::fs::read_dir(entry.path()).into_iter().flatten().flatten() {
                let target = target(&link.path());
                let link = link.file_name().into_string();
                links.extend(link.ok().zip(target).map(|(link, target)| (format!("{name}/{link}"), target)));
            }
        }
    }
    links
}

/// The last component of what a link leads to, if it is one.
fn target(link: &Path) -> Option<String> {
    let target = std::fs::read_link(link).ok()?;
    Some(target.file_name()?.to_string_lossy().into_owned())
}

/// Where the file of a unit may lie, those that count first; for an instance also that of its template.
pub(crate) fn candidates(unit: &str) -> impl Iterator<Item = String> {
    let names: Vec<String> = std::iter::once(unit.to_owned()).chain(template_of(unit)).collect();
    names.into_iter().flat_map(|name| UNIT_DIRECTORIES.map(|directory| format!("{directory}/{name}")))
}

#[cfg(test)]
mod tests;
