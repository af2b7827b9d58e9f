//! What the scanner refuses, in words that say what to do.

use granit_parser::{ErrorKind, ScanError};

use crate::diagnostic::{Code, Diagnostic};
use crate::source::Source;

/// The diagnostic of a scanner's error; `open`: where the innermost bracket that is open begins.
pub(super) fn diagnostic(source: &Source, error: &ScanError, open: Option<usize>) -> Diagnostic {
    let at = error.marker().byte_offset().unwrap_or(source.text().len());
    // The scanner may still have been looking whether a bracket belongs to a key.
    if let Some(open) = open.or_else(|| open_bracket(source.text(), at))
        && let Some(unclosed) = unclosed(source, error.kind(), open, at)
    {
        return unclosed;
    }
    let Words { code, message, label, help, at, length } = words(source, error.kind(), at);
    let mut diagnostic = Diagnostic::error(code, message).at(source.place(at..at + length), label);
    if let Some((cause, label)) = cause(source.text(), error.kind(), at)
        && source.place(cause..cause).line < source.place(at..at).line
    {
        diagnostic =
            diagnostic.related(source.place(cause..cause + word_length(source.text(), cause)), label);
    }
    match help {
        Some(help) => diagnostic.help(help),
        None => diagnostic,
    }
}

/// A bracket whose end is missing is noticed lines below it: the mistake is at the bracket.
fn unclosed(source: &Source, kind: &ErrorKind, open: usize, at: usize) -> Option<Diagnostic> {
    let concerns = matches!(
        kind,
        ErrorKind::ExpectedFlowMappingSeparator
            | ErrorKind::ExpectedFlowSequenceSeparator
            | ErrorKind::InvalidColonPlacement
            | ErrorKind::InvalidFlowScalarIndent
            | ErrorKind::BlockEntryInFlowCollection
    );
    let bracket = source.text().get(open..)?.chars().next()?;
    let begin = source.place(open..open + bracket.len_utf8());
    let noticed = source.place(at..at + word_length(source.text(), at));
    (concerns && begin.line < noticed.line).then(|| {
        Diagnostic::error(
            Code::YAML_SYNTAX,
            format!("`{bracket}` is not closed, or a comma is missing after it"),
        )
        .at(begin, "opened here")
        .related(noticed, "cannot be part of it")
        .help("add the closing bracket, or the comma")
    })
}

/// What may be the mistake, where the scanner notices it only lines below.
fn cause(text: &str, kind: &ErrorKind, at: usize) -> Option<(usize, &'static str)> {
    match kind {
        ErrorKind::InvalidIndentation
        | ErrorKind::ExpectedBlockMappingKey
        | ErrorKind::ExpectedBlockSequenceEntry
        | ErrorKind::ExpectedDocumentStart => Some((deeper(text, at)?, "or is this indented too far?")),
        ErrorKind::InvalidTrailingSingleQuotedScalar | ErrorKind::InvalidTrailingDoubleQuotedScalar => {
            let close = text.get(..at)?.rfind(['"', '\''])?;
            let quote = &text[close..=close];
            let mut before = text[..close].rmatch_indices(quote).map(|(open, _)| open);
            let open = before.find(|open| !text[..*open].ends_with('\\'))?;
            Some((open, "the quote began here"))
        }
        _ => None,
    }
}

/// The first line of the block above that is indented more than the line at `at`, but less than what is in it.
fn deeper(text: &str, at: usize) -> Option<usize> {
    let depth = |line: &str| line.len() - line.trim_start_matches([' ', '\t']).len();
    let start = text.get(..at)?.rfind('\n').map_or(0, |end| end + 1);
    let own = at - start;
    let mut found: Option<(usize, usize)> = None;
    let mut end = start;
    for line in text[..start].split_inclusive('\n').rev() {
        end -= line.len();
        let (code, depth) = (line.trim(), depth(line));
        if code.is_empty() || code.starts_with('#') {
            continue;
        }
        if depth <= own {
            break;
        }
        if found.is_none_or(|(least, _)| depth <= least) {
            found = Some((depth, end + depth));
        }
    }
    found.map(|(_, at)| at)
}

/// The innermost bracket that is open at `at`, as far as the text shows it.
fn open_bracket(text: &str, at: usize) -> Option<usize> {
    let mut open = Vec::new();
    let mut quote = None;
    let mut before = '\n';
    let mut rest = text.get(..at)?.char_indices();
    while let Some((at, c)) = rest.next() {
        // Only where a value can begin is a bracket or a quote more than a character.
        let begins = before.is_whitespace() || matches!(before, '[' | '{' | ',' | ':');
        match (c, quote) {
            ('\\', Some('"')) => drop(rest.next()),
            (c, Some(begun)) => quote = (c != begun).then_some(begun),
            ('"' | '\'', None) if begins => quote = Some(c),
            ('#', None) if before.is_whitespace() => drop(rest.find(|(_, c)| *c == '\n')),
            ('[' | '{', None) if begins => open.push(at),
            (']' | '}', None) => drop(open.pop()),
            _ => {}
        }
        before = if c == '#' { '\n' } else { c };
    }
    open.pop()
}

struct Words {
    code: Code,
    message: String,
    label: String,
    help: Option<&'static str>,
    at: usize,
    length: usize,
}

