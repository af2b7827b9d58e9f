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
    let lost = reports.iter().find_map(|report| report.lost());
    // Threads that still pack contents for a connection that was dropped are not waited for.
    runtime.shutdown_background();
    let done = done.map_err(|_| {
        Problem::new("the run broke off by a mistake of this program").help("please report it")
    })?;
    match lost {
        None => Ok(done),
        Some(why) => Err(Problem::new(format!("the report of this run is not whole: {why}"))
            .help("the run came to its end all the same: `check` shows what is so now")),
    }
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
    fn a_report_that_is_not_written_is_no_success() {
        use std::os::unix::net::UnixStream;
        let run_with = |to: Box<dyn std::io::Write>, json: bool| {
            let report: Box<dyn Report> = if json {
                Box::new(crate::report::Json::new(to))
            } else {
                Box::new(crate::report::Terminal::new(to, false))
            };
            let done = run(vec![report], |events, _| async move {
                let started = crate::event::Run {
                    mode: paracrine_model::protocol::Mode::Check,
                    environment: "dev".into(),
                    hosts: vec![crate::event::RunHost { name: "web1".into(), tasks: 1 }],
                };
                events.send(Event::Started(started)).unwrap();
                events.send(Event::Finished(Totals::default())).unwrap();
            });
            done.map_err(|problem| plain(&problem.draw()))
        };
        let told = |why: &str| {
            Err(format!(
                "error: the report of this run is not whole: {why}\n  help: the run came to its end all the same: `check` \
                 shows what is so now\n"
            ))
        };
        for json in [false, true] {
            let full = std::fs::File::options().write(true).open("/dev/full").unwrap();
            // One that keeps what it is given until it is asked for it, as standard output does.
            assert_eq!(
                run_with(Box::new(std::io::BufWriter::new(full)), json),
                told("no space left on device")
            );
            let (pipe, reader) = UnixStream::pair().unwrap();
            drop(reader);
            assert_eq!(run_with(Box::new(pipe), json), told("broken pipe"));
            assert_eq!(run_with(Box::new(std::io::sink()), json), Ok(()));
        }
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
