use std::process::Command;

use super::*;

const ED25519: &str = "AAAAC3NzaC1lZDI1NTE5AAAAIMvVa2Xmllx63g7LNNtddSmoYqSmWI22gBaEsbnJv4ND";
const ECDSA: &str = "AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBPaV2KQP4eAvb+r1HjGJmz0KZ5P9YjcmQIub8GomH/Bvk0tN8/cYzhnJax2/OJ/fbOheEtTN2htF8stXINlalNY=";
const RSA: &str = "AAAAB3NzaC1yc2EAAAADAQABAAAAgQC+8M6KMhdX2S290jAuXEidpa44544jxTR2fhcHVbT4ZsGPmWg7G+K4BbaTsHNm7sAUY9Hn5PyT5Y3iEm10HIbwTVRkc1o9QUfI+uRqF4IjktWlq221OiWhJtqaKeH2Vdx+iJmd3hdxYjP9ltvgFY2ef2nJ8wdKhlTHEBp8vd/+IQ==";

fn filled(line: &str) -> String {
    line.replace("E!", ED25519).replace("C!", ECDSA).replace("R!", RSA)
}

const GOOD: [&str; 31] = [
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
    // Asked of sshd itself: empty options are none.
    "no-pty,,no-user-rc ssh-ed25519 E!",
    ",no-pty, ssh-ed25519 E!",
    "command=\"\" ssh-ed25519 E!",
    "permitopen=\"a:*\",permitopen=\"[::1]:http\",permitlisten=\"a:80\" ssh-ed25519 E!",
    "environment=\"1A=\",expiry-time=\"204001011200Z\" ssh-ed25519 E!",
    "\u{feff}# x",
    "\u{fdd0}",
    "ssh-ed25519 \u{fdd0}",
    "command=\"x \u{fdd0} y\" ssh-ed25519 E!",
    "command=\"x\" \u{fdd0}",
    "command=\u{fdd0} ssh-ed25519 E!",
    "\u{fdd0} E!",
];

const BAD: [(&str, &str, &str); 38] = [
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
    ("no-pty,=x ssh-ed25519 E!", "no option stands before a `=`", ""),
    (
        "command=\"a\",command=\"b\" ssh-ed25519 E!",
        "the option `command` stands twice",
        "sshd passes over the key",
    ),
    ("from=\"\" ssh-ed25519 E!", "`from` is empty, so the key is good for nobody", ""),
    ("environment=\"A-B=c\" ssh-ed25519 E!", "`environment` wants `NAME=value`, not `A-B=c`", ""),
    (
        "expiry-time=\"20400132\" ssh-ed25519 E!",
        "`expiry-time` cannot be `20400132`",
        "write `YYYYMMDD` or `YYYYMMDDHHMM`",
    ),
    (
        "permitopen=\"a:0\" ssh-ed25519 E!",
        "`permitopen` cannot be `a:0`: `0` is no port",
        "ports go from 1 to 65535; `*` is any",
    ),
    (
        "permitlisten=\"x\" ssh-ed25519 E!",
        "`permitlisten` cannot be `x`: `x` is no port",
        "ports go from 1 to 65535; `*` is any",
    ),
    (
        "\u{feff}ssh-ed25519 E!",
        "the line begins with a byte order mark, so sshd passes over its key",
        "save the file as UTF-8 without one",
    ),
    ("tunnel=\"x\" ssh-ed25519 E!", "`tunnel` cannot be `x`", "write `any`, or the number of a device"),
    (
        "no-pty, no-user-rc ssh-ed25519 E!",
        "a space stands within the options",
        "leave out the space after the `,`",
    ),
    ("command=ls ssh-ed25519 E!", "the value of `command` stands without quotes", "write `command=\"…\"`"),
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
    let is_key =
        |line: &&str| !line.is_empty() && !line.starts_with(['#', '\u{feff}']) && !line.contains(LATE);
    for good in GOOD.into_iter().filter(is_key) {
        assert_ne!(takes(&filled(good))?, Some(false), "{good}");
    }
    let plain = |line: &str| !line.contains(" ssh-ed25519 E!");
    for (bad, ..) in BAD.into_iter().filter(|(line, ..)| is_key(line) && plain(line)) {
        assert_ne!(takes(&filled(bad))?, Some(true), "{bad}");
    }
    Ok(())
}
