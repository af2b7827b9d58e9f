//! Times in units: calendar events and time spans, as systemd.time(7) has them.

use std::collections::BTreeSet;
use std::sync::OnceLock;

use paracrine_model::diagnostic::{Code, nearest};

use super::contents::Finding;

/// What is wrong with a text: why, the piece that is wrong, and what might help.
struct Wrong {
    why: String,
    piece: String,
    help: Option<String>,
}

fn wrong(piece: &str, why: impl Into<String>) -> Wrong {
    Wrong { why: why.into(), piece: piece.to_owned(), help: None }
}

impl Wrong {
    fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    fn nearest<'a>(self, word: &str, words: impl IntoIterator<Item = &'a str>) -> Self {
        match nearest(word, words) {
            Some(near) => self.help(format!("did you mean `{near}`?")),
            None => self,
        }
    }
}

/// What is wrong with a calendar event, if anything is.
pub(super) fn calendar(line: u32, key: &str, value: &str) -> Option<Finding> {
    let event = match Event::parse(value) {
        Ok(event) => event,
        Err(wrong) => {
            let message = format!("`{key}` cannot be `{value}`: {}", wrong.why);
            let finding = Finding::error(Code::TIME, line, &wrong.piece, message);
            let usual = "write `Mon..Fri *-*-* 04:30:00`, `*:0/15`, or `daily`";
            return Some(finding.help(wrong.help.unwrap_or_else(|| usual.into())));
        }
    };
    if !event.comes() {
        let message = format!("`{value}` never comes");
        return Some(Finding::error(Code::TIME, line, value, message));
    }
    let zone = event.local_zone?;
    let message = format!("`{zone}` is known only on hosts that are in this time zone");
    let finding = Finding::error(Code::TIME, line, &zone, message).warning();
    Some(finding.help("write it like `Europe/Berlin`, or `UTC`"))
}

/// What is wrong with a time span, if anything is.
pub(super) fn span(line: u32, key: &str, value: &str) -> Option<Finding> {
    let wrong = parse_span(value).err()?;
    let message = format!("`{key}` is a time span, not `{value}`: {}", wrong.why);
    let usual = "write seconds, or units: `90`, `1min 30s`, `infinity`";
    let finding = Finding::error(Code::TIME, line, value, message);
    Some(finding.help(wrong.help.unwrap_or_else(|| usual.into())))
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
fn parse_span(value: &str) -> Result<(), Wrong> {
    let mut rest = value.trim();
    if rest == "infinity" {
        return Ok(());
    }
    if rest.is_empty() {
        return Err(wrong(value, "it is empty"));
    }
    let mut sum: u128 = 0;
    while !rest.is_empty() {
        if rest.starts_with('-') {
            return Err(wrong(value, "no span is negative"));
        }
        let number = rest.strip_prefix('+').unwrap_or(rest);
        let (whole, after) = digits(number);
        let mut text = after;
        if let Some(fraction) = after.strip_prefix('.') {
            let (fraction, after) = digits(fraction);
            if fraction.is_empty() {
                return Err(wrong(value, "no digit follows its `.`"));
            }
            text = after;
        } else if whole.is_empty() {
            return Err(wrong(value, format!("`{rest}` does not begin with a number")));
        }
        let word = text.trim_start();
        let name = word.find(|c: char| !c.is_alphabetic() && c != 'µ').map_or(word, |end| &word[..end]);
        let unit = UNITS.iter().find(|(unit, _)| *unit == name);
        let factor = match unit {
            Some((_, factor)) => *factor,
            None if name.is_empty() && (text.is_empty() || text != word) => 1_000_000,
            None if name.is_empty() => return Err(wrong(value, format!("`{text}` follows a number"))),
            None => {
                let known = UNITS.iter().map(|(unit, _)| *unit);
                return Err(wrong(value, format!("there is no unit `{name}`")).nearest(name, known));
            }
        };
        let number: u128 = if whole.is_empty() { 0 } else { whole.parse().unwrap_or(u128::from(u64::MAX)) };
        sum = sum.saturating_add(number.saturating_mul(factor.into()));
        if sum >= u128::from(u64::MAX) {
            return Err(wrong(value, "it is too long").help("write `infinity`"));
        }
        rest = word[name.len()..].trim_start();
    }
    Ok(())
}

/// Leading digits and what follows.
fn digits(text: &str) -> (&str, &str) {
    text.split_at(text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len()))
}

