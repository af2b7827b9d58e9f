//! No secret value is in the target folder or the binary: a site whose secrets are poison is built whole, with its agents, and
//! every file that was written is searched for the poison. Controls prove that the search would have found it.

#![allow(missing_docs)]

mod search;
#[cfg(feature = "corpus")]
mod site;

use std::fs;

use search::{Word, base64};

/// In all secret values.
const POISON: &str = "qX7-Arsenic_Vergiftet-9kW";

#[cfg(feature = "corpus")]
fn shown(searched: &search::Searched) -> String {
    searched.holding.iter().map(|(path, how)| format!("\n{} holds it {how}", path.display())).collect()
}

#[test]
fn the_search_finds_a_planted_word_in_every_spelling() {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let around = |offset: usize| [&b"xyz"[..offset], POISON.as_bytes(), b"tail"].concat();
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02X}")).collect::<String>().into_bytes();
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    std::io::Write::write_all(&mut gzip, &around(1)).expect("memory can be written");
    let planted: Vec<(&str, Vec<u8>)> = vec![
        ("plain", around(2)),
        ("base64-0", base64(&around(0))),
        ("base64-1", base64(&around(1))),
        ("deep/base64-2", base64(&around(2))),
        ("deep/hex", hex(&around(1))),
        ("deep/numbers", format!("{:?}", POISON.as_bytes()).into_bytes()),
        ("packed.gz", gzip.finish().expect("memory can be written")),
        (POISON, b"in the name".to_vec()),
        ("clean", b"qX7-Arsenic_Vergiftet-9k".to_vec()),
    ];
    fs::create_dir(folder.path().join("deep")).expect("a folder can be made");
    for (name, bytes) in &planted {
        fs::write(folder.path().join(name), bytes).expect("a file can be written");
    }
    let searched = Word::new(POISON).search(folder.path());
    let mut found: Vec<String> = searched
        .holding
        .iter()
        .map(|(path, _)| path.strip_prefix(folder.path()).expect("it is in it").display().to_string())
        .collect();
    found.sort();
    let mut expected: Vec<&str> =
        planted.iter().map(|(name, _)| *name).filter(|name| *name != "clean").collect();
    expected.sort_unstable();
    assert_eq!(found, expected);
    assert_eq!(searched.files, planted.len());
}

#[cfg(feature = "corpus")]
#[test]
fn no_secret_is_in_the_target_folder_the_binary_or_what_cargo_says() {
    let site = site::Site::new();
    let poison = Word::new(POISON);
    let built = site.build();
    let said = [built.stdout.as_slice(), built.stderr.as_slice()].concat();
    assert!(built.status.success(), "{}", String::from_utf8_lossy(&said));
    let searched = poison.search(&site.target());
    assert!(searched.holding.is_empty(), "{}", shown(&searched));
    println!("{} files, {} MB", searched.files, searched.bytes / 1_000_000);
    // The same of a build that fails while it has the secrets at hand.
    site.write("templates/all.j2", "{{ env.from_file | upper }} {{ env.from_vairable }}\n");
    let failed = site.build();
    site.write("templates/all.j2", site::TEMPLATE);
    assert!(!failed.status.success(), "a filter on a secret is an error");
    let said = [said, failed.stdout, failed.stderr].concat();
    let log = site.folder.join("said");
    fs::write(&log, &said).expect("a file can be written");
    let mut searched = poison.search(&site.target());
    poison.file(&log, &mut searched);
    assert!(searched.holding.is_empty(), "{}", shown(&searched));

    // The search finds what is no secret, in the binary and in the plan; and the poison where it is planted.
    assert!(site.build().status.success(), "it is mended");
    let clear = Word::new("Digitalis-in-clear").search(&site.target());
    for file in ["poisoned-site", "plan.bin"] {
        let holds = clear.holding.iter().any(|(path, how)| path.ends_with(file) && *how == "as it is");
        assert!(holds, "{file} does not hold what it should:{}", shown(&clear));
    }
    let planted = site.target().join("debug/deps/planted");
    fs::write(&planted, [b"\0\x01".as_slice(), POISON.as_bytes()].concat()).expect("a file can be written");
    let searched = poison.search(&site.target());
    fs::remove_file(&planted).expect("it is there");
    assert_eq!(searched.holding, [(planted, "as it is")]);
}
