//! Mutations of roles by their text: a small lexer finds literals, names and statements.
//!
//! What an argument *is* comes from the documentation of the methods (`model/src/resource/*.rs`): [`argument`] is that table.
//! A test in `main.rs` holds it to the methods that there are.

mod lexer;

use crate::mutation::{Demand, Mutation};
use crate::words::{NUMBER, odd, transpose};
use lexer::{Lexed, Piece, Token, lex};

/// What an argument of a builder method is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// An absolute path.
    Path,
    /// A name that Debian has rules for.
    Name,
    /// The name of a unit, with its ending.
    Unit,
    /// The name of a unit, perhaps without its ending.
    Service,
    /// An account that has to be there.
    Account,
    /// A Debian version.
    Version,
    /// Bits of a mode.
    Mode,
    /// A number.
    Number,
    /// A number that is not 0.
    Some,
    /// A command or a reason: anything but nothing.
    Words,
    /// One line of text.
    Line,
    /// What a link leads to: anything but nothing, on one line.
    Target,
    /// A command with a `{}`.
    Checker,
    /// The name of a template or of a file to be sent.
    File,
    /// Text with places.
    Format,
    /// An earlier task, content, or nothing at all.
    Other,
}

/// The kind of argument number `at` of a method; `on_plan`: called on the plan itself.
pub(crate) fn argument(method: &str, on_plan: bool, at: usize) -> Option<Kind> {
    Some(match (method, on_plan, at) {
        ("file" | "directory" | "absent" | "link", true, 0) => Kind::Path,
        ("creates" | "changes" | "directory" | "home" | "shell", false, 0) => Kind::Path,
        ("link", true, 1) => Kind::Target,
        ("user" | "group" | "hostname" | "package" | "packages", true, 0) => Kind::Name,
        ("owner" | "group" | "groups" | "user", false, 0) => Kind::Account,
        ("unit", true, 0) => Kind::Unit,
        ("service", true, 0) => Kind::Service,
        ("at_least", false, 0) => Kind::Version,
        ("mode", false, 0) => Kind::Mode,
        ("uid" | "gid", false, 0) => Kind::Number,
        ("timeout" | "settled_for", false, 0) => Kind::Some,
        ("command", true, 0) | ("unless" | "only_if" | "expose", false, 0) => Kind::Words,
        ("named" | "comment", false, 0) => Kind::Line,
        ("validate", false, 0) => Kind::Checker,
        ("template" | "local_file", _, 0) => Kind::File,
        ("text!", _, 0) => Kind::Format,
        ("file" | "unit", true, 1) | ("run_on" | "restart_on" | "reload_on", false, 0) => Kind::Other,
        (
            "absent" | "system" | "changes_nothing" | "enabled" | "disabled" | "running" | "stopped"
            | "masked" | "unmasked" | "format" | "unchecked",
            false,
            0,
        ) => Kind::Other,
        _ => return None,
    })
}

/// Methods without one of which a command does not know when it has nothing to do.
const GUARDS: [&str; 4] = ["creates", "unless", "only_if", "run_on"];

/// An argument of a known method.
struct Argument {
    piece: usize,
    /// The method's name.
    call: usize,
    method: String,
    kind: Kind,
}

/// All mutations of a file.
pub(crate) fn mutations(site: &'static str, file: &str, text: &str) -> Vec<Mutation> {
    let lexed = lex(text);
    let mut found = literals(site, file, &lexed);
    found.extend(identifiers(site, file, &lexed));
    found.extend(statements(site, file, &lexed));
    found.extend(marks(site, file, &lexed));
    found
}

