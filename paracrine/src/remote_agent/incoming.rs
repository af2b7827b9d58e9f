//! What comes from a host, taken apart: noise, first lines, frames.

use paracrine_model::protocol::{self, FrameError, MAGIC, Message};

/// What a login may print before our first line.
const MOST_NOISE: usize = 1024 * 1024;
/// So much of the beginning and of the end of it is kept.
const NOISE_KEPT: usize = 4 * 1024;
/// So many of its last lines are shown.
const NOISE_SHOWN: usize = 20;
/// So many bytes that come back are no chance.
const ECHO: usize = 24;
/// The longest first line; its details name directories.
const LONGEST_LINE: usize = 64 * 1024;

/// Bytes that have arrived, and how far they are understood. Knows no connection, so that every cut can be tested.
#[derive(Debug)]
pub(super) struct Incoming {
    /// `PARACRINE NONCE `
    marker: Vec<u8>,
    bytes: Vec<u8>,
    /// Everything before is done with.
    start: usize,
    /// Before this, no marker begins.
    searched: usize,
    noise: Noise,
    /// The length of all that is done with.
    done: u64,
}

/// What a login prints that is not ours.
#[derive(Debug, Default)]
struct Noise {
    length: usize,
    /// How it begins, to see whether it is what was sent.
    head: Vec<u8>,
    /// How it ends, to be shown.
    tail: Vec<u8>,
}

impl Noise {
    fn heard(&mut self, bytes: &[u8]) {
        self.length += bytes.len();
        let room = NOISE_KEPT - self.head.len();
        self.head.extend_from_slice(&bytes[..bytes.len().min(room)]);
        self.tail.extend_from_slice(&bytes[bytes.len().saturating_sub(NOISE_KEPT)..]);
        let excess = self.tail.len().saturating_sub(NOISE_KEPT);
        self.tail.drain(..excess);
    }
}

/// Something arrived that cannot be the beginning of a conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TooMuchNoise;

impl Incoming {
    pub(super) fn new(nonce: &str) -> Self {
        let marker = format!("{MAGIC} {nonce} ").into_bytes();
        Self { marker, bytes: Vec::new(), start: 0, searched: 0, noise: Noise::default(), done: 0 }
    }

    /// Where to read into: appending is all that may be done.
    pub(super) fn buffer(&mut self) -> &mut Vec<u8> {
        if self.start == self.bytes.len() {
            self.bytes.clear();
            self.start = 0;
            self.searched = 0;
        } else if self.start > self.bytes.len() / 2 {
            self.bytes.drain(..self.start);
            self.searched = self.searched.saturating_sub(self.start);
            self.start = 0;
        }
        // What is announced and not there yet, or a good piece.
        let missing = self.missing().unwrap_or(0);
        self.bytes.reserve(missing.clamp(8 * 1024, 1024 * 1024));
        &mut self.bytes
    }

    /// The next line of ours, without marker and line break; noise before it is dropped.
    pub(super) fn line(&mut self) -> Result<Option<String>, TooMuchNoise> {
        let from = self.searched.max(self.start);
        let Some(found) = find(&self.bytes[from..], &self.marker).map(|place| from + place) else {
            // The marker's beginning may be there already.
            let keep = self.marker.len() - 1;
            let done = self.bytes.len().saturating_sub(keep).max(self.start);
            self.noise.heard(&self.bytes[self.start..done]);
            self.start = done;
            self.searched = done;
            return if self.noise.length > MOST_NOISE { Err(TooMuchNoise) } else { Ok(None) };
        };
        self.noise.heard(&self.bytes[self.start..found]);
        self.start = found;
        self.searched = found;
        let begin = found + self.marker.len();
        match self.bytes[begin..].iter().position(|byte| *byte == b'\n') {
            Some(length) => {
                let line = String::from_utf8_lossy(&self.bytes[begin..begin + length]).into_owned();
                self.start = begin + length + 1;
                self.searched = self.start;
                Ok(Some(line))
            }
            None if self.bytes.len() - begin > LONGEST_LINE => Err(TooMuchNoise),
            None => Ok(None),
        }
    }

    /// How long the messages are that were heard.
    pub(super) fn received(&self) -> u64 {
        self.done
    }

    /// How much has arrived that nobody has asked for yet.
    pub(super) fn unheard(&self) -> usize {
        self.bytes.len() - self.start
    }

    /// How much has come that is not ours, also at the end of what has arrived.
    pub(super) fn noise(&self) -> usize {
        self.noise.length + (self.bytes.len() - self.start)
    }