/// The days of the week, from Monday.
const DAYS: [(&str, &str); 7] = [
    ("monday", "mon"),
    ("tuesday", "tue"),
    ("wednesday", "wed"),
    ("thursday", "thu"),
    ("friday", "fri"),
    ("saturday", "sat"),
    ("sunday", "sun"),
];

/// Those that systemd.time(7) names, and others that systemd knows nevertheless.
const SHORTHANDS: [&str; 13] = [
    "minutely",
    "hourly",
    "daily",
    "weekly",
    "monthly",
    "quarterly",
    "semiannually",
    "yearly",
    "annually",
    "semi-annually",
    "biannually",
    "bi-annually",
    "anually",
];

/// The time zones of Debian 12's tzdata.
fn zones() -> &'static BTreeSet<&'static str> {
    static ZONES: OnceLock<BTreeSet<&str>> = OnceLock::new();
    ZONES.get_or_init(|| include_str!("timezones.txt").lines().collect())
}

/// A place of a calendar event.
struct Field {
    name: &'static str,
    first: u64,
    last: u64,
}

const YEAR: Field = field("year", 1970, 2199);
const MONTH: Field = field("month", 1, 12);
const DAY: Field = field("day of the month", 1, 31);
/// Counted from the end, systemd takes only those that every month has.
const LAST_DAY: Field = field("day before the end of the month", 1, 28);
const HOUR: Field = field("hour", 0, 23);
const MINUTE: Field = field("minute", 0, 59);
/// In microseconds.
const SECOND: Field = field("second", 0, 60 * SECONDS - 1);
const SECONDS: u64 = 1_000_000;

const fn field(name: &'static str, first: u64, last: u64) -> Field {
    Field { name, first, last }
}

/// The numbers from, to, and their distance.
struct Part {
    start: u64,
    stop: Option<u64>,
    repeat: u64,
}

/// Parts of one place; `None`: any.
type Chain = Option<Vec<Part>>;

/// A calendar event.
struct Event {
    days: Option<[bool; 7]>,
    year: Chain,
    month: Chain,
    day: Chain,
    from_the_end: bool,
    /// A word that only some hosts know for a time zone.
    local_zone: Option<String>,
}

impl Event {
    fn parse(value: &str) -> Result<Self, Wrong> {
        let mut event =
            Self { days: None, year: None, month: None, day: None, from_the_end: false, local_zone: None };
        let mut text = value;
        if let Some((before, zone)) = value.rsplit_once(' ') {
            let local = (3..=5).contains(&zone.len()) && zone.bytes().all(|byte| byte.is_ascii_uppercase());
            if zone.eq_ignore_ascii_case("UTC") || zones().contains(zone) {
                text = before;
            } else if local && day_of(zone).is_none() {
                event.local_zone = Some(zone.to_owned());
                text = before;
            }
            if text.ends_with(' ') {
                return Err(wrong(value, format!("more than one space stands before `{zone}`")));
            }
        }
        if SHORTHANDS.contains(&text.to_lowercase().as_str()) {
            return Ok(event);
        }
        if let Some(seconds) = text.strip_prefix('@') {
            if seconds.is_empty() || !seconds.bytes().all(|byte| byte.is_ascii_digit()) {
                return Err(wrong(text, "whole seconds since 1970 follow `@`"));
            }
            return Ok(event);
        }
        let mut words = text.split(' ').filter(|word| !word.is_empty()).peekable();
        let is_shorthand = |word: &&str| SHORTHANDS.contains(&word.to_lowercase().as_str());
        if words.next_if(is_shorthand).is_some()
            && let Some(zone) = words.next()
        {
            return Err(event_is_over(zone, words.next().is_none()));
        }
        if let Some(first) = words.next_if(|word| word.starts_with(|c: char| c.is_alphabetic())) {
            event.days = Some(weekdays(first)?);
        }
        let date = words.next_if(|word| !word.contains(':') && word.contains(['-', '~']));
        if let Some(date) = date {
            event.date(date)?;
        }
        let time = words.next_if(|word| word.starts_with(|c: char| !c.is_alphabetic()));
        if let Some(time) = time {
            clock(time)?;
        }
        if let Some(more) = words.next() {
            return Err(event_is_over(more, words.next().is_none()));
        }
        if event.days.is_none() && date.is_none() && time.is_none() {
            return Err(wrong(value, "it says no time"));
        }
        Ok(event)
    }