fn literals(site: &'static str, file: &str, lexed: &Lexed<'_>) -> Vec<Mutation> {
    let mut found = Vec::new();
    for argument in arguments(lexed) {
        let Argument { piece, method, kind, .. } = &argument;
        let word = lexed.word(*piece);
        let bare = word.trim_matches('"');
        let token = lexed.pieces[*piece].token;
        let mut put = |operator, new: &str, demand| {
            let label = format!("{kind:?} of `{method}`");
            let mutation =
                Mutation::splice(site, file, lexed.text, lexed.place(*piece), new, operator, label, demand);
            let call = lexed.number(argument.call);
            let statement = lexed.number(lexed.statement(*piece));
            found.push(Mutation { call, statement, ..mutation });
        };
        let quoted = |text: &str| format!("\"{text}\"");
        if token == Token::Text {
            if matches!(
                kind,
                Kind::Path
                    | Kind::Name
                    | Kind::Unit
                    | Kind::Service
                    | Kind::Account
                    | Kind::Version
                    | Kind::Words
                    | Kind::Target
                    | Kind::File
            ) {
                put("emptied", "\"\"", Demand::Line);
            }
            if !matches!(kind, Kind::Format) {
                put("swapped type", "7", Demand::Line);
            }
            if matches!(
                kind,
                Kind::Path
                    | Kind::Name
                    | Kind::Unit
                    | Kind::Service
                    | Kind::Account
                    | Kind::Version
                    | Kind::Line
                    | Kind::Target
            ) {
                put("line break inside", &quoted(&format!("{bare}\\nx")), Demand::Line);
            }
            if matches!(kind, Kind::Name | Kind::Unit | Kind::Service | Kind::Account | Kind::Version) {
                put("odd character", &quoted(&odd(bare)), Demand::Line);
            }
        }
        match kind {
            Kind::Path if token == Token::Text => {
                put("relative", &quoted(bare.trim_start_matches('/')), Demand::Line);
                put("slash twice", &quoted(&format!("/{bare}")), Demand::Line);
                put("slash at the end", &quoted(&format!("{bare}/")), Demand::Line);
                put("dots", &quoted(&format!("{bare}/../x")), Demand::Line);
            }
            Kind::Account if token == Token::Text => put("typo", &quoted(&transpose(bare)), Demand::Told),
            Kind::Unit => {
                let (stem, ending) = bare.rsplit_once('.').unwrap_or((bare, ""));
                put("ending dropped", &quoted(stem), Demand::Line);
                put("typo in the ending", &quoted(&format!("{stem}.{}", transpose(ending))), Demand::Line);
            }
            Kind::Version => put("letter first", &quoted(&format!("v{bare}")), Demand::Line),
            Kind::Mode => {
                let digits = word.trim_start_matches("0o");
                put("digit 9", &format!("{}9", &word[..word.len() - 1]), Demand::Line);
                put("decimal", digits, Demand::Line);
                put("too many digits", &format!("{word}7777"), Demand::Line);
                put("swapped type", &quoted(word), Demand::Line);
            }
            Kind::Number | Kind::Some if token == Token::Number => {
                put("number to word", &quoted(NUMBER), Demand::Line);
                put("negative", &format!("-{word}"), Demand::Line);
                put("too many digits", &format!("{word}9999999999"), Demand::Line);
                if *kind == Kind::Some {
                    put("zero", "0", Demand::Line);
                }
            }
            Kind::Checker => put("place dropped", &word.replace("{}", "x"), Demand::Line),
            Kind::File => put("typo", &quoted(&transpose(bare)), Demand::Line),
            Kind::Format if bare.contains('{') => {
                put("place dropped", &word.replacen("{}", "", 1).replacen("{zone}", "", 1), Demand::Line);
                put("place added", &format!("{}{{}}\"", &word[..word.len() - 1]), Demand::Line);
                put("brace dropped", &word.replacen('}', "", 1), Demand::Line);
            }
            _ => {}
        }
    }
    found.retain(|mutation| mutation.diff.0 != mutation.diff.1);
    found
}

/// Literals that are arguments of the methods of the table, also inside of an array.
fn arguments(lexed: &Lexed<'_>) -> Vec<Argument> {
    /// A bracket that is open.
    #[derive(Clone)]
    enum Open {
        Call(usize, String, bool, usize),
        /// An array as that argument.
        Array(usize, String, bool, usize),
        Other,
    }
    let mut found = Vec::new();
    let mut open: Vec<Open> = Vec::new();
    for (piece, Piece { token, .. }) in lexed.pieces.iter().enumerate() {
        match token {
            Token::Mark('(') => {
                let bang = lexed.word(piece.wrapping_sub(1)) == "!";
                let name = piece.wrapping_sub(if bang { 2 } else { 1 });
                let is_word = lexed.pieces.get(name).is_some_and(|piece| piece.token == Token::Word);
                let method = format!("{}{}", lexed.word(name), if bang { "!" } else { "" });
                let on_plan =
                    lexed.word(name.wrapping_sub(1)) == "." && lexed.word(name.wrapping_sub(2)) == "plan";
                open.push(if is_word { Open::Call(name, method, on_plan, 0) } else { Open::Other });
            }
            Token::Mark('[') => open.push(match open.last() {
                Some(Open::Call(call, method, on_plan, at)) => {
                    Open::Array(*call, method.clone(), *on_plan, *at)
                }
                _ => Open::Other,
            }),
            Token::Mark('{') => open.push(Open::Other),
            Token::Mark(')' | ']' | '}') => drop(open.pop()),
            Token::Mark(',') => {
                if let Some(Open::Call(.., at)) = open.last_mut() {
                    *at += 1;
                }
            }
            Token::Text | Token::Number => {
                if let Some(Open::Call(call, method, on_plan, at) | Open::Array(call, method, on_plan, at)) =
                    open.last()
                    && let Some(kind) = argument(method, *on_plan, *at)
                {
                    found.push(Argument { piece, call: *call, method: method.clone(), kind });
                }
            }
            _ => {}
        }
    }
    found
}

