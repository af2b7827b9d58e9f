//! Keys that may log in: `authorized_keys` of a home, and `/etc/ssh/authorized_keys.d/`. sshd passes over what it does not
//! understand, and the key's owner stays outside.

use paracrine_model::diagnostic::{Code, nearest};
use paracrine_model::facet::FileFacet;
use paracrine_model::public_key::{Flaw, KeyType, TYPES};

use super::entry::{Format, ONLY, Sort};
use super::finding::{Finding, LATE, Look};

pub(super) const FORMAT: Format = Format { reads, about, look: |text, _| look(text) };

fn reads(path: &str) -> Option<Sort> {
    let (directory, name) = path.rsplit_once('/')?;
    let of_home = directory.ends_with("/.ssh") && matches!(name, "authorized_keys" | "authorized_keys2");
    (directory == "/etc/ssh/authorized_keys.d" || of_home).then_some(ONLY)
}

/// The user whose home the file is in, as far as the path tells.
fn user_of(path: &str) -> Option<&str> {
    match path.strip_prefix("/home/") {
        Some(rest) => rest.split_once("/.ssh/").map(|(user, _)| user).filter(|user| !user.contains('/')),
        None => path.starts_with("/root/.ssh/").then_some("root"),
    }
}

/// What makes sshd pass over the whole file.
fn about(file: &FileFacet<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    let (owner, group, mode) = (file.owner(), file.group(), file.mode().bits());
    let user = user_of(file.path().as_str());
    // Debian's sshd lets a user's own group write.
    let own_group = user.is_some_and(|user| user == group);
    if mode & 0o002 != 0 || mode & 0o020 != 0 && !own_group {
        let message = format!("sshd passes over `{}`: others than its owner can write to it", file.path());
        findings.push(Finding::whole(Code::AUTHORIZED_KEYS, message).help("give it mode 0o600"));
    }
    let Some(user) = user else {
        return findings;
    };
    if owner != "root" && owner != user {
        let message = format!("sshd passes over `{}`: it belongs to neither `{user}` nor root", file.path());
        findings
            .push(Finding::whole(Code::AUTHORIZED_KEYS, message).help(format!("add `.owner(\"{user}\")`")));
    } else if owner != user && mode & 0o004 == 0 && !(own_group && mode & 0o040 != 0) {
        let message = format!("`{user}`, as whom sshd reads `{}`, cannot read it", file.path());
        findings
            .push(Finding::whole(Code::AUTHORIZED_KEYS, message).help(format!("add `.owner(\"{user}\")`")));
    }
    findings
}

/// What is wrong with the content.
fn look(text: &str) -> Look {
    let mut found = Look::default();
    for (number, line) in (1u32..).zip(text.lines()) {
        let line = line.trim();
        if let Some(rest) = line.strip_prefix('\u{feff}') {
            // Of a comment or an empty line, nothing is lost.
            if !rest.is_empty() && !rest.starts_with('#') {
                let message = "the line begins with a byte order mark, so sshd passes over its key";
                found.findings.push(wrong(number, "", message).help("save the file as UTF-8 without one"));
            }
            continue;
        }
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        if let Some(finding) = other_format(number, line) {
            // What follows is of the other format too.
            found.findings.push(finding);
            break;
        }
        found.findings.extend(entry(number, line));
    }
    found
}

fn wrong(line: u32, word: &str, message: impl Into<String>) -> Finding {
    Finding::error(Code::AUTHORIZED_KEYS, line, word, message)
}