    /// The last lines of what has come that is not ours.
    pub(super) fn noise_shown(&self) -> String {
        let mut all = self.noise.tail.clone();
        all.extend_from_slice(&self.bytes[self.start..]);
        let text = String::from_utf8_lossy(&all).replace('\r', "");
        let lines: Vec<&str> = text.trim().lines().collect();
        lines[lines.len().saturating_sub(NOISE_SHOWN)..].join("\n")
    }

    /// Whether what has come is what was sent, or begins with it.
    pub(super) fn is_echo_of(&self, sent: &[u8]) -> bool {
        let mut all = self.noise.head.clone();
        all.extend_from_slice(&self.bytes[self.start..]);
        let sent = &sent[..sent.len().min(ECHO)];
        sent.len() == ECHO && find(&all, sent).is_some()
    }

    /// The next message, if all of it is there; until it is [heard](Self::heard), it stays the next.
    pub(super) fn message<M: Message>(&self) -> Result<Option<M>, FrameError> {
        protocol::first_frame(&self.bytes[self.start..])?.map(protocol::decode).transpose()
    }

    /// The next message is done with.
    pub(super) fn heard(&mut self) {
        if let Ok(Some(body)) = protocol::first_frame(&self.bytes[self.start..]) {
            let length = 4 + body.len();
            self.start += length;
            self.done += length as u64;
        }
    }

    /// What the end of the stream means here.
    pub(super) fn end(&self) -> FrameError {
        if self.start == self.bytes.len() { FrameError::Closed } else { FrameError::Cut }
    }

    /// How many bytes the message at hand lacks, as far as its length is known.
    fn missing(&self) -> Option<usize> {
        let rest = &self.bytes[self.start..];
        let (header, rest) = rest.split_first_chunk::<4>()?;
        protocol::body_length(*header).ok()?.checked_sub(rest.len())
    }
}

fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    let first = *wanted.first()?;
    let mut from = 0;
    while let Some(place) = bytes[from..].iter().position(|byte| *byte == first) {
        from += place;
        if bytes[from..].starts_with(wanted) {
            return Some(from);
        }
        from += 1;
    }
    None
}

#[cfg(test)]
mod tests {
    use paracrine_model::protocol::{Poised, Told};

    use super::*;

    const NONCE: &str = "0123456789abcdef";

    fn notice(text: &str) -> Told {
        Told::Notice(text.into())
    }

    /// Takes the next message.
    fn next(incoming: &mut Incoming) -> Result<Option<Told>, FrameError> {
        let message = incoming.message();
        incoming.heard();
        message
    }

    /// Noise, a word of the bootstrap, more noise, the agent's word, two messages.
    fn whole() -> Vec<u8> {
        let mut bytes = b"Welcome!\nPARACRINE 0123 need\nPARACRINE fedcba9876543210 agent\n".to_vec();
        bytes.extend_from_slice(b"no line breakPARACRINE PARACRINE 0123456789abcdef need x86_64\n");
        bytes.extend_from_slice(b"PARACRIN\nPARACRINE 0123456789abcdef agent\n");
        bytes.extend(protocol::encode(&notice("one")).unwrap());
        bytes.extend(protocol::encode(&notice(&"two".repeat(9000))).unwrap());
        bytes
    }

    fn feed(pieces: impl Iterator<Item = Vec<u8>>) -> (Vec<String>, Vec<Told>, Incoming) {
        let mut incoming = Incoming::new(NONCE);
        let (mut lines, mut messages) = (Vec::new(), Vec::new());
        for piece in pieces {
            incoming.buffer().extend_from_slice(&piece);
            while lines.last().map(String::as_str) != Some("agent") {
                match incoming.line().unwrap() {
                    Some(line) => lines.push(line),
                    None => break,
                }
            }
            if lines.last().map(String::as_str) == Some("agent") {
                while let Some(message) = next(&mut incoming).unwrap() {
                    messages.push(message);
                }
            }
        }
        (lines, messages, incoming)
    }

    #[test]
    fn it_does_not_matter_in_which_pieces_it_comes() {
        let bytes = whole();
        for size in [1, 2, 3, 7, 64, 1000, bytes.len()] {
            let (lines, messages, incoming) = feed(bytes.chunks(size).map(<[u8]>::to_vec));
            assert_eq!(lines, ["need x86_64", "agent"], "pieces of {size}");
            assert_eq!(messages, [notice("one"), notice(&"two".repeat(9000))]);
            assert!(matches!(incoming.end(), FrameError::Closed));
        }
    }

