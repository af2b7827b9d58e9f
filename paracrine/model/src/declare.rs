//! How roles declare tasks: known to builds only, and knowing no resource.

mod callers;

use std::backtrace::Backtrace;
use std::borrow::Cow;
use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::marker::PhantomData;
use std::panic::Location;

use crate::content::{Blobs, Body, Content, IntoContent, SiteFiles};
use crate::diagnostic::{Code, Diagnostic, Diagnostics, Place};
use crate::facet::{Acts, AnyResource, Claim, Facets, Shown, Variant};
use crate::late::mark_of_secret;
use crate::name::{AbsolutePath, Mode, linked_by, one_spelling};
use crate::text::{Span, Text};
use crate::trigger::{Action, Trigger};

thread_local!(static NEXT_PLAN: Cell<usize> = const { Cell::new(0) });

/// The plan of one host while roles fill it; `R` is any of its resources.
///
/// It is shared (`&Plan`): builder methods declare tasks and return a [`Declared`] that adjusts and names them. What
/// is wrong with a declaration is collected and does not keep the role from going on.
///
/// ```
/// use paracrine_model::plan::Plan;
/// let plan = Plan::new(Default::default());
/// plan.package("nginx");
/// let conf = plan.file("/etc/nginx/conf.d/app.conf", "server {}\n").mode(0o644);
/// plan.service("nginx").enabled().running().reload_on(&conf);
/// let (finished, problems) = plan.finish();
/// assert_eq!(finished.tasks.len(), 3);
/// assert!(problems.is_empty());
/// ```
pub struct Plan<R> {
    id: usize,
    blobs: Blobs,
    site: SiteFiles,
    tasks: RefCell<Vec<Draft<R>>>,
    problems: RefCell<Diagnostics>,
    /// Whether it is noted how each declaration was reached, which takes its time.
    traced: bool,
}

struct Draft<R> {
    resource: R,
    source: Option<String>,
    triggers: Vec<DraftTrigger>,
    location: &'static Location<'static>,
    /// Something that was said of it is wrong, and has been reported: what it lacks for that is no mistake of its own.
    incomplete: bool,
    reached: Option<Backtrace>,
}

struct DraftTrigger {
    on: usize,
    action: Action,
    location: &'static Location<'static>,
}

/// A task as it was declared, at its place.
pub(crate) struct Finished<R> {
    pub(crate) resource: R,
    pub(crate) source: Option<String>,
    pub(crate) triggers: Vec<Trigger>,
    pub(crate) location: &'static Location<'static>,
}

impl<R: AnyResource> Plan<R> {
    /// An empty plan whose contents are kept in `blobs`.
    pub fn new(blobs: Blobs) -> Self {
        Self::of_site(blobs, SiteFiles::default())
    }

    /// An empty plan of a site with these files.
    pub fn of_site(blobs: Blobs, site: SiteFiles) -> Self {
        let id = NEXT_PLAN.replace(NEXT_PLAN.get() + 1);
        let (tasks, problems) = (RefCell::default(), RefCell::default());
        Self { id, blobs, site, tasks, problems, traced: false }
    }

    /// Notes how each declaration is reached, so that conflicts name who led to them: for a second run of roles that had some.
    #[must_use]
    pub fn traced(mut self) -> Self {
        self.traced = true;
        self
    }

