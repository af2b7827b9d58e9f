//! Which values a declaration names: found in the Rust source of the roles, at the place that declared a task.
//!
//! What is looked at: the call itself and the methods chained to it, with all their arguments; the `let` statements of
//! the same function that give those their variables; and the loops and conditions of the same function around it. What
//! comes into a function as an argument is not followed.

use std::collections::{BTreeSet, HashMap};
use std::path::Path;
use std::rc::Rc;
use std::str::FromStr;

use paracrine_model::plan::Origin;
use proc_macro2::{Delimiter, TokenStream, TokenTree};

use crate::rust_places::RustPlaces;

/// A value that a declaration names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Mention {
    /// `cx.env.smtp.host`
    pub written: String,
    /// What its fields belong to.
    pub root: Root,
    /// `smtp`, `host`
    pub fields: Vec<String>,
    /// Whether it stands in a loop or condition around the declaration.
    pub around: bool,
}

/// What a value is a field of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Root {
    /// The environment's values.
    Env,
    /// The `vars` of the host.
    Vars,
}

/// Reads the roles' files, each once, and looks at every place in them once.
pub(crate) struct Mentions<'r> {
    root: &'r Path,
    places: RustPlaces,
    files: HashMap<String, Option<Vec<TokenTree>>>,
    known: HashMap<Origin, Rc<[Mention]>>,
}

impl<'r> Mentions<'r> {
    /// For the site at `root`.
    pub(crate) fn new(root: &'r Path) -> Self {
        Self { root, places: RustPlaces::new(root), files: HashMap::new(), known: HashMap::new() }
    }

    /// What the declaration there names; nothing where its file cannot be read.
    pub(crate) fn of(&mut self, origin: &Origin) -> Rc<[Mention]> {
        if let Some(known) = self.known.get(origin) {
            return Rc::clone(known);
        }
        let (root, places) = (self.root, &self.places);
        let file = self.files.entry(origin.file.clone()).or_insert_with(|| {
            let path = root.join(places.relative(&origin.file)?);
            tokens(&std::fs::read_to_string(path).ok()?)
        });
        let found: Rc<[Mention]> = match file {
            Some(file) => mentions(file, origin.line, origin.column).into(),
            None => Rc::new([]),
        };
        self.known.insert(origin.clone(), Rc::clone(&found));
        found
    }
}

fn tokens(text: &str) -> Option<Vec<TokenTree>> {
    Some(TokenStream::from_str(text).ok()?.into_iter().collect())
}

/// Tokens of one nesting depth, and which of them leads to the declaration.
struct Level {
    tokens: Vec<TokenTree>,
    at: usize,
    /// Whether these are the statements of a block.
    block: bool,
}

fn mentions(file: &[TokenTree], line: u32, column: u32) -> Vec<Mention> {
    let Some(levels) = levels(file.to_vec(), line, column) else {
        return Vec::new();
    };
    let head = |level: &Level| start(&level.tokens, level.at)..level.at;
    let function =
        levels.iter().rposition(|level| level.tokens[head(level)].iter().any(|token| is_word(token, "fn")));
    let levels = &levels[function.map_or(0, |function| function + 1)..];
    let Some(inner) = levels.last() else {
        return Vec::new();
    };
    let mut found = Gathered::default();
    let mut variables = BTreeSet::new();
    found.scan(&inner.tokens[inner.at..end(&inner.tokens, inner.at)], false, &mut variables);
    found.follow(levels, variables, false);
    let mut variables = BTreeSet::new();
    for level in levels.iter().rev() {
        found.scan(&level.tokens[head(level)], true, &mut variables);
    }
    found.follow(levels, variables, true);
    found.all
}

