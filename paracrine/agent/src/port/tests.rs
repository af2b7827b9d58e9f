//! Over pipes: what arrives when, what is kept, what is said in which phase.

use std::io::{PipeReader, PipeWriter};

use paracrine_model::late::{Late, Signal};
use paracrine_model::protocol::{AnyTime, Deploy, Outcome, Request, RunId, WhileLooking, encode};

use super::*;

type Ours = Talk<PipeReader, Vec<u8>>;

/// A conversation behind its hello, and the controller's end of it.
fn talk(mode: Mode) -> (Ours, PipeWriter) {
    let (from, to) = io::pipe().unwrap();
    let mut talk = Beginning { from, out: Vec::new() }.hello(mode, Hash::of(b"agent"), "0123".into());
    let hello: Greeting = said(&mut talk);
    assert_eq!(hello, Greeting::Hello { agent: Hash::of(b"agent"), machine: "0123".into() });
    (talk, to)
}

/// What the agent has said first of what was not asked for yet.
fn said<M: Message>(talk: &mut Ours) -> M {
    talk.flush();
    let mut rest = talk.out.to.as_slice();
    let message = protocol::read(&mut rest).unwrap();
    talk.out.to = rest.to_vec();
    message
}

fn send<M: Message>(to: &mut PipeWriter, message: &M) {
    to.write_all(&encode(message).unwrap()).unwrap();
}

fn piece(byte: u8) -> Delivery {
    Delivery::Plain(vec![byte; 40_000])
}

fn late(name: &str, value: &str) -> LateValues {
    let mut values = LateValues::default();
    values.insert(signal(name), value.into());
    values
}

fn signal(name: &str) -> Late {
    Late::Signal(Signal { name: name.into(), host: "db1".into(), secret: false })
}

fn report() -> Report {
    Report { task: 1, outcome: Outcome::Changed, differences: Vec::new(), microseconds: 1 }
}

#[test]
fn the_plan_follows_the_opening_and_what_is_said_next_follows_the_plan() {
    let (from, mut to) = io::pipe().unwrap();
    let deploy = Deploy {
        run: RunId::new(0, 0),
        identity: "shop/dev/web1".into(),
        adopt: false,
        mode: Mode::Check,
        lock_wait: 0,
        holder: "ann@laptop".into(),
        commit: None,
        values: LateValues::default(),
        plan: 4,
    };
    send(&mut to, &Opening { agent: Hash::of(b"agent"), request: Request::Deploy(Box::new(deploy)) });
    to.write_all(b"plan").unwrap();
    send(&mut to, &AnyTime::Stop);
    let mut beginning = Beginning { from, out: Vec::new() };
    let Request::Deploy(deploy) = beginning.opening().unwrap().request;
    assert_eq!(beginning.attached(deploy.plan).unwrap(), b"plan");
    let mut talk = beginning.hello(deploy.mode, Hash::of(b"agent"), String::new());
    assert_eq!(talk.ending(), Some(Ending::Stopped));
}

#[test]
fn a_plan_that_is_cut_off_is_an_error() {
    let (from, mut to) = io::pipe().unwrap();
    to.write_all(b"pla").unwrap();
    drop(to);
    let mut beginning = Beginning { from, out: Vec::new() };
    assert!(matches!(beginning.attached(4), Err(FrameError::Cut)));
    beginning.refuse(Failure::new("no"));
    let mut out = beginning.out.as_slice();
    assert_eq!(protocol::read::<Greeting>(&mut out).unwrap(), Greeting::Refused(Failure::new("no")));
}