/// Keys that are no lines of this file.
fn other_format(number: u32, line: &str) -> Option<Finding> {
    let public = "write the line of its public key, from the file that ends in `.pub`, and make a new key if others \
                  may have seen this one";
    if line.starts_with("-----BEGIN ") && line.contains("PRIVATE KEY")
        || line.starts_with("PuTTY-User-Key-File")
    {
        return Some(wrong(number, line, "this is a private key, which never leaves its owner").help(public));
    }
    if line.starts_with("---- BEGIN SSH2 PUBLIC KEY") {
        let message = "this is a public key in the format of RFC 4716, which sshd does not read here";
        return Some(wrong(number, line, message).help("convert it: `ssh-keygen -i -f FILE`"));
    }
    if line.starts_with("-----BEGIN ") {
        let message = "this is PEM, which sshd does not read here";
        return Some(
            wrong(number, line, message)
                .help("write a line as `ssh-keygen -y` prints it: `ssh-ed25519 AAAA…`"),
        );
    }
    None
}

/// The type that a word names; sshd takes names of signatures for the type of their keys.
fn type_of(word: &str) -> Option<&'static KeyType> {
    KeyType::named(match word {
        "rsa-sha2-256" | "rsa-sha2-512" => "ssh-rsa",
        word => word,
    })
}

/// What is wrong with a line.
fn entry(number: u32, line: &str) -> Option<Finding> {
    let (first, rest) = word(line);
    if let Some(kind) = type_of(first) {
        return key(number, kind, first, rest);
    }
    if first == LATE.to_string() || first.contains(LATE) && !first.contains(['=', ',']) {
        return None;
    }
    // No option looks like the first bytes of a key.
    if first.starts_with("AAAA") {
        let message = "no type of key stands before the key";
        return Some(wrong(number, first, message).help(match KeyType::within(first) {
            Some(KeyType { name, .. }) => format!("write `{name}` before it"),
            None => "copy the line again, whole".into(),
        }));
    }
    let names = || TYPES.iter().map(|known| known.name);
    let unknown = |word: &str| {
        let finding = wrong(number, word, format!("sshd knows no type of key `{word}`"));
        let finding = finding.nearest(word, names());
        match finding.help.is_empty() {
            true => {
                finding.help("write the line as it is in the file that ends in `.pub`: `ssh-ed25519 AAAA…`")
            }
            false => finding,
        }
    };
    let (next, _) = word(rest);
    if next.starts_with("AAAA") || !first.contains(['=', '"', ',']) && nearest(first, names()).is_some() {
        return Some(unknown(first));
    }
    let (options, rest) = match options(line) {
        Ok(split) => split,
        Err(unclosed) => {
            let finding = wrong(number, unclosed, "a `\"` of the options is not closed");
            return Some(finding.help("the key is never reached; write `\\\"` for a quote within quotes"));
        }
    };
    let (name, after) = word(rest);
    let late = options.contains(LATE);
    let key = match type_of(name) {
        _ if late && (name.is_empty() || name.contains(LATE)) => None,
        Some(kind) => key(number, kind, name, after),
        None if name.contains(LATE) => None,
        None if name.is_empty() => {
            let finding = wrong(number, line, "the line has no key");
            return Some(
                finding.help("write a line as it is in a file that ends in `.pub`: `ssh-ed25519 AAAA…`"),
            );
        }
        // More than one word before the key, or no key at all.
        None if options.ends_with(',') => {
            return Some(
                wrong(number, options, "a space stands within the options")
                    .help("leave out the space after the `,`"),
            );
        }
        None => Some(unknown(name)),
    };
    option(number, options).or(key)
}

/// The first word, and what follows.
fn word(text: &str) -> (&str, &str) {
    let text = text.trim_start_matches([' ', '\t']);
    text.split_at(text.find([' ', '\t']).unwrap_or(text.len()))
}

/// The options at the start of a line, and what follows; spaces in quotes belong to them.
fn options(line: &str) -> Result<(&str, &str), &str> {
    let mut quote = None;
    let mut before = ' ';
    for (at, c) in line.char_indices() {
        match c {
            '"' if before == '\\' => {}
            '"' => quote = if quote.is_some() { None } else { Some(at) },
            ' ' | '\t' if quote.is_none() => return Ok(line.split_at(at)),
            _ => {}
        }
        before = c;
    }
    match quote {
        Some(at) => Err(line[at..].split(LATE).next().unwrap_or_default()),
        None => Ok((line, "")),
    }
}

