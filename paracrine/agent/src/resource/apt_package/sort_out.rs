//! Which of several can be done together: what keeps the rest from that is said of each for itself.

/// Says whether these pass together.
type Attempt<'a, T, E, Stop> = dyn FnMut(&[T]) -> Result<Result<(), E>, Stop> + 'a;

/// Finds the largest part of `all`, the first of them first, that `attempt` lets pass; the others with what it said of them,
/// beside those that pass. Where all pass, it is asked once; each that does not costs a few questions more.
pub(super) fn sort_out<T: Copy, E, Stop>(
    all: &[T],
    attempt: &mut Attempt<'_, T, E, Stop>,
) -> Result<Sorted<T, E>, Stop> {
    let mut sorted = Sorted { passing: Vec::new(), failing: Vec::new() };
    part(all, &mut sorted, attempt)?;
    Ok(sorted)
}

/// What [`sort_out`] found.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Sorted<T, E> {
    pub(super) passing: Vec<T>,
    pub(super) failing: Vec<(T, E)>,
}

fn part<T: Copy, E, Stop>(
    all: &[T],
    sorted: &mut Sorted<T, E>,
    attempt: &mut Attempt<'_, T, E, Stop>,
) -> Result<(), Stop> {
    let with_these: Vec<T> = sorted.passing.iter().chain(all).copied().collect();
    match (attempt(&with_these)?, all) {
        (Ok(()), _) => sorted.passing = with_these,
        (Err(_), []) => {}
        (Err(why), [one]) => sorted.failing.push((*one, why)),
        (Err(_), several) => {
            let (first, second) = several.split_at(several.len() / 2);
            part(first, sorted, attempt)?;
            part(second, sorted, attempt)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sorted(all: &[u32], wrong: impl Fn(&[u32]) -> Option<u32>) -> (Vec<u32>, Vec<u32>, u32) {
        let mut asked = 0;
        let found = sort_out(all, &mut |some| {
            asked += 1;
            Ok::<_, ()>(wrong(some).map_or(Ok(()), Err))
        });
        let Sorted { passing, failing } = found.unwrap();
        (passing, failing.into_iter().map(|(one, _)| one).collect(), asked)
    }

    #[test]
    fn what_is_right_is_asked_once() {
        assert_eq!(sorted(&[1, 2, 3], |_| None), (vec![1, 2, 3], vec![], 1));
        assert_eq!(sorted(&[], |_| None), (vec![], vec![], 1));
    }

    #[test]
    fn what_is_wrong_is_found_and_the_rest_passes() {
        let odd = |some: &[u32]| some.iter().copied().find(|one| one % 2 == 1);
        assert_eq!(sorted(&[1], odd), (vec![], vec![1], 1));
        assert_eq!(sorted(&[2, 4, 5, 6, 7], odd), (vec![2, 4, 6], vec![5, 7], 7));
        let all: Vec<u32> = (0..100).map(|one| one * 2).chain([33]).collect();
        let (passing, failing, asked) = sorted(&all, odd);
        assert_eq!((passing.len(), failing), (100, vec![33]));
        assert!(asked < 18, "{asked}");
    }

    #[test]
    fn of_two_that_exclude_each_other_the_first_passes() {
        let both = |some: &[u32]| [2, 3].iter().all(|one| some.contains(one)).then_some(3);
        assert_eq!(sorted(&[1, 2, 3, 4], both), (vec![1, 2, 4], vec![3], 5));
    }

    #[test]
    fn a_question_that_cannot_be_asked_ends_it() {
        let found = sort_out::<_, (), _>(&[1, 2], &mut |_| Err("no apt"));
        assert_eq!(found, Err("no apt"));
    }
}
