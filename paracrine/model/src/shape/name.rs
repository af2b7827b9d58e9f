//! From keys of YAML to names of Rust.

use crate::diagnostic::{Code, Diagnostic, Diagnostics, Place};

/// The words of a key, in lower case: `APP_HOST`, `app-host` and `appHost` are `app` and `host`.
pub fn words(key: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut word = String::new();
    let chars: Vec<char> = key.chars().collect();
    for (at, &c) in chars.iter().enumerate() {
        if !c.is_alphanumeric() {
            words.extend((!word.is_empty()).then(|| std::mem::take(&mut word)));
            continue;
        }
        let before = at.checked_sub(1).and_then(|at| chars.get(at));
        let after = chars.get(at + 1);
        // `appHost` and `HTTPPort` have a border before the H and the P; `APP2` and `IPv6` have none.
        let begins = c.is_uppercase()
            && (before.is_some_and(|b| b.is_lowercase())
                || before.is_some_and(|b| b.is_uppercase())
                    && after.is_some_and(|a| a.is_lowercase() && *a != 'v'));
        if begins && !word.is_empty() {
            words.push(std::mem::take(&mut word));
        }
        word.extend(c.to_lowercase());
    }
    words.extend((!word.is_empty()).then_some(word));
    words
}

/// `APP_HOST` → `app_host`
pub fn snake_case(key: &str) -> String {
    words(key).join("_")
}

/// `db-replica` → `DbReplica`
pub fn pascal_case(key: &str) -> String {
    words(key)
        .iter()
        .map(|word| {
            let mut chars = word.chars();
            chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
        })
        .collect()
}

/// Words that Rust keeps for itself, in any edition up to 2024.
const KEYWORDS: [&str; 53] = [
    "abstract", "as", "async", "await", "become", "box", "break", "const", "continue", "crate", "do", "dyn",
    "else", "enum", "extern", "false", "final", "fn", "for", "gen", "if", "impl", "in", "let", "loop",
    "macro", "match", "mod", "move", "mut", "override", "priv", "pub", "ref", "return", "self", "Self",
    "static", "struct", "super", "trait", "true", "try", "type", "typeof", "unsafe", "unsized", "use",
    "virtual", "where", "while", "yield", "_",
];

/// Whether a key can become a name in Rust.
pub(crate) fn is_name(key: &str) -> bool {
    let name = super::snake_case(key);
    key.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-'))
        && name.starts_with(|c: char| c.is_ascii_alphabetic())
        && !KEYWORDS.contains(&name.as_str())
}

/// Whether Rust takes a name as it is.
pub(crate) fn check(key: &str, name: &str, place: &Place, diagnostics: &mut Diagnostics) -> bool {
    let error = |label: &str, help: String| {
        Diagnostic::error(Code::NAME_INVALID, format!("`{key}` cannot become a name in Rust"))
            .at(place.clone(), label)
            .help(help)
    };
    let stray = key.chars().find(|c| !(c.is_ascii_alphanumeric() || matches!(c, '_' | '-')));
    if let Some(stray) = stray {
        let help = "use letters of the English alphabet, digits, `_` and `-`".to_owned();
        let mut error = error(&format!("`{}` is not allowed", stray.escape_debug()), help);
        if matches!(stray, '.' | '/' | ':' | '*' | '@') {
            error = error.help(format!(
                "a mapping whose keys are data has a key of its own, and no other keys: `settings: {{ \"{key}\": … }}`"
            ));
        }
        diagnostics.push(error);
        return false;
    }
    if name.is_empty() || name.starts_with(|c: char| c.is_ascii_digit()) {
        diagnostics.push(error("does not begin with a letter", "begin it with a letter".to_owned()));
        return false;
    }
    if KEYWORDS.contains(&name) {
        let help = format!("give it a longer name, such as `{key}_value`");
        diagnostics.push(error(&format!("`{name}` is a word of Rust's own"), help));
        return false;
    }
    true
}

/// Says that two keys become one name.
pub(crate) fn collision(
    name: &str,
    key: (&str, &Place),
    first: (&str, &Place),
    diagnostics: &mut Diagnostics,
) {
    let (key, place) = key;
    let (first_key, first_place) = first;
    let message = format!("`{key}` and `{first_key}` both become `{name}` in Rust");
    let error = Diagnostic::error(Code::NAME_COLLISION, message)
        .at(place.clone(), format!("becomes `{name}`"))
        .related(first_place.clone(), format!("becomes `{name}`, too"))
        .help("rename one of them");
    diagnostics.push(error);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_become_the_names_that_a_reader_expects() {
        for (key, snake, pascal) in [
            ("APP_HOST", "app_host", "AppHost"),
            ("app-host", "app_host", "AppHost"),
            ("appHost", "app_host", "AppHost"),
            ("AppHost", "app_host", "AppHost"),
            ("HTTPPort", "http_port", "HttpPort"),
            ("db2", "db2", "Db2"),
            ("APP2_X", "app2_x", "App2X"),
            ("IPv6", "ipv6", "Ipv6"),
            ("__x__y", "x_y", "XY"),
            ("dev", "dev", "Dev"),
            ("_", "", ""),
        ] {
            assert_eq!((snake_case(key).as_str(), pascal_case(key).as_str()), (snake, pascal), "{key}");
        }
    }
}