#[test]
fn what_is_said_is_of_the_phase_at_hand() {
    let (mut check, _to) = talk(Mode::Check);
    check.notice("n".into());
    check.report(report());
    check.lacking(Vec::new());
    check.end(Ok(Summary::default()));
    assert_eq!(said::<Told>(&mut check), Told::Notice("n".into()));
    assert_eq!(said::<Told>(&mut check), Told::Report(report()));
    assert_eq!(said::<Told>(&mut check), Told::Lacking(Vec::new()));
    assert_eq!(said::<Told>(&mut check), Told::Done(Summary::default()));

    let (mut apply, mut to) = talk(Mode::Apply);
    apply.waiting("bob@ci");
    apply.notice("n".into());
    send(&mut to, &WhileLooking::Leave);
    let leave = apply.ask_leave(vec![Lacking { hash: Hash::of(b"x"), length: 1 }]).unwrap();
    apply.begun(&leave, 3);
    apply.report(report());
    apply.end(Err(Failure::new("broken")));
    assert_eq!(said::<Looking>(&mut apply), Looking::Waiting { holder: "bob@ci".into() });
    assert_eq!(said::<Looking>(&mut apply), Looking::Told(Told::Notice("n".into())));
    assert_eq!(
        said::<Looking>(&mut apply),
        Looking::Ready { lacking: vec![Lacking { hash: Hash::of(b"x"), length: 1 }] }
    );
    assert_eq!(said::<Poised>(&mut apply), Poised::Left);
    assert_eq!(said::<Changing>(&mut apply), Changing::Begun { task: 3 });
    assert_eq!(said::<Changing>(&mut apply), Changing::Told(Told::Report(report())));
    assert_eq!(said::<Changing>(&mut apply), Changing::Told(Told::Refused(Failure::new("broken"))));
}

#[test]
fn messages_are_read_as_they_arrive() {
    let (mut talk, mut to) = talk(Mode::Check);
    assert_eq!(talk.ending(), None);
    let mut wire = encode(&AnyTime::Delivery(piece(7))).unwrap();
    wire.extend(encode(&AnyTime::Stop).unwrap());
    let (begin, end) = wire.split_at(30_000);
    to.write_all(begin).unwrap();
    assert_eq!(talk.ending(), None, "half a message is none");
    assert!(talk.input.delivery().is_none());
    to.write_all(end).unwrap();
    drop(to);
    assert_eq!(talk.ending(), Some(Ending::Stopped), "what was said before the end counts");
    assert_eq!(talk.input.delivery(), Some(piece(7)));
    assert_eq!(talk.ending(), Some(Ending::Stopped));
}

#[test]
fn what_arrives_between_tasks_is_there_when_it_is_asked_for() {
    let (mut talk, mut to) = talk(Mode::Apply);
    send(&mut to, &WhileLooking::AnyTime(AnyTime::Late(late("one", "1"))));
    send(&mut to, &WhileLooking::AnyTime(AnyTime::Delivery(piece(1))));
    assert_eq!(talk.ending(), None);
    send(&mut to, &WhileLooking::AnyTime(AnyTime::Late(late("two", "2"))));
    send(&mut to, &WhileLooking::Leave);
    send(&mut to, &AnyTime::Delivery(piece(2)));
    send(&mut to, &AnyTime::Late(late("three", "3")));
    assert_eq!(talk.ending(), None);
    assert!(talk.ask_leave(Vec::new()).is_ok(), "a leave that came early is one");
    let mut all = Vec::new();
    assert_eq!(talk.delivery(80_000, &mut |bytes| all.extend_from_slice(bytes)), Ok(()));
    assert_eq!(all, [vec![1; 40_000], vec![2; 40_000]].concat());
    let values = talk.late().unwrap();
    let values = ["one", "two", "three"].map(|name| values.get(&signal(name)).map(str::to_owned));
    assert_eq!(values, ["1", "2", "3"].map(|value| Some(value.to_owned())));
    assert_eq!(talk.late(), None);
}

#[test]
fn a_stop_on_either_side_of_the_leave_stops() {
    for before in [true, false] {
        let (mut talk, mut to) = talk(Mode::Apply);
        if before {
            send(&mut to, &WhileLooking::AnyTime(AnyTime::Stop));
        }
        send(&mut to, &WhileLooking::Leave);
        if !before {
            send(&mut to, &AnyTime::Stop);
        }
        assert_eq!(talk.ask_leave(Vec::new()).unwrap_err(), Ending::Stopped);
        talk.end(Ok(Summary::default()));
        assert_eq!(said::<Looking>(&mut talk), Looking::Ready { lacking: Vec::new() });
        assert_eq!(said::<Poised>(&mut talk), Poised::Told(Told::Done(Summary::default())));
    }
}

