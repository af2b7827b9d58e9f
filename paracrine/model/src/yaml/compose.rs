//! From the scanner's events to nodes: duplicates, merges, aliases within bounds, tags.

mod scalar;
mod tag;

use std::borrow::Cow;
use std::collections::HashMap;
use std::ops::Range;

use granit_parser::{Event, Parser, ScalarStyle, Span, StrInput, Tag as ScannedTag};

use super::{Key, Map, Node, Value, syntax};
use crate::diagnostic::{Code, Diagnostic, Diagnostics, Place};
use crate::source::Source;

/// How deep collections may nest, aliases followed.
const DEPTH: usize = 96;
/// How many nodes aliases may add: for a small file, per byte of it, and for any.
const EXPANSION: (usize, usize, usize) = (10_000, 50, 1_000_000);

/// The rest cannot be read; why is among the diagnostics.
struct Stop;

struct Composer<'s> {
    source: &'s Source,
    events: Parser<'s, StrInput<'s>>,
    anchors: HashMap<usize, Anchored>,
    /// Where the brackets that are open begin, the innermost last.
    open: Vec<usize>,
    budget: usize,
    diagnostics: Diagnostics,
}

#[derive(Clone)]
struct Anchored {
    node: Node,
    size: usize,
    depth: usize,
}

/// A node, how many nodes it holds, and how deep it is.
struct Built {
    node: Node,
    size: usize,
    depth: usize,
}

type Properties<'a> = (usize, Option<Cow<'a, ScannedTag>>);

pub(super) fn compose(source: &Source) -> (Option<Node>, Diagnostics) {
    let mut options = granit_parser::Options::default();
    options.emit_unresolved_aliases = true;
    options.flow_nesting_limit = DEPTH;
    options.block_nesting_limit = DEPTH;
    let (least, per_byte, most) = EXPANSION;
    let mut composer = Composer {
        source,
        events: Parser::new_from_str_with_options(source.text(), options),
        anchors: HashMap::new(),
        open: Vec::new(),
        budget: source.text().len().saturating_mul(per_byte).saturating_add(least).min(most),
        diagnostics: Diagnostics::new(),
    };
    let node = composer.document();
    (node.ok(), composer.diagnostics)
}

impl<'s> Composer<'s> {
    fn next(&mut self) -> Result<(Event<'s>, Span), Stop> {
        match self.events.next() {
            Some(Ok((event, span))) => {
                // Block collections and a pair within a list, `[a: b]`, have no brackets.
                let at = range(&span);
                let first = self.source.text().as_bytes().get(at.start).filter(|_| !at.is_empty());
                match (&event, first) {
                    (Event::SequenceStart(..) | Event::MappingStart(..), Some(b'[' | b'{')) => {
                        self.open.push(at.start)
                    }
                    (Event::SequenceEnd | Event::MappingEnd, Some(b']' | b'}')) => {
                        self.open.pop();
                    }
                    _ => {}
                }
                Ok((event, span))
            }
            Some(Err(error)) => {
                self.diagnostics.push(syntax::diagnostic(self.source, &error, self.open.last().copied()));
                Err(Stop)
            }
            None => Ok((Event::StreamEnd, Span::default())),
        }
    }

    fn document(&mut self) -> Result<Node, Stop> {
        let mut root = None;
        loop {
            let (event, span) = self.next()?;
            match event {
                Event::StreamEnd => break,
                Event::StreamStart | Event::DocumentEnd => {}
                Event::DocumentStart(..) if root.is_some() => {
                    let place = self.place(&span);
                    let error = Diagnostic::error(Code::YAML_SYNTAX, "a second document in one file")
                        .at(place, "begins here")
                        .help("remove the `---`, or use a file for each document");
                    self.diagnostics.push(error);
                    return Err(Stop);
                }
                Event::DocumentStart(..) => {}
                event => root = Some(self.node(event, &span, 0, None)?.node),
            }
        }
        Ok(root.unwrap_or_else(|| Node {
            value: Value::Null,
            place: self.source.place(0..0),
            tag: None,
            spelling: None,
            used: None,
        }))
    }

