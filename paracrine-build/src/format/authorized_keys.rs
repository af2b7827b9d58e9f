//! Keys that may log in: `authorized_keys` of a home, and `/etc/ssh/authorized_keys.d/`. sshd passes over what it does not
//! understand, and the key's owner stays outside.

use paracrine_model::diagnostic::{Code, nearest};
use paracrine_model::facet::FileFacet;

use super::entry::{Format, ONLY, Sort};
use super::finding::{Finding, LATE, Look};

pub(super) const FORMAT: Format = Format { reads, about, look: |text, _, _| look(text) };

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

/// A type of key: its name, how many strings follow it in the blob, and the bytes of the first, where they are fixed.
const TYPES: [(&str, usize, Option<usize>); 16] = [
    ("ssh-ed25519", 1, Some(32)),
    ("ssh-rsa", 2, None),
    ("ecdsa-sha2-nistp256", 2, Some(8)),
    ("ecdsa-sha2-nistp384", 2, Some(8)),
    ("ecdsa-sha2-nistp521", 2, Some(8)),
    ("sk-ssh-ed25519@openssh.com", 2, Some(32)),
    ("sk-ecdsa-sha2-nistp256@openssh.com", 3, Some(8)),
    ("ssh-dss", 4, None),
    // Of certificates, only the type is looked at.
    ("ssh-ed25519-cert-v01@openssh.com", 0, None),
    ("ssh-rsa-cert-v01@openssh.com", 0, None),
    ("ecdsa-sha2-nistp256-cert-v01@openssh.com", 0, None),
    ("ecdsa-sha2-nistp384-cert-v01@openssh.com", 0, None),
    ("ecdsa-sha2-nistp521-cert-v01@openssh.com", 0, None),
    ("sk-ssh-ed25519-cert-v01@openssh.com", 0, None),
    ("sk-ecdsa-sha2-nistp256-cert-v01@openssh.com", 0, None),
    ("ssh-dss-cert-v01@openssh.com", 0, None),
];

/// The type that a word names; sshd takes names of signatures for the type of their keys.
fn type_of(word: &str) -> Option<&'static (&'static str, usize, Option<usize>)> {
    let word = match word {
        "rsa-sha2-256" | "rsa-sha2-512" => "ssh-rsa",
        word => word,
    };
    TYPES.iter().find(|(name, ..)| *name == word)
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
        let kind = base64(first).and_then(|bytes| Some(string(&bytes)?.0.to_vec()));
        let kind = kind.and_then(|kind| String::from_utf8(kind).ok());
        let kind = kind.filter(|kind| type_of(kind).is_some());
        return Some(wrong(number, first, message).help(match kind {
            Some(kind) => format!("write `{kind}` before it"),
            None => "copy the line again, whole".into(),
        }));
    }
    let names = || TYPES.iter().map(|(name, ..)| *name);
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
    loop {
        let end = rest.find([',', '=']).unwrap_or(rest.len());
        let (name, after) = rest.split_at(end);
        let is = |known: &str| known.eq_ignore_ascii_case(name);
        if name.contains(LATE) {
            return None;
        }
        if name.is_empty() {
            return Some(wrong(number, options, "an option is empty").help("leave out the `,`"));
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
        "environment" if !value.contains('=') => {
            let finding = wrong(number, value, format!("`environment` wants `NAME=value`, not `{value}`"));
            Some(finding)
        }
        "expiry-time" => {
            let date = value.strip_suffix('Z').unwrap_or(value);
            let fine = matches!(date.len(), 8 | 12 | 14) && date.bytes().all(|byte| byte.is_ascii_digit());
            (!fine).then(|| {
                wrong(number, value, format!("`expiry-time` cannot be `{value}`"))
                    .help("write `YYYYMMDD` or `YYYYMMDDHHMM`")
            })
        }
        "tunnel" if value != "any" && value.parse::<u32>().is_err() => {
            let finding = wrong(number, value, format!("`tunnel` cannot be `{value}`"));
            Some(finding.help("write `any`, or the number of a device"))
        }
        "permitopen" if !value.contains(':') => {
            let finding = wrong(number, value, format!("`permitopen` wants `host:port`, not `{value}`"));
            Some(finding)
        }
        _ => None,
    }
}

