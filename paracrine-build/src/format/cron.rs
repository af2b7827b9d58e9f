//! Tables of Debian's cron: `/etc/crontab` and `/etc/cron.d/`, whose lines have a user, and those of users.

use paracrine_model::diagnostic::Code;
use paracrine_model::facet::FileFacet;

use super::entry::{At, Format, Sort};
use super::finding::{Finding, LATE, Look};

pub(super) const FORMAT: Format = Format { reads, about, look };

/// A table of the system, whose lines have a user.
const SYSTEM: Sort = "system";
/// A table of a user.
const USER: Sort = "user";

/// Where the tables of users are.
const OF_USERS: &str = "/var/spool/cron/crontabs/";

fn reads(path: &str) -> Option<Sort> {
    if path == "/etc/crontab" || path.starts_with("/etc/cron.d/") {
        return Some(SYSTEM);
    }
    path.starts_with(OF_USERS).then_some(USER)
}

/// What makes cron pass over a whole file.
fn about(file: &FileFacet<'_>) -> Vec<Finding> {
    if let Some(user) = file.path().as_str().strip_prefix(OF_USERS) {
        return about_users(file, user);
    }
    let mut findings = Vec::new();
    let name = file.path().file_name();
    let plain = name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-'));
    if !plain && file.path().as_str() != "/etc/crontab" {
        let better: String = name.chars().map(|c| if c == '.' { '-' } else { c }).collect();
        findings.push(
            Finding::whole(
                Code::CRON,
                format!(
                    "cron passes over `{}`: its name is not only letters, digits, `_` and `-`",
                    file.path()
                ),
            )
            .help(format!("call it `{better}`")),
        );
    }
    if file.mode().bits() & 0o022 != 0 {
        findings.push(
            Finding::whole(
                Code::CRON,
                format!("cron passes over `{}`: others than its owner can write to it", file.path()),
            )
            .help("give it mode 0o644"),
        );
    }
    if file.owner() != "root" {
        let message = format!("cron passes over `{}`: it does not belong to root", file.path());
        findings.push(Finding::whole(Code::CRON, message).help("leave its owner as it is"));
    }
    findings
}

/// What makes cron pass over the table of a user.
fn about_users(file: &FileFacet<'_>, user: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    if file.mode().bits() != 0o600 {
        let message = format!("cron passes over `{}`: its mode is not 0600", file.path());
        findings.push(Finding::whole(Code::CRON, message).help("add `.mode(0o600)`"));
    }
    if file.owner() != "root" && file.owner() != user {
        let message = format!("cron passes over `{}`: it belongs to neither `{user}` nor root", file.path());
        findings.push(Finding::whole(Code::CRON, message).help(format!("add `.owner(\"{user}\")`")));
    }
    findings
}

/// How many characters of a command or of a variable cron reads.
const LONGEST: usize = 998;

/// What is wrong with a table.
fn look(text: &str, at: At<'_>) -> Look {
    let mut found = Look::default();
    if text.starts_with('\u{feff}') {
        let message = "the file begins with a byte order mark, which cron takes for a part of the first line";
        found.findings.push(wrong(1, "", message).help("save it as UTF-8 without one"));
    }
    let text = text.trim_start_matches('\u{feff}');
    let is_comment = |line: &str| {
        let line = line.trim_start_matches([' ', '\t']);
        line.is_empty() || line.starts_with('#')
    };
    if let Some(last) = text.lines().last().filter(|last| !text.ends_with('\n') && !is_comment(last)) {
        let number = u32::try_from(text.lines().count()).unwrap_or(u32::MAX);
        let message = "the last line has no line break, so cron passes over the whole file";
        found.findings.push(wrong(number, last, message).help("end the file with a line break"));
    }
    for (number, line) in (1u32..).zip(text.split('\n')) {
        if let Some(line) = line.strip_suffix('\r') {
            found.findings.push(wrong(
                number,
                line,
                "the line ends in CR LF, which cron takes for part of the command",
            ));
            break;
        }
        if is_comment(line) {
            continue;
        }
        let line = line.trim_start_matches([' ', '\t']);
        match variable(number, line) {
            Some(findings) => found.findings.extend(findings),
            None => entry(number, line, at.sort == SYSTEM, &mut found),
        }
    }
    found
}

fn wrong(line: u32, word: &str, message: impl Into<String>) -> Finding {
    Finding::error(Code::CRON, line, word, message)
}

