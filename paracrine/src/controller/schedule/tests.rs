//! What holds for all schedules, over runs in which hosts do whatever hosts can do, in any order.

use std::cell::RefCell;
use std::rc::Rc;

use super::{AllAtOnce, Answer, Hosts, Moment, Schedule, Strategy, Turn};
use crate::event::Status;
use crate::testing::Random;

/// So many random runs of each strategy.
const RUNS: u64 = 2000;

/// Batches of a fixed size, each locked as a whole before it is changed, until so many hosts have failed. What a
/// strategy of that kind needs is tried with it.
struct Batches {
    hosts: usize,
    size: usize,
    failures: usize,
}

impl Batches {
    fn batch(&self, host: usize) -> std::ops::Range<usize> {
        let start = host / self.size * self.size;
        start..self.hosts.min(start + self.size)
    }
}

impl Strategy for Batches {
    fn begin(&self, host: usize, hosts: &Hosts) -> Option<Answer> {
        let before = 0..self.batch(host).start;
        let failed = |host: &usize| hosts.moment(*host) == Moment::Finished(Status::Failed);
        if before.clone().filter(failed).count() > self.failures {
            return Some(Answer::Held);
        }
        let over = |host: usize| matches!(hosts.moment(host), Moment::Finished(_));
        before.into_iter().all(over).then_some(Answer::Go)
    }

    fn admit(&self, host: usize, hosts: &Hosts) -> Option<Answer> {
        self.batch(host).all(|host| hosts.moment(host).is_settled()).then_some(Answer::Go)
    }
}

/// A run in which everything is done step by step.
struct Drive<'s> {
    schedule: &'s Schedule,
    turns: Vec<Option<Turn<'s>>>,
    random: Random,
}

impl<'s> Drive<'s> {
    fn new(schedule: &'s Schedule, random: Random) -> Self {
        let hosts = schedule.moments().len();
        Self { schedule, turns: (0..hosts).map(|host| Some(schedule.turn(host))).collect(), random }
    }

    /// Does something that may happen next; false when nothing can happen any more.
    fn step(&mut self) -> bool {
        let moments = self.schedule.moments();
        // A host that waits does nothing by itself, but its connection may be lost.
        let lost = self.random.once_in(20);
        let can_act: Vec<usize> =
            (0..moments.len()).filter(|host| lost || !moments[*host].is_waiting()).collect();
        let can_act: Vec<usize> = can_act.into_iter().filter(|host| self.turns[*host].is_some()).collect();
        if can_act.is_empty() {
            return false;
        }
        let host = can_act[self.random.below(can_act.len())];
        self.act(host, moments[host]);
        true
    }

    fn act(&mut self, host: usize, moment: Moment) {
        let choice = self.random.below(6);
        let turn = self.turns[host].take().unwrap();
        match (moment, choice) {
            (_, 0) => return drop(turn),
            (Moment::Begun, 1) => return turn.finished(Status::Unreachable),
            (Moment::Begun, 2) => return turn.finished(Status::AsPlanned),
            (Moment::Begun, 3) => turn.blocked(),
            (Moment::Blocked, 1 | 2) => turn.unblocked(),
            (Moment::Begun | Moment::Blocked, 4) if self.random.once_in(4) => turn.refused(host.to_string()),
            (Moment::Begun | Moment::Blocked, _) => turn.locked(),
            (Moment::Admitted, 1) => {
                turn.failed();
                return turn.finished(Status::Failed);
            }
            (Moment::Admitted, _) => return turn.finished(Status::Applied),
            (Moment::Held, _) => return turn.finished(Status::Held),
            (_, _) => return turn.finished(Status::Stopped),
        }
        self.turns[host] = Some(turn);
    }
}