/// Options that are words, of which most may begin with `no-`.
const FLAGS: [&str; 16] = [
    "agent-forwarding",
    "no-agent-forwarding",
    "port-forwarding",
    "no-port-forwarding",
    "X11-forwarding",
    "no-X11-forwarding",
    "pty",
    "no-pty",
    "user-rc",
    "no-user-rc",
    "touch-required",
    "no-touch-required",
    "verify-required",
    "no-verify-required",
    "cert-authority",
    "restrict",
];

/// Options with a quoted value.
const VALUES: [&str; 8] =
    ["command", "environment", "expiry-time", "from", "permitlisten", "permitopen", "principals", "tunnel"];

/// What is wrong with the options.
fn option(number: u32, options: &str) -> Option<Finding> {
    let mut rest = options;
    let mut once = Vec::new();
    loop {
        // sshd passes over empty options.
        rest = rest.trim_start_matches(',');
        if rest.is_empty() {
            return None;
        }
        let end = rest.find([',', '=']).unwrap_or(rest.len());
        let (name, after) = rest.split_at(end);
        let is = |known: &str| known.eq_ignore_ascii_case(name);
        if name.contains(LATE) {
            return None;
        }
        if name.is_empty() {
            return Some(wrong(number, options, "no option stands before a `=`"));
        }
        let flag = FLAGS.iter().any(|known| is(known));
        let value = VALUES.iter().any(|known| is(known));
        if !flag && !value {
            let finding = wrong(number, name, format!("sshd knows no option `{name}`"));
            let finding = finding.nearest(name, FLAGS.into_iter().chain(VALUES));
            return Some(finding.help("sshd passes over the key"));
        }
        rest = match (after.strip_prefix('='), flag) {
            (Some(_), true) => {
                return Some(
                    wrong(number, name, format!("the option `{name}` has no value"))
                        .help("leave out the `=`"),
                );
            }
            (None, true) => after,
            (None, false) => {
                let finding = wrong(number, name, format!("the option `{name}` wants a value"));
                return Some(finding.help(format!("write `{name}=\"…\"`")));
            }
            (Some(quoted), false) => {
                let folded = name.to_lowercase();
                if once.contains(&folded) {
                    let finding = wrong(number, name, format!("the option `{name}` stands twice"));
                    return Some(finding.help("sshd passes over the key"));
                }
                if ["command", "from", "principals"].contains(&folded.as_str()) {
                    once.push(folded);
                }
                if quoted.starts_with(LATE) {
                    return None;
                }
                let Some(inner) = quoted.strip_prefix('"') else {
                    let finding = wrong(number, name, format!("the value of `{name}` stands without quotes"));
                    return Some(finding.help(format!("write `{name}=\"…\"`")));
                };
                let mut before = '"';
                let close = inner.char_indices().find(|(_, c)| {
                    let found = *c == '"' && before != '\\';
                    before = *c;
                    found
                });
                let close = close.map_or(inner.len(), |(at, _)| at);
                if let Some(finding) = value_of(number, name, &inner[..close]) {
                    return Some(finding);
                }
                inner.get(close + 1..).unwrap_or_default()
            }
        };
        // A comma at the end is allowed.
        if matches!(rest, "" | ",") || rest.starts_with(LATE) {
            return None;
        }
        let Some(next) = rest.strip_prefix(',') else {
            return Some(wrong(number, rest, format!("`{rest}` follows an option without a `,`")));
        };
        rest = next;
    }
}

