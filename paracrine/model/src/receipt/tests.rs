use super::*;

/// One of each.
fn all() -> Vec<Record> {
    let access = Access { owner: 0, group: 42, mode: 0o640 };
    let path = |path: &str, was| PathBefore { path: path.into(), was };
    let kept = Kept::At { secret: true, offset: 300, length: 5, hash: Hash::of(b"hello") };
    vec![
        Record::Begun(About {
            run: "20261125T124452Z".into(),
            number: 7,
            identity: "site/dev/web1".into(),
            holder: "ann@laptop".into(),
            commit: Some("ac964de".into()),
            began: 1_795_610_692,
        }),
        Record::Declared(vec![Declared {
            task: "file /etc/app.env".into(),
            claims: vec!["path `/etc/app.env`".into()],
            secrets: vec!["/etc/app.env".into()],
        }]),
        Record::HeldSecrets(vec!["/etc/old.env".into()]),
        Record::Task(TaskBefore {
            task: "service app.service".into(),
            undo: Undo::Not("what a service did while it ran stays done".into()),
            differed: vec![
                Differed::Missing,
                Differed::Present("file".into()),
                Differed::Attribute { name: "running".into(), was: Some("no".into()) },
                Differed::Content,
                Differed::Act("restart".into()),
            ],
        }),
        Record::Task(TaskBefore { task: "file /etc/app.env".into(), undo: Undo::Paths, differed: vec![] }),
        Record::Path(path("/etc/app.env", Was::File(access, kept))),
        Record::Path(path("/etc/mode", Was::File(access, Kept::InPlace))),
        Record::Path(path("/etc/large", Was::File(access, Kept::Not("too large".into())))),
        Record::Ahead(path("/etc/new", Was::Missing)),
        Record::Path(path("/etc/d", Was::Directory(access))),
        Record::Path(path("/etc/l", Was::Link(access, b"to".to_vec()))),
        Record::Path(path(
            "/run/s",
            Was::Lost { what: "socket".into(), why: "only a program makes one".into() },
        )),
        Record::Due(0),
        Record::Ended(Ended { changed: 3, failed: 0, skipped: 1 }),
    ]
}

fn written(records: &[Record]) -> Vec<u8> {
    let frames = records.iter().flat_map(|record| frame(record).unwrap());
    MAGIC.iter().copied().chain(frames).collect()
}

#[test]
fn records_come_back_as_they_went() {
    let records = all();
    let read = read(&written(&records)).unwrap();
    assert_eq!(read, Records { records, unknown: 0, tail: Tail::Whole });
}

#[test]
fn receipts_of_earlier_builds_stay_readable() {
    // Another hash means that they do not: add variants at the end, or give the new format another `MAGIC`.
    assert_eq!(Hash::of(&written(&all())).short(), "b0d0004c93d60c80");
}

#[test]
fn every_cut_leaves_the_whole_records_before_it() {
    let records = all();
    let bytes = written(&records);
    let mut ends = vec![MAGIC.len()];
    for record in &records {
        ends.push(ends.last().unwrap() + frame(record).unwrap().len());
    }
    for cut in MAGIC.len()..=bytes.len() {
        let whole = ends.iter().filter(|end| **end <= cut).count() - 1;
        let tail = if ends.contains(&cut) { Tail::Whole } else { Tail::Cut };
        let expected = Records { records: records[..whole].to_vec(), unknown: 0, tail };
        assert_eq!(read(&bytes[..cut]).unwrap(), expected, "cut at {cut}");
        // The file got its length and not its bytes.
        let mut zeros = bytes[..cut].to_vec();
        zeros.resize(bytes.len() + 4096, 0);
        let tail = read(&zeros).unwrap();
        assert!(tail.records.starts_with(&records[..whole]) && tail.tail != Tail::Whole, "zeros from {cut}");
    }
    for cut in 0..MAGIC.len() {
        assert_eq!(read(&bytes[..cut]), None);
    }
}

#[test]
fn damage_in_the_middle_is_not_taken_for_a_cut() {
    let records = all();
    let bytes = written(&records);
    let last = bytes.len() - frame(records.last().unwrap()).unwrap().len();
    for at in MAGIC.len()..last {
        let mut damaged = bytes.clone();
        damaged[at] ^= 0x10;
        let found = read(&damaged).unwrap();
        assert_eq!(found.tail, Tail::Damaged, "byte {at}");
        assert!(records.starts_with(&found.records), "byte {at}");
    }
}

#[test]
fn records_of_a_later_build_are_counted_and_passed_over() {
    let known = Record::Due(3);
    let mut bytes = written(&[]);
    let body = [200, 1, 2, 3];
    bytes.extend(4_u32.to_be_bytes());
    bytes.extend((!4_u32).to_be_bytes());
    bytes.extend(Hash::of(&body).first());
    bytes.extend(body);
    bytes.extend(frame(&known).unwrap());
    assert_eq!(read(&bytes).unwrap(), Records { records: vec![known], unknown: 1, tail: Tail::Whole });
}

#[test]
fn garbage_is_read_without_harm() {
    let mut seed = 1_u64;
    for round in 0..20_000 {
        let mut bytes = if round % 2 == 0 { MAGIC.to_vec() } else { written(&all()) };
        for _ in 0..8 {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let place = (seed >> 33) as usize % (bytes.len() - MAGIC.len() + 1) + MAGIC.len();
            bytes.insert(place, (seed >> 56) as u8);
        }
        let found = read(&bytes).unwrap();
        assert!(found.tail != Tail::Whole || found.unknown > 0, "{found:?}");
    }
    assert_eq!(read(b"paracrine receipt 2\n"), None);
}
