//! Scalars, as values and as keys.

use granit_parser::{Event, ScalarStyle, Span, Tag as ScannedTag};

use super::tag::is_plain_text_tag;
use super::{Built, Composer, Stop, range};
use crate::diagnostic::{Code, Diagnostic, Place};
use crate::yaml::{Key, Node, Tag, TagKind, Value, scalar};

impl<'s> Composer<'s> {
    /// A key, unless it is none; then that has been said.
    pub(super) fn key(&mut self, event: Event<'s>, span: &Span, depth: usize) -> Result<Option<Key>, Stop> {
        let place = self.place(span);
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                if let Some(tag) = tag.as_deref()
                    && tag.core_suffix().is_none()
                    && !is_plain_text_tag(tag)
                {
                    let message = format!("tag `{}` on a key", tag.original());
                    let place = span.tag_span().map_or_else(|| place.clone(), |span| self.place(&span));
                    self.error(
                        Code::UNKNOWN_TAG,
                        message,
                        &place,
                        "keys have no tags",
                        "put the tag before the value",
                    );
                }
                let empty = style == ScalarStyle::Plain && range(span).is_empty();
                if empty || text.is_empty() {
                    self.error(Code::EMPTY_VALUE, "a key is empty", &place, "no key here", "write the key");
                    return Ok(None);
                }
                let node = Node {
                    value: Value::Text(text.to_string()),
                    place: place.clone(),
                    tag: None,
                    spelling: None,
                    used: None,
                };
                self.anchored(anchor, Built { node, size: 1, depth: 1 });
                Ok(Some(Key { name: text.into_owned(), place, used: None }))
            }
            event => {
                let node = self.node(event, span, depth + 1, None)?.node;
                let name = match (node.value, node.spelling) {
                    (Value::Text(text), _) => text,
                    (Value::Int(_) | Value::Float(_) | Value::Bool(_), Some(spelling)) => spelling.into(),
                    _ => {
                        self.error(
                            Code::WRONG_TYPE,
                            "a key is not text",
                            &place,
                            "not text",
                            "write a text as key",
                        );
                        return Ok(None);
                    }
                };
                Ok(Some(Key { name, place, used: None }))
            }
        }
    }

    pub(super) fn scalar(
        &mut self,
        text: &str,
        style: ScalarStyle,
        tag: Option<&ScannedTag>,
        span: &Span,
        key: Option<&Place>,
    ) -> Node {
        let plain = style == ScalarStyle::Plain;
        let empty = plain && range(span).is_empty();
        let text = if empty { "" } else { text };
        let place = match (span.tag_span(), key) {
            (Some(tag), _) => self.source.place(range(&tag).start..range(span).end.max(range(&tag).end)),
            (None, Some(key)) if empty => key.clone(),
            _ => self.place(span),
        };
        let mut node =
            Node { value: Value::Text(text.to_owned()), place, tag: None, spelling: None, used: None };
        if plain {
            self.folded_list(span, &node.place);
        }
        let Some(tag) = tag else {
            if plain {
                self.meaning(text, &mut node);
            }
            return node;
        };
        let tag_place = span.tag_span().map_or_else(|| node.place.clone(), |span| self.place(&span));
        if let Some(kind) = TagKind::parse(&tag.original()) {
            if self.provider(kind, text, &tag_place) {
                node.tag = Some(Tag { kind, place: tag_place });
            } else {
                // What is wrong has been said; a secret it is all the same.
                node.tag = Some(Tag { kind: TagKind::Env, place: tag_place });
            }
            return node;
        }
        if is_plain_text_tag(tag) {
            return node;
        }
        match tag.core_suffix() {
            Some(name) => self.core_tag(name, text, &mut node),
            None => self.unknown_tag(tag, &tag_place),
        }
        node
    }

    /// What a plain scalar means.
    pub(super) fn meaning(&mut self, text: &str, node: &mut Node) {
        match scalar::plain(text) {
            Ok(value) => {
                let spelled = match &value {
                    Value::Text(text) => scalar::is_more_in_yaml_1_1(text),
                    _ => !text.is_empty(),
                };
                node.spelling = spelled.then(|| text.into());
                node.value = value;
            }
            Err(scalar::TooLarge) => {
                let message = format!("number `{text}` does not fit 64 bits");
                self.error(Code::WRONG_TYPE, message, &node.place, "too large", "quote it if it is text");
            }
        }
    }

    /// `key: 1` with `- a` below it, deeper: YAML reads the text `1 - a`, nobody means it.
    fn folded_list(&mut self, span: &Span, place: &Place) {
        let text = &self.source.text()[range(span)];
        let folded = text.lines().skip(1).find(|line| line.trim_start().starts_with("- "));
        if let Some(line) = folded {
            let at =
                range(span).start + text.find(line).unwrap_or(0) + (line.len() - line.trim_start().len());
            let error = Diagnostic::error(Code::YAML_SYNTAX, "a list item would be read as text")
                .at(self.source.place(at..at + 1), "continues the text above")
                .related(place.clone(), "this text")
                .help("begin the list in the line after its key, or quote the text");
            self.diagnostics.push(error);
        }
    }
}