/// What is wrong with a key of this type.
fn key(number: u32, kind: &(&str, usize, Option<usize>), written: &str, rest: &str) -> Option<Finding> {
    let (name, strings, first) = *kind;
    let (body, _) = word(rest);
    if body.contains(LATE) {
        return None;
    }
    let again = "copy the line again, whole, from the file that ends in `.pub`";
    if body.is_empty() {
        return Some(wrong(number, written, format!("no key follows `{written}`")).help(again));
    }
    let Some(bytes) = base64(body) else {
        return Some(wrong(number, body, "the key is not base64, or cut off").help(again));
    };
    let Some((inner, mut rest)) = string(&bytes) else {
        return Some(wrong(number, body, "the key is cut off").help(again));
    };
    if inner != name.as_bytes() {
        return Some(match std::str::from_utf8(inner).ok().filter(|inner| type_of(inner).is_some()) {
            Some(inner) => wrong(number, written, format!("the key is of type `{inner}`, not `{written}`"))
                .help(format!("write `{inner}` before it")),
            None => wrong(number, body, format!("the key is not of type `{written}`")).help(again),
        });
    }
    if strings == 0 {
        return None;
    }
    let mut read = Vec::new();
    for _ in 0..strings {
        let Some((string, after)) = string(rest) else {
            return Some(wrong(number, body, "the key is cut off").help(again));
        };
        read.push(string);
        rest = after;
    }
    let as_long_as_it_should = first.is_none_or(|length| read[0].len() == length);
    if !rest.is_empty() || !as_long_as_it_should {
        return Some(wrong(number, body, format!("the key is no whole key of type `{written}`")).help(again));
    }
    match name {
        // A sign may stand before the number.
        "ssh-rsa" if read[1].len() < 128 => {
            let finding = wrong(number, body, "sshd refuses keys of RSA with fewer than 1024 bits");
            Some(finding.help("make a new one: `ssh-keygen -t ed25519`"))
        }
        "ssh-dss" => {
            let finding = wrong(number, written, "sshd no longer takes keys of type `ssh-dss`");
            Some(finding.warning().help("make a new one: `ssh-keygen -t ed25519`"))
        }
        _ => None,
    }
}

/// The string at the start of a blob, and what follows.
fn string(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = bytes.split_first_chunk::<4>()?;
    rest.split_at_checked(u32::from_be_bytes(*length) as usize)
}

