//! Time spans, as systemd.time(7) has them.

use paracrine_model::diagnostic::Code;

use super::finding::{Finding, Unfit};

/// What is wrong with a time span, if anything is.
pub(super) fn check(line: u32, key: &str, value: &str) -> Option<Finding> {
    let unfit = parse(value).err()?;
    let message = format!("`{key}` is a time span, not `{value}`: {}", unfit.why);
    let usual = "write seconds, or units: `90`, `1min 30s`, `infinity`";
    let finding = Finding::error(Code::TIME, line, value, message);
    Some(finding.help(unfit.help.unwrap_or_else(|| usual.into())))
}

/// Units of time with their microseconds, longer names first.
const UNITS: [(&str, u64); 30] = [
    ("seconds", 1_000_000),
    ("minutes", 60_000_000),
    ("second", 1_000_000),
    ("minute", 60_000_000),
    ("months", 2_629_800_000_000),
    ("month", 2_629_800_000_000),
    ("hours", 3_600_000_000),
    ("weeks", 604_800_000_000),
    ("years", 31_557_600_000_000),
    ("hour", 3_600_000_000),
    ("week", 604_800_000_000),
    ("year", 31_557_600_000_000),
    ("msec", 1000),
    ("usec", 1),
    ("days", 86_400_000_000),
    ("sec", 1_000_000),
    ("min", 60_000_000),
    ("day", 86_400_000_000),
    ("ms", 1000),
    ("us", 1),
    ("µs", 1),
    ("μs", 1),
    ("hr", 3_600_000_000),
    ("s", 1_000_000),
    ("m", 60_000_000),
    ("M", 2_629_800_000_000),
    ("h", 3_600_000_000),
    ("d", 86_400_000_000),
    ("w", 604_800_000_000),
    ("y", 31_557_600_000_000),
];

/// `5`, `1.5h`, `1min 30s`, `infinity`
fn parse(value: &str) -> Result<(), Unfit> {
    let mut rest = value.trim();
    if rest == "infinity" {
        return Ok(());
    }
    if rest.is_empty() {
        return Err(Unfit::new(value, "it is empty"));
    }
    let mut sum: u128 = 0;
    while !rest.is_empty() {
        if rest.starts_with('-') {
            return Err(Unfit::new(value, "no span is negative"));
        }
        let number = rest.strip_prefix('+').unwrap_or(rest);
        let (whole, after) = digits(number);
        let mut text = after;
        if let Some(fraction) = after.strip_prefix('.') {
            let (fraction, after) = digits(fraction);
            if fraction.is_empty() {
                return Err(Unfit::new(value, "no digit follows its `.`"));
            }
            text = after;
        } else if whole.is_empty() {
            return Err(Unfit::new(value, format!("`{rest}` does not begin with a number")));
        }
        let word = text.trim_start();
        let name = word.find(|c: char| !c.is_alphabetic() && c != 'µ').map_or(word, |end| &word[..end]);
        let unit = UNITS.iter().find(|(unit, _)| *unit == name);
        let factor = match unit {
            Some((_, factor)) => *factor,
            None if name.is_empty() && (text.is_empty() || text != word) => 1_000_000,
            None if name.is_empty() => return Err(Unfit::new(value, format!("`{text}` follows a number"))),
            None => {
                let known = UNITS.iter().map(|(unit, _)| *unit);
                return Err(Unfit::new(value, format!("there is no unit `{name}`")).nearest(name, known));
            }
        };
        let number: u128 = if whole.is_empty() { 0 } else { whole.parse().unwrap_or(u128::from(u64::MAX)) };
        sum = sum.saturating_add(number.saturating_mul(factor.into()));
        if sum >= u128::from(u64::MAX) {
            return Err(Unfit::new(value, "it is too long").help("write `infinity`"));
        }
        rest = word[name.len()..].trim_start();
    }
    Ok(())
}

/// Leading digits and what follows.
fn digits(text: &str) -> (&str, &str) {
    text.split_at(text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len()))
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    const SPANS: [&str; 26] = [
        "5",
        "0.5",
        ".5",
        "1.5h",
        "1min 30s",
        "1 min 30 s",
        "2h30m",
        "infinity",
        "infinity ",
        " 5",
        "3 weeks",
        "1y",
        "1year",
        "+1",
        "1M",
        "1month",
        "1us",
        "1µs",
        "1μs",
        "1 1",
        "1m5",
        "1h1h",
        "1d12h",
        "1 h30",
        "10hour",
        "1s .5s",
    ];

    const NO_SPANS: [(&str, &str); 24] = [
        ("", "it is empty"),
        ("5.", "no digit follows its `.`"),
        ("1.s", "no digit follows its `.`"),
        ("-1", "no span is negative"),
        ("1h-2m", "no span is negative"),
        ("1h x", "`x` does not begin with a number"),
        ("seven", "`seven` does not begin with a number"),
        ("Infinity", "`Infinity` does not begin with a number"),
        ("5 bananas", "there is no unit `bananas`"),
        ("1mon", "there is no unit `mon`"),
        ("1Min", "there is no unit `Min`"),
        ("1ns", "there is no unit `ns`"),
        ("1hrs", "there is no unit `hrs`"),
        ("1mins", "there is no unit `mins`"),
        ("1e3", "there is no unit `e`"),
        ("0x5", "there is no unit `x`"),
        ("5µ", "there is no unit `µ`"),
        ("1.5.2s", "`.2s` follows a number"),
        ("1,5s", "`,5s` follows a number"),
        ("5min,", "`,` does not begin with a number"),
        ("1:30", "`:30` follows a number"),
        ("99999999999999999999", "it is too long"),
        ("584543y", "it is too long"),
        ("infinity 5", "`infinity 5` does not begin with a number"),
    ];

    #[test]
    fn spans_are_what_systemd_takes_for_them() {
        for good in SPANS {
            assert_eq!(parse(good).err().map(|wrong| wrong.why), None, "{good}");
        }
        for (bad, why) in NO_SPANS {
            assert_eq!(parse(bad).err().map(|wrong| wrong.why), Some(why.to_owned()), "{bad}");
        }
    }

    /// The tables above, asked of systemd itself where it is that of Debian 12.
    #[test]
    fn systemd_agrees() {
        let version = Command::new("systemd-analyze").arg("--version").output();
        if !version.is_ok_and(|output| output.stdout.starts_with(b"systemd 252 ")) {
            return;
        }
        let good = SPANS.map(|text| (text, true));
        for (text, good) in good.into_iter().chain(NO_SPANS.map(|(text, _)| (text, false))) {
            let asked = Command::new("systemd-analyze").args(["timespan", "--", text]).output();
            assert_eq!(asked.is_ok_and(|output| output.status.success()), good, "{text}");
        }
    }

    #[test]
    fn help_says_what_was_meant() {
        let finding = check(1, "OnBootSec", "5 minuts").map(|finding| finding.help);
        assert_eq!(finding, Some(vec!["did you mean `minutes`?".to_owned()]));
    }
}