/// What is wrong with the value of an option.
fn value_of(number: u32, name: &str, value: &str) -> Option<Finding> {
    if value.contains(LATE) {
        return None;
    }
    match name.to_lowercase().as_str() {
        "environment" => {
            let is_name =
                |name: &str| !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
            let fits = value.split_once('=').is_some_and(|(name, _)| is_name(name));
            (!fits).then(|| wrong(number, value, format!("`environment` wants `NAME=value`, not `{value}`")))
        }
        "expiry-time" => {
            let date = value.strip_suffix('Z').unwrap_or(value);
            let digits = matches!(date.len(), 8 | 12 | 14) && date.bytes().all(|byte| byte.is_ascii_digit());
            let within = |from: usize, last: u32| {
                date.get(from..from + 2)
                    .is_none_or(|number| number.parse().is_ok_and(|number: u32| number <= last))
            };
            let fits = digits
                && within(4, 12)
                && within(6, 31)
                && within(8, 23)
                && within(10, 59)
                && !date[4..8].contains("00");
            (!fits).then(|| {
                wrong(number, value, format!("`expiry-time` cannot be `{value}`"))
                    .help("write `YYYYMMDD` or `YYYYMMDDHHMM`")
            })
        }
        "from" | "principals" if value.is_empty() => {
            Some(wrong(number, name, format!("`{name}` is empty, so the key is good for nobody")))
        }
        "tunnel" if value != "any" && value.parse::<u32>().is_err() => {
            let finding = wrong(number, value, format!("`tunnel` cannot be `{value}`"));
            Some(finding.help("write `any`, or the number of a device"))
        }
        "permitopen" if !value.contains(':') => {
            let finding = wrong(number, value, format!("`permitopen` wants `host:port`, not `{value}`"));
            Some(finding)
        }
        folded @ ("permitopen" | "permitlisten") => {
            let (_, port) = value.rsplit_once(':').unwrap_or(("", value));
            // Services have names too.
            let named = folded == "permitopen" && port.starts_with(|c: char| c.is_ascii_alphabetic());
            let fits = port == "*" || named || port.parse::<u16>().is_ok_and(|port| port > 0);
            (!fits).then(|| {
                wrong(number, value, format!("`{folded}` cannot be `{value}`: `{port}` is no port"))
                    .help("ports go from 1 to 65535; `*` is any")
            })
        }
        _ => None,
    }
}

/// What is wrong with a key of this type.
fn key(number: u32, of: &KeyType, written: &str, rest: &str) -> Option<Finding> {
    let (body, _) = word(rest);
    if body.contains(LATE) {
        return None;
    }
    let again = "copy the line again, whole, from the file that ends in `.pub`";
    if body.is_empty() {
        return Some(wrong(number, written, format!("no key follows `{written}`")).help(again));
    }
    let flaw = match of.read(body) {
        Ok(strings) => return weak(number, of.name, &strings, written, body),
        Err(Flaw::OfType(other)) => {
            let finding = wrong(number, written, format!("the key is of type `{other}`, not `{written}`"));
            return Some(finding.help(format!("write `{other}` before it")));
        }
        Err(flaw) => flaw,
    };
    let message = match flaw {
        Flaw::NotBase64 => "the key is not base64, or cut off".to_owned(),
        Flaw::CutOff => "the key is cut off".to_owned(),
        Flaw::OfNoType | Flaw::OfType(_) => format!("the key is not of type `{written}`"),
        Flaw::NotWhole => format!("the key is no whole key of type `{written}`"),
    };
    Some(wrong(number, body, message).help(again))
}

/// What sshd has against a whole key.
fn weak(number: u32, name: &str, strings: &[Vec<u8>], written: &str, body: &str) -> Option<Finding> {
    match (name, strings) {
        // A sign may stand before the number.
        ("ssh-rsa", [_, modulus]) if modulus.len() < 128 => {
            let finding = wrong(number, body, "sshd refuses keys of RSA with fewer than 1024 bits");
            Some(finding.help("make a new one: `ssh-keygen -t ed25519`"))
        }
        ("ssh-dss", _) => {
            let finding = wrong(number, written, "sshd no longer takes keys of type `ssh-dss`");
            Some(finding.warning().help("make a new one: `ssh-keygen -t ed25519`"))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests;
