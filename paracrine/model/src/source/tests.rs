use super::*;

/// Files in memory.
#[derive(Clone, Debug, Default)]
pub(crate) struct Memory(pub(crate) BTreeMap<String, Vec<u8>>);

impl Memory {
    pub(crate) fn with(files: &[(&str, &str)]) -> Self {
        Self(files.iter().map(|(path, text)| ((*path).to_owned(), text.as_bytes().to_vec())).collect())
    }
}

impl Files for Memory {
    fn read(&mut self, path: &str) -> Result<Vec<u8>, String> {
        self.0.get(path).cloned().ok_or_else(|| "no such file".to_owned())
    }

    fn metadata(&mut self, path: &str) -> Option<Metadata> {
        let mode = if path.contains("open") { 0o644 } else { 0o600 };
        self.0.contains_key(path).then_some(Metadata { is_file: true, readable: true, mode: Some(mode) })
    }
}

fn at(text: &str, word: &str) -> (u32, u32, u32) {
    let source = Source::of_text("f", text.to_owned());
    let start = source.text().find(word).unwrap();
    let place = source.place(start..start + word.len());
    assert_eq!(source.offset(&place), start, "{text:?} {word:?}: the way back");
    (place.line, place.column, place.length)
}

#[test]
fn places_count_lines_and_characters_from_one() {
    for (text, word, place) in [
        ("abc", "abc", (1, 1, 3)),
        ("a\nb\nc", "c", (3, 1, 1)),
        ("a\r\nb\r\nc\r\n", "c", (3, 1, 1)),
        ("a\rb\rc", "c", (3, 1, 1)),
        ("\u{feff}key: x", "key", (1, 1, 3)),
        ("\tkey", "key", (1, 2, 3)),
        ("wörld: ü x", "x", (1, 10, 1)),
        ("日本: 語 x", "語", (1, 5, 1)),
        ("🦀 x", "x", (1, 3, 1)),
        ("ab\ncd", "b\ncd", (1, 2, 1)),
        ("ab\r\ncd", "b\r\ncd", (1, 2, 1)),
    ] {
        assert_eq!(at(text, word), place, "{text:?} {word:?}");
    }
}

#[test]
fn the_end_is_a_place_and_what_is_beyond_it_is_the_end() {
    let source = Source::of_text("f", "ab\ncd".to_owned());
    assert_eq!(source.place(5..5), Place::new("f", 2, 3, 0));
    assert_eq!(source.place(99..100), Place::new("f", 2, 3, 0));
    assert_eq!(source.offset(&Place::new("f", 99, 99, 1)), 5);
    assert_eq!(source.offset(&Place::new("f", 1, 99, 1)), 2);
    assert_eq!(source.offset(&Place::new("f", 0, 0, 1)), 0);
    let empty = Source::of_text("f", String::new());
    assert_eq!(empty.place(0..0), Place::new("f", 1, 1, 0));
    assert_eq!((empty.line_count(), empty.line(1), empty.line(0), empty.line(2)), (1, Some(""), None, None));
    let ended = Source::of_text("f", "ab\n".to_owned());
    assert_eq!((ended.line_count(), ended.line(1)), (1, Some("ab")));
    // A range that cuts a character is widened to its beginning.
    assert_eq!(Source::of_text("f", "ü".to_owned()).place(1..2), Place::new("f", 1, 1, 1));
}

#[test]
fn bytes_that_are_not_utf8_are_shown_where_they_are() {
    let problem = |bytes: &[u8]| Source::new("config.yaml", bytes.to_vec()).unwrap_err().to_string();
    assert_eq!(problem(b"ab\nc\xffd"), "config.yaml:2:2: error[P0102]: `config.yaml` is not UTF-8 text");
    assert_eq!(problem(b"\xff"), "config.yaml:1:1: error[P0102]: `config.yaml` is not UTF-8 text");
    assert_eq!(problem(b"ab\n\xff"), "config.yaml:2:1: error[P0102]: `config.yaml` is not UTF-8 text");
    let utf16 = Source::new("config.yaml", b"\xff\xfea\0".to_vec()).unwrap_err();
    assert_eq!(utf16.primary.unwrap().label, "UTF-16 begins here");
}

#[test]
fn all_files_that_were_looked_for_are_listed_and_each_is_read_once() {
    let mut files = Memory::with(&[("a", "1"), ("roles.rs", "fn")]);
    let mut sources = Sources::new(&mut files);
    assert_eq!(sources.read("a").unwrap().text(), "1");
    assert!(Arc::ptr_eq(&sources.read("a").unwrap(), &sources.read("a").unwrap()));
    let missing = sources.read("b").unwrap_err();
    assert_eq!(missing.to_string(), "error[P0101]: cannot read `b`: no such file");
    assert_eq!(missing.help, ["create `b`, or correct its path where it is named"]);
    assert_eq!(sources.metadata("c"), None);
    assert!(sources.source("roles.rs").is_some());
    let wanted: Vec<(&str, bool)> =
        sources.wanted().iter().map(|wanted| (&*wanted.path, wanted.found)).collect();
    assert_eq!(wanted, [("a", true), ("b", false), ("c", false)]);
}
