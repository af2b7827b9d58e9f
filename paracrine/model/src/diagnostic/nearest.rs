/// The candidate that `word` was probably meant to be: few edits away for its length, letters' case ignored.
///
/// ```
/// use paracrine_model::diagnostic::nearest;
/// assert_eq!(nearest("ssh_prot", ["ssh_port", "ssh_user"]), Some("ssh_port"));
/// assert_eq!(nearest("colour", ["ssh_port", "ssh_user"]), None);
/// ```
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let folded = word.to_lowercase();
    let limit = (word.chars().count() / 3).max(1);
    candidates
        .into_iter()
        .map(|candidate| (strsim::damerau_levenshtein(&folded, &candidate.to_lowercase()), candidate))
        .filter(|(distance, _)| *distance <= limit)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// Whether one name is the other with a slip of the finger: a letter more, less, another or two swapped; two in long names.
pub fn is_slip(one: &str, other: &str) -> bool {
    let far = if one.len().min(other.len()) < 8 { 1 } else { 2 };
    strsim::osa_distance(one, other) <= far
}