    fn place(&self, span: &Span) -> Place {
        self.source.place(range(span))
    }

    fn error(&mut self, code: Code, message: impl Into<String>, place: &Place, label: &str, help: &str) {
        let error = Diagnostic::error(code, message).at(place.clone(), label).help(help);
        self.diagnostics.push(error);
    }

    /// The node that begins with `event`; `key`: the place of its key, for values left empty.
    fn node(
        &mut self,
        event: Event<'s>,
        span: &Span,
        depth: usize,
        key: Option<&Place>,
    ) -> Result<Built, Stop> {
        if depth > DEPTH {
            let place = self.place(span);
            self.error(
                Code::YAML_SYNTAX,
                "nested too deeply",
                &place,
                "the limit is reached here",
                "flatten the structure",
            );
            return Err(Stop);
        }
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                let node = self.scalar(&text, style, tag.as_deref(), span, key);
                Ok(self.anchored(anchor, Built { node, size: 1, depth: 1 }))
            }
            Event::SequenceStart(_, anchor, tag) => self.list((anchor, tag), span, depth),
            Event::MappingStart(_, anchor, tag) => self.map((anchor, tag), span, depth),
            Event::Alias(id) => self.alias(id, span, depth),
            Event::UnresolvedAlias(name) => {
                let place = self.place(span);
                let message = format!("nothing is named `&{name}`");
                self.error(
                    Code::YAML_SYNTAX,
                    message,
                    &place,
                    "unknown alias",
                    "define it above, or quote the value",
                );
                Ok(self.nothing(place))
            }
            _ => {
                let place = self.place(span);
                Ok(self.nothing(place))
            }
        }
    }

    fn nothing(&self, place: Place) -> Built {
        // Not "left empty": what is wrong here has been said.
        let node = Node { value: Value::Null, place, tag: None, spelling: Some("null".into()), used: None };
        Built { node, size: 1, depth: 1 }
    }

    fn anchored(&mut self, anchor: usize, built: Built) -> Built {
        if anchor != 0 {
            let Built { node, size, depth } = &built;
            self.anchors.insert(anchor, Anchored { node: node.clone(), size: *size, depth: *depth });
        }
        built
    }

    fn alias(&mut self, id: usize, span: &Span, depth: usize) -> Result<Built, Stop> {
        let place = self.place(span);
        let Some(anchored) = self.anchors.get(&id) else {
            let help = "an alias repeats what stands above it; it cannot stand inside of it";
            self.error(Code::YAML_SYNTAX, "a value contains itself", &place, "inside of what it names", help);
            return Ok(self.nothing(place));
        };
        let fits = anchored.size <= self.budget;
        if !fits || depth + anchored.depth > DEPTH {
            let help = "write out what is meant, or use fewer aliases of aliases";
            self.error(
                Code::ALIAS_BOMB,
                "aliases multiply beyond bounds",
                &place,
                "too much at this alias",
                help,
            );
            return Err(Stop);
        }
        self.budget -= anchored.size;
        let Anchored { mut node, size, depth } = anchored.clone();
        node.used = Some(place);
        Ok(Built { node, size, depth })
    }

    fn list(&mut self, (anchor, tag): Properties<'s>, span: &Span, depth: usize) -> Result<Built, Stop> {
        self.collection_tag(tag.as_deref(), span, "a list", "seq");
        let mut items = Vec::new();
        let (mut size, mut deepest) = (1, 0);
        let end = loop {
            match self.next()? {
                (Event::SequenceEnd, end) => break end,
                (event, span) => {
                    let item = self.node(event, &span, depth + 1, None)?;
                    size += item.size;
                    deepest = deepest.max(item.depth);
                    items.push(item.node);
                }
            }
        };
        let place = self.collection_place(span, &end, 1);
        let node = Node { value: Value::List(items), place, tag: None, spelling: None, used: None };
        Ok(self.anchored(anchor, Built { node, size, depth: deepest + 1 }))
    }

    fn map(&mut self, (anchor, tag): Properties<'s>, span: &Span, depth: usize) -> Result<Built, Stop> {
        self.collection_tag(tag.as_deref(), span, "a mapping", "map");
        let mut entries: Vec<(Key, Node)> = Vec::new();
        let mut seen: HashMap<String, Place> = HashMap::new();
        let mut merge: Option<Node> = None;
        let (mut size, mut deepest) = (1, 0);
        let end = loop {
            let (event, span) = match self.next()? {
                (Event::MappingEnd, end) => break end,
                next => next,
            };
            let merges = matches!(&event, Event::Scalar(text, ScalarStyle::Plain, ..) if text == "<<");
            let key = self.key(event, &span, depth)?;
            let key_place = key.as_ref().map_or_else(|| self.place(&span), |key| key.place.clone());
            let (event, span) = self.next()?;
            let value = self.node(event, &span, depth + 1, Some(&key_place))?;
            size += value.size + 1;
            deepest = deepest.max(value.depth);
            let Some(key) = key else { continue };
            if let Some(first) = seen.get(&key.name) {
                let help = if merges {
                    "merge several in one: `<<: [*first, *second]`"
                } else {
                    "remove one of them"
                };
                let error =
                    Diagnostic::error(Code::DUPLICATE_KEY, format!("key `{}` stands twice", key.name))
                        .at(key.place, "again here")
                        .related(first.clone(), "first here")
                        .help(help);
                self.diagnostics.push(error);
                continue;
            }
            seen.insert(key.name.clone(), key.place.clone());
            if merges {
                merge = Some(value.node);
            } else {
                entries.push((key, value.node));
            }
        };
        if let Some(merged) = merge {
            self.merge(merged, &mut entries, &mut seen);
        }
        let first = entries
            .first()
            .filter(|(key, _)| key.used.is_none())
            .map_or(1, |(key, _)| key.place.length as usize);
        let place = self.collection_place(span, &end, first);
        let node = Node { value: Value::Map(Map { entries }), place, tag: None, spelling: None, used: None };
        Ok(self.anchored(anchor, Built { node, size, depth: deepest + 1 }))
    }

    /// Keys of the mapping itself win over merged ones, and earlier merged ones over later.
    fn merge(&mut self, merged: Node, entries: &mut Vec<(Key, Node)>, seen: &mut HashMap<String, Place>) {
        let used = merged.used.clone();
        let parts = match merged.value {
            Value::List(items) => items,
            _ => vec![merged],
        };
        for part in parts {
            let place = part.used.clone().or_else(|| used.clone()).unwrap_or_else(|| part.place.clone());
            let Value::Map(map) = part.value else {
                let help = "merge a mapping, or a list of mappings: `<<: *defaults`";
                self.error(Code::WRONG_TYPE, "`<<` wants a mapping", &place, "not a mapping", help);
                continue;
            };
            for (mut key, mut node) in map.entries {
                if !seen.contains_key(&key.name) {
                    seen.insert(key.name.clone(), key.place.clone());
                    key.used = Some(place.clone());
                    node.used = Some(place.clone());
                    entries.push((key, node));
                }
            }
        }
    }

    /// A flow collection from bracket to bracket, a block collection's first word.
    fn collection_place(&self, start: &Span, end: &Span, first: usize) -> Place {
        let begin = range(start);
        if begin.is_empty() {
            let mut place = self.source.place(begin.start..begin.start);
            place.length = u32::try_from(first).unwrap_or(1);
            place
        } else {
            self.source.place(begin.start..range(end).end)
        }
    }
}

fn range(span: &Span) -> Range<usize> {
    span.byte_range().unwrap_or_default()
}
