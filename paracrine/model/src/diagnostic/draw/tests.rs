use super::*;
use crate::diagnostic::Code;

/// One file under the name of every place.
struct One(Option<Source>);

impl Lookup for One {
    fn source(&mut self, _: &str) -> Option<Arc<Source>> {
        self.0.clone().map(Arc::new)
    }
}

fn drawn(text: &str, diagnostic: &Diagnostic) -> String {
    draw(diagnostic, &mut One(Some(Source::of_text("f.yaml", text.to_owned()))), Style::Plain)
}

fn problem(line: u32, column: u32, length: u32) -> Diagnostic {
    Diagnostic::error(Code::WRONG_TYPE, "wrong").at(Place::new("f.yaml", line, column, length), "here")
}

#[test]
fn the_caret_is_under_the_very_characters() {
    for (case, text, (line, column, length), expected) in [
        (
            "first column",
            "abc: 1\n",
            (1, 1, 3),
            "error[P0112]: wrong\n --> f.yaml:1:1\n  |\n1 | abc: 1\n  | ^^^ here",
        ),
        (
            "last line without line break",
            "a: 1\nb: 2",
            (2, 4, 1),
            "error[P0112]: wrong\n --> f.yaml:2:4\n  |\n2 | b: 2\n  |    ^ here",
        ),
        (
            "last character of a line",
            "a: 12\nb: 2\n",
            (1, 5, 1),
            "error[P0112]: wrong\n --> f.yaml:1:5\n  |\n1 | a: 12\n  |     ^ here",
        ),
        (
            "tabs",
            "\ta:\tbc\n",
            (1, 5, 2),
            "error[P0112]: wrong\n --> f.yaml:1:5\n  |\n1 |     a:    bc\n  |           ^^ here",
        ),
        (
            "CRLF",
            "a: 1\r\nb: xyz\r\nc: 3\r\n",
            (2, 4, 3),
            "error[P0112]: wrong\n --> f.yaml:2:4\n  |\n2 | b: xyz\n  |    ^^^ here",
        ),
        (
            "BOM",
            "\u{feff}abc: 1\n",
            (1, 1, 3),
            "error[P0112]: wrong\n --> f.yaml:1:1\n  |\n1 | abc: 1\n  | ^^^ here",
        ),
        (
            "wide characters before and at the place",
            "日本: 語語 x\n",
            (1, 5, 2),
            "error[P0112]: wrong\n --> f.yaml:1:5\n  |\n1 | 日本: 語語 x\n  |       ^^^^ here",
        ),
        (
            "narrow ones of several bytes",
            "wörld: ü\n",
            (1, 8, 1),
            "error[P0112]: wrong\n --> f.yaml:1:8\n  |\n1 | wörld: ü\n  |        ^ here",
        ),
        (
            "a point",
            "a: 1\n",
            (1, 4, 0),
            "error[P0112]: wrong\n --> f.yaml:1:4\n  |\n1 | a: 1\n  |    ^ here",
        ),
        (
            "past the end of a line",
            "a: 1\nb: 2\n",
            (1, 99, 5),
            "error[P0112]: wrong\n --> f.yaml:1:5\n  |\n1 | a: 1\n  |     ^ here",
        ),
        (
            "past the end of the text",
            "a: 1\nb: 2\n",
            (99, 1, 1),
            "error[P0112]: wrong\n --> f.yaml:2:1\n  |\n2 | b: 2\n  | ^ here",
        ),
        ("an empty text", "", (1, 1, 0), "error[P0112]: wrong\n --> f.yaml:1:1\n  |\n1 |\n  | ^ here"),
        (
            "a line number of several digits",
            &"\n".repeat(99).replace('\n', "x\n"),
            (99, 1, 1),
            "error[P0112]: wrong\n  --> f.yaml:99:1\n   |\n99 | x\n   | ^ here",
        ),
    ] {
        assert_eq!(drawn(text, &problem(line, column, length)), expected, "{case}");
    }
}

#[test]
fn a_point_in_rust_grows_over_the_name_there() {
    let text = "fn f(plan: &Plan) {\n    plan.file(\"x\");\n}\n";
    let place = Place::new("roles.rs", 2, 10, 0);
    let diagnostic = Diagnostic::warning(Code::BAD_PATH, "bad").at(place, "declared here");
    assert_eq!(
        drawn(text, &diagnostic),
        "warning[P0502]: bad\n --> roles.rs:2:10\n  |\n2 |     plan.file(\"x\");\n  |          ^^^^ declared here"
    );
}

#[test]
fn related_places_are_in_the_same_picture_and_in_others() {
    let text = "a: 1\nb: 2\nc: 3\nd: 4\ne: 5\nf: 6\ng: 7\nh: 8\n";
    let diagnostic = problem(8, 4, 1)
        .related(Place::new("f.yaml", 1, 4, 1), "first here")
        .related(Place::new("other.yaml", 2, 1, 1), "and there")
        .help("write it once")
        .help("or not at all");
    assert_eq!(
        drawn(text, &diagnostic),
        "\
error[P0112]: wrong
 --> f.yaml:8:4
  |
1 | a: 1
  |    - first here
...
8 | h: 8
  |    ^ here
  |
 ::: other.yaml:2:1
  |
2 | b: 2
  | - and there
  |
help: write it once
help: or not at all"
    );
}

#[test]
fn a_place_whose_file_cannot_be_read_is_named() {
    let mut none = One(None);
    assert_eq!(draw(&problem(3, 7, 2), &mut none, Style::Plain), "error[P0112]: wrong\n--> f.yaml:3:7");
    let placeless =
        Diagnostic::error(Code::FILE_UNREADABLE, "cannot read `x`: no such file").help("create it");
    assert_eq!(
        draw(&placeless, &mut none, Style::Plain),
        "error[P0101]: cannot read `x`: no such file\n |\nhelp: create it"
    );
}

#[test]
fn colours_are_there_when_wanted_and_files_cannot_add_any() {
    let coloured =
        draw(&problem(1, 1, 1), &mut One(Some(Source::of_text("f", "a".to_owned()))), Style::Coloured);
    assert!(coloured.contains("\u{1b}["), "{coloured:?}");
    let evil = Diagnostic::error(Code::WRONG_TYPE, "a\u{1b}[31mb")
        .at(Place::new("f.yaml", 1, 1, 1), "l\u{7}")
        .help("\u{1b}c");
    let plain = drawn("\u{1b}[31mx\n", &evil);
    assert!(!plain.contains('\u{1b}') && !plain.contains('\u{7}'), "{plain:?}");
}

#[test]
fn all_are_drawn_with_errors_first() {
    let mut diagnostics = Diagnostics::new();
    diagnostics.push(Diagnostic::warning(Code::LITERAL_SECRET, "a warning"));
    diagnostics.push(Diagnostic::error(Code::WRONG_TYPE, "an error"));
    diagnostics.push(Diagnostic::error(Code::WRONG_TYPE, "an error"));
    assert_eq!(
        draw_all(diagnostics, &mut One(None), Style::Plain),
        "error[P0112]: an error\n\nwarning[P0301]: a warning"
    );
}
