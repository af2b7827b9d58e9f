//! Rules, and the lists that rules and aliases are made of.

use std::collections::BTreeSet;

use paracrine_model::deployment::Os;

use super::super::finding::Finding;
use super::cursor::Cursor;
use super::{Aliases, Kind, is_alias};

const TAGS: [&str; 16] = [
    "EXEC",
    "NOEXEC",
    "FOLLOW",
    "NOFOLLOW",
    "INTERCEPT",
    "NOINTERCEPT",
    "LOG_INPUT",
    "NOLOG_INPUT",
    "LOG_OUTPUT",
    "NOLOG_OUTPUT",
    "MAIL",
    "NOMAIL",
    "PASSWD",
    "NOPASSWD",
    "SETENV",
    "NOSETENV",
];

/// What stands with a `=` before a command.
const OPTIONS: [&str; 10] = [
    "APPARMOR_PROFILE",
    "CHROOT",
    "CWD",
    "LIMITPRIVS",
    "NOTAFTER",
    "NOTBEFORE",
    "PRIVS",
    "ROLE",
    "TIMEOUT",
    "TYPE",
];

/// Where commands stand.
#[derive(Clone, Copy, PartialEq, Eq)]
enum In {
    Rule,
    Alias,
    Defaults,
}

/// A line that is being read.
pub(super) struct Rule<'t> {
    pub(super) cursor: Cursor<'t>,
    os: Os,
    /// The aliases that it uses.
    uses: Vec<(Kind, &'t str, Finding)>,
    warnings: Vec<Finding>,
}

impl<'t> Rule<'t> {
    pub(super) fn new(cursor: Cursor<'t>, os: Os) -> Self {
        Self { cursor, os, uses: Vec::new(), warnings: Vec::new() }
    }

    /// `who host = (as whom) TAG: command, … : host = …`
    pub(super) fn read(&mut self) -> Result<(), Finding> {
        let line = self.cursor.rest();
        let first = line.split_whitespace().next().unwrap_or_default();
        self.list(Kind::User)?;
        if self.cursor.rest().starts_with('=') {
            let who = line.split('=').next().unwrap_or_default().trim();
            let finding = self.cursor.wrong(who, format!("`{who}` says who, but not on which host"));
            return Err(finding.help(format!("write `{who} ALL = …`")));
        }
        loop {
            let is_rule = !self.cursor.is_at_end() && {
                self.list(Kind::Host)?;
                self.cursor.take("=")
            };
            if !is_rule {
                let rest = self.cursor.rest();
                if !rest.is_empty() && rest.contains('=') {
                    return Err(self.unexpected());
                }
                let finding = self.cursor.wrong(first, "the line is no rule: it has no `=`");
                return Err(finding.help("write `user host = (as) command`"));
            }
            if self.cursor.is_at_end() {
                let who = line.split('=').next().unwrap_or_default().trim();
                let finding = self.cursor.wrong(who, "the rule allows no command");
                return Err(finding.help("write one after the `=`"));
            }
            self.commands(In::Rule)?;
            if self.cursor.is_at_end() {
                return Ok(());
            }
            if !self.cursor.take(":") {
                return Err(self.unexpected());
            }
            let rest = self.cursor.rest();
            if !rest.contains('=') || rest.starts_with('/') {
                let finding =
                    self.cursor.wrong(":", "a `:` ends the command, and a rule for another host begins");
                return Err(finding.help("within a command, write `\\:`"));
            }
        }
    }

    /// Whom, where or what settings are for, behind `Defaults`.
    pub(super) fn bound(&mut self) -> Result<(), Finding> {
        if self.cursor.is_at_end() {
            return Ok(());
        }
        let sign = self.cursor.skip(1);
        match sign {
            ":" => self.list(Kind::User),
            ">" => self.list(Kind::Runas),
            "@" => self.list(Kind::Host),
            _ => self.commands(In::Defaults),
        }
    }

