//! Units as their files say, and in a check as they would say.

use paracrine_model::name::AbsolutePath;
use paracrine_model::protocol::Lacking;

use super::World;
use super::paths::PathKind;
use super::units::{Install, Links, UnitState, candidates};

/// No file of a unit is longer; what is, is not read.
const LARGEST: u64 = 256 * 1024;

/// Units that are enabled with others name others again, but not many.
const MOST_WITH_IT: usize = 8;

/// Where the administrator's files are. Units whose files are Debian's are kept enabled by Debian's packages, which know what
/// an administrator has done to their links.
const OWN: &str = "/etc/";

impl World {
    /// How an enabled unit's links are, and how they should be by its files; nothing where that cannot be told, or where none
    /// of its files is the administrator's.
    pub(crate) fn links_of(&mut self, unit: &str, state: &UnitState) -> Option<Links> {
        let unit = if state.id.is_empty() { unit } else { &state.id };
        let drop_ins = self.drop_ins(unit, state);
        let debians = !state.fragment.is_empty() && !state.fragment.starts_with(OWN);
        if debians && !self.units.predicts_unit_file(unit) && !drop_ins.iter().any(|at| at.starts_with(OWN)) {
            return None;
        }
        let (at, text) = self.unit_file(unit, Some(state))?;
        let mut own = at.starts_with(OWN);
        let mut install = Install::default();
        install.read(&text);
        for at in drop_ins {
            let before = install.clone();
            install.read(&self.unit_text(&at).unwrap_or_default());
            own |= at.starts_with(OWN) && install != before;
        }
        if !own {
            return None;
        }
        let mut also: Vec<(String, Install)> = Vec::new();
        let mut left: Vec<String> = install.also.clone();
        while let Some(other) = left.pop() {
            if other == unit || also.len() >= MOST_WITH_IT || also.iter().any(|(known, _)| *known == other) {
                continue;
            }
            if let Some((_, text)) = self.unit_file(&other, None) {
                let mut install = Install::default();
                install.read(&text);
                left.extend(install.also.iter().cloned());
                also.push((other, install));
            }
        }
        self.units.links(&self.root, unit, &install, &also)
    }

    /// The names that a unit's file gives it besides its own.
    pub(crate) fn names_of(&mut self, unit: &str, state: &UnitState) -> Vec<String> {
        let mut install = Install::default();
        if let Some((_, text)) = self.unit_file(unit, Some(state)) {
            install.read(&text);
        }
        install.names(unit)
    }

    /// A unit's file: where it is, and what is in it. Of those that there are, the first counts.
    fn unit_file(&mut self, unit: &str, state: Option<&UnitState>) -> Option<(String, String)> {
        let known = state.map(|state| state.fragment.clone()).filter(|fragment| !fragment.is_empty());
        let at = match known {
            Some(fragment) if !self.units.predicts_unit_file(unit) => fragment,
            _ => candidates(unit).find(|at| {
                let path = AbsolutePath::parse(at);
                path.is_ok_and(|path| self.path_state(&path).is_ok_and(|state| state.is_file_or_link()))
            })?,
        };
        self.unit_text(&at).map(|text| (at, text))
    }

    /// The files that add to a unit's own, in order.
    fn drop_ins(&self, unit: &str, state: &UnitState) -> Vec<String> {
        let mut drop_ins: Vec<String> = state.drop_ins.split_whitespace().map(str::to_owned).collect();
        for predicted in self.units.predicted_drop_ins(unit) {
            if !drop_ins.contains(&predicted) {
                drop_ins.push(predicted);
            }
        }
        let name = |path: &String| path.rsplit('/').next().unwrap_or_default().to_owned();
        drop_ins.sort_by_key(name);
        drop_ins
    }

    /// What is in a file of a unit, or in a check would be.
    fn unit_text(&mut self, at: &str) -> Option<String> {
        let path = AbsolutePath::parse(at).ok()?;
        let state = self.path_state(&path).ok()?;
        let bytes = match state.kind {
            PathKind::File { predicted: Some(_), .. } if self.units.is_unknown(&path) => return None,
            PathKind::File { predicted: Some(hash), length } if length <= LARGEST => {
                let content = self.content(Lacking { hash, length }).ok()?;
                // It may be wanted again.
                self.keep([(hash, content.clone())]);
                content
            }
            PathKind::File { predicted: None, .. } => self.paths.read(&path, LARGEST).ok()??,
            // systemd follows it as well; a mask leads to no file.
            PathKind::Link { .. } if state.ids.is_some() => {
                let at = self.root.join(at.trim_start_matches('/'));
                std::fs::metadata(&at).ok().filter(|seen| seen.is_file() && seen.len() <= LARGEST)?;
                std::fs::read(at).ok()?
            }
            _ => return None,
        };
        String::from_utf8(bytes).ok()
    }
}