/// How many names of a file get a typo.
const NAMES: usize = 12;

/// Typos in some names; each name of a file at most once.
fn identifiers(site: &'static str, file: &str, lexed: &Lexed<'_>) -> Vec<Mutation> {
    let mut seen = std::collections::HashSet::new();
    let mut found = Vec::new();
    // `_` is no name.
    let names = (0..lexed.pieces.len())
        .filter(|piece| lexed.pieces[*piece].token == Token::Word && lexed.word(*piece) != "_");
    let mut names: Vec<usize> = names.filter(|piece| seen.insert(lexed.word(*piece))).collect();
    let mut dice = crate::mutation::Dice::new(&format!("{site}/{file}"));
    while names.len() > NAMES {
        names.remove(dice.below(names.len()));
    }
    for piece in names {
        let word = lexed.word(piece);
        let before = lexed.word(piece.wrapping_sub(1));
        let after = lexed.word(piece + 1);
        let pattern = lexed.word(lexed.statement(piece)) == "let"
            && !(lexed.statement(piece)..piece).any(|at| lexed.word(at) == "=");
        let defines =
            pattern || matches!(before, "fn" | "mod" | "|" | "if" | "for") || after == "=" || after == ":";
        let demand = if defines { Demand::Definition } else { Demand::Line };
        let label = format!("name `{word}`");
        found.push(Mutation::splice(
            site,
            file,
            lexed.text,
            lexed.place(piece),
            &transpose(word),
            "typo",
            label,
            demand,
        ));
    }
    found
}

/// Statements of one line, and the guards of commands.
fn statements(site: &'static str, file: &str, lexed: &Lexed<'_>) -> Vec<Mutation> {
    let mut found = Vec::new();
    let arguments = arguments(lexed);
    let lines: Vec<&str> = lexed.text.split('\n').collect();
    for (number, line) in lines.iter().enumerate() {
        let code = line.trim();
        if code.starts_with("//") || !code.ends_with(';') {
            continue;
        }
        let label = "statement";
        let name = code
            .strip_prefix("let ")
            .and_then(|rest| rest.split([' ', ':', '=']).next())
            .filter(|name| !name.starts_with('('));
        if let Some(name) = name {
            let used =
                lines[number + 1..].iter().take_while(|line| **line != "}").any(|line| line.contains(name));
            if used {
                let dropped = Mutation::replace(
                    site,
                    file,
                    lexed.text,
                    number,
                    &[],
                    "line dropped",
                    label,
                    Demand::Definition,
                );
                found.push(dropped.word(name));
            }
            if let Some(next) =
                lines.get(number + 1).filter(|next| next.contains(name) && next.trim().ends_with(';'))
            {
                let mut swapped = lines.clone();
                swapped.swap(number, number + 1);
                let text = swapped.join("\n");
                let mut mutation = Mutation::replace(
                    site,
                    file,
                    lexed.text,
                    number,
                    &[next],
                    "lines swapped",
                    label,
                    Demand::Near,
                );
                mutation.diff = (
                    vec![(*line).to_owned(), (*next).to_owned()],
                    vec![(*next).to_owned(), (*line).to_owned()],
                );
                mutation.text = text;
                found.push(mutation.word(name));
            }
        }
        // The same again with another last word: two statements about one thing.
        let on_line =
            |argument: &&Argument| lexed.place(argument.piece).0 == number && argument.kind != Kind::Words;
        let last = arguments.iter().filter(on_line).collect::<Vec<_>>();
        if code.starts_with("plan.")
            && let [_, .., last] = last.as_slice()
        {
            let (_, range) = lexed.place(last.piece);
            let word = &line[range.clone()];
            let other = match last.kind {
                Kind::Mode => word.replacen("0o", "0o1", 1),
                Kind::Number | Kind::Some => format!("{word}1"),
                Kind::Path => format!("{}/other\"", &word[..word.len() - 1]),
                _ => format!("{}x\"", &word[..word.len() - 1]),
            };
            let again = format!("{}{other}{}", &line[..range.start], &line[range.end..]);
            let label = format!("{:?} of `{}`", last.kind, last.method);
            found.push(Mutation::replace(
                site,
                file,
                lexed.text,
                number,
                &[line, &again],
                "again, differently",
                label,
                Demand::Line,
            ));
        }
    }
    found.extend(guards(site, file, lexed));
    found
}