/// From the whole file inwards to the token that begins at a place.
fn levels(tokens: Vec<TokenTree>, line: u32, column: u32) -> Option<Vec<Level>> {
    let mut levels = Vec::new();
    let (mut tokens, mut block) = (tokens, true);
    loop {
        let place = |span: proc_macro2::Span, end: bool| {
            let at = if end { span.end() } else { span.start() };
            (at.line, at.column + 1)
        };
        let wanted = (usize::try_from(line).ok()?, usize::try_from(column).ok()?);
        let at = tokens.iter().position(|token| match token {
            TokenTree::Group(group) => {
                place(group.span(), false) <= wanted && wanted < place(group.span(), true)
            }
            token => place(token.span(), false) == wanted,
        })?;
        let inner = match &tokens[at] {
            TokenTree::Group(group) if place(group.span(), false) != wanted => {
                Some((group.stream().into_iter().collect(), group.delimiter() == Delimiter::Brace))
            }
            _ => None,
        };
        levels.push(Level { tokens, at, block });
        match inner {
            Some(inner) => (tokens, block) = inner,
            None => return Some(levels),
        }
    }
}

/// Where the expression that begins at `at` ends.
fn end(tokens: &[TokenTree], at: usize) -> usize {
    let ends =
        |token: &TokenTree| matches!(token, TokenTree::Punct(punct) if matches!(punct.as_char(), ';' | ','));
    tokens[at..].iter().position(ends).map_or(tokens.len(), |length| at + length)
}

/// Where the statement that `at` is in begins.
fn start(tokens: &[TokenTree], at: usize) -> usize {
    let begins = |index: &usize| match &tokens[*index] {
        TokenTree::Punct(punct) => matches!(punct.as_char(), ';' | ','),
        // The end of another statement, unless this one goes on with `else` or is what follows a condition.
        TokenTree::Group(group) if group.delimiter() == Delimiter::Brace => {
            !tokens.get(index + 1).is_some_and(|next| is_word(next, "else") || is_mark(next, '.'))
        }
        _ => false,
    };
    (0..at).rev().find(begins).map_or(0, |index| index + 1)
}

fn is_word(token: &TokenTree, word: &str) -> bool {
    matches!(token, TokenTree::Ident(ident) if ident == word)
}

fn is_mark(token: &TokenTree, mark: char) -> bool {
    matches!(token, TokenTree::Punct(punct) if punct.as_char() == mark)
}

#[derive(Default)]
struct Gathered {
    all: Vec<Mention>,
    followed: BTreeSet<String>,
}

impl Gathered {
    /// Notes the values that are named in `tokens`, and the variables.
    fn scan(&mut self, tokens: &[TokenTree], around: bool, variables: &mut BTreeSet<String>) {
        for (at, token) in tokens.iter().enumerate() {
            match token {
                TokenTree::Group(group) => {
                    // What it waits for is another task.
                    let waits = at.checked_sub(1).is_some_and(|before| {
                        ["restart_on", "reload_on", "run_on"]
                            .iter()
                            .any(|word| is_word(&tokens[before], word))
                    });
                    if !waits {
                        self.scan(&group.stream().into_iter().collect::<Vec<_>>(), around, variables);
                    }
                }
                TokenTree::Ident(ident) => {
                    let word = ident.to_string();
                    let field = at > 0 && is_mark(&tokens[at - 1], '.');
                    if let Some(mention) = mention(tokens, at, &word, around) {
                        if !self
                            .all
                            .iter()
                            .any(|known| known.root == mention.root && known.fields == mention.fields)
                        {
                            self.all.push(mention);
                        }
                    } else if !field {
                        variables.insert(word);
                    }
                }
                // `text!("{password}")`
                TokenTree::Literal(literal) => variables.extend(captured(&literal.to_string())),
                TokenTree::Punct(_) => {}
            }
        }
    }

    /// Looks for the `let` statements that made variables.
    fn follow(&mut self, levels: &[Level], variables: BTreeSet<String>, around: bool) {
        for variable in variables {
            if !self.followed.insert(variable.clone()) {
                continue;
            }
            let made = levels.iter().enumerate().rev().filter(|(_, level)| level.block).find_map(
                |(depth, level)| {
                    Some((depth, level, made(&level.tokens[..start(&level.tokens, level.at)], &variable)?))
                },
            );
            if let Some((depth, level, value)) = made {
                let mut others = BTreeSet::new();
                self.scan(&level.tokens[value], around, &mut others);
                self.follow(&levels[..=depth], others, around);
            }
        }
    }
}