#[test]
fn a_check_has_no_leave() {
    let (mut check, mut to) = talk(Mode::Check);
    assert_eq!(check.ask_leave(Vec::new()).unwrap_err(), Ending::Stopped);
    assert_eq!(check.out.to, b"");
    send(&mut to, &WhileLooking::Leave);
    assert_eq!(check.ending(), Some(Ending::Gone), "a word of another phase ends the conversation");
}

#[test]
fn a_controller_that_is_gone_is_waited_for_no_longer() {
    let (mut apply, to) = talk(Mode::Apply);
    drop(to);
    assert_eq!(apply.ask_leave(Vec::new()).unwrap_err(), Ending::Gone);
    let (mut apply, mut to) = talk(Mode::Apply);
    let word = encode(&WhileLooking::Leave).unwrap();
    to.write_all(&word[..3]).unwrap();
    drop(to);
    assert_eq!(apply.ask_leave(Vec::new()).unwrap_err(), Ending::Gone);
    assert_eq!(Ending::Gone.failure().message, "the controller is gone");
}

#[test]
fn garbage_ends_the_conversation_in_every_phase() {
    let garbage: [&[u8]; 4] =
        [b"Connection to host closed.\n", &[0xff; 9], &[0, 0, 0, 0], &[0, 0, 0, 3, 7, 99, 99]];
    for garbage in garbage {
        let (mut check, mut to) = talk(Mode::Check);
        to.write_all(garbage).unwrap();
        assert_eq!(check.delivery(1, &mut |_| {}), Err(Ending::Gone), "{garbage:?}");
        let (mut apply, mut to) = talk(Mode::Apply);
        to.write_all(garbage).unwrap();
        assert_eq!(apply.ask_leave(Vec::new()).unwrap_err(), Ending::Gone, "{garbage:?}");
        let (mut apply, mut to) = talk(Mode::Apply);
        send(&mut to, &WhileLooking::Leave);
        assert!(apply.ask_leave(Vec::new()).is_ok());
        to.write_all(garbage).unwrap();
        assert_eq!(apply.ending(), Some(Ending::Gone), "{garbage:?}");
        // And it stays so.
        assert_eq!(apply.ending(), Some(Ending::Gone));
    }
}

#[test]
fn pings_keep_a_host_patient_and_silence_does_not() {
    let begin = Instant::now();
    let mut patience = Patience { last: begin };
    let mut now = begin;
    for _ in 0..10_000 {
        now += PING_INTERVAL;
        assert_eq!(patience.left(now, true), Some(PATIENCE));
    }
    assert_eq!(patience.left(now + PATIENCE - PING_INTERVAL, false), Some(PING_INTERVAL));
    assert_eq!(patience.left(now + PATIENCE, false), None);

    let (mut apply, mut to) = talk(Mode::Apply);
    send(&mut to, &WhileLooking::AnyTime(AnyTime::Ping));
    assert_eq!(apply.ending(), None);
    assert!(apply.input.take_heard(), "a ping is heard");
    assert!(!apply.input.take_heard());
    let failure = Ending::Silent.failure();
    assert_eq!(
        failure.message,
        "nothing was heard of the controller for 300 s while this host waited for it"
    );
    assert_eq!(failure.help.as_deref(), Some("see that the connection holds, and run again"));
}

#[test]
fn a_piece_that_cannot_be_one_ends_the_conversation() {
    let packed = |bytes: &[u8]| {
        let mut encoder = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::best());
        encoder.write_all(bytes).unwrap();
        Delivery::Deflated(encoder.finish().unwrap())
    };
    let wrong = [
        Delivery::Plain(Vec::new()),
        Delivery::Plain(vec![1; 101]),
        packed(&vec![0; PIECE + 1]),
        Delivery::Deflated(vec![0xff; 20]),
    ];
    for piece in wrong {
        let (mut check, mut to) = talk(Mode::Check);
        send(&mut to, &AnyTime::Delivery(piece));
        assert_eq!(check.delivery(100, &mut |_| {}), Err(Ending::Gone));
    }
    let (mut check, mut to) = talk(Mode::Check);
    send(&mut to, &AnyTime::Delivery(packed(&[7; 100])));
    let mut all = Vec::new();
    assert_eq!(check.delivery(100, &mut |bytes| all.extend_from_slice(bytes)), Ok(()));
    assert_eq!(all, [7; 100]);
}