    /// `NAME = …, … : NAME = …`
    pub(super) fn definitions(
        &mut self,
        kind: Kind,
        word: &str,
        defined: &mut BTreeSet<(Kind, String)>,
    ) -> Result<(), Finding> {
        loop {
            let name = self.cursor.until("= \t,:");
            if !is_alias(name) || !self.cursor.rest().starts_with('=') {
                let finding = self.cursor.wrong(name, format!("`{name}` is no name of an alias"));
                return Err(
                    finding.help(format!("write `{word} NAME = …` with capital letters, digits and `_`"))
                );
            }
            if name == "ALL" || OPTIONS.contains(&name) {
                return Err(self
                    .cursor
                    .wrong(name, format!("`{name}` is a word of sudo's, and no name of an alias")));
            }
            if !defined.insert((kind, name.to_owned())) {
                return Err(self.cursor.wrong(name, format!("alias `{name}` is defined twice")));
            }
            self.cursor.take("=");
            match kind {
                Kind::Command => self.commands(In::Alias)?,
                kind => self.list(kind)?,
            }
            if self.cursor.is_at_end() {
                return Ok(());
            }
            if !self.cursor.take(":") {
                return Err(self.unexpected());
            }
        }
    }

    /// The aliases that no line of the file defines.
    pub(super) fn undefined(self, aliases: &Aliases) -> Vec<Finding> {
        let Self { uses, mut warnings, .. } = self;
        for (kind, name, finding) in uses {
            let known = aliases.get(&kind);
            if !known.is_some_and(|known| known.contains(name)) {
                let names = known.into_iter().flatten().map(String::as_str);
                warnings.push(finding.warning().nearest(name, names));
            }
        }
        warnings
    }

    fn unexpected(&mut self) -> Finding {
        let rest = self.cursor.rest();
        self.cursor.wrong(rest, format!("sudo does not understand `{}`", rest.trim_end()))
    }

    fn uses(&mut self, kind: Kind, name: &'t str) {
        if is_alias(name) && name != "ALL" {
            let message = format!("alias `{name}` is not defined in this file");
            let finding = self.cursor.wrong(name, message);
            self.uses.push((kind, name, finding));
        }
    }

    /// Names, with commas between them.
    fn list(&mut self, kind: Kind) -> Result<(), Finding> {
        loop {
            while self.cursor.take("!") {}
            let rest = self.cursor.rest();
            if kind == Kind::Host
                && let Some(length) = address(rest)
            {
                self.cursor.skip(length);
            } else {
                let signs = ["%:", "%", "+"].into_iter();
                let sign = signs
                    .filter(|sign| kind != Kind::Host || *sign == "+")
                    .find(|sign| rest.starts_with(sign));
                if let Some(sign) = sign {
                    self.cursor.take(sign);
                    let blank = self.cursor.at_blank();
                    let quoted = self.cursor.rest().starts_with('"');
                    let empty = blank || quoted;
                    if empty || self.cursor.word()?.is_none() {
                        let what =
                            if sign == "+" { "a `+` names no netgroup" } else { "a `%` names no group" };
                        let finding = self.cursor.wrong(sign, what);
                        return Err(match quoted {
                            true => finding.help(format!("put the `{sign}` into the quotes")),
                            false => finding,
                        });
                    }
                } else {
                    match self.cursor.word()? {
                        Some(word) => self.uses(kind, word),
                        None => {
                            let rest = self.cursor.rest();
                            if rest.is_empty() {
                                return Err(self
                                    .cursor
                                    .wrong(",", "nothing follows the last `,`")
                                    .help("leave it out"));
                            }
                            return Err(self.unexpected());
                        }
                    }
                }
            }
            if !self.cursor.take(",") {
                return Ok(());
            }
        }
    }

    /// Commands, with commas between them; in rules, with what stands before each.
    fn commands(&mut self, place: In) -> Result<(), Finding> {
        loop {
            if place == In::Rule {
                self.runas()?;
                self.options()?;
                self.tags()?;
            }
            self.digests()?;
            while self.cursor.take("!") {}
            self.command(place)?;
            if !self.cursor.take(",") {
                return Ok(());
            }
            if self.cursor.is_at_end() {
                return Err(self.cursor.wrong(",", "nothing follows the last `,`").help("leave it out"));
            }
        }
    }

