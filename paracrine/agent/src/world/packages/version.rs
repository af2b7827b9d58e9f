//! The order of Debian versions (deb-policy 5.6.12), as dpkg's `verrevcmp` has it. Written out because the
//! `debversion` crate brings a regex engine, which the agent would have to carry to every host.

use std::cmp::Ordering;

/// Compares two versions: epoch, upstream version, Debian revision. A malformed epoch counts as none.
pub fn compare(left: &str, right: &str) -> Ordering {
    let (left, right) = (split(left), split(right));
    number(left.0, right.0).then_with(|| part(left.1, right.1)).then_with(|| part(left.2, right.2))
}

fn split(version: &str) -> (&str, &str, &str) {
    let (epoch, rest) = match version.split_once(':') {
        Some((epoch, rest)) if epoch.bytes().all(|byte| byte.is_ascii_digit()) => (epoch, rest),
        _ => ("", version),
    };
    let (upstream, revision) = rest.rsplit_once('-').unwrap_or((rest, ""));
    (epoch, upstream, revision)
}

/// Stretches of other characters and of digits in turn, until one differs.
fn part(mut left: &str, mut right: &str) -> Ordering {
    while !(left.is_empty() && right.is_empty()) {
        let (words, digits) = (take(&mut left, false), take(&mut right, false));
        let order = word(words, digits).then_with(|| number(take(&mut left, true), take(&mut right, true)));
        if order != Ordering::Equal {
            return order;
        }
    }
    Ordering::Equal
}

fn take<'a>(text: &mut &'a str, digits: bool) -> &'a str {
    let end = text.find(|c: char| c.is_ascii_digit() != digits).unwrap_or(text.len());
    let (taken, rest) = text.split_at(end);
    *text = rest;
    taken
}

/// `~` before the end, the end before letters, letters before everything else.
fn word(left: &str, right: &str) -> Ordering {
    let rank = |byte: Option<u8>| match byte {
        Some(b'~') => -1,
        None => 0,
        Some(letter) if letter.is_ascii_alphabetic() => i32::from(letter),
        Some(other) => i32::from(other) + 256,
    };
    let (mut left, mut right) = (left.bytes(), right.bytes());
    loop {
        match (left.next(), right.next()) {
            (None, None) => return Ordering::Equal,
            (one, other) if rank(one) != rank(other) => return rank(one).cmp(&rank(other)),
            _ => {}
        }
    }
}

/// By value, however many digits there are.
fn number(left: &str, right: &str) -> Ordering {
    let (left, right) = (left.trim_start_matches('0'), right.trim_start_matches('0'));
    left.len().cmp(&right.len()).then_with(|| left.cmp(right))
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    #[test]
    fn versions_are_ordered_as_policy_says() {
        for ascending in [
            &["1.0~~", "1.0~~a", "1.0~", "1.0", "1.0a", "1.0+b1", "1.0.1", "1.1", "1.10", "2"][..],
            &["1.2.3", "1:0.1", "2:0~rc1", "2:0", "10:0"],
            &["1.0~beta1~svn1245", "1.0~beta1", "1.0"],
            &["1-1", "1-1+deb12u1", "1-1.1", "1-2~bpo", "1-2", "1-10"],
            &["9~", "9", "9a", "009b", "10"],
            &["0", "18446744073709551615", "18446744073709551616", "99999999999999999999999"],
            &["1.~", "1.", "1.a", "1.+"],
        ] {
            for (at, lesser) in ascending.iter().enumerate() {
                assert_eq!(compare(lesser, lesser), Ordering::Equal);
                for greater in &ascending[at + 1..] {
                    assert_eq!(compare(lesser, greater), Ordering::Less, "{lesser} < {greater}");
                    assert_eq!(compare(greater, lesser), Ordering::Greater, "{greater} > {lesser}");
                }
            }
        }
        for (one, other) in [("1.0", "1.0-0"), ("0:1", "1"), ("1.01", "1.1"), ("1-", "1-0"), ("1.0", "1.00")]
        {
            assert_eq!(compare(one, other), Ordering::Equal, "{one} = {other}");
        }
    }

    #[test]
    fn dpkg_agrees() {
        if Command::new("dpkg").arg("--version").output().is_err() {
            return;
        }
        let mut seed = 0x2545_f491_4f6c_dd1d_u64;
        let mut random = |below: u64| {
            seed ^= seed << 13;
            seed ^= seed >> 7;
            seed ^= seed << 17;
            seed % below
        };
        let mut version = || {
            let pieces = [
                "0", "1", "2", "10", "09", "~", "~rc", "+", ".", "a", "b", "deb", "u", ".1", "-", "-1", "-0",
            ];
            let mut text = if random(4) == 0 { format!("{}:", random(3)) } else { String::new() };
            text.push_str(&random(3).to_string());
            for _ in 0..random(6) {
                text.push_str(pieces[random(pieces.len() as u64) as usize]);
            }
            // dpkg wants revisions not to be empty.
            text.trim_end_matches('-').to_owned()
        };
        let mut differing = 0;
        for _ in 0..400 {
            let (left, right) = (version(), version());
            let ours = compare(&left, &right);
            let relation = match ours {
                Ordering::Less => "lt",
                Ordering::Equal => "eq",
                Ordering::Greater => "gt",
            };
            let output =
                Command::new("dpkg").args(["--compare-versions", &left, relation, &right]).output().unwrap();
            assert!(output.status.success(), "dpkg disagrees on {left} {relation} {right}: {output:?}");
            differing += usize::from(ours != Ordering::Equal);
        }
        assert!(differing > 200, "the pairs were too much alike");
    }
}