/// The value in the last `let` of a variable.
fn made(tokens: &[TokenTree], variable: &str) -> Option<std::ops::Range<usize>> {
    // The `let` of a condition makes no variable that goes beyond it.
    let condition = |at: usize| {
        at.checked_sub(1)
            .map(|at| &tokens[at])
            .is_some_and(|before| is_word(before, "if") || is_word(before, "while") || is_mark(before, '&'))
    };
    (0..tokens.len()).rev().filter(|at| is_word(&tokens[*at], "let") && !condition(*at)).find_map(|at| {
        let end = end_of_statement(tokens, at);
        let equals = (at..end).find(|index| is_mark(&tokens[*index], '='))?;
        let names = tokens[at + 1..equals].iter().cloned().collect::<TokenStream>();
        has_word(names, variable).then_some(equals + 1..end)
    })
}

fn end_of_statement(tokens: &[TokenTree], at: usize) -> usize {
    tokens[at..].iter().position(|token| is_mark(token, ';')).map_or(tokens.len(), |length| at + length)
}

fn has_word(tokens: TokenStream, word: &str) -> bool {
    tokens.into_iter().any(|token| match token {
        TokenTree::Group(group) => has_word(group.stream(), word),
        token => is_word(&token, word),
    })
}

/// The value that is named with the word at `at`: `env` or `vars` with fields behind it.
fn mention(tokens: &[TokenTree], at: usize, word: &str, around: bool) -> Option<Mention> {
    let root = match word {
        "env" => Root::Env,
        "vars" => Root::Vars,
        _ => return None,
    };
    let ident = |index: usize| match tokens.get(index) {
        Some(TokenTree::Ident(ident)) => Some(ident.to_string()),
        _ => None,
    };
    let dot = |index: usize| tokens.get(index).is_some_and(|token| is_mark(token, '.'));
    let mut fields = Vec::new();
    let mut next = at + 1;
    while dot(next)
        && let Some(field) = ident(next + 1)
    {
        // A method is no field.
        if matches!(tokens.get(next + 2), Some(TokenTree::Group(group)) if group.delimiter() == Delimiter::Parenthesis)
            || tokens.get(next + 2).is_some_and(|token| is_mark(token, ':'))
        {
            break;
        }
        fields.push(field);
        next += 2;
    }
    if fields.is_empty() {
        return None;
    }
    let mut owners = Vec::new();
    let mut first = at;
    while first > 0 && dot(first - 1) {
        let Some(owner) = first.checked_sub(2).and_then(ident) else {
            owners.push("…".to_owned());
            break;
        };
        owners.push(owner);
        first -= 2;
    }
    owners.reverse();
    // Only the host at hand: `cx.host.vars`. What else is called `host` may be another one.
    let own =
        |owners: &[String]| owners.is_empty() || (owners.len() > 1 && owners.ends_with(&["host".to_owned()]));
    if root == Root::Vars && !own(&owners) {
        return None;
    }
    let written = owners.iter().map(String::as_str).chain([word]).chain(fields.iter().map(String::as_str));
    let written = written.collect::<Vec<_>>().join(".");
    Some(Mention { written, root, fields, around })
}

/// The variables that a format string names: `{password}`, `{port:>5}`.
fn captured(literal: &str) -> Vec<String> {
    let mut pieces = literal.split('{');
    pieces.next();
    let name = |piece: &str| {
        let length = piece.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(piece.len());
        let name = &piece[..length];
        let whole = piece[length..].starts_with(['}', ':']);
        (whole && name.starts_with(|c: char| c.is_alphabetic() || c == '_')).then(|| name.to_owned())
    };
    pieces.filter_map(name).collect()
}

#[cfg(test)]
mod tests;
