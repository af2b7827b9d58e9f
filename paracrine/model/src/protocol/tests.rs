//! Frames of all phases: whole, cut, garbled, too large, out of turn.

use super::*;
use crate::hash::Hash;
use crate::late::LateValues;

fn failure() -> Failure {
    Failure::new("no").output("line").help("do")
}

fn deploy() -> Opening {
    let deploy = Deploy {
        run: RunId::new(1_795_613_405, 0x1f9a_83c2),
        identity: "shop/dev/web1".into(),
        adopt: false,
        mode: Mode::Check,
        lock_wait: 3,
        holder: "ann@laptop".into(),
        commit: Some("1234abc".into()),
        values: LateValues::default(),
        plan: 12,
    };
    Opening { agent: Hash::of(b"agent"), request: Request::Deploy(Box::new(deploy)) }
}

fn report() -> Report {
    Report {
        task: 7,
        outcome: Outcome::Failed(failure()),
        differences: vec![Difference::Content { before: OldContent::Text("old".into()) }],
        microseconds: 12,
    }
}

/// One frame of each phase.
fn frames() -> [Vec<u8>; 8] {
    let lacking = Lacking { hash: Hash::of(b"x"), length: 1 };
    [
        encode(&deploy()).unwrap(),
        encode(&Greeting::Hello { agent: Hash::of(b"agent"), machine: "0123".into() }).unwrap(),
        encode(&Told::Report(report())).unwrap(),
        encode(&Looking::Ready { lacking: vec![lacking] }).unwrap(),
        encode(&Poised::Told(Told::Refused(failure()))).unwrap(),
        encode(&Changing::Begun { task: 300 }).unwrap(),
        encode(&WhileLooking::AnyTime(AnyTime::Delivery(Delivery::Plain(vec![1, 2, 3])))).unwrap(),
        encode(&AnyTime::Late(LateValues::default())).unwrap(),
    ]
}

/// What comes of reading these bytes as a message of each phase, in the order of [`frames`].
fn read_as_all(bytes: &[u8]) -> [Result<(), FrameError>; 8] {
    fn as_one<M: Message>(mut bytes: &[u8]) -> Result<(), FrameError> {
        read::<M>(&mut bytes).map(|_| ())
    }
    [
        as_one::<Opening>(bytes),
        as_one::<Greeting>(bytes),
        as_one::<Told>(bytes),
        as_one::<Looking>(bytes),
        as_one::<Poised>(bytes),
        as_one::<Changing>(bytes),
        as_one::<WhileLooking>(bytes),
        as_one::<AnyTime>(bytes),
    ]
}

#[test]
fn a_message_comes_back_as_it_went() {
    let message = Looking::Told(Told::Report(report()));
    let mut wire = Vec::new();
    write(&mut wire, &message).unwrap();
    let mut reader = wire.as_slice();
    assert_eq!(read::<Looking>(&mut reader).unwrap(), message);
    assert!(matches!(read::<Looking>(&mut reader), Err(FrameError::Closed)));
}

#[test]
fn a_message_is_read_in_its_own_phase_and_in_no_other() {
    for (said, frame) in frames().iter().enumerate() {
        for (due, read) in read_as_all(frame).into_iter().enumerate() {
            match read {
                Ok(()) => assert_eq!(said, due),
                Err(FrameError::OutOfTurn { .. }) => assert_ne!(said, due),
                Err(other) => panic!("{said} as {due}: {other}"),
            }
        }
    }
    let frame = encode(&Changing::Begun { task: 0 }).unwrap();
    let why = decode::<Told>(&frame[4..]).unwrap_err();
    assert_eq!(why.to_string(), "a message of an apply that changes things came in place of one of a check");
}

#[test]
fn every_cut_of_a_frame_is_an_error_in_every_phase() {
    for (phase, frame) in frames().iter().enumerate() {
        for cut in 1..frame.len() {
            let read = &read_as_all(&frame[..cut])[phase];
            assert!(matches!(read, Err(FrameError::Cut)), "phase {phase} cut at {cut}: {read:?}");
            assert!(first_frame(&frame[..cut]).unwrap().is_none());
        }
        assert_eq!(first_frame(frame).unwrap(), Some(&frame[4..]));
    }
}

#[test]
fn garbage_is_an_error_in_every_phase_whatever_it_is() {
    let mut seed = 1_u64;
    let mut byte = || {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 56) as u8
    };
    for _ in 0..5_000 {
        let bytes: Vec<u8> = (0..24).map(|_| byte()).collect();
        // None of it panics.
        let _ = read_as_all(&bytes);
        let mut framed = vec![0, 0, 0, 24];
        framed.extend_from_slice(&bytes);
        for phase in 1..=8 {
            framed[4] = phase;
            let _ = read_as_all(&framed);
        }
        framed[4] |= 0x80;
        assert!(read_as_all(&framed).iter().all(|read| matches!(read, Err(FrameError::Garbage(_)))));
    }
    // Damage in the middle of a real message.
    for frame in frames() {
        for at in 5..frame.len() {
            let mut damaged = frame.clone();
            damaged[at] ^= byte() | 1;
            let _ = read_as_all(&damaged);
        }
    }
}

#[test]
fn what_is_too_large_too_long_or_empty_is_an_error_in_every_phase() {
    let too_large = read_as_all(&[0xff; 8]);
    assert!(too_large.iter().all(|read| matches!(read, Err(FrameError::TooLarge(_)))));
    let empty = read_as_all(&[0; 4]);
    assert!(empty.iter().all(|read| matches!(read, Err(FrameError::Garbage(_)))));
    for (phase, mut frame) in frames().into_iter().enumerate() {
        frame.push(0);
        let length = u32::try_from(frame.len() - 4).unwrap();
        frame[..4].copy_from_slice(&length.to_be_bytes());
        assert!(matches!(read_as_all(&frame)[phase], Err(FrameError::Garbage(_))), "phase {phase}");
    }
}

#[test]
fn names_of_runs_sort_by_time_and_are_no_paths() {
    assert_eq!(RunId::new(0, 0).as_str(), "19700101-000000-00000000");
    assert_eq!(RunId::new(951_782_399, 1).as_str(), "20000228-235959-00000001");
    assert_eq!(RunId::new(951_868_799, 1).as_str(), "20000229-235959-00000001");
    assert_eq!(RunId::new(1_795_613_405, 0x1f9a_83c2).as_str(), "20261125-133005-1f9a83c2");
    assert_eq!(RunId::new(4_107_542_400, 7).as_str(), "21000301-000000-00000007");
    let mut random = 0xffff_u32;
    let runs: Vec<RunId> = (0..4000)
        .map(|day| {
            random = random.wrapping_mul(2_654_435_761);
            RunId::new(day * 86_399, random)
        })
        .collect();
    assert!(runs.is_sorted());
    for bad in ["", "..", "-x", "a/b", "a\0", "A", &"1".repeat(65)] {
        let wire = postcard::to_allocvec(bad).unwrap();
        assert!(postcard::from_bytes::<RunId>(&wire).is_err(), "{bad}");
    }
}
