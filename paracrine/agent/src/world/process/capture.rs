//! What is kept of a program's output.

/// The end of a stream, up to a limit.
pub(super) struct Capture {
    bytes: Vec<u8>,
    limit: usize,
    dropped: bool,
}

impl Capture {
    pub(super) fn new(limit: usize) -> Self {
        Self { bytes: Vec::new(), limit, dropped: false }
    }

    pub(super) fn push(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
        if self.bytes.len() > self.limit.saturating_mul(2) {
            self.cut();
        }
    }

    fn cut(&mut self) {
        let surplus = self.bytes.len().saturating_sub(self.limit);
        if surplus > 0 {
            self.bytes.drain(..surplus);
            self.dropped = true;
        }
    }

    /// Whether less than everything was kept.
    pub(super) fn is_cut(&self) -> bool {
        self.dropped
    }

    /// The text. A line whose beginning was dropped is dropped whole.
    pub(super) fn finish(&mut self) -> String {
        self.cut();
        let from = match (self.dropped, self.bytes.iter().position(|byte| *byte == b'\n')) {
            (true, Some(end)) => end + 1,
            _ => 0,
        };
        plain(&self.bytes[from..])
    }
}

/// Text that a terminal can show without being told anything: no escape sequences, no control characters but tabs and
/// line breaks; of a line that was overwritten by means of carriage returns, what was seen last.
pub fn plain(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let mut out = String::with_capacity(text.len());
    let mut line = 0;
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\n' => {
                out.push('\n');
                line = out.len();
            }
            '\r' if chars.peek().is_none_or(|next| matches!(next, '\n' | '\r')) => {}
            '\r' => out.truncate(line),
            '\t' => out.push('\t'),
            '\u{1b}' => skip_escape(&mut chars),
            c if c.is_control() => {}
            c => out.push(c),
        }
    }
    out
}

/// Skips the rest of an escape sequence (ECMA-48: CSI; OSC and the like up to their terminator; two characters).
fn skip_escape(chars: &mut std::iter::Peekable<std::str::Chars<'_>>) {
    match chars.peek().copied() {
        Some('[') => {
            chars.next();
            while let Some(c) = chars.next_if(|c| ('\u{20}'..='\u{7e}').contains(c)) {
                if ('\u{40}'..='\u{7e}').contains(&c) {
                    break;
                }
            }
        }
        Some(']' | 'P' | 'X' | '^' | '_') => {
            chars.next();
            while let Some(c) = chars.next_if(|c| *c != '\n') {
                if c == '\u{7}' {
                    break;
                }
                if c == '\u{1b}' {
                    chars.next_if_eq(&'\\');
                    break;
                }
            }
        }
        Some(c) if ('\u{20}'..='\u{7e}').contains(&c) => {
            chars.next();
        }
        _ => {}
    }
}

/// The last lines of a text, as they are shown with a failure.
pub fn tail(text: &str) -> String {
    const LINES: usize = 40;
    const BYTES: usize = 16 * 1024;
    let text = text.trim_end();
    let mut start = text.rmatch_indices('\n').nth(LINES - 1).map_or(0, |(at, _)| at + 1);
    if text.len() - start > BYTES {
        start = text.len() - BYTES;
        while !text.is_char_boundary(start) {
            start += 1;
        }
    }
    text[start..].to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn terminals_are_told_nothing() {
        for (bytes, shown) in [
            ("plain\ttext\n", "plain\ttext\n"),
            ("\u{1b}[1;31mred\u{1b}[0m", "red"),
            ("\u{1b}]0;title\u{7}after\u{1b}]8;;http://x\u{1b}\\link", "afterlink"),
            ("10%\r50%\r100%\r\ndone\r\n", "100%\ndone\n"),
            ("bell\u{7} and \u{9b}31m c1", "bell and 31m c1"),
            ("cut \u{1b}", "cut "),
            ("cut \u{1b}[12", "cut "),
            ("\u{1b}(Bcharset", "Bcharset"),
        ] {
            assert_eq!(plain(bytes.as_bytes()), shown, "{bytes:?}");
        }
        assert_eq!(plain(b"bad \xff byte"), "bad \u{fffd} byte");
    }

    #[test]
    fn the_end_is_kept_from_a_whole_line_on() {
        let mut capture = Capture::new(10);
        for _ in 0..100 {
            capture.push(b"abcd\n");
        }
        assert_eq!(capture.finish(), "abcd\n");
        assert!(capture.is_cut());
        let mut capture = Capture::new(10);
        capture.push(b"abcd\nefgh\n");
        assert_eq!(capture.finish(), "abcd\nefgh\n");
        assert!(!capture.is_cut());
    }

    #[test]
    fn tails_are_short() {
        let text: String = (1..=100).map(|n| format!("line {n}\n")).collect();
        let tail = super::tail(&text);
        assert_eq!(tail.lines().count(), 40);
        assert!(tail.starts_with("line 61\n") && tail.ends_with("line 100"));
        assert_eq!(super::tail("one\n\n"), "one");
        assert_eq!(super::tail(&"ä".repeat(20_000)).len(), 16 * 1024);
        assert_eq!(super::tail(""), "");
    }
}
