//! Panics of roles, caught with their message and place.

use std::any::Any;
use std::cell::RefCell;
use std::panic::{self, AssertUnwindSafe, PanicHookInfo};
use std::sync::{Mutex, PoisonError};

use paracrine_model::diagnostic::Place;

/// A panic that was caught.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Caught {
    /// What it said.
    pub(crate) message: String,
    /// The line that panicked.
    pub(crate) place: Option<Place>,
}

thread_local!(static CAUGHT: RefCell<Option<Option<Caught>>> = const { RefCell::new(None) });

type Hook = Box<dyn Fn(&PanicHookInfo<'_>) + Sync + Send>;

/// How many catches are under way, and the hook that was there before the first.
static UNDER_WAY: Mutex<(usize, Option<Hook>)> = Mutex::new((0, None));

/// Runs `role` and catches its panic, which prints nothing. Other threads' panics do as they would.
pub(crate) fn catch<R>(role: impl FnOnce() -> R) -> Result<R, Caught> {
    CAUGHT.set(Some(None));
    let result = panic::catch_unwind(AssertUnwindSafe(role));
    let caught = CAUGHT.take().flatten();
    result.map_err(|payload| caught.unwrap_or_else(|| Caught { message: message(&*payload), place: None }))
}

/// Has panics caught by [`catch`] stay silent, until what is returned is dropped.
pub(crate) fn quietly() -> Quiet {
    let mut under_way = UNDER_WAY.lock().unwrap_or_else(PoisonError::into_inner);
    if under_way.0 == 0 {
        under_way.1 = Some(panic::take_hook());
        panic::set_hook(Box::new(hook));
    }
    under_way.0 += 1;
    Quiet(())
}

/// Restores the panic hook when it is dropped.
pub(crate) struct Quiet(());

impl Drop for Quiet {
    fn drop(&mut self) {
        let mut under_way = UNDER_WAY.lock().unwrap_or_else(PoisonError::into_inner);
        under_way.0 -= 1;
        // A hook cannot be set while panicking; then ours stays, which is no worse.
        if under_way.0 == 0
            && !std::thread::panicking()
            && let Some(before) = under_way.1.take()
        {
            panic::set_hook(before);
        }
    }
}

fn hook(info: &PanicHookInfo<'_>) {
    let ours = CAUGHT.with_borrow_mut(|caught| match caught {
        Some(caught) => {
            *caught =
                Some(Caught { message: message(info.payload()), place: info.location().map(Place::caller) });
            true
        }
        None => false,
    });
    if !ours {
        let under_way = UNDER_WAY.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(before) = &under_way.1 {
            before(info);
        }
    }
}

fn message(payload: &(dyn Any + Send)) -> String {
    let text = payload.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| payload.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "something that is no text".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_caught_with_its_place() {
        let _quiet = quietly();
        let line = line!() + 1;
        let caught = catch(|| panic!("no {}", "luck")).unwrap_err();
        assert_eq!(caught.message, "no luck");
        let place = caught.place.unwrap();
        assert!(place.file.ends_with("panic.rs"));
        assert_eq!((place.line, place.column), (line, 31));
        assert_eq!(catch(|| 7), Ok(7));
    }
}