#[test]
fn a_stop_in_the_middle_of_a_delivery_ends_it() {
    let (mut talk, mut to) = talk(Mode::Check);
    send(&mut to, &AnyTime::Delivery(piece(1)));
    send(&mut to, &AnyTime::Stop);
    assert_eq!(talk.delivery(80_000, &mut |_| {}), Err(Ending::Stopped));
}

#[test]
fn no_more_pieces_are_held_than_a_few() {
    let (mut talk, to) = talk(Mode::Check);
    let sends = std::thread::spawn(move || {
        let mut to = to;
        for byte in 0..50 {
            send(&mut to, &AnyTime::Delivery(piece(byte)));
        }
    });
    let mut most = 0;
    let mut taken = 0;
    while taken < 50 {
        talk.hear(PATIENCE);
        most = most.max(talk.input.held());
        while talk.input.delivery().is_some() {
            taken += 1;
        }
    }
    sends.join().unwrap();
    // Of what has been read, the last bytes may hold another.
    assert!(most <= 6, "{most}");
}

/// A generator that needs no crate.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % bound
    }
}

/// What a controller may say, or something that only looks like it.
fn said_by_a_stranger(random: &mut Random) -> Vec<u8> {
    let mut wire = match random.below(8) {
        0 => encode(&WhileLooking::Leave).unwrap(),
        1 => encode(&WhileLooking::AnyTime(AnyTime::Delivery(piece(1)))).unwrap(),
        2 => encode(&AnyTime::Delivery(Delivery::Deflated(vec![7; random.below(300)]))).unwrap(),
        3 => encode(&AnyTime::Late(late("one", "1"))).unwrap(),
        4 => encode(&WhileLooking::AnyTime(AnyTime::Ping)).unwrap(),
        5 => encode(&AnyTime::Stop).unwrap(),
        6 => vec![u8::try_from(random.below(256)).unwrap(); random.below(40)],
        _ => encode(&AnyTime::Delivery(Delivery::Plain(vec![2; 1 + random.below(60_000)]))).unwrap(),
    };
    match random.below(4) {
        // A byte that is another, or a message that ends early.
        0 if !wire.is_empty() => {
            let at = random.below(wire.len().min(40));
            wire[at] ^= 1 << random.below(8);
        }
        1 => wire.truncate(random.below(wire.len() + 1)),
        _ => {}
    }
    wire
}

#[test]
fn whatever_a_stranger_says_a_conversation_ends_in_peace() {
    let mut random = Random(11);
    let (mut left, mut came, mut stopped) = (0, 0, 0);
    for _ in 0..2000 {
        let (mut talk, mut to) = talk(if random.below(3) == 0 { Mode::Check } else { Mode::Apply });
        // Half of them begin as one should, or few would get far.
        let mut said = if random.below(2) == 0 { encode(&WhileLooking::Leave).unwrap() } else { Vec::new() };
        for _ in 0..random.below(12) {
            said.extend(said_by_a_stranger(&mut random));
        }
        let speaks = std::thread::spawn(move || {
            // It may not be listened to any more.
            let _ = to.write_all(&said);
        });
        let asked = vec![Lacking { hash: Hash::of(b"x"), length: random.below(100_000) as u64 }];
        let length = asked[0].length;
        left += u32::from(talk.ask_leave(asked.clone()).is_ok());
        talk.lacking(asked);
        let mut taken = 0;
        let delivery = talk.delivery(length, &mut |bytes| taken += bytes.len() as u64);
        assert!(taken <= length && (delivery.is_err() || taken == length));
        came += taken;
        let _ = talk.late();
        stopped += u32::from(talk.ending() == Some(Ending::Stopped));
        talk.end(Err(Failure::new("over")));
        assert!(talk.input.held() <= 6, "{}", talk.input.held());
        drop(talk);
        speaks.join().unwrap();
    }
    assert!(left > 5 && came > 0 && stopped > 5, "{left}, {came} and {stopped} say little");
}

