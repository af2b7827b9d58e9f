//! What hosts and plans say is shown, never obeyed: characters that a terminal would act on are written out.

/// Text of one line; line breaks are written out too.
pub(crate) fn line(text: &str) -> String {
    escaped(text, |c| c == '\n' || acts(c))
}

/// Text of several lines, tabs kept.
pub(crate) fn lines(text: &str) -> String {
    escaped(text, |c| c != '\n' && c != '\t' && acts(c))
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