    /// `2030-*-01`, `*-01`, `*-02~1`
    fn date(&mut self, text: &str) -> Result<(), Wrong> {
        let pieces: Vec<&str> = text.split(['-', '~']).collect();
        let (year, month, day) = match pieces.as_slice() {
            [month, day] => ("*", *month, *day),
            [year, month, day] => (*year, *month, *day),
            _ => {
                return Err(wrong(text, "a date is year, month and day").help("write `*-*-01`"));
            }
        };
        let last = text.rfind(['-', '~']).unwrap_or_default();
        if text[..last].contains('~') {
            return Err(wrong(text, "`~` stands only before the day"));
        }
        self.from_the_end = text[last..].starts_with('~');
        self.year = chain(&YEAR, year, false)?;
        self.month = chain(&MONTH, month, false)?;
        self.day = if self.from_the_end { chain(&LAST_DAY, day, true)? } else { chain(&DAY, day, false)? };
        Ok(())
    }

    /// Whether any day of systemd's calendar is one of its days.
    fn comes(&self) -> bool {
        if self.from_the_end {
            return true;
        }
        // 1970 began on a Thursday.
        let mut weekday = 3;
        for year in YEAR.first..=YEAR.last {
            let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
            for month in 1..=12 {
                let length = match month {
                    2 if leap => 29,
                    2 => 28,
                    4 | 6 | 9 | 11 => 30,
                    _ => 31,
                };
                for day in 1..=length {
                    if has(&self.year, year)
                        && has(&self.month, month)
                        && has(&self.day, day)
                        && self.days.is_none_or(|days| days[weekday])
                    {
                        return true;
                    }
                    weekday = (weekday + 1) % 7;
                }
            }
        }
        false
    }
}

fn has(chain: &Chain, number: u64) -> bool {
    chain.as_ref().is_none_or(|parts| {
        parts.iter().any(|part| {
            let within = match part.stop {
                Some(stop) => (part.start..=stop).contains(&number),
                None if part.repeat == 0 => number == part.start,
                None => number >= part.start,
            };
            within && (part.repeat == 0 || (number - part.start).is_multiple_of(part.repeat))
        })
    })
}

/// A word follows the time: the last one may be meant for a time zone.
fn event_is_over(word: &str, last: bool) -> Wrong {
    if last && word.starts_with(|c: char| c.is_alphabetic()) {
        let wrong = wrong(word, format!("there is no time zone `{word}`"));
        return wrong.nearest(word, zones().iter().copied().chain(["UTC"]));
    }
    wrong(word, format!("it is over before `{word}`"))
}

/// The day of the week that a word names.
fn day_of(word: &str) -> Option<usize> {
    let word = word.to_lowercase();
    DAYS.iter().position(|(long, short)| *long == word || *short == word)
}