    /// Declares a task; for resources' builder methods.
    #[track_caller]
    pub fn declare<K: Variant<Any = R>>(&self, resource: K) -> Declared<'_, K> {
        self.declare_from(resource, None)
    }

    /// Declares a task whose content came from a template or local file.
    #[track_caller]
    pub(crate) fn declare_from<K: Variant<Any = R>>(
        &self,
        resource: K,
        source: Option<String>,
    ) -> Declared<'_, K> {
        let mut tasks = self.tasks.borrow_mut();
        tasks.push(Draft {
            resource: resource.into(),
            source,
            triggers: Vec::new(),
            location: Location::caller(),
            incomplete: false,
            reached: self.traced.then(Backtrace::force_capture),
        });
        Declared { plan: self, task: Some(tasks.len() - 1), kind: PhantomData }
    }

    /// Stands in for a task that could not be declared; its problem has been reported.
    pub(crate) fn nothing<K: Variant<Any = R>>(&self) -> Declared<'_, K> {
        Declared { plan: self, task: None, kind: PhantomData }
    }

    /// Collects a problem.
    pub fn report(&self, problem: Diagnostic) {
        self.problems.borrow_mut().push(problem);
    }

    /// Collects a problem at the caller's line.
    #[track_caller]
    pub(crate) fn wrong(&self, code: Code, message: impl Into<String>, label: impl Into<String>) {
        self.report(Diagnostic::error(code, message).at(Place::caller(Location::caller()), label));
    }

    /// Checks something that a role wrote; reports at the caller's line what is wrong with it.
    #[track_caller]
    pub(crate) fn parse<T>(
        &self,
        code: Code,
        what: &str,
        written: &str,
        parse: impl FnOnce(&str) -> Result<T, String>,
    ) -> Option<T> {
        match parse(written) {
            Ok(parsed) => Some(parsed),
            Err(why) => {
                self.wrong(code, format!("{what} `{}` {why}", written.escape_debug()), "declared here");
                None
            }
        }
    }

    #[track_caller]
    pub(crate) fn path(&self, written: &str) -> Option<AbsolutePath> {
        self.parse(Code::BAD_PATH, AbsolutePath::WHAT, written, AbsolutePath::parse)
    }

    #[track_caller]
    pub(crate) fn mode(&self, mode: u32) -> Option<Mode> {
        // Mistakes are shown as they were written.
        let written = match Mode::parse(mode) {
            Err(why) if why.starts_with("is decimal") => mode.to_string(),
            Err(why) if why.starts_with("is hexadecimal") => format!("{mode:#x}"),
            _ => format!("{mode:#o}"),
        };
        self.parse(Code::BAD_MODE, "mode", &written, |_| Mode::parse(mode))
    }

    #[track_caller]
    pub(crate) fn content(&self, content: impl IntoContent) -> Option<(Content, Option<String>)> {
        match content.into_content(&self.site) {
            Ok(made) => {
                if let Body::Text(text) = &made.body
                    && let Some(problem) = shown_secret(text, Location::caller())
                {
                    self.report(problem);
                }
                let source = made.source.clone();
                Some((made.keep(&self.blobs), source))
            }
            Err(problem) => {
                let here = Place::caller(Location::caller());
                let problem = match &problem.primary {
                    // The content itself stands in this line.
                    Some(note) if note.place.file == here.file && note.place.line == here.line => *problem,
                    Some(_) => problem.related(here, "used here"),
                    None => problem.at(here, "used here"),
                };
                self.report(problem);
                None
            }
        }
    }

    /// The tasks in order, each once, and all that is wrong with them.
    pub(crate) fn into_tasks(self) -> (Vec<Finished<R>>, Diagnostics) {
        let mut problems = self.problems.into_inner();
        let drafts = self.tasks.into_inner();
        let facets: Vec<Facets<'_>> = drafts.iter().map(|draft| draft.resource.facets()).collect();
        let stands_for = merged(&drafts, &facets, &mut problems);
        let stands = |draft: usize| stands_for[draft] == draft;
        let mut places = vec![0; drafts.len()];
        for (place, draft) in (0..drafts.len()).filter(|draft| stands(*draft)).enumerate() {
            places[draft] = u32::try_from(place).unwrap_or(u32::MAX);
        }

        let mut triggers: Vec<Vec<Trigger>> = drafts.iter().map(|_| Vec::new()).collect();
        let mut misplaced = vec![false; drafts.len()];
        for (draft, trigger) in drafts
            .iter()
            .enumerate()
            .flat_map(|(index, draft)| draft.triggers.iter().map(move |trigger| (index, trigger)))
        {
            let (task, on) = (stands_for[draft], stands_for[trigger.on]);
            if on >= task {
                misplaced[task] = true;
                problems.push(trigger_order(&drafts[task], &drafts[on], trigger));
                continue;
            }
            let trigger = Trigger { on: places[on], action: trigger.action };
            if !triggers[task].contains(&trigger) {
                triggers[task].push(trigger);
            }
        }

        for task in (0..drafts.len()).filter(|draft| stands(*draft)) {
            if let Acts::WhenTriggered { instead } = facets[task].acts
                && triggers[task].is_empty()
                && !drafts[task].incomplete
                && !misplaced[task]
            {
                problems.push(unguarded(&drafts[task], instead));
            }
        }

        for task in (0..drafts.len()).filter(|draft| stands(*draft)) {
            let location = drafts[task].location;
            // What a command is called is only shown.
            let claimed = facets[task].claims.iter().filter(|claim| !matches!(claim, Claim::Command(_)));
            problems
                .extend(claimed.filter_map(|claim| shown_secret(&Text::from(&*claim.parts().1), location)));
            problems.extend(facets[task].attributes.iter().filter_map(|(_, shown)| match shown {
                Shown::Plain(value) => shown_secret(&Text::from(&**value), location),
                Shown::Late(late) => shown_secret(late.text(), location),
                // Looked at when it was made.
                Shown::File(_) => None,
            }));
        }

        drop(facets);
        let tasks = drafts
            .into_iter()
            .zip(triggers)
            .enumerate()
            .filter(|(index, _)| stands_for[*index] == *index)
            .map(|(_, (draft, triggers))| Finished {
                resource: draft.resource,
                source: draft.source,
                triggers,
                location: draft.location,
            })
            .collect();
        (tasks, problems)
    }
}