/// What is wrong with a line `NAME = value`; `None` where it is none.
fn variable(number: u32, line: &str) -> Option<Vec<Finding>> {
    let (name, after) = match line.strip_prefix(['"', '\'']) {
        Some(rest) => rest.split_once(&line[..1]).filter(|(name, _)| !name.contains('='))?,
        None => line.split_at(line.find(['=', ' ', '\t']).unwrap_or(line.len())),
    };
    let value = after.trim_start_matches([' ', '\t']).strip_prefix('=')?.trim_start_matches([' ', '\t']);
    if value.contains(LATE) {
        return Some(Vec::new());
    }
    let mut findings = Vec::new();
    if value.is_empty() {
        let message = format!("`{name}` has no value, so cron passes over the whole file");
        findings.push(wrong(number, line, message).help(format!("write `{name}=\"\"`")));
    } else if let Some(inner) = value.strip_prefix(['"', '\'']) {
        let quote = &value[..1];
        match inner.split_once(quote) {
            None => {
                let message = format!("a `{quote}` is not closed, so cron passes over the whole file");
                findings.push(wrong(number, value, message));
            }
            Some((_, rest)) if !rest.trim().is_empty() => {
                let rest = rest.trim();
                let message =
                    format!("`{rest}` follows a value in quotes, so cron passes over the whole file");
                findings.push(wrong(number, rest, message).help("comments stand in lines of their own"));
            }
            Some(_) => {}
        }
    }
    if line.len() > LONGEST {
        let message = format!("cron reads only the first {LONGEST} characters of `{name}`");
        findings.push(wrong(number, name, message).warning());
    }
    if name == "CRON_TZ" {
        let message = "Debian's cron does not know `CRON_TZ`: all times are those of the host's time zone";
        let finding = wrong(number, name, message).warning();
        findings.push(
            finding.help("write the times in the host's zone, or use a timer: `OnCalendar=… Europe/Berlin`"),
        );
    }
    Some(findings)
}

const SPECIAL: [&str; 8] =
    ["@reboot", "@yearly", "@annually", "@monthly", "@weekly", "@daily", "@midnight", "@hourly"];

fn entry(number: u32, line: &str, has_user: bool, found: &mut Look) {
    let mut rest = line;
    if line.starts_with('@') {
        let special = word(&mut rest);
        if !SPECIAL.contains(&special) {
            let finding = wrong(number, special, format!("cron does not know `{special}`"));
            found.findings.push(finding.nearest(special, SPECIAL));
            return;
        }
    } else {
        let fields: Vec<&str> = FIELDS.iter().map(|_| word(&mut rest)).collect();
        for (text, field) in fields.iter().zip(&FIELDS) {
            if text.contains(LATE) {
                continue;
            }
            let mut told = Vec::new();
            if let Err(why) = field.check(text, &mut told) {
                let shown = if text.is_empty() { "nothing".into() } else { format!("`{text}`") };
                found.findings.push(
                    wrong(number, text, format!("{shown} is no {}: {why}", field.name)).help(
                        match has_user {
                            true => "minute, hour, day of month, month, day of week, user, command",
                            false => "minute, hour, day of month, month, day of week, command",
                        },
                    ),
                );
                return;
            }
            found.findings.extend(told.into_iter().map(|why| wrong(number, text, why).warning()));
        }
        days(number, &fields, found);
    }
    if !has_user {
        let command = rest.trim_start_matches([' ', '\t']);
        if command.starts_with('*') {
            let finding = wrong(number, command, "a sixth `*` stands where the command belongs");
            found.findings.push(finding.help("cron knows no seconds: leave one out"));
            return;
        }
        long(number, command, found);
        percent(number, command, found);
        return;
    }
    let user = word(&mut rest);
    let command = rest.trim();
    if user.contains(LATE) {
        return;
    }
    let is_name = user.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && user.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.'));
    if !is_name || command.is_empty() {
        let message = match (user, is_name) {
            ("", _) => "the line has neither user nor command".to_owned(),
            (user, true) => format!("no command follows `{user}`, which stands where the user belongs"),
            (user, false) => format!("`{user}` stands where the user belongs"),
        };
        found.findings.push(
            wrong(number, user, message)
                .help("lines of `/etc/cron.d` name the user before the command: `… root /usr/bin/true`"),
        );
        return;
    }
    found.users.push((number, user.to_owned()));
    long(number, rest.trim_start_matches([' ', '\t']), found);
    percent(number, command, found);
}

fn long(number: u32, command: &str, found: &mut Look) {
    if command.len() > LONGEST && !command.contains(LATE) {
        let message =
            format!("the command has more than {LONGEST} characters, so cron passes over the whole file");
        found.findings.push(wrong(number, "", message).help("put it into a script"));
    }
}

/// An unescaped `%` ends the command: what follows is its standard input.
fn percent(number: u32, command: &str, found: &mut Look) {
    let mut escaped = false;
    for c in command.chars() {
        if c == '%' && !escaped {
            found.findings.push(
                wrong(number, "%", "cron ends the command at `%` and gives it the rest as input")
                    .warning()
                    .help("write `\\%` for a percent sign"),
            );
            return;
        }
        escaped = c == '\\' && !escaped;
    }
}

/// Takes the next word.
fn word<'t>(rest: &mut &'t str) -> &'t str {
    let line = rest.trim_start_matches([' ', '\t']);
    let end = line.find([' ', '\t']).unwrap_or(line.len());
    let (word, after) = line.split_at(end);
    *rest = after;
    word
}

struct Field {
    name: &'static str,
    first: u32,
    last: u32,
    names: &'static [&'static str],
}