#[test]
fn pieces_that_nobody_asked_for_end_the_conversation_and_cost_no_time() {
    for leave in [false, true] {
        let (mut talk, mut to) = talk(Mode::Apply);
        let first = if leave { encode(&WhileLooking::Leave).unwrap() } else { Vec::new() };
        to.write_all(&first).unwrap();
        let speaks = std::thread::spawn(move || {
            for _ in 0..100 {
                let piece = AnyTime::Delivery(Delivery::Plain(vec![1; 60_000]));
                let wire = match leave {
                    true => encode(&piece),
                    false => encode(&WhileLooking::AnyTime(piece)),
                };
                if to.write_all(&wire.unwrap()).is_err() {
                    return;
                }
            }
        });
        let began = Instant::now();
        let given = talk.ask_leave(Vec::new());
        while leave && talk.ending().is_none() {
            assert!(began.elapsed() < Duration::from_secs(30));
        }
        assert_eq!(given.is_ok(), leave);
        assert_eq!(talk.ending(), Some(Ending::Gone));
        assert!(began.elapsed() < Duration::from_secs(30));
        drop(talk);
        speaks.join().unwrap();
    }
}

#[test]
fn a_message_that_comes_drop_by_drop_does_not_keep_a_host_waiting_for_ever() {
    let (mut talk, mut to) = talk(Mode::Apply);
    let wire = encode(&WhileLooking::AnyTime(AnyTime::Delivery(piece(1)))).unwrap();
    to.write_all(&wire[..10]).unwrap();
    assert_eq!(talk.ending(), None);
    assert!(talk.input.take_heard(), "a part of a message is heard");
    talk.input.began_before(Duration::from_secs(599));
    to.write_all(&wire[10..20]).unwrap();
    assert_eq!(talk.ending(), None);
    assert!(talk.input.take_heard());
    talk.input.began_before(Duration::from_secs(2));
    to.write_all(&wire[20..30]).unwrap();
    assert_eq!(talk.ending(), None);
    assert!(!talk.input.take_heard(), "it never ends");
    // Once it is whole, it was one.
    to.write_all(&wire[30..]).unwrap();
    send(&mut to, &WhileLooking::AnyTime(AnyTime::Ping));
    assert_eq!(talk.ending(), None);
    send(&mut to, &WhileLooking::AnyTime(AnyTime::Ping));
    assert_eq!(talk.ending(), None);
    assert!(talk.input.take_heard());
}

#[test]
fn late_values_without_end_end_the_conversation() {
    let (mut check, mut to) = talk(Mode::Check);
    let wire = encode(&AnyTime::Late(late("one", &"x".repeat(3 * 1024 * 1024)))).unwrap();
    let speaks = std::thread::spawn(move || (0..30).take_while(|_| to.write_all(&wire).is_ok()).count());
    while check.ending().is_none() {}
    assert_eq!(check.ending(), Some(Ending::Gone));
    drop(check);
    assert!(speaks.join().unwrap() < 30);
}

#[test]
fn much_is_said_at_once_and_nothing_is_held_back_for_long() {
    let (mut check, _to) = talk(Mode::Check);
    check.notice("first".into());
    let first = check.out.to.len();
    assert!(first > 0, "what is said after a silence is said at once");
    check.notice("second".into());
    check.flush();
    assert!(check.out.to.len() > first);
    // More than is held back.
    let before = check.out.to.len();
    for _ in 0..100 {
        check.notice("x".repeat(1000));
    }
    assert!(check.out.to.len() > before + 60_000);
}

#[test]
fn whoever_does_not_listen_is_not_waited_for_for_ever() {
    let (from, to) = io::pipe().unwrap();
    let to = std::os::fd::OwnedFd::from(to);
    let mut patient = output::Patient::new(to.into(), Duration::from_millis(50));
    let began = Instant::now();
    let error = patient.write_all(&vec![0; 1024 * 1024]).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    assert!(began.elapsed() < Duration::from_secs(20));
    drop(from);
    assert!(patient.write_all(b"x").is_err());
}