/// For each draft the one that stands for it in the plan: itself, or the first that claims the same.
fn merged<R: AnyResource>(
    drafts: &[Draft<R>],
    facets: &[Facets<'_>],
    problems: &mut Diagnostics,
) -> Vec<usize> {
    let mut first: HashMap<(&str, Cow<'_, str>), (usize, Claim<'_>)> = HashMap::new();
    let mut stands_for: Vec<usize> = Vec::with_capacity(drafts.len());
    for (index, (draft, said)) in drafts.iter().zip(facets).enumerate() {
        let mut earlier: Vec<(usize, Claim<'_>, Claim<'_>)> = said
            .claims
            .iter()
            .filter_map(|claim| {
                let (earlier, spelled) = first.get(&claim.identity())?;
                Some((*earlier, *spelled, *claim))
            })
            .collect();
        earlier.dedup_by_key(|(earlier, ..)| *earlier);
        for (earlier, spelled, claim) in &earlier {
            let whole = !drafts[*earlier].incomplete && !draft.incomplete;
            if spelled != claim {
                problems.push(two_spellings(&drafts[*earlier], draft, &spelled.parts().1, &claim.parts().1));
            } else if whole && drafts[*earlier].resource != draft.resource {
                let found = conflict((&drafts[*earlier], &facets[*earlier]), (draft, said), *claim);
                let reached = (&drafts[*earlier].reached, &draft.reached);
                problems.push(match reached {
                    (Some(first), Some(second)) if drafts[*earlier].location == draft.location => {
                        callers::told(found, first, second)
                    }
                    _ => found,
                });
            }
        }
        let stand = earlier.first().map_or(index, |(earlier, ..)| stands_for[*earlier]);
        for claim in &said.claims {
            first.entry(claim.identity()).or_insert((index, *claim));
        }
        stands_for.push(stand);
    }
    stands_for
}

/// Two tasks that are about one path and spell it differently, because a directory on the way is a link on every Debian.
fn two_spellings<R>(earlier: &Draft<R>, later: &Draft<R>, first: &str, then: &str) -> Diagnostic {
    let problem =
        Diagnostic::error(Code::CONFLICT, format!("`{then}` is `{first}`, which another task declares"))
            .at(Place::caller(later.location), "declared again here, by another spelling")
            .related(Place::caller(earlier.location), "first declared here");
    match linked_by(first, then) {
        Some((link, target)) => problem.help(format!(
            "on Debian `{link}` is a link to `{target}`: declare it once, as `{}`",
            one_spelling(first)
        )),
        None => problem,
    }
}

fn conflict<R: AnyResource>(
    earlier: (&Draft<R>, &Facets<'_>),
    later: (&Draft<R>, &Facets<'_>),
    claim: Claim<'_>,
) -> Diagnostic {
    let (a, b) = (&earlier.0.resource, &later.0.resource);
    if let Claim::Id(what, id) = claim {
        let message = format!("{a} and {b} have the same {what}, {id}");
        return Diagnostic::error(Code::CONFLICT, message)
            .at(Place::caller(later.0.location), format!("{what} {id}"))
            .related(Place::caller(earlier.0.location), format!("{what} {id}, too"))
            .help("give one of them another, or none: the host finds one that is free");
    }
    let message = if a.kind() == b.kind() {
        format!("two tasks disagree about {claim}")
    } else {
        format!("{claim} is declared as {} and as {}", with_article(a.kind()), with_article(b.kind()))
    };
    let mut diagnostic = Diagnostic::error(Code::CONFLICT, message)
        .at(Place::caller(later.0.location), "declared again here, differently")
        .related(Place::caller(earlier.0.location), "first declared here");
    if a.kind() == b.kind() {
        let shown = |facets: &Facets<'_>| -> Vec<(&str, String)> {
            facets.attributes.iter().map(|(name, shown)| (*name, shown.to_string())).collect()
        };
        let (before, after) = (shown(earlier.1), shown(later.1));
        let of = |attributes: &[(&str, String)], name: &str| {
            attributes.iter().find(|(other, _)| *other == name).map(|(_, value)| format!("`{value}`"))
        };
        let mut told = false;
        let only_before = before.iter().filter(|(name, _)| of(&after, name).is_none());
        for (name, _) in after.iter().chain(only_before) {
            let (was, is) = (of(&before, name), of(&after, name));
            if was != is {
                told = true;
                let said = |value: Option<String>| value.unwrap_or_else(|| "nothing".to_owned());
                diagnostic = diagnostic.help(format!("{name}: first {}, then {}", said(was), said(is)));
            }
        }
        if !told {
            // Of texts with late values only those are shown.
            diagnostic = diagnostic.help("the same values stand in other text");
        }
    }
    diagnostic
}

/// `a file`, `an absent`
fn with_article(kind: &str) -> String {
    let article = if kind.starts_with(['a', 'e', 'i', 'o', 'u'])
        && !kind.starts_with("un")
        && !kind.starts_with("us")
    {
        "an"
    } else {
        "a"
    };
    format!("{article} {kind}")
}

/// A secret that was shown and not placed: what stands for it would be deployed.
fn shown_secret(text: &Text, location: &'static Location<'static>) -> Option<Diagnostic> {
    let mark = text.spans().iter().find_map(|span| match span {
        Span::Literal(literal) => mark_of_secret(literal),
        Span::Late(_) => None,
    })?;
    let message = format!("`{mark}` would be deployed, which only stands for a secret where it is shown");
    let problem = Diagnostic::error(Code::SECRET_SHOWN, message).at(Place::caller(location), "declared here");
    Some(
        problem
            .help("place the secret itself: `text!(\"PASSWORD={}\", secret)`, or in a template")
            .help("text that is meant to read so belongs into a file of `files/`"),
    )
}

fn unguarded<R: AnyResource>(draft: &Draft<R>, instead: &[&str]) -> Diagnostic {
    let (kind, name) = (draft.resource.kind(), draft.resource.name());
    let message = format!("{kind} `{name}` has no guard: every run would run it");
    let found = Diagnostic::error(Code::UNGUARDED_COMMAND, message)
        .at(Place::caller(draft.location), "declared here");
    instead.iter().fold(found, |found, way| found.help(*way))
}

fn trigger_order<R: AnyResource>(task: &Draft<R>, on: &Draft<R>, trigger: &DraftTrigger) -> Diagnostic {
    let message = if std::ptr::eq(task, on) {
        format!("{} triggers itself", task.resource)
    } else {
        format!(
            "{} is declared before {}, whose change should {} it",
            task.resource, on.resource, trigger.action
        )
    };
    Diagnostic::error(Code::TRIGGER_ORDER, message)
        .at(Place::caller(trigger.location), "this trigger")
        .related(Place::caller(task.location), "declared here, so done first")
        .related(Place::caller(on.location), "done after it")
        .help(format!("declare {} after {}", task.resource, on.resource))
}

/// A task as it was just declared: its methods adjust it, and it names the task in `restart_on` and the like.
pub struct Declared<'p, K: Variant> {
    plan: &'p Plan<K::Any>,
    task: Option<usize>,
    kind: PhantomData<fn() -> K>,
}

impl<K: Variant> Clone for Declared<'_, K> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<K: Variant> Copy for Declared<'_, K> {}

/// The name of a task, whatever its resource.
#[derive(Clone, Copy)]
pub struct TaskRef {
    plan: usize,
    task: Option<usize>,
}

/// Anything that names tasks: what `restart_on(&…)` takes.
pub trait AnyTask {
    /// Their names.
    fn tasks(&self) -> Vec<TaskRef>;
}

impl<K: Variant> AnyTask for Declared<'_, K> {
    fn tasks(&self) -> Vec<TaskRef> {
        vec![self.task()]
    }
}