const FIELDS: [Field; 5] = [
    Field { name: "minute", first: 0, last: 59, names: &[] },
    Field { name: "hour", first: 0, last: 23, names: &[] },
    Field { name: "day of month", first: 1, last: 31, names: &[] },
    Field {
        name: "month",
        first: 1,
        last: 12,
        names: &["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"],
    },
    Field {
        name: "day of week",
        first: 0,
        last: 7,
        names: &["sun", "mon", "tue", "wed", "thu", "fri", "sat"],
    },
];

impl Field {
    /// Whether a list of ranges is one of this field; what cron takes otherwise than it looks is told.
    fn check(&self, text: &str, told: &mut Vec<String>) -> Result<(), String> {
        if text.is_empty() {
            return Err("the line ends before it".into());
        }
        for range in text.split(',') {
            let (range, rest) = self.cut(range);
            if !rest.is_empty() {
                told.push(format!("cron passes over `{rest}` and takes `{range}` as the {}", self.name));
            }
            self.range(range)?;
            if let Some((of, step)) = range.split_once('/') {
                let span = match of.split_once('-') {
                    Some((first, last)) => self.number(last)? - self.number(first)?,
                    None => self.last - self.first,
                };
                if let Ok(step) = step.parse::<u32>()
                    && step > span
                {
                    told.push(format!("`{range}` is only one {}: no other is {step} after it", self.name));
                }
            }
        }
        Ok(())
    }

    /// A range, and what cron passes over after it.
    fn cut<'t>(&self, text: &'t str) -> (&'t str, &'t str) {
        let word = |text: &str| text.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(text.len());
        let mut end = if text.starts_with('*') { 1 } else { word(text) };
        if end == 0 {
            return (text, "");
        }
        for sign in ['-', '/'] {
            if text[end..].starts_with(sign) && !(sign == '-' && text.starts_with('*')) {
                end += 1 + word(&text[end + 1..]);
            }
        }
        text.split_at(end)
    }

    /// First and last of a range.
    fn range(&self, text: &str) -> Result<(u32, u32), String> {
        let (range, step) = match text.split_once('/') {
            Some((range, step)) => (range, Some(step)),
            None => (text, None),
        };
        let bounds = match range.split_once('-') {
            _ if range == "*" => (self.first, self.last),
            None => {
                let only = self.number(range)?;
                if step.is_some() {
                    let last = self.last;
                    return Err(format!(
                        "a step needs a range: write `{only}-{last}/{}`",
                        step.unwrap_or_default()
                    ));
                }
                (only, only)
            }
            Some((first, last)) => (self.number(first)?, self.number(last)?),
        };
        if bounds.0 > bounds.1 {
            return Err(format!("{} is after {}", bounds.0, bounds.1));
        }
        if let Some(step) = step
            && !step.parse().is_ok_and(|step: u32| step > 0)
        {
            return Err(format!("`{step}` is no step"));
        }
        Ok(bounds)
    }

    fn number(&self, text: &str) -> Result<u32, String> {
        let folded = text.to_lowercase();
        if let Some(at) = self.names.iter().position(|name| *name == folded) {
            return Ok(u32::try_from(at).unwrap_or_default() + self.first);
        }
        match text.parse() {
            Ok(number) if (self.first..=self.last).contains(&number) && !text.starts_with('+') => Ok(number),
            Ok(_) | Err(_) if text.bytes().all(|byte| byte.is_ascii_digit()) && !text.is_empty() => {
                Err(format!("it goes from {} to {}", self.first, self.last))
            }
            _ => Err(format!("`{text}` is no number")),
        }
    }

    /// The numbers that a valid list holds.
    fn numbers(&self, text: &str) -> Vec<u32> {
        text.split(',')
            .filter_map(|range| self.range(self.cut(range).0).ok())
            .flat_map(|(first, last)| first..=last)
            .collect()
    }
}

/// Days that never come, and days that come oftener than they look.
fn days(number: u32, fields: &[&str], found: &mut Look) {
    let [_, _, day, month, weekday] = fields else {
        return;
    };
    if [day, month, weekday].iter().any(|field| field.contains(LATE)) {
        return;
    }
    const LENGTHS: [u32; 12] = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let shortest = FIELDS[2].numbers(day).into_iter().min().unwrap_or(1);
    let longest =
        FIELDS[3].numbers(month).iter().map(|month| LENGTHS[*month as usize - 1]).max().unwrap_or(31);
    if shortest > longest && weekday.starts_with('*') {
        found.findings.push(wrong(number, day, format!("day {shortest} never comes in month {month}")));
    }
    // Debian's cron: only a field that begins with `*` leaves the choice to the other one.
    if !day.starts_with('*') && !weekday.starts_with('*') {
        found.findings.push(
            wrong(
                number,
                weekday,
                "cron runs this on the days of the month and also on the days of the week",
            )
            .warning()
            .help("to run it only when both are right, test one of them in the command"),
        );
    }
}

#[cfg(test)]
mod tests;
