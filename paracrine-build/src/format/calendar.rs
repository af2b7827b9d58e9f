//! Calendar events, as systemd.time(7) has them: when timers elapse.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use paracrine_model::deployment::Os;
use paracrine_model::diagnostic::Code;

use super::finding::{Finding, Unfit};

/// What is wrong with a calendar event, if anything is.
pub(super) fn check(line: u32, key: &str, value: &str, os: Os) -> Option<Finding> {
    let event = match Event::parse(value) {
        Ok(event) => event,
        Err(unfit) => {
            let message = format!("`{key}` cannot be `{value}`: {}", unfit.why);
            let finding = Finding::error(Code::TIME, line, &unfit.piece, message);
            let usual = "write `Mon..Fri *-*-* 04:30:00`, `*:0/15`, or `daily`";
            return Some(finding.help(unfit.help.unwrap_or_else(|| usual.into())));
        }
    };
    if !event.comes() {
        let message = format!("`{value}` never comes");
        return Some(Finding::error(Code::TIME, line, value, message));
    }
    let zone = event.zone?;
    let message = match zones().get(zone.as_str()) {
        None => format!("`{zone}` is known only on hosts that are in this time zone"),
        Some(Zone::Legacy) if os == Os::Debian13 => {
            format!("`{zone}` is known on Debian 13 only where the package `tzdata-legacy` is installed")
        }
        Some(_) => return None,
    };
    let finding = Finding::error(Code::TIME, line, &zone, message).warning();
    Some(finding.help("write it like `Europe/Berlin`, or `UTC`"))
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

/// Where a time zone is known.
enum Zone {
    /// On every Debian.
    Usual,
    /// An old name: Debian 13 has it in a package of its own.
    Legacy,
}

/// The time zones of Debian's tzdata.
fn zones() -> &'static BTreeMap<&'static str, Zone> {
    static ZONES: OnceLock<BTreeMap<&str, Zone>> = OnceLock::new();
    let zone = |line: &'static str| match line.strip_suffix(" legacy") {
        Some(name) => (name, Zone::Legacy),
        None => (line, Zone::Usual),
    };
    ZONES.get_or_init(|| include_str!("calendar/timezones.txt").lines().map(zone).collect())
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
    /// A time zone other than UTC; where it is none of [`zones`], only some hosts know it.
    zone: Option<String>,
}

impl Event {
    fn parse(value: &str) -> Result<Self, Unfit> {
        let mut event =
            Self { days: None, year: None, month: None, day: None, from_the_end: false, zone: None };
        let mut text = value;
        if let Some((before, zone)) = value.rsplit_once(' ') {
            let local = (3..=5).contains(&zone.len()) && zone.bytes().all(|byte| byte.is_ascii_uppercase());
            if zone.eq_ignore_ascii_case("UTC") {
                text = before;
            } else if zones().contains_key(zone) || local && day_of(zone).is_none() {
                event.zone = Some(zone.to_owned());
                text = before;
            }
            if text.ends_with(' ') {
                return Err(Unfit::new(value, format!("more than one space stands before `{zone}`")));
            }
        }
        if SHORTHANDS.contains(&text.to_lowercase().as_str()) {
            return Ok(event);
        }
        if let Some(seconds) = text.strip_prefix('@') {
            if seconds.is_empty() || !seconds.bytes().all(|byte| byte.is_ascii_digit()) {
                return Err(Unfit::new(text, "whole seconds since 1970 follow `@`"));
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
            return Err(Unfit::new(value, "it says no time"));
        }
        Ok(event)
    }

    /// `2030-*-01`, `*-01`, `*-02~1`
    fn date(&mut self, text: &str) -> Result<(), Unfit> {
        let pieces: Vec<&str> = text.split(['-', '~']).collect();
        let (year, month, day) = match pieces.as_slice() {
            [month, day] => ("*", *month, *day),
            [year, month, day] => (*year, *month, *day),
            _ => {
                return Err(Unfit::new(text, "a date is year, month and day").help("write `*-*-01`"));
            }
        };
        let last = text.rfind(['-', '~']).unwrap_or_default();
        if text[..last].contains('~') {
            return Err(Unfit::new(text, "`~` stands only before the day"));
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
fn event_is_over(word: &str, last: bool) -> Unfit {
    if last && word.starts_with(|c: char| c.is_alphabetic()) {
        let wrong = Unfit::new(word, format!("there is no time zone `{word}`"));
        return wrong.nearest(word, zones().keys().copied().chain(["UTC"]));
    }
    Unfit::new(word, format!("it is over before `{word}`"))
}

/// The day of the week that a word names.
fn day_of(word: &str) -> Option<usize> {
    let word = word.to_lowercase();
    DAYS.iter().position(|(long, short)| *long == word || *short == word)
}

/// `Mon`, `Mon..Fri`, `Mon,Wed`
fn weekdays(text: &str) -> Result<[bool; 7], Unfit> {
    let mut days = [false; 7];
    let one = |word: &str| {
        day_of(word).ok_or_else(|| {
            let names = DAYS.iter().flat_map(|(long, short)| [*long, *short]);
            if word.is_empty() {
                return Unfit::new(text, "a day of the week is missing");
            }
            // `2` or `*` may stand after a day where a space is missing.
            let wrong = Unfit::new(word, format!("`{word}` is no day of the week"));
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
            let wrong = Unfit::new(range, format!("`{range}` goes beyond Sunday, where weeks end"));
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
fn clock(text: &str) -> Result<(), Unfit> {
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
            let wrong = Unfit::new(text, format!("`{text}` is neither a date nor a time of the day"));
            return Err(wrong.help("write `04:30` or `04:30:00` for a time, `*-*-01` for a date"));
        }
    }
    Ok(())
}

/// `*`, `1,2`, `1..5`, `0/15`
fn chain(field: &Field, text: &str, from_the_end: bool) -> Result<Chain, Unfit> {
    if text == "*" {
        return Ok(None);
    }
    if let Some(step) = text.strip_prefix("*/") {
        let wrong = Unfit::new(text, "`*` has no steps");
        return Err(wrong.help(format!("write `{}/{step}`", field.first % SECONDS)));
    }
    let parts: Result<Vec<Part>, Unfit> = text
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
                        Unfit::new(text, format!("{shown} is no step"))
                    })?,
                    (None, Some(_)) => unit(field),
                    (None, None) => 0,
                },
            };
            if step.is_some() && part.repeat == 0 {
                return Err(Unfit::new(text, "a step of 0 leads nowhere"));
            }
            if let Some(stop) = part.stop.filter(|stop| *stop < part.start) {
                let (start, stop) = (part.start / unit(field), stop / unit(field));
                return Err(Unfit::new(text, format!("{start} is after {stop}")));
            }
            let fits = match (part.stop, from_the_end) {
                (Some(_), _) => true,
                (None, true) => part.start >= field.first + part.repeat,
                (None, false) => part.start + part.repeat <= field.last,
            };
            if !fits || part.stop.is_none() && part.repeat > field.last - field.first {
                let step = step.unwrap_or_default();
                return Err(Unfit::new(text, format!("no {} is {step} after the first", field.name)));
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
fn number(field: &Field, text: &str, whole: &str) -> Result<u64, Unfit> {
    let Some(number) = decimal(field, text) else {
        let shown = if text.is_empty() { "nothing".into() } else { format!("`{text}`") };
        return Err(Unfit::new(whole, format!("{shown} is no {}", field.name)));
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
    Err(Unfit::new(whole, format!("`{text}` is no {}: it goes from {first} to {last}", field.name)))
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
mod tests;
