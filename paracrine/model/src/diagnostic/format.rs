//! Diagnostics for programs: editors and continuous integration.

use serde_json::{Value, json};

use super::{Diagnostic, Note, Severity};

/// One JSON object in one line, without its line break: `severity`, `code`, `message`, `file`, `line`, `column`, `length`,
/// `label` (of the main place, if there is one), `related` (a list of such places) and `help` (a list of texts).
pub fn json(diagnostic: &Diagnostic) -> String {
    let mut object = match &diagnostic.primary {
        Some(note) => place(note),
        None => json!({}),
    };
    object["severity"] = json!(severity(diagnostic.severity));
    object["code"] = json!(diagnostic.code.to_string());
    object["message"] = json!(diagnostic.message);
    object["related"] = diagnostic.related.iter().map(place).collect::<Value>();
    object["help"] = json!(diagnostic.help);
    object.to_string()
}

fn place(Note { place, label }: &Note) -> Value {
    json!({
        "file": *place.file,
        "line": place.line,
        "column": place.column,
        "length": place.length,
        "label": label,
    })
}

fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    }
}

/// A workflow command of GitHub in one line, without its line break:
/// `::error file=config.yaml,line=3,col=5,endColumn=9,title=P0201::message`.
pub fn github(diagnostic: &Diagnostic) -> String {
    let mut properties = String::new();
    if let Some(Note { place, .. }) = &diagnostic.primary {
        let file = property(&place.file);
        properties.push_str(&format!("file={file},line={},col={},", place.line, place.column));
        if place.length > 0 {
            properties.push_str(&format!("endColumn={},", place.column + place.length));
        }
    }
    let message: Vec<&str> = std::iter::once(diagnostic.message.as_str())
        .chain(diagnostic.help.iter().map(String::as_str))
        .collect();
    let severity = severity(diagnostic.severity);
    format!("::{severity} {properties}title={}::{}", diagnostic.code, data(&message.join("\n")))
}

fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::{Code, Place};

    fn sample() -> Diagnostic {
        Diagnostic::error(Code::ENV_KEY_MISSING, "environment `prod` has no `WORKERS`")
            .at(Place::new("config.yaml", 6, 3, 4), "`WORKERS` is missing here")
            .related(Place::new("config.yaml", 4, 5, 7), "`dev` has it")
            .help("add it, 100%")
    }

    #[test]
    fn json_is_one_line_with_everything() {
        assert_eq!(
            json(&sample()),
            r#"{"code":"P0201","column":3,"file":"config.yaml","help":["add it, 100%"],"label":"`WORKERS` is missing here","length":4,"line":6,"message":"environment `prod` has no `WORKERS`","related":[{"column":5,"file":"config.yaml","label":"`dev` has it","length":7,"line":4}],"severity":"error"}"#
        );
        let placeless = Diagnostic::warning(Code::OUTPUT, "a \"b\"\nc");
        assert_eq!(
            json(&placeless),
            r#"{"code":"P0902","help":[],"message":"a \"b\"\nc","related":[],"severity":"warning"}"#
        );
    }

    #[test]
    fn github_commands_are_one_line_and_escaped() {
        assert_eq!(
            github(&sample()),
            "::error file=config.yaml,line=6,col=3,endColumn=7,title=P0201::environment `prod` has no `WORKERS`%0Aadd it, 100%25"
        );
        let odd = Diagnostic::warning(Code::OUTPUT, "m").at(Place::new("a,b:c.yaml", 1, 1, 0), "l");
        assert_eq!(github(&odd), "::warning file=a%2Cb%3Ac.yaml,line=1,col=1,title=P0902::m");
        assert_eq!(github(&Diagnostic::warning(Code::OUTPUT, "m")), "::warning title=P0902::m");
    }
}
