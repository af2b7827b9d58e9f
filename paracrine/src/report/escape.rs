//! What hosts and plans say is shown, never obeyed: characters that a terminal would act on are written out.

/// Text of one line; line breaks are written out too.
pub(crate) fn line(text: &str) -> String {
    escaped(text, |c| c == '\n' || acts(c))
}

/// Text of several lines, tabs kept.
pub(crate) fn lines(text: &str) -> String {
    escaped(text, |c| c != '\n' && c != '\t' && acts(c))
}

/// A value of JSON on one line. In its texts, characters that a terminal would act on are written by their numbers, which
/// means the same.
pub(crate) fn json(value: &serde_json::Value) -> String {
    let mut shown = String::new();
    // Outside of texts there is nothing but ASCII, and in them no control character of it but the last.
    for c in value.to_string().chars() {
        if acts(c) {
            let mut units = [0; 2];
            for unit in c.encode_utf16(&mut units) {
                shown += &format!("\\u{unit:04x}");
            }
        } else {
            shown.push(c);
        }
    }
    shown
}

fn escaped(text: &str, acts: impl Fn(char) -> bool) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        if acts(c) {
            shown.extend(c.escape_default());
        } else {
            shown.push(c);
        }
    }
    shown
}

/// Control characters, and those that reorder or hide text.
fn acts(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{00ad}' | '\u{061c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_says_the_same_and_nothing_in_it_acts() {
        let text = "a\u{1b}[2J \u{7f} \u{85} \u{9b}31m \u{202e}abc\u{2066} \u{e0041} \u{feff} é ‹x› \n\t\"";
        let value = serde_json::json!({ "text": text, text: [text, 1, null] });
        let shown = json(&value);
        assert!(!shown.chars().any(acts), "{shown}");
        assert!(
            shown.contains(
                r"\u001b[2J \u007f \u0085 \u009b31m \u202eabc\u2066 \udb40\udc41 \ufeff é ‹x› \n\t"
            ),
            "{shown}"
        );
        assert_eq!(serde_json::from_str::<serde_json::Value>(&shown).unwrap(), value);
    }
}
