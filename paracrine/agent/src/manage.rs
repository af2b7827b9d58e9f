//! What a resource's agent half has to know: how to observe, compare, apply and predict.

use paracrine_model::plan::Action;
use paracrine_model::protocol::{Difference, Failure, Lacking};

use crate::world::{Step, World};

/// The agent half of a resource. The engine alone knows whether a run is a check: it calls `observe` and `compare`, and
/// where something differs `predict` in a check, or in an apply `apply`; and at the end of an apply that changed something
/// `observe` and `compare` once more ([`Look`]). Nobody looks twice: what was observed is handed on to the others.
pub trait Manage {
    /// What is there, as far as the resource cares.
    type State;

    /// Looks at the machine without changing it, and asks guards. All looking goes through `world`, which in a check also
    /// knows what earlier tasks of the same run would have made.
    ///
    /// # Errors
    /// What cannot be observed, or after an apply does not hold.
    fn observe(&self, turn: &Turn<'_>, world: &mut World) -> Result<Self::State, Failure>;

    /// Says what differs, from the state alone (`world` is there for names and contents, not for looking again).
    ///
    /// # Errors
    /// A state that cannot be made equal, known before anything is touched.
    fn compare(&self, state: &Self::State, turn: &Turn<'_>, world: &World) -> Result<Comparison, Failure>;

    /// Makes it equal. Called only when something differs or is due.
    ///
    /// # Errors
    /// What went wrong, with the output of the program that failed.
    fn apply(&self, state: &Self::State, turn: &Turn<'_>, world: &mut World) -> Result<(), Failure>;

    /// Check: tries out what an apply tries before it puts anything in place, leaving the machine as it is. Gives back why
    /// what came of that need not be what will come of it.
    ///
    /// # Errors
    /// What an apply would fail with.
    fn rehearse(&self, _state: &Self::State, _world: &mut World) -> Result<Option<String>, Failure> {
        Ok(None)
    }

    /// Check: tells the world's overlay what `apply` would have made.
    fn predict(&self, state: &Self::State, world: &mut World);

    /// Whether neighbouring tasks of this kind are applied at once, by [`Self::apply_together`].
    const TOGETHER: bool = false;

    /// Whether it is looked at as soon as it was applied, for the tasks after it rely on it. Where `apply` is nothing but
    /// system calls that succeeded, the closing look is soon enough.
    const LOOKED_AT_AT_ONCE: bool = true;

    /// Makes several equal at once: neighbours in the plan, each of which differs. Says of each what came of it; one that
    /// failed and is found to be equal has not.
    fn apply_together(all: &[&Observed<'_, Self>], _world: &mut World) -> Vec<Result<(), Failure>>
    where
        Self: Sized,
    {
        all.iter().map(|_| Err(Failure::new("this resource is applied one by one"))).collect()
    }

    /// Check: predicts several at once; says of each what [`Self::rehearse`] says of one.
    fn predict_together(
        all: &[&Observed<'_, Self>],
        _world: &mut World,
    ) -> Vec<Result<Option<String>, Failure>>
    where
        Self: Sized,
    {
        all.iter().map(|_| Err(Failure::new("this resource is predicted one by one"))).collect()
    }

    /// Registers, before the first task, what can be looked up for all tasks at once.
    fn announce(&self, _world: &mut World) {}

    /// What it will do to files, and so whether what comes after it may be begun before.
    fn step(&self) -> Step<'_> {
        Step::Slow
    }

    /// Says, before the first change of an apply, what is known by then to be impossible.
    ///
    /// # Errors
    /// What that is.
    fn foresee(&self, _world: &mut World) -> Result<(), Failure> {
        Ok(())
    }

    /// The files that its tools write to mend these differences: what is on a read-only place is said before anything is
    /// touched, and by a check.
    fn tools_write(&self, _differences: &[Difference]) -> &'static [&'static str] {
        &[]
    }

    /// The content that it will ask for, as far as can be told before the first change; nothing if that is there already.
    fn wants(&self, _world: &mut World) -> Option<Lacking> {
        None
    }
}

/// A resource with what was observed of it.
pub struct Observed<'t, R: Manage> {
    /// As it should be.
    pub resource: &'t R,
    /// As it is.
    pub state: R::State,
}

/// What is asked of a task in this run besides its desired state.
#[derive(Clone, Copy, Debug, Default)]
pub struct Turn<'a> {
    /// What triggers and debts demand.
    pub due: &'a [Due],
    /// Which look at it this is.
    pub look: Look,
}

/// Which look at a task's state it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Look {
    /// At its turn.
    #[default]
    First,
    /// Right after it was applied: guards that need not hold afterwards are not asked again.
    After,
    /// At the end of the run.
    Closing {
        /// Whether this run has changed it.
        changed: bool,
    },
}

/// Something that a trigger or an old debt demands of a task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Due {
    /// What to do.
    pub action: Action,
    /// `file /etc/app.conf changed`
    pub because: String,
    /// Whether the cause is only a possible change (in a check).
    pub may: bool,
}

/// What differs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Comparison {
    /// Empty: it is as it should be.
    pub differences: Vec<Difference>,
    /// Check only: why the differences are not certain.
    pub may: Option<String>,
}

impl Comparison {
    /// It is as it should be.
    pub fn equal() -> Self {
        Self::default()
    }

    /// These differ, for certain.
    pub fn of(differences: Vec<Difference>) -> Self {
        Self { differences, may: None }
    }

    /// Whether it is as it should be.
    pub fn is_equal(&self) -> bool {
        self.differences.is_empty()
    }

    /// Adds an attribute if it differs.
    pub fn attribute(&mut self, name: &str, before: Option<&str>, after: &str) {
        if before != Some(after) {
            self.differences.push(Difference::Attribute {
                name: name.to_owned(),
                before: before.map(str::to_owned),
                after: after.to_owned(),
            });
        }
    }
}