/// `Mon`, `Mon..Fri`, `Mon,Wed`
fn weekdays(text: &str) -> Result<[bool; 7], Wrong> {
    let mut days = [false; 7];
    let one = |word: &str| {
        day_of(word).ok_or_else(|| {
            let names = DAYS.iter().flat_map(|(long, short)| [*long, *short]);
            if word.is_empty() {
                return wrong(text, "a day of the week is missing");
            }
            // `2` or `*` may stand after a day where a space is missing.
            let wrong = wrong(word, format!("`{word}` is no day of the week"));
            let shorthands = SHORTHANDS.iter().take(9).copied();
            let day = word.to_lowercase();
            match DAYS.iter().find(|(long, short)| day.starts_with(short) && long.starts_with(&day)) {
                Some((_, short)) => wrong.help(format!("did you mean `{short}`?")),
                None if word == text => wrong.nearest(word, shorthands.chain(names)),
                None => wrong.nearest(word, names),
            }
        })
    };
    // A comma at the end is allowed.
    for range in text.strip_suffix(',').unwrap_or(text).split(',') {
        // `-` is the older form of `..`.
        let (first, last) = match range.split_once("..").or_else(|| range.split_once('-')) {
            Some((first, last)) => (one(first)?, one(last)?),
            None => (one(range)?, one(range)?),
        };
        if first > last {
            let wrong = wrong(range, format!("`{range}` goes beyond Sunday, where weeks end"));
            return Err(wrong.help(format!("write `{},{}`", days_between(first, 6), days_between(0, last))));
        }
        days[first..=last].fill(true);
    }
    Ok(days)
}

/// `Mon..Wed`, or `Mon`
fn days_between(first: usize, last: usize) -> String {
    let name = |day: usize| {
        let (initial, rest) = DAYS[day].1.split_at(1);
        initial.to_uppercase() + rest
    };
    if first == last {
        return name(first);
    }
    format!("{}..{}", name(first), name(last))
}

/// `12:00`, `*:0/15:30`
fn clock(text: &str) -> Result<(), Wrong> {
    let pieces: Vec<&str> = text.split(':').collect();
    match pieces.as_slice() {
        [hour, minute] => {
            chain(&HOUR, hour, false)?;
            chain(&MINUTE, minute, false)?;
        }
        [hour, minute, second] => {
            chain(&HOUR, hour, false)?;
            chain(&MINUTE, minute, false)?;
            chain(&SECOND, second, false)?;
        }
        _ => {
            let wrong = wrong(text, format!("`{text}` is neither a date nor a time of the day"));
            return Err(wrong.help("write `04:30` or `04:30:00` for a time, `*-*-01` for a date"));
        }
    }
    Ok(())
}

/// `*`, `1,2`, `1..5`, `0/15`
fn chain(field: &Field, text: &str, from_the_end: bool) -> Result<Chain, Wrong> {
    if text == "*" {
        return Ok(None);
    }
    if let Some(step) = text.strip_prefix("*/") {
        let wrong = wrong(text, "`*` has no steps");
        return Err(wrong.help(format!("write `{}/{step}`", field.first % SECONDS)));
    }
    let parts: Result<Vec<Part>, Wrong> = text
        .split(',')
        .map(|part| {
            let (range, step) = match part.split_once('/') {
                Some((range, step)) => (range, Some(step)),
                None => (part, None),
            };
            let (start, stop) = match range.split_once("..") {
                Some((start, stop)) => (start, Some(stop)),
                None => (range, None),
            };
            let part = Part {
                start: number(field, start, text)?,
                stop: stop.map(|stop| number(field, stop, text)).transpose()?,
                repeat: match (step, stop) {
                    (Some(step), _) => decimal(field, step).ok_or_else(|| {
                        let shown = if step.is_empty() { "nothing".into() } else { format!("`{step}`") };
                        wrong(text, format!("{shown} is no step"))
                    })?,
                    (None, Some(_)) => unit(field),
                    (None, None) => 0,
                },
            };
            if step.is_some() && part.repeat == 0 {
                return Err(wrong(text, "a step of 0 leads nowhere"));
            }
            if let Some(stop) = part.stop.filter(|stop| *stop < part.start) {
                let (start, stop) = (part.start / unit(field), stop / unit(field));
                return Err(wrong(text, format!("{start} is after {stop}")));
            }
            let fits = match (part.stop, from_the_end) {
                (Some(_), _) => true,
                (None, true) => part.start >= field.first + part.repeat,
                (None, false) => part.start + part.repeat <= field.last,
            };
            if !fits || part.stop.is_none() && part.repeat > field.last - field.first {
                let step = step.unwrap_or_default();
                return Err(wrong(text, format!("no {} is {step} after the first", field.name)));
            }
            Ok(part)
        })
        .collect();
    parts.map(Some)
}