/// Commands with one guard, without it.
fn guards(site: &'static str, file: &str, lexed: &Lexed<'_>) -> Vec<Mutation> {
    let mut found = Vec::new();
    for (piece, Piece { token, .. }) in lexed.pieces.iter().enumerate() {
        if *token != Token::Word || lexed.word(piece) != "command" || lexed.word(piece + 1) != "(" {
            continue;
        }
        let end = (piece..lexed.pieces.len()).find(|at| lexed.word(*at) == ";").unwrap_or(piece);
        let guards: Vec<usize> = (piece..end)
            .filter(|at| GUARDS.contains(&lexed.word(*at)) && lexed.word(at - 1) == ".")
            .collect();
        let [guard] = guards.as_slice() else { continue };
        let Some(close) = (*guard..end).find(|at| lexed.word(*at) == ")") else { continue };
        let at = lexed.pieces[guard - 1].at.start..lexed.pieces[close].at.end;
        let demand = Demand::Within(lexed.number(piece)..=lexed.number(end));
        found.push(Mutation::splice(
            site,
            file,
            lexed.text,
            lexed.span(at),
            "",
            "guard dropped",
            "command",
            demand,
        ));
    }
    found
}

/// Brackets, semicolons and the like that are missing: one of each kind in a file.
fn marks(site: &'static str, file: &str, lexed: &Lexed<'_>) -> Vec<Mutation> {
    let mut found = Vec::new();
    for mark in ["(", ")", "[", "]", "}", "{", ";", ",", "."] {
        let all: Vec<usize> = (0..lexed.pieces.len()).filter(|piece| lexed.word(*piece) == mark).collect();
        // A comma before a closing bracket is for looks.
        let needed = |piece: &usize| mark != "," || !matches!(lexed.word(piece + 1), ")" | "]" | "}");
        let all: Vec<usize> = all.into_iter().filter(needed).collect();
        let mut dice = crate::mutation::Dice::new(&format!("{site}/{file}{mark}"));
        for _ in 0..all.len().min(1) {
            let piece = all[dice.below(all.len())];
            let label = format!("`{mark}`");
            // Where a block that is not closed should end, nobody knows: the whole rest of the file.
            let demand = match mark {
                "{" | "}" | "(" | ")" | "[" | "]" => {
                    Demand::Within(1..=lexed.number(lexed.pieces.len() - 1) + 1)
                }
                _ => Demand::Near,
            };
            found.push(Mutation::splice(
                site,
                file,
                lexed.text,
                lexed.place(piece),
                "",
                "mark dropped",
                label,
                demand,
            ));
        }
    }
    found
}

#[test]
fn arguments_are_found_with_their_kinds() {
    let text = "plan.file(\"/a\", text!(\"{}\\n\", x)).mode(0o644);\nplan.packages([\"b\", \"c\"]);\nlet y = plan.user(\"d\").groups([\"e\"]);";
    let lexed = lex(text);
    let found: Vec<(&str, Kind)> =
        arguments(&lexed).iter().map(|argument| (lexed.word(argument.piece), argument.kind)).collect();
    assert_eq!(
        found,
        [
            ("\"/a\"", Kind::Path),
            ("\"{}\\n\"", Kind::Format),
            ("0o644", Kind::Mode),
            ("\"b\"", Kind::Name),
            ("\"c\"", Kind::Name),
            ("\"d\"", Kind::Name),
            ("\"e\"", Kind::Account)
        ]
    );
}