/// Drives many random runs; `holds` sees the moments before and after each step.
fn in_every_run(
    strategy: impl Fn(usize, &mut Random) -> Box<dyn Strategy>,
    holds: impl Fn(&Schedule, &[Moment], &[Moment]),
) {
    for seed in 0..RUNS {
        let mut random = Random(seed);
        let (hosts, limit) = (1 + random.below(9), 1 + random.below(4));
        let strategy = strategy(hosts, &mut random);
        let schedule = Schedule::new(hosts, limit, strategy);
        let mut before = vec![Moment::Queued; hosts];
        let mut drive = Drive::new(&schedule, random);
        loop {
            let after = schedule.moments();
            holds(&schedule, &before, &after);
            before = after;
            if !drive.step() {
                break;
            }
        }
        let left: Vec<_> = schedule.moments().into_iter().enumerate().filter(|(_, at)| !over(*at)).collect();
        assert!(left.is_empty(), "run {seed}: nothing can happen any more, and yet {left:?}");
    }
}

fn all_at_once(_: usize, _: &mut Random) -> Box<dyn Strategy> {
    Box::new(AllAtOnce { keep_going: false })
}

fn batches(hosts: usize, random: &mut Random) -> Box<dyn Strategy> {
    Box::new(Batches { hosts, size: 1 + random.below(3), failures: random.below(3) })
}

fn over(moment: Moment) -> bool {
    matches!(moment, Moment::Finished(_))
}

fn at_work(moments: &[Moment]) -> usize {
    moments.iter().filter(|moment| moment.is_at_work()).count()
}

/// The hosts that came from one moment to the other.
fn went(before: &[Moment], after: &[Moment], from: Moment, to: Moment) -> Vec<usize> {
    (0..before.len()).filter(|host| (before[*host], after[*host]) == (from, to)).collect()
}

#[test]
fn no_host_waits_for_ever() {
    in_every_run(all_at_once, |_, _, _| {});
    in_every_run(batches, |_, _, _| {});
}

#[test]
fn nobody_is_let_go_beyond_the_limit() {
    let holds = |schedule: &Schedule, before: &[Moment], after: &[Moment]| {
        let begun = went(before, after, Moment::Queued, Moment::Begun);
        let admitted = went(before, after, Moment::Locked, Moment::Admitted);
        if !begun.is_empty() || !admitted.is_empty() {
            assert!(at_work(after) <= schedule.limit, "{after:?}");
        }
    };
    in_every_run(all_at_once, holds);
    in_every_run(batches, holds);
}

#[test]
fn no_place_is_free_while_somebody_could_have_it() {
    in_every_run(all_at_once, |schedule, _, after| {
        let waits = after.contains(&Moment::Queued)
            || after.contains(&Moment::Locked) && after.iter().all(|moment| moment.is_settled());
        assert!(!waits || at_work(after) >= schedule.limit, "{after:?}");
    });
}

#[test]
fn hosts_go_in_the_order_of_the_inventory() {
    in_every_run(all_at_once, |_, before, after| {
        for (from, to) in [(Moment::Queued, Moment::Begun), (Moment::Locked, Moment::Admitted)] {
            let gone = went(before, after, from, to).into_iter().max();
            let waits = after.iter().position(|moment| *moment == from);
            assert!(gone.zip(waits).is_none_or(|(gone, waits)| gone < waits), "{before:?} {after:?}");
        }
    });
}

#[test]
fn nothing_is_changed_before_all_hosts_are_settled_or_after_one_refused() {
    in_every_run(all_at_once, |schedule, before, after| {
        if !went(before, after, Moment::Locked, Moment::Admitted).is_empty() {
            assert!(after.iter().all(|moment| moment.is_settled()), "{after:?}");
            assert!(schedule.refusals().is_empty(), "{after:?}");
        }
        if after.contains(&Moment::Held) {
            let failed = schedule.first_failed().is_some();
            assert!(failed || !schedule.refusals().is_empty(), "{after:?}");
        }
    });
}

#[test]
fn nobody_is_begun_or_admitted_after_one_has_failed() {
    let failed = std::cell::Cell::new(false);
    in_every_run(all_at_once, |schedule, before, after| {
        // It was so before this step.
        if failed.get() && before.iter().any(|moment| *moment != Moment::Queued) {
            assert!(went(before, after, Moment::Queued, Moment::Begun).is_empty(), "{before:?} {after:?}");
            assert!(went(before, after, Moment::Locked, Moment::Admitted).is_empty(), "{before:?} {after:?}");
        }
        failed.set(schedule.first_failed().is_some());
    });
    let go_on = |_: usize, _: &mut Random| -> Box<dyn Strategy> { Box::new(AllAtOnce { keep_going: true }) };
    in_every_run(go_on, |schedule, _, after| {
        assert!(!after.contains(&Moment::Held) || !schedule.refusals().is_empty(), "{after:?}");
    });
}