/// The bytes of base64 with its padding.
fn base64(text: &str) -> Option<Vec<u8>> {
    if !text.len().is_multiple_of(4) {
        return None;
    }
    let body = text.strip_suffix("==").or_else(|| text.strip_suffix('=')).unwrap_or(text);
    let mut bytes = Vec::new();
    let (mut bits, mut count) = (0u32, 0);
    for c in body.bytes() {
        let value = match c {
            b'A'..=b'Z' => c - b'A',
            b'a'..=b'z' => c - b'a' + 26,
            b'0'..=b'9' => c - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => return None,
        };
        bits = bits << 6 | u32::from(value);
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.push(u8::try_from(bits >> count & 0xff).ok()?);
        }
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    const ED25519: &str = "AAAAC3NzaC1lZDI1NTE5AAAAIMvVa2Xmllx63g7LNNtddSmoYqSmWI22gBaEsbnJv4ND";
    const ECDSA: &str = "AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBPaV2KQP4eAvb+r1HjGJmz0KZ5P9YjcmQIub8GomH/Bvk0tN8/cYzhnJax2/OJ/fbOheEtTN2htF8stXINlalNY=";
    const RSA: &str = "AAAAB3NzaC1yc2EAAAADAQABAAAAgQC+8M6KMhdX2S290jAuXEidpa44544jxTR2fhcHVbT4ZsGPmWg7G+K4BbaTsHNm7sAUY9Hn5PyT5Y3iEm10HIbwTVRkc1o9QUfI+uRqF4IjktWlq221OiWhJtqaKeH2Vdx+iJmd3hdxYjP9ltvgFY2ef2nJ8wdKhlTHEBp8vd/+IQ==";

    fn filled(line: &str) -> String {
        line.replace("E!", ED25519).replace("C!", ECDSA).replace("R!", RSA)
    }

    const GOOD: [&str; 25] = [
        "",
        "# x",
        "ssh-ed25519 E!",
        "ssh-ed25519 E! me and my host",
        "  ssh-ed25519 E!",
        "ssh-ed25519\tE!",
        "ssh-ed25519  E!",
        "ecdsa-sha2-nistp256 C!",
        "ssh-rsa R!",
        "rsa-sha2-256 R!",
        "restrict ssh-ed25519 E!",
        "no-pty, ssh-ed25519 E!",
        "RESTRICT,PTY ssh-ed25519 E!",
        "no-pty,no-X11-forwarding ssh-ed25519 E! x",
        "command=\"a b\",from=\"10.0.0.0/8,*.x.org\" ssh-ed25519 E!",
        "command=\"a \\\"b c\\\"\" ssh-ed25519 E!",
        "environment=\"A=b\",expiry-time=\"20300101\" ssh-ed25519 E!",
        "permitopen=\"db:5432\",permitlisten=\"8080\",tunnel=\"0\" ssh-ed25519 E!",
        "cert-authority,principals=\"a,b\" ssh-ed25519 E!",
        "\u{fdd0}",
        "ssh-ed25519 \u{fdd0}",
        "command=\"x \u{fdd0} y\" ssh-ed25519 E!",
        "command=\"x\" \u{fdd0}",
        "command=\u{fdd0} ssh-ed25519 E!",
        "\u{fdd0} E!",
    ];

    const BAD: [(&str, &str, &str); 31] = [
        ("ssh-ed2551 E!", "sshd knows no type of key `ssh-ed2551`", "did you mean `ssh-ed25519`?"),
        (
            "ed25519 E!",
            "sshd knows no type of key `ed25519`",
            "write the line as it is in the file that ends in `.pub`: `ssh-ed25519 AAAA…`",
        ),
        ("SSH-ED25519 E!", "sshd knows no type of key `SSH-ED25519`", "did you mean `ssh-ed25519`?"),
        ("restrict ssh-rsaa E!", "sshd knows no type of key `ssh-rsaa`", "did you mean `ssh-rsa`?"),
        ("ssh-rsa E!", "the key is of type `ssh-ed25519`, not `ssh-rsa`", "write `ssh-ed25519` before it"),
        (
            "ecdsa-sha2-nistp384 C!",
            "the key is of type `ecdsa-sha2-nistp256`, not `ecdsa-sha2-nistp384`",
            "write `ecdsa-sha2-nistp256` before it",
        ),
        ("ssh-ed25519", "no key follows `ssh-ed25519`", AGAIN),
        ("E!", "no type of key stands before the key", "write `ssh-ed25519` before it"),
        ("E! ssh-ed25519", "no type of key stands before the key", "write `ssh-ed25519` before it"),
        ("ssh-ed25519 E!=", "the key is not base64, or cut off", AGAIN),
        ("ssh-ed25519 me@host", "the key is not base64, or cut off", AGAIN),
        ("ssh-ed25519 E!AAAA", "the key is no whole key of type `ssh-ed25519`", AGAIN),
        ("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIMvVa2Xmllx63g7LNNtd", "the key is cut off", AGAIN),
        ("ssh-ed25519 AAAA", "the key is cut off", AGAIN),
        ("ssh-ed25519 AAAAC3NzaC1lZDI1NTE4AAAA", "the key is not of type `ssh-ed25519`", AGAIN),
        ("bogus ssh-ed25519 E!", "sshd knows no option `bogus`", "sshd passes over the key"),
        ("no-pyt ssh-ed25519 E!", "sshd knows no option `no-pyt`", "did you mean `no-pty`?"),
        ("no-pty,,no-user-rc ssh-ed25519 E!", "an option is empty", "leave out the `,`"),
        ("tunnel=\"x\" ssh-ed25519 E!", "`tunnel` cannot be `x`", "write `any`, or the number of a device"),
        (
            "no-pty, no-user-rc ssh-ed25519 E!",
            "a space stands within the options",
            "leave out the space after the `,`",
        ),
        (
            "command=ls ssh-ed25519 E!",
            "the value of `command` stands without quotes",
            "write `command=\"…\"`",
        ),
        ("command ssh-ed25519 E!", "the option `command` wants a value", "write `command=\"…\"`"),
        ("restrict=\"x\" ssh-ed25519 E!", "the option `restrict` has no value", "leave out the `=`"),
        (
            "command=\"ls ssh-ed25519 E!",
            "a `\"` of the options is not closed",
            "the key is never reached; write `\\\"` for a quote within quotes",
        ),
        ("command=\"a\"b ssh-ed25519 E!", "`b` follows an option without a `,`", ""),
        ("environment=\"A\" ssh-ed25519 E!", "`environment` wants `NAME=value`, not `A`", ""),
        (
            "expiry-time=\"soon\" ssh-ed25519 E!",
            "`expiry-time` cannot be `soon`",
            "write `YYYYMMDD` or `YYYYMMDDHHMM`",
        ),
        (
            "restrict",
            "the line has no key",
            "write a line as it is in a file that ends in `.pub`: `ssh-ed25519 AAAA…`",
        ),
        (
            "command=\"x\u{fdd0}\",no-pyt ssh-ed25519 E!",
            "sshd knows no option `no-pyt`",
            "did you mean `no-pty`?",
        ),
        (
            "---- BEGIN SSH2 PUBLIC KEY ----",
            "this is a public key in the format of RFC 4716, which sshd does not read here",
            "convert it: `ssh-keygen -i -f FILE`",
        ),
        (
            "-----BEGIN PUBLIC KEY-----",
            "this is PEM, which sshd does not read here",
            "write a line as `ssh-keygen -y` prints it: `ssh-ed25519 AAAA…`",
        ),
    ];

    const AGAIN: &str = "copy the line again, whole, from the file that ends in `.pub`";

    #[test]
    fn what_sshd_takes_is_good() {
        for good in GOOD {
            let said: Vec<String> =
                look(&filled(good)).findings.into_iter().map(|finding| finding.message).collect();
            assert_eq!(said, [""; 0], "{good}");
        }
    }

    #[test]
    fn mistakes_are_told_with_what_was_meant() {
        for (line, message, help) in BAD {
            let found = look(&filled(line)).findings;
            let said = found
                .first()
                .map(|finding| (finding.message.as_str(), finding.help.first().map_or("", |help| help)));
            assert_eq!(said, Some((message, help)), "{line}");
        }
    }

    #[test]
    fn private_keys_are_told_once() {
        for key in [
            "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNz\nAAAA\n-----END OPENSSH PRIVATE KEY-----\n",
            "-----BEGIN RSA PRIVATE KEY-----\nMIIE\n",
            "-----BEGIN PRIVATE KEY-----\nMIIE\n",
            "PuTTY-User-Key-File-3: ssh-ed25519\nEncryption: none\n",
        ] {
            let said: Vec<String> = look(key).findings.into_iter().map(|finding| finding.message).collect();
            assert_eq!(said, ["this is a private key, which never leaves its owner"], "{key}");
        }
    }

    /// What has no options, asked of ssh-keygen itself, which looks at those less than sshd.
    #[test]
    fn ssh_keygen_agrees() -> std::io::Result<()> {
        let folder = tempfile::tempdir()?;
        let file = folder.path().join("key");
        let takes = |line: &str| -> std::io::Result<Option<bool>> {
            std::fs::write(&file, format!("{line}\n"))?;
            let asked = Command::new("ssh-keygen").arg("-lf").arg(&file).output();
            Ok(asked.ok().map(|output| output.status.success()))
        };
        let is_key = |line: &&str| !line.is_empty() && !line.starts_with('#') && !line.contains(LATE);
        for good in GOOD.into_iter().filter(is_key) {
            assert_ne!(takes(&filled(good))?, Some(false), "{good}");
        }
        let plain = |line: &str| !line.contains(" ssh-ed25519 E!");
        for (bad, ..) in BAD.into_iter().filter(|(line, ..)| is_key(line) && plain(line)) {
            assert_ne!(takes(&filled(bad))?, Some(true), "{bad}");
        }
        Ok(())
    }
}
