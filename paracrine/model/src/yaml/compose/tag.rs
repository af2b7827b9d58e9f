//! Tags: those of secrets, YAML's own, and those that are neither.

use granit_parser::{Span, Tag as ScannedTag};

use super::Composer;
use crate::diagnostic::{Code, Diagnostic, Place};
use crate::yaml::{Node, TagKind, Value};

impl Composer<'_> {
    /// `!!int 5`: says what plain scalars say anyway, so it only may not contradict.
    pub(super) fn core_tag(&mut self, name: &str, text: &str, node: &mut Node) {
        self.meaning(text, node);
        let agrees = match name {
            "null" => node.value == Value::Null,
            "bool" => matches!(node.value, Value::Bool(_)),
            "int" => matches!(node.value, Value::Int(_)),
            "float" => matches!(node.value, Value::Int(_) | Value::Float(_)),
            _ => false,
        };
        if let (true, "float", Value::Int(int)) = (agrees, name, &node.value) {
            node.value = Value::Float(*int as f64);
        }
        if !agrees {
            let message = format!("tag `!!{name}` does not fit its value");
            self.error(Code::WRONG_TYPE, message, &node.place, "not of that type", "remove the tag");
        }
    }

    pub(super) fn unknown_tag(&mut self, tag: &ScannedTag, place: &Place) {
        let name = tag.original();
        let error = Diagnostic::error(Code::UNKNOWN_TAG, format!("unknown tag `{name}`"))
            .at(place.clone(), "not a tag of Paracrine");
        let near = crate::diagnostic::nearest(&name, TagKind::ALL.map(TagKind::name));
        self.diagnostics.push(match near {
            Some(near) => error.help(format!("did you mean `{near}`?")),
            None => error.help("the tags are `!env`, `!file`, `!command`, `!sops` and `!age`"),
        });
    }

    /// Whether what follows the tag of a secret has its form.
    pub(super) fn provider(&mut self, kind: TagKind, text: &str, place: &Place) -> bool {
        let name = kind.name();
        let wants = kind.wants();
        if text.trim().is_empty() {
            let message = format!("`{name}` names nothing");
            self.error(
                Code::EMPTY_VALUE,
                message,
                place,
                "nothing follows",
                &format!("write {wants} after it"),
            );
            return false;
        }
        let good = match kind {
            TagKind::Env => {
                let mut chars = text.chars();
                chars.next().is_some_and(|c| c == '_' || c.is_ascii_alphabetic())
                    && chars.all(|c| c == '_' || c.is_ascii_alphanumeric())
            }
            TagKind::Sops => {
                text.rsplit_once('#').is_some_and(|(file, key)| !file.is_empty() && !key.is_empty())
            }
            TagKind::File | TagKind::Command | TagKind::Age => true,
        };
        if !good {
            let message = format!("`{name}` wants {wants}");
            let help = format!("`{text}` is not one");
            self.error(Code::SECRET_UNRESOLVED, message, place, "of this secret", &help);
        }
        good
    }

    pub(super) fn collection_tag(&mut self, tag: Option<&ScannedTag>, span: &Span, what: &str, core: &str) {
        let Some(tag) = tag else { return };
        let place = span.tag_span().map_or_else(|| self.place(span), |span| self.place(&span));
        match TagKind::parse(&tag.original()) {
            Some(kind) => {
                let message = format!("tag `{}` on {what}", kind.name());
                let help = format!("write {} after it", kind.wants());
                self.error(Code::UNKNOWN_TAG, message, &place, "a secret is one text", &help);
            }
            None if tag.core_suffix() == Some(core) => {}
            None => self.unknown_tag(tag, &place),
        }
    }
}

/// `!` and `!!str`: text, whatever it looks like.
pub(super) fn is_plain_text_tag(tag: &ScannedTag) -> bool {
    tag.core_suffix() == Some("str") || tag.original() == "!"
}