    /// `(users:groups)`
    fn runas(&mut self) -> Result<(), Finding> {
        let rest = self.cursor.rest();
        if !rest.starts_with('(') {
            return Ok(());
        }
        if !rest.contains(')') {
            let finding = self.cursor.wrong(rest, "a `(` is not closed");
            return Err(finding.help("write `(user)` or `(user:group)`"));
        }
        self.cursor.take("(");
        if !self.cursor.rest().starts_with([':', ')']) {
            self.list(Kind::Runas)?;
        }
        if self.cursor.take(":") && !self.cursor.rest().starts_with(')') {
            self.list(Kind::Runas)?;
        }
        match self.cursor.take(")") {
            true => Ok(()),
            false => {
                let rest = self.cursor.rest();
                let within = rest.split(')').next().unwrap_or_default();
                let finding = self.cursor.wrong(within, format!("`{within}` follows a name without a `,`"));
                Err(finding.help("write `(user)`, `(user, user)` or `(user:group)`"))
            }
        }
    }

    /// `CWD=/path` and the like.
    fn options(&mut self) -> Result<(), Finding> {
        loop {
            let rest = self.cursor.rest();
            let length = rest.find(|c: char| !c.is_ascii_uppercase() && c != '_').unwrap_or(rest.len());
            let (name, after) = rest.split_at(length);
            if name.is_empty() || !after.trim_start().starts_with('=') {
                return Ok(());
            }
            if !OPTIONS.contains(&name) {
                let finding = self.cursor.wrong(name, format!("sudo does not know the option `{name}`"));
                return Err(finding.nearest(name, OPTIONS));
            }
            if name == "APPARMOR_PROFILE" && self.os != Os::Debian13 {
                let message = format!("sudo of Debian 12 does not know the option `{name}`");
                let finding = self.cursor.wrong(name, message).help("that of Debian 13 does");
                match self.os {
                    Os::Debian => self.warnings.push(finding.warning()),
                    _ => return Err(finding),
                }
            }
            self.cursor.skip(length);
            self.cursor.take("=");
            let value = match self.cursor.rest().starts_with('"') {
                true => self.cursor.word()?.unwrap_or_default(),
                false => self.cursor.until("#=, \t\""),
            };
            if name == "TIMEOUT" && !value.starts_with(|c: char| c.is_ascii_digit()) {
                let finding = self.cursor.wrong(value, format!("`{name}` cannot be `{value}`: it is a time"));
                return Err(finding.help("write seconds, or `10m`, `1h30m`"));
            }
            let digits = value.bytes().take_while(u8::is_ascii_digit).count();
            if matches!(name, "NOTBEFORE" | "NOTAFTER") && digits < 10 {
                let finding = self.cursor.wrong(value, format!("`{name}` cannot be `{value}`: it is a date"));
                return Err(finding.help("write it like `20301231235959Z`"));
            }
        }
    }

    /// `NOPASSWD:` and the like.
    fn tags(&mut self) -> Result<(), Finding> {
        loop {
            let rest = self.cursor.rest();
            let length = rest.find(|c: char| !c.is_ascii_uppercase() && c != '_').unwrap_or(rest.len());
            let (tag, after) = rest.split_at(length);
            let after = after.trim_start();
            if tag.is_empty() {
                return Ok(());
            }
            let Some(after) = after.strip_prefix(':') else {
                if TAGS.contains(&tag) && !after.is_empty() && !after.starts_with(',') {
                    let finding = self.cursor.wrong(tag, format!("the tag `{tag}` has no `:`"));
                    return Err(finding.help(format!("write `{tag}: {}`", after.trim_end())));
                }
                return Ok(());
            };
            if !TAGS.contains(&tag) {
                // `ALL : other_host = …`
                let hosts = after.split('=').next().unwrap_or_default();
                if tag == "ALL" || hosts.len() < after.len() && !hosts.contains('/') {
                    return Ok(());
                }
                let finding = self.cursor.wrong(tag, format!("sudo does not know the tag `{tag}`"));
                return Err(finding.nearest(tag, TAGS));
            }
            self.cursor.take(tag);
            self.cursor.take(":");
            if self.cursor.rest().starts_with('(') {
                let finding =
                    self.cursor.wrong("(", format!("whom a command is run as stands before `{tag}:`"));
                return Err(finding.help(format!("write `(…) {tag}: …`")));
            }
        }
    }