fn unit(field: &Field) -> u64 {
    if field.last > SECONDS { SECONDS } else { 1 }
}

/// A number that the field has.
fn number(field: &Field, text: &str, whole: &str) -> Result<u64, Wrong> {
    let Some(number) = decimal(field, text) else {
        let shown = if text.is_empty() { "nothing".into() } else { format!("`{text}`") };
        return Err(wrong(whole, format!("{shown} is no {}", field.name)));
    };
    let number = match number {
        0..=69 if field.first == YEAR.first => number + 2000,
        70..=99 if field.first == YEAR.first => number + 1900,
        number => number,
    };
    if (field.first..=field.last).contains(&number) {
        return Ok(number);
    }
    let (first, last) = (field.first, field.last / unit(field));
    Err(wrong(whole, format!("`{text}` is no {}: it goes from {first} to {last}", field.name)))
}

/// Digits as a number; of seconds, with a fraction, in microseconds.
fn decimal(field: &Field, text: &str) -> Option<u64> {
    let (whole, fraction) = match text.split_once('.') {
        Some((whole, fraction)) if unit(field) > 1 => (whole, fraction),
        _ => (text, "0"),
    };
    let plain = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if !plain(whole) || !plain(fraction) {
        return None;
    }
    let number = whole.parse::<u32>().ok()?;
    let tenths = format!("{fraction:0<7}")[..7].parse::<u64>().ok()?;
    let micros = if unit(field) > 1 { (tenths + 5) / 10 } else { 0 };
    Some(u64::from(number) * unit(field) + micros)
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    const EVENTS: [&str; 78] = [
        "Mon",
        "mon",
        "Monday",
        "Mon,Tue",
        "Mon..Fri",
        "Mon-Fri",
        "Mon,Tue,",
        "Mon,",
        "Mon..Fri,",
        "Mon *-*-*",
        "*-*-1",
        "12:00",
        "*:*",
        "*:0/15",
        "*:5/15",
        "0/2:00",
        "*:*:*",
        "*:*:0/0.5",
        "2003-02..04-05",
        "*-02~01",
        "*~1",
        "*-*~1..3",
        "05~07",
        "weekly",
        "Weekly",
        "WEEKLY",
        "minutely",
        "hourly",
        "daily",
        "monthly",
        "quarterly",
        "semiannually",
        "semi-annually",
        "biannually",
        "yearly",
        "annually",
        "daily UTC",
        "daily Europe/Berlin",
        "12:00 Europe/Berlin",
        "*-*-* 04:00:00 Europe/Berlin",
        "00:00 utc",
        "Mon UTC",
        "00:00 CET",
        "@123",
        "@123 UTC",
        "*-*-* 1..5:00",
        "70-1-1",
        "69-1-1",
        "12-01-01",
        "*-*-01..07 3:00",
        "Mon..Wed,Fri *-*-* 12:00",
        "0..10/3:00",
        "1,2,3:0,30",
        "00:00:00.5",
        "00:00:00.1234567",
        "Mon  00:00",
        "*-*-*  00:00",
        "1-1",
        "1-1 1:00",
        "Mon 1:00 Asia/Tokyo",
        "Sat,Mon..Tue 10:00",
        "00000000000001:00",
        "*~*",
        "*-*~*",
        "*-*~7/1 10:00",
        "Mon *-05~07/1",
        "12:00:00,30",
        "12:00:5..10/2",
        "1..3/7:00",
        "1..3/100:00",
        "5..5:00",
        "5..5/9:00",
        "*-2-29/2",
        "*-*-30/1",
        "20/2-*-1",
        "2000/4-2-29",
        "*-*~28/27",
        "Monday,tuesday..FRIDAY",
    ];

    const NO_EVENTS: [(&str, &str); 72] = [
        ("*", "`*` is neither a date nor a time of the day"),
        ("Fri..Mon", "`Fri..Mon` goes beyond Sunday, where weeks end"),
        ("Mon, Tue", "there is no time zone `Tue`"),
        ("Mon,*-*-*", "`*` is no day of the week"),
        ("1", "`1` is neither a date nor a time of the day"),
        ("12", "`12` is neither a date nor a time of the day"),
        ("12:60", "`60` is no minute: it goes from 0 to 59"),
        ("24:00", "`24` is no hour: it goes from 0 to 23"),
        ("23:59:60", "`60` is no second: it goes from 0 to 59"),
        ("00:00:59.9999999", "`59.9999999` is no second: it goes from 0 to 59"),
        ("*-02~1/7", "no day before the end of the month is 7 after the first"),
        ("*-*~3..1", "3 is after 1"),
        ("12:00 Foo/Bar", "there is no time zone `Foo/Bar`"),
        ("quaterly", "`quaterly` is no day of the week"),
        ("secondly", "`secondly` is no day of the week"),
        ("@1.5", "whole seconds since 1970 follow `@`"),
        ("@abc", "whole seconds since 1970 follow `@`"),
        ("@", "whole seconds since 1970 follow `@`"),
        ("*-*-* 5..1:00", "5 is after 1"),
        ("2012-13-01", "`13` is no month: it goes from 1 to 12"),
        ("2012-1-32", "`32` is no day of the month: it goes from 1 to 31"),
        ("2012-0-1", "`0` is no month: it goes from 1 to 12"),
        ("1960-1-1", "`1960` is no year: it goes from 1970 to 2199"),
        ("2300-1-1", "`2300` is no year: it goes from 1970 to 2199"),
        ("100-1-1", "`100` is no year: it goes from 1970 to 2199"),
        ("Mon*-*-*", "`Mon*` is no day of the week"),
        ("Mon12:00", "`Mon12:00` is no day of the week"),
        ("*-*-*T12:00", "`*-*-*T12` is no hour"),
        ("00:00Z", "`00Z` is no minute"),
        ("00:00 local", "there is no time zone `local`"),
        ("Mon...Wed", "`.Wed` is no day of the week"),
        ("Mon.Wed", "`Mon.Wed` is no day of the week"),
        ("Mon,,Tue", "a day of the week is missing"),
        ("Mon..,Tue", "a day of the week is missing"),
        ("Mon..Wed..Fri", "`Wed..Fri` is no day of the week"),
        (",Mon", "`,Mon` is neither a date nor a time of the day"),
        ("*:00/", "nothing is no step"),
        ("*/2:00", "`*` has no steps"),
        ("*:*/5", "`*` has no steps"),
        ("*-*/2-01", "`*` has no steps"),
        ("*-*-*/2", "`*` has no steps"),
        ("00:00:*/10", "`*` has no steps"),
        ("1,,2:0", "nothing is no hour"),
        ("00 :00", "`00` is neither a date nor a time of the day"),
        ("Mo", "`Mo` is no day of the week"),
        ("Sund", "`Sund` is no day of the week"),
        ("Thurs", "`Thurs` is no day of the week"),
        ("Tues", "`Tues` is no day of the week"),
        ("hourly *", "it is over before `*`"),
        ("*:0/0", "a step of 0 leads nowhere"),
        ("*:0/60", "no minute is 60 after the first"),
        ("*:50/100", "no minute is 100 after the first"),
        ("0/24:00", "no hour is 24 after the first"),
        ("*-1/12-1", "no month is 12 after the first"),
        ("*-*-31/1", "no day of the month is 1 after the first"),
        ("*-*~28/28", "no day before the end of the month is 28 after the first"),
        ("*-*-* *:*:59/2", "no second is 2 after the first"),
        ("1..:00", "nothing is no hour"),
        ("/5", "`/5` is neither a date nor a time of the day"),
        ("+1:00", "`+1` is no hour"),
        ("*-feb-1", "`feb` is no month"),
        ("*-*~31", "`31` is no day before the end of the month: it goes from 1 to 28"),
        ("*-*~00", "`00` is no day before the end of the month: it goes from 1 to 28"),
        ("1-1-1-1", "a date is year, month and day"),
        ("1~1-1", "`~` stands only before the day"),
        ("12:00:5.", "`5.` is no second"),
        ("*:0/7.5", "`7.5` is no step"),
        ("00:00  UTC", "more than one space stands before `UTC`"),
        ("Mon *", "`*` is neither a date nor a time of the day"),
        ("12:00 *-*-*", "it is over before `*-*-*`"),
        ("4294967296:00", "`4294967296` is no hour"),
        ("*-*-* 0:0:0 x y", "it is over before `x`"),
    ];

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
    fn events_are_what_systemd_takes_for_them() {
        for good in EVENTS {
            assert_eq!(calendar(1, "OnCalendar", good).map(|finding| finding.message), None, "{good}");
        }
        for (bad, why) in NO_EVENTS {
            assert_eq!(Event::parse(bad).err().map(|wrong| wrong.why), Some(why.to_owned()), "{bad}");
        }
    }

    #[test]
    fn spans_are_what_systemd_takes_for_them() {
        for good in SPANS {
            assert_eq!(parse_span(good).err().map(|wrong| wrong.why), None, "{good}");
        }
        for (bad, why) in NO_SPANS {
            assert_eq!(parse_span(bad).err().map(|wrong| wrong.why), Some(why.to_owned()), "{bad}");
        }
    }

    /// The tables above, asked of systemd itself where it is that of Debian 12.
    #[test]
    fn systemd_agrees() {
        let version = Command::new("systemd-analyze").arg("--version").output();
        if !version.is_ok_and(|output| output.stdout.starts_with(b"systemd 252 ")) {
            return;
        }
        let takes = |what: &str, text: &str| {
            let asked = Command::new("systemd-analyze").args([what, "--", text]).output();
            asked.is_ok_and(|output| output.status.success())
        };
        let bad =
            |table: &[(&'static str, &str)]| table.iter().map(|(text, _)| (*text, false)).collect::<Vec<_>>();
        let events = EVENTS.map(|text| (text, true)).into_iter().chain(bad(&NO_EVENTS));
        let spans = SPANS.map(|text| (text, true)).into_iter().chain(bad(&NO_SPANS));
        for (text, good) in events {
            assert_eq!(takes("calendar", text), good, "{text}");
        }
        for (text, good) in spans {
            assert_eq!(takes("timespan", text), good, "{text}");
        }
    }

    #[test]
    fn help_says_what_was_meant() {
        for (text, help) in [
            ("quaterly", "did you mean `quarterly`?"),
            ("dayly", "did you mean `daily`?"),
            ("Tues 10:00", "did you mean `tue`?"),
            ("Mon..Firday", "did you mean `friday`?"),
            ("Fri..Mon 10:00", "write `Fri..Sun,Mon`"),
            ("*:*/5", "write `0/5`"),
            ("*-*/3-1", "write `1/3`"),
            ("daily Europe/Berln", "did you mean `Europe/Berlin`?"),
            ("10:00 Europe/Berln", "did you mean `Europe/Berlin`?"),
            ("0 4 * * *", "write `04:30` or `04:30:00` for a time, `*-*-01` for a date"),
        ] {
            let found = calendar(1, "OnCalendar", text).map(|finding| finding.help);
            assert_eq!(found, Some(vec![help.to_owned()]), "{text}");
        }
        let found = span(1, "OnBootSec", "5 minuts").map(|finding| finding.help);
        assert_eq!(found, Some(vec!["did you mean `minutes`?".to_owned()]));
    }

    #[test]
    fn days_that_never_come_are_told() {
        for never in ["*-02-30", "2024-2-30", "Mon 2024-01-02", "2023-02-29", "*-4,6,9,11-31"] {
            let message = calendar(1, "OnCalendar", never).map(|finding| finding.message);
            assert_eq!(message, Some(format!("`{never}` never comes")));
        }
        for comes in ["*-02-29", "Tue 2024-01-02", "*-2,3-30", "Thu 1970-01-01", "Sun *-2-29"] {
            assert_eq!(calendar(1, "OnCalendar", comes).map(|finding| finding.message), None);
        }
    }
}
