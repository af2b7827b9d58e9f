//! One run, from its first event to its end.

use std::future::Future;
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::task::LocalSet;

use super::interrupt;
use crate::cli::problem::Problem;
use crate::event::{Event, Urgency};
use crate::report::Report;

/// How often reports are told that time goes by.
const TICK: Duration = Duration::from_millis(100);

/// Does the work, which tells what happens and hears how soon it is wanted to end; reports are told of all of it, and
/// of Ctrl-C. The work may spawn local tasks.
pub(in crate::cli) fn run<T, F>(
    mut reports: Vec<Box<dyn Report>>,
    work: impl FnOnce(mpsc::UnboundedSender<Event>, watch::Receiver<Option<Urgency>>) -> F,
) -> Result<T, Problem>
where
    T: 'static,
    F: Future<Output = T> + 'static,
{
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Problem::new(format!("cannot begin: {error}")))?;
    let (interrupt, interrupted) = watch::channel(None);
    let (events, mut told) = mpsc::unbounded_channel();
    let done = LocalSet::new().block_on(&runtime, async {
        let signals = tokio::task::spawn_local(interrupt::listen(interrupt, events.clone()));
        let mut work = tokio::task::spawn_local(work(events, interrupted));
        let mut tick = tokio::time::interval(TICK);
        let done = loop {
            tokio::select! {
                biased;
                Some(event) = told.recv() => reports.iter_mut().for_each(|report| report.event(&event)),
                done = &mut work => break done,
                _ = tick.tick() => reports.iter_mut().for_each(|report| report.tick()),
            }
        };
        signals.abort();
        // What was told with the last breath.
        while let Ok(event) = told.try_recv() {
            reports.iter_mut().for_each(|report| report.event(&event));
        }
        done
    });
    // Threads that still pack contents for a connection that was dropped are not waited for.
    runtime.shutdown_background();
    done.map_err(|_| Problem::new("the run broke off by a mistake of this program").help("please report it"))
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::rc::Rc;

    use super::*;
    use crate::event::{HostEvent, Totals};
    use crate::testing::plain;

    /// Keeps what it is told.
    #[derive(Clone, Default)]
    struct Told(Rc<RefCell<Vec<Event>>>);

    impl Report for Told {
        fn event(&mut self, event: &Event) {
            self.0.borrow_mut().push(event.clone());
        }
    }

    fn notice(text: &str) -> Event {
        Event::Host(0, HostEvent::Notice(text.into()))
    }

    #[test]
    fn all_that_is_told_is_drawn_in_order_by_each_report() {
        let (one, other) = (Told::default(), Told::default());
        let reports: Vec<Box<dyn Report>> = vec![Box::new(one.clone()), Box::new(other.clone())];
        let done = run(reports, |events, interrupt| async move {
            events.send(notice("first")).unwrap();
            let task = tokio::task::spawn_local(async move {
                events.send(notice("second")).unwrap();
                events.send(Event::Finished(Totals::default())).unwrap();
            });
            task.await.unwrap();
            *interrupt.borrow()
        });
        assert_eq!(done, Ok(None));
        let expected = [notice("first"), notice("second"), Event::Finished(Totals::default())];
        assert_eq!(*one.0.borrow(), expected);
        assert_eq!(*other.0.borrow(), expected);
    }

    #[test]
    fn a_mistake_of_ours_is_told_as_one() {
        let done = run::<(), _>(Vec::new(), |_, _| async { panic!("a mistake") });
        assert_eq!(
            plain(&done.unwrap_err().draw()),
            "error: the run broke off by a mistake of this program\n  help: please report it\n"
        );
    }
}