impl AnyTask for TaskRef {
    fn tasks(&self) -> Vec<TaskRef> {
        vec![*self]
    }
}

impl<T: AnyTask> AnyTask for Vec<T> {
    fn tasks(&self) -> Vec<TaskRef> {
        self.iter().flat_map(AnyTask::tasks).collect()
    }
}

impl<T: AnyTask, const N: usize> AnyTask for [T; N] {
    fn tasks(&self) -> Vec<TaskRef> {
        self.iter().flat_map(AnyTask::tasks).collect()
    }
}

impl<'p, K: Variant> Declared<'p, K> {
    /// Its name, whatever its resource.
    pub fn task(&self) -> TaskRef {
        TaskRef { plan: self.plan.id, task: self.task }
    }

    /// The plan it is in.
    pub fn plan(&self) -> &'p Plan<K::Any> {
        self.plan
    }

    /// Changes what was declared; for resources' builder methods.
    pub fn adjust(self, change: impl FnOnce(&mut K)) -> Self {
        if let Some(task) = self.task
            && let Some(draft) = self.plan.tasks.borrow_mut().get_mut(task)
            && let Some(resource) = K::of_mut(&mut draft.resource)
        {
            change(resource);
        }
        self
    }

    /// Changes what was declared, unless the value was not to be had (and its problem reported).
    pub(crate) fn adjust_with<T>(self, value: Option<T>, change: impl FnOnce(&mut K, T)) -> Self {
        match value {
            Some(value) => self.adjust(|resource| change(resource, value)),
            None => self.incomplete(),
        }
    }

    /// Notes that something was said of it that is wrong, and was reported.
    fn incomplete(self) -> Self {
        if let Some(task) = self.task
            && let Some(draft) = self.plan.tasks.borrow_mut().get_mut(task)
        {
            draft.incomplete = true;
        }
        self
    }

    /// Looks at what was declared.
    pub(crate) fn look<T>(&self, look: impl FnOnce(&K) -> T) -> Option<T> {
        let tasks = self.plan.tasks.borrow();
        Some(look(K::of(&tasks.get(self.task?)?.resource)?))
    }

    /// Adds a trigger; for resources' builder methods.
    #[track_caller]
    pub(crate) fn triggered(self, on: &dyn AnyTask, action: Action) -> Self {
        // A plain loop: `track_caller` does not reach into closures.
        for on in on.tasks() {
            if on.plan != self.plan.id {
                self.plan.wrong(
                    Code::TRIGGER_ORDER,
                    "a trigger names a task of another plan",
                    "only tasks of the same host can trigger each other",
                );
                self.incomplete();
                continue;
            }
            if on.task.is_none() {
                self.incomplete();
            }
            if let (Some(task), Some(on)) = (self.task, on.task)
                && let Some(draft) = self.plan.tasks.borrow_mut().get_mut(task)
            {
                draft.triggers.push(DraftTrigger { on, action, location: Location::caller() });
            }
        }
        self
    }
}