fn words(source: &Source, kind: &ErrorKind, at: usize) -> Words {
    let new = |message: &str, label: &str, help: &'static str| Words {
        code: Code::YAML_SYNTAX,
        message: message.to_owned(),
        label: label.to_owned(),
        help: Some(help),
        at,
        length: word_length(source.text(), at),
    };
    match kind {
        ErrorKind::TabNotAllowed
        | ErrorKind::TabInBlockIndentation
        | ErrorKind::TabInIndentation
        | ErrorKind::TabAtBlockScalarStart
        | ErrorKind::TabInPlainScalar => {
            let words = new("a tab cannot indent YAML", "this tab", "indent with spaces");
            let at = tab_near(source.text(), at);
            Words { at, length: 1, ..words }
        }
        ErrorKind::MappingValueNotAllowed if has_earlier_colon(source.text(), at) => new(
            "a value contains `: `",
            "a second `:` in this line",
            "quote the value: `key: \"text: with a colon\"`",
        ),
        ErrorKind::MappingValueNotAllowed | ErrorKind::MappingKeyNotAllowed => new(
            "a key stands where none can be",
            "not at the indentation of the keys above",
            "give keys of one mapping the same indentation",
        ),
        ErrorKind::InvalidIndentation
        | ErrorKind::ExpectedBlockMappingKey
        | ErrorKind::ExpectedBlockSequenceEntry
        | ErrorKind::ExpectedDocumentStart
        | ErrorKind::InvalidBlockScalarIndent
        | ErrorKind::InvalidQuotedScalarIndent
        | ErrorKind::InvalidFlowScalarIndent => new(
            "the indentation is wrong",
            "fits none of the lines above",
            "give keys of one mapping, and dashes of one list, the same indentation",
        ),
        ErrorKind::SimpleKeyExpected | ErrorKind::InvalidSimpleKey => {
            new("expected `key: value`", "no `:` after this", "add the value, or a `#` before a comment")
        }
        ErrorKind::BlockSequenceEntryNotAllowed => {
            new("a list item stands where none can be", "this dash", "begin a list in a line of its own")
        }
        ErrorKind::UnclosedQuotedScalar | ErrorKind::DocumentIndicatorInQuotedScalar => {
            new("a quote is not closed", "opened here", "close it with the same quote")
        }
        ErrorKind::InvalidTrailingSingleQuotedScalar | ErrorKind::InvalidTrailingDoubleQuotedScalar => new(
            "text follows a closing quote",
            "not part of the quoted text",
            "quote all of the value, or write inner quotes as `\\\"` within `\"`, as `''` within `'`",
        ),
        ErrorKind::UnknownQuotedScalarEscape => new(
            "an escape that YAML does not have",
            "this escape",
            "write a backslash as `\\\\`, or use single quotes, which know no escapes",
        ),
        ErrorKind::UnclosedFlowCollection { open } => {
            let message = format!("`{open}` is not closed");
            Words { length: 1, ..new(&message, "opened here", "add the closing bracket") }
        }
        ErrorKind::MismatchedFlowCollectionEnd { open, close } => {
            new(&format!("`{open}` is closed by `{close}`"), "closed here", "use the bracket that fits")
        }
        ErrorKind::MisplacedFlowCollectionEnd => {
            new("a bracket closes nothing", "closes nothing", "remove it, or quote the value")
        }
        ErrorKind::ExpectedFlowMappingSeparator
        | ErrorKind::ExpectedFlowSequenceSeparator
        | ErrorKind::InvalidColonPlacement => new(
            "a bracket is not closed, or a comma is missing",
            "not expected here",
            "add the comma or bracket before this",
        ),
        ErrorKind::UnexpectedCharacter { character } => {
            let message = format!("a value cannot begin with `{character}`");
            Words { length: 1, ..new(&message, "not expected here", "quote the value") }
        }
        ErrorKind::MissingAnchorOrAliasName => new(
            "`*` and `&` need a name",
            "no name follows",
            "quote the value if the character belongs to it",
        ),
        ErrorKind::UndeclaredTagHandle => Words {
            code: Code::UNKNOWN_TAG,
            ..new(
                "unknown tag",
                "not a tag of Paracrine",
                "the tags are `!env`, `!file`, `!command`, `!sops` and `!age`",
            )
        },
        ErrorKind::RecursionLimitExceeded => {
            new("nested too deeply", "the limit is reached here", "flatten the structure")
        }
        ErrorKind::BomInsideDocument => new(
            "a byte order mark stands inside the file",
            "an invisible character U+FEFF",
            "remove it; it came from joining files",
        ),
        other => Words {
            code: Code::YAML_SYNTAX,
            message: other.to_string().trim_end_matches('.').to_owned(),
            label: "here".to_owned(),
            help: None,
            at,
            length: word_length(source.text(), at),
        },
    }
}

/// To the end of the word at `at`; 1 where no word is.
fn word_length(text: &str, at: usize) -> usize {
    let rest = text.get(at..).unwrap_or_default();
    let end = rest.find(|c: char| c.is_whitespace() || matches!(c, ':' | ',' | '[' | ']' | '{' | '}'));
    end.unwrap_or(rest.len()).max(rest.chars().next().map_or(0, char::len_utf8))
}

/// The tab that a scanner's mark means: the first that indents, from the line of the mark on; the scanner stops behind
/// it, or at the beginning of the text that it continues.
fn tab_near(text: &str, at: usize) -> usize {
    let line = text.get(..at).unwrap_or_default().rfind(['\n', '\r']).map_or(0, |end| end + 1);
    let mut start = line;
    for line in text[line..].split_inclusive('\n') {
        let indent = line.len() - line.trim_start_matches([' ', '\t']).len();
        if let Some(tab) = line[..indent].find('\t') {
            return start + tab;
        }
        start += line.len();
    }
    text.get(line..).and_then(|rest| rest.find('\t')).map_or(at, |tab| line + tab)
}

fn has_earlier_colon(text: &str, at: usize) -> bool {
    let before = text.get(..at).unwrap_or_default();
    let line = before.rfind(['\n', '\r']).map_or(0, |end| end + 1);
    before[line..].contains(": ")
}
