//! What is done to words, whatever they mean.

/// Two neighbouring letters change places, so that the word becomes another one; a word of one letter gets a second.
pub(crate) fn transpose(word: &str) -> String {
    let mut letters: Vec<char> = word.chars().collect();
    let middle = letters.len() / 2;
    // From the middle outwards: that is where people's fingers stumble.
    let places = (middle..letters.len()).chain((1..middle).rev()).filter(|at| *at > 0);
    for at in places {
        let (a, b) = (letters[at - 1], letters[at]);
        if a != b
            && a.is_ascii_alphabetic()
            && b.is_ascii_alphabetic()
            && a.is_lowercase() == b.is_lowercase()
        {
            letters.swap(at - 1, at);
            return letters.into_iter().collect();
        }
    }
    format!("{word}{}", if word.chars().any(char::is_lowercase) { 'q' } else { 'Q' })
}

/// A character that no name has, in the middle.
pub(crate) fn odd(word: &str) -> String {
    let middle = word.char_indices().nth(word.chars().count() / 2).map_or(0, |(at, _)| at);
    format!("{}!{}", &word[..middle], &word[middle..])
}

/// A word for a number.
pub(crate) const NUMBER: &str = "seven";

/// The places of words in a line: letters, digits and `_`, beginning with a letter or `_`.
pub(crate) fn identifiers(line: &str) -> Vec<std::ops::Range<usize>> {
    let mut found = Vec::new();
    let bytes = line.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        let start = at;
        while at < bytes.len() && (bytes[at].is_ascii_alphanumeric() || bytes[at] == b'_') {
            at += 1;
        }
        if at > start && !bytes[start].is_ascii_digit() {
            found.push(start..at);
        }
        at = at.max(start + 1);
    }
    found
}

#[test]
fn transposed_words_are_others() {
    assert_eq!(transpose("ssh_port"), "ssh_oprt");
    assert_eq!(transpose("aa"), "aaq");
    assert_eq!(transpose("X"), "XQ");
    assert_eq!(odd("web1"), "we!b1");
}
