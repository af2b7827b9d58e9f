//! What the engine tells the run's receipt: which tasks it is about to make equal, how they were, and that the run ended.
//! Paths are recorded where they are changed.

use std::collections::HashSet;

use paracrine_model::content::Content;
use paracrine_model::facet::{self, FileFacet};
use paracrine_model::hash::Hash;
use paracrine_model::name::AbsolutePath;
use paracrine_model::plan::Work;
use paracrine_model::protocol::{Failure, Lacking, Summary};
use paracrine_model::receipt::{Declared, Differed, Ended, TaskBefore, Undo};
use paracrine_model::resource::Resource;
use paracrine_model::text::Text;

use super::{AtTurn, Engine};
use crate::port::Port;
use crate::resource::step;
use crate::world::Step;

impl<P: Port> Engine<'_, P> {
    /// The run may change things, so the world gets the receipt that every change wants.
    pub(super) fn begin_receipt(
        &mut self,
        first: usize,
        lacking: &[Lacking],
        changes: Vec<(AbsolutePath, bool)>,
    ) {
        if let Some(mut receipt) = self.receipt.take() {
            receipt.declares(declared(self.tasks));
            self.world.keep_receipt(receipt);
            self.world.paths.announce_changes(changes);
            // Those that lack their contents will certainly be written.
            let lacking: HashSet<&Hash> = lacking.iter().map(|content| &content.hash).collect();
            self.world.intend(self.tasks[first..].iter().map(|task| match step(&task.resource) {
                Step::File(intent) if !lacking.contains(&intent.hash) => Step::Quick,
                step => step,
            }));
        }
    }

    /// The paths of tasks from `first` on, with whether each lacks its content: they are brought to disk many at once.
    pub(super) fn changes(&self, first: usize, lacking: &[Lacking]) -> Vec<(AbsolutePath, bool)> {
        let lacking: HashSet<&Hash> = lacking.iter().map(|content| &content.hash).collect();
        let mut changes = Vec::new();
        for Work { resource, .. } in &self.tasks[first..] {
            let facets = resource.facets();
            let replaced = facets
                .files()
                .any(|file| matches!(file.content(), Content::Blob { hash, .. } if lacking.contains(hash)));
            if let (false, facet::Undo::Paths(paths)) = (facets.removes, facets.undo) {
                changes.extend(paths.into_iter().map(|path| (path.clone(), replaced)));
            }
        }
        changes
    }

    /// Brings to disk how tasks were that are about to be made equal.
    pub(super) fn record(&mut self, differing: &[AtTurn<'_>]) -> Result<(), Failure> {
        let mut wants_sync = false;
        for AtTurn { index, comparison, .. } in differing {
            let resource = &self.tasks[*index].resource;
            let undo = undo(resource);
            // Paths bring what was noted before them to disk as well.
            wants_sync |= undo != Undo::Paths;
            let differences = comparison.differences.iter().cloned();
            let differed = differences.map(|difference| Differed::from(&self.world.mask_one(difference)));
            let before = TaskBefore { task: resource.to_string(), undo, differed: differed.collect() };
            if let Some(receipt) = self.world.receipt() {
                receipt.task(before)?;
            }
        }
        match self.world.receipt() {
            Some(receipt) if wants_sync => receipt.sync().map(|_recorded| ()),
            _ => Ok(()),
        }
    }

    /// Removes what a run that was cut off has left beside its place, also where this run changes nothing. Says whether nothing
    /// is left.
    pub(super) fn clear_up(&mut self) -> bool {
        let Some(receipt) = self.receipt.as_ref().filter(|_| self.journal.cut_off().is_some()) else {
            return true;
        };
        let removed = receipt.left_beside().and_then(|left| {
            let each = left.iter().map(|path| self.world.paths.remove_left(path).map(u32::from));
            each.sum::<Result<u32, Failure>>()
        });
        let is_clear = removed.is_ok();
        let mut port = self.port.borrow_mut();
        match removed {
            Ok(0) => {}
            Ok(1) => {
                port.notice("removed a file that the run that was cut off had left half-written".to_owned())
            }
            Ok(removed) => port.notice(format!(
                "removed {removed} files that the run that was cut off had left half-written"
            )),
            Err(Failure { message, help, .. }) => {
                port.notice(help.map_or(message.clone(), |help| format!("{message} ({help})")));
            }
        }
        is_clear
    }

    /// Notes that the run has come to its end, be it a failure that was reported.
    pub(super) fn end_receipt(&mut self) {
        let Summary { changed, failed, skipped, .. } = self.summary;
        if let Some(receipt) = self.world.receipt().or(self.receipt.as_mut())
            && let Err(failure) = receipt.end(Ended { changed, failed, skipped })
        {
            // All that was changed is recorded; without its end the run only looks cut off.
            self.port.borrow_mut().notice(failure.message);
        }
    }
}

/// What a receipt says of the plan.
fn declared(tasks: &[Work]) -> Vec<Declared> {
    let declared = tasks.iter().map(|Work { resource, .. }| {
        let facets = resource.facets();
        let secret = |file: &&FileFacet<'_>| file.content().text().is_some_and(Text::is_secret);
        Declared {
            task: resource.to_string(),
            claims: facets.claims.iter().map(ToString::to_string).collect(),
            secrets: facets.files().filter(secret).map(|file| file.path().to_string()).collect(),
        }
    });
    declared.collect()
}

fn undo(resource: &Resource) -> Undo {
    match resource.facets().undo {
        facet::Undo::Paths(_) => Undo::Paths,
        facet::Undo::Not(why) => Undo::Not(why.to_owned()),
    }
}