#[test]
fn a_batch_is_not_begun_before_the_one_before_it_is_over() {
    let size = 2;
    let strategy =
        |hosts, _: &mut Random| -> Box<dyn Strategy> { Box::new(Batches { hosts, size, failures: 0 }) };
    in_every_run(strategy, |_, before, after| {
        for host in went(before, after, Moment::Queued, Moment::Begun) {
            let earlier = &after[..host / size * size];
            assert!(earlier.iter().all(|moment| over(*moment)), "{after:?}");
            assert!(!earlier.contains(&Moment::Finished(Status::Failed)), "{after:?}");
        }
    });
}

#[test]
fn a_host_whose_lock_comes_free_is_at_work_at_once_and_nobody_is_let_go_for_it() {
    let schedule = Schedule::new(3, 1, Box::new(AllAtOnce { keep_going: false }));
    let [first, second, third] = [0, 1, 2].map(|host| schedule.turn(host));
    first.blocked();
    assert_eq!(schedule.moments(), [Moment::Blocked, Moment::Begun, Moment::Queued]);
    first.unblocked();
    assert_eq!(schedule.moments(), [Moment::Begun, Moment::Begun, Moment::Queued]);
    second.finished(Status::AsPlanned);
    assert_eq!(schedule.moments()[2], Moment::Queued);
    first.locked();
    assert_eq!(schedule.moments()[2], Moment::Begun);
    drop(third);
    assert_eq!(schedule.moments()[0], Moment::Admitted);
}

#[test]
fn a_refusal_after_the_lock_is_no_refusal() {
    let schedule = Schedule::new(2, 2, Box::new(AllAtOnce { keep_going: false }));
    let [first, second] = [0, 1].map(|host| schedule.turn(host));
    first.locked();
    first.refused("too late".into());
    second.locked();
    assert_eq!(schedule.moments(), [Moment::Admitted, Moment::Admitted]);
    assert!(schedule.refusals().is_empty());
}

/// What one host does, whoever waits for it; now and then it stops to wait and begins anew, as one does that says
/// something meanwhile.
async fn live(turn: Turn<'_>, random: &RefCell<Random>, log: &RefCell<Vec<Answer>>) {
    let pause = async || {
        let rounds = random.borrow_mut().below(4);
        for _ in 0..rounds {
            tokio::task::yield_now().await;
        }
    };
    turn.begun().await;
    pause().await;
    if random.borrow_mut().once_in(4) {
        return turn.finished(Status::AsPlanned);
    }
    turn.locked();
    let answer = loop {
        tokio::select! {
            biased;
            () = tokio::task::yield_now() => {}
            answer = turn.admitted() => break answer,
        }
        pause().await;
        if random.borrow_mut().once_in(4) {
            break turn.admitted().await;
        }
    };
    log.borrow_mut().push(answer);
    pause().await;
    turn.finished(Status::Applied);
}

#[test]
fn whoever_is_let_go_wakes_up() {
    for seed in 0..300 {
        let (hosts, limit) = (1 + seed as usize % 7, 1 + seed as usize % 3);
        let random = Rc::new(RefCell::new(Random(seed)));
        let answers = Rc::new(RefCell::new(Vec::new()));
        let schedule = Rc::new(Schedule::new(hosts, limit, Box::new(AllAtOnce { keep_going: false })));
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let local = tokio::task::LocalSet::new();
        local.block_on(&runtime, async {
            for host in 0..hosts {
                let (schedule, random, answers) = (schedule.clone(), random.clone(), answers.clone());
                tokio::task::spawn_local(async move { live(schedule.turn(host), &random, &answers).await });
            }
            // Nothing in it takes time: what has not happened after so many rounds does not happen.
            for _ in 0..1000 {
                tokio::task::yield_now().await;
            }
        });
        assert!(schedule.moments().into_iter().all(over), "run {seed}: {:?}", schedule.moments());
        assert!(answers.borrow().iter().all(|answer| *answer == Answer::Go));
    }
}
