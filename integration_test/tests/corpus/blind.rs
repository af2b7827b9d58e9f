//! Mutations at any place of any line, comments and free text among them: nothing is demanded of them, they are counted.

use crate::mutation::{Demand, Dice, Mutation};
use crate::words::{NUMBER, identifiers, odd, transpose};

/// How many of each file.
const EACH: usize = 12;

/// Some mutations of a file.
pub(crate) fn mutations(site: &'static str, file: &str, text: &str) -> Vec<Mutation> {
    let mut dice = Dice::new(&format!("{site}/{file}"));
    let lines: Vec<&str> = text.lines().collect();
    let mut found: Vec<Mutation> = Vec::new();
    // Twice as many throws: some choices change nothing.
    for _ in 0..EACH * 2 {
        let number = dice.below(lines.len());
        let line = lines.get(number).copied().unwrap_or_default();
        if line.trim().is_empty() {
            continue;
        }
        let mut put = |operator, new: &[&str]| {
            let mutation =
                Mutation::replace(site, file, text, number, new, operator, "blind", Demand::Nothing);
            if mutation.text != text && found.iter().all(|other| other.text != mutation.text) {
                found.push(mutation);
            }
        };
        let words = identifiers(line);
        let word = words.get(dice.below(words.len().max(1))).cloned();
        let within = |range: &std::ops::Range<usize>, new: &str| {
            format!("{}{new}{}", &line[..range.start], &line[range.end..])
        };
        match (dice.below(6), word) {
            (0, _) => put("line dropped", &[]),
            (1, _) => put("line twice", &[line, line]),
            (2, Some(word)) => put("typo", &[&within(&word, &transpose(&line[word.clone()]))]),
            (3, Some(word)) => put("odd character", &[&within(&word, &odd(&line[word.clone()]))]),
            (4, _) => {
                let digits: String = line
                    .chars()
                    .skip_while(|c| !c.is_ascii_digit())
                    .take_while(char::is_ascii_digit)
                    .collect();
                if !digits.is_empty() {
                    put("number to word", &[&line.replacen(&digits, NUMBER, 1)]);
                }
            }
            (5, _) => {
                let at = line
                    .char_indices()
                    .filter(|(_, c)| c.is_ascii_punctuation())
                    .map(|(at, _)| at)
                    .collect::<Vec<_>>();
                if !at.is_empty() {
                    let at = at[dice.below(at.len())];
                    put("mark dropped", &[&within(&(at..at + 1), "")]);
                }
            }
            _ => {}
        }
        if found.len() == EACH {
            break;
        }
    }
    found
}