    #[test]
    fn a_cut_is_told_from_an_end() {
        let bytes = whole();
        let last = protocol::encode(&notice(&"two".repeat(9000))).unwrap().len();
        for cut in [1, 3, 4, 5, 100] {
            let (_, messages, incoming) = feed([bytes[..bytes.len() - last + cut].to_vec()].into_iter());
            assert_eq!(messages.len(), 1);
            assert!(matches!(incoming.end(), FrameError::Cut), "{cut} bytes into a message");
        }
    }

    #[test]
    fn noise_has_an_end() {
        let mut incoming = Incoming::new(NONCE);
        let mut fed = 0;
        let refused = loop {
            incoming.buffer().extend_from_slice(&[b'P'; 4096]);
            fed += 4096;
            match incoming.line() {
                Ok(line) => assert_eq!(line, None),
                Err(TooMuchNoise) => break fed,
            }
            assert!(incoming.bytes.len() < 10_000, "noise must not be kept");
        };
        assert!((MOST_NOISE..MOST_NOISE + 10_000).contains(&refused));
        let mut incoming = Incoming::new(NONCE);
        incoming.buffer().extend_from_slice(b"PARACRINE 0123456789abcdef ");
        incoming.buffer().extend_from_slice(&vec![b'x'; LONGEST_LINE + 1]);
        assert_eq!(incoming.line(), Err(TooMuchNoise));
    }

    #[test]
    fn what_a_login_prints_is_kept_to_be_shown_and_an_echo_is_known() {
        let mut incoming = Incoming::new(NONCE);
        let request: Vec<u8> = (0..200).collect();
        for piece in ["1) shell\r\n", "2) PARACR", "INE\n", "choose: "] {
            incoming.buffer().extend_from_slice(piece.as_bytes());
            assert_eq!(incoming.line(), Ok(None));
        }
        assert_eq!(incoming.noise_shown(), "1) shell\n2) PARACRINE\nchoose:");
        assert_eq!(incoming.noise(), 31);
        assert!(!incoming.is_echo_of(&request));
        for piece in request.chunks(7) {
            incoming.buffer().extend_from_slice(piece);
            assert_eq!(incoming.line(), Ok(None));
        }
        assert!(incoming.is_echo_of(&request));
        assert!(!incoming.is_echo_of(&request[1..2]));
        incoming.buffer().extend_from_slice("x\n".repeat(100_000).as_bytes());
        assert_eq!(incoming.line(), Ok(None));
        assert_eq!(incoming.noise_shown(), ["x"; NOISE_SHOWN].join("\n"));
    }

    #[test]
    fn a_message_stays_until_it_is_heard_and_is_of_one_phase() {
        let mut incoming = Incoming::new(NONCE);
        incoming.buffer().extend(protocol::encode(&notice("one")).unwrap());
        assert_eq!(incoming.message().unwrap(), Some(notice("one")));
        assert!(matches!(incoming.message::<Poised>(), Err(FrameError::OutOfTurn { .. })));
        assert_eq!(next(&mut incoming).unwrap(), Some(notice("one")));
        assert_eq!(incoming.message::<Told>().unwrap(), None);
    }

    #[test]
    fn garbage_in_place_of_a_message_is_an_error() {
        let mut incoming = Incoming::new(NONCE);
        incoming.buffer().extend_from_slice(b"PARACRINE 0123456789abcdef agent\n\xff\xff\xff\xff");
        assert_eq!(incoming.line(), Ok(Some("agent".into())));
        assert!(matches!(incoming.message::<Told>(), Err(FrameError::TooLarge(_))));
        incoming.start += 4;
        incoming.buffer().extend_from_slice(b"\0\0\0\x02\xff\xff");
        assert!(matches!(incoming.message::<Told>(), Err(FrameError::Garbage(_))));
    }

    #[test]
    fn done_bytes_do_not_pile_up() {
        let mut incoming = Incoming::new(NONCE);
        let frame = protocol::encode(&notice("again and again")).unwrap();
        let (first, second) = frame.split_at(5);
        incoming.buffer().extend_from_slice(first);
        for _ in 0..10_000 {
            incoming.buffer().extend_from_slice(second);
            incoming.buffer().extend_from_slice(first);
            assert_eq!(next(&mut incoming).unwrap(), Some(notice("again and again")));
        }
        assert!(incoming.bytes.capacity() < 64 * 1024, "{}", incoming.bytes.capacity());
    }
}