    /// `sha256:…`, several with commas between them.
    fn digests(&mut self) -> Result<(), Finding> {
        loop {
            let rest = self.cursor.rest();
            let kinds = [("sha224", 28_usize), ("sha256", 32), ("sha384", 48), ("sha512", 64)];
            let Some((kind, bytes)) = kinds.into_iter().find(|(kind, _)| {
                rest.strip_prefix(kind).is_some_and(|after| after.trim_start().starts_with(':'))
            }) else {
                return Ok(());
            };
            self.cursor.take(kind);
            self.cursor.take(":");
            let digest = self.cursor.until(", \t");
            let (hex, padded, bare) = (2 * bytes, 4 * bytes.div_ceil(3), (4 * bytes).div_ceil(3));
            if ![hex, padded, bare].contains(&digest.len()) {
                return Err(self.cursor.wrong(digest, format!("`{digest}` is no digest of {kind}")));
            }
            if !self.cursor.take(",") {
                return Ok(());
            }
        }
    }

    /// A command with its arguments, an alias, or `ALL`.
    fn command(&mut self, place: In) -> Result<(), Finding> {
        let rest = self.cursor.rest();
        if let Some(inner) = rest.strip_prefix('^') {
            let mut before = ' ';
            let end = inner.find(|c| {
                let found = c == '$' && before != '\\';
                before = c;
                found
            });
            let Some(end) = end else {
                return Err(self.cursor.wrong(rest, "a regular expression does not end in `$`"));
            };
            self.cursor.skip(end + 2);
            return self.arguments();
        }
        if rest.starts_with('/') {
            let path = self.cursor.until(",:= \t#");
            if path.ends_with("/sudoedit") && self.os != Os::Debian13 {
                let finding = self.cursor.wrong(path, "sudo of Debian 12 wants `sudoedit` without its path");
                return Err(finding.help("write `sudoedit …`"));
            }
            // A directory has no arguments, and a command that settings are for neither.
            let alone = path.ends_with('/') || place == In::Defaults;
            return if alone { Ok(()) } else { self.arguments() };
        }
        let Some(word) = self.cursor.word()? else {
            let rest = self.cursor.rest();
            return Err(match rest.is_empty() || rest.starts_with(',') {
                true => self
                    .cursor
                    .wrong(",", "a command is empty")
                    .help("sudo wants `/usr/bin/…`, `ALL`, or an alias in capital letters"),
                false => self.unexpected(),
            });
        };
        match word {
            "ALL" | "list" => Ok(()),
            "sudoedit" => self.arguments(),
            word if is_alias(word) => {
                self.uses(Kind::Command, word);
                Ok(())
            }
            word => {
                let finding = self.cursor.wrong(word, format!("command `{word}` is no absolute path"));
                Err(finding.help("sudo wants `/usr/bin/…`, `ALL`, or an alias in capital letters"))
            }
        }
    }

    /// All up to the next command.
    fn arguments(&mut self) -> Result<(), Finding> {
        let rest = self.cursor.rest();
        if rest.starts_with('^') {
            let Some(end) = rest.find('$') else {
                let finding = self.cursor.wrong(rest, "a regular expression does not end in `$`");
                return Err(finding.help("write `\\^` for a plain `^`"));
            };
            self.cursor.skip(end + 1);
            return Ok(());
        }
        let arguments = self.cursor.until(",:#");
        // A `:` that is meant for the arguments.
        let after = self.cursor.rest();
        if let Some(next) = after.strip_prefix(':')
            && !arguments.ends_with([' ', '\t'])
            && !arguments.is_empty()
            && next.starts_with(|c: char| !c.is_whitespace())
            && !next.contains('=')
        {
            let finding =
                self.cursor.wrong(":", "a `:` ends the command, and a rule for another host begins");
            return Err(finding.help("within a command, write `\\:`"));
        }
        Ok(())
    }
}

/// How long an address of IPv6 is that a text begins with.
fn address(text: &str) -> Option<usize> {
    let end =
        text.find(|c: char| !c.is_ascii_hexdigit() && !matches!(c, ':' | '.' | '/')).unwrap_or(text.len());
    let address = text[..end].split('/').next()?;
    address.parse::<std::net::Ipv6Addr>().ok().map(|_| end)
}
