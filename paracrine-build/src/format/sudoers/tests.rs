use std::io;

use paracrine_model::deployment::Os;
use paracrine_model::diagnostic::Severity;

use super::super::judge;
use super::*;

/// The errors of a text.
fn errors(text: &str, os: Os) -> Vec<String> {
    let findings = look(text, At { path: "/etc/sudoers.d/x", sort: ONLY, os }).findings;
    findings
        .into_iter()
        .filter(|finding| finding.severity == Severity::Error)
        .map(|finding| finding.message)
        .collect()
}

/// What sudo of Debian 12 and of Debian 13 takes.
const GOOD: [&str; 128] = [
    "Cmnd_Alias A = /bin/x a, \\\n  /bin/y b c : B = /bin/z",
    "Defaults!/bin/x,/bin/y !requiretty",
    "ann ALL=/bin/x a\\,b, /bin/y",
    "ann a, b = (root : adm) NOPASSWD: A, !B, sudoedit /etc/x # why",
    "root ALL=(ALL:ALL) ALL",
    "%sudo ALL=(ALL:ALL) ALL",
    "#1000 ALL=(ALL) ALL",
    "%#1000 ALL=(ALL) ALL",
    "#-1 ALL=ALL",
    "#includedir /etc/sudoers.d",
    "@includedir /etc/sudoers.d",
    "# comment \\",
    "default ALL=(ALL) ALL",
    "user_alias ALL=(ALL) ALL",
    "Default ALL=(ALL) ALL",
    "Defaultsx ALL=ALL",
    "User_Alias ADMINS = ann, bob",
    "User_Alias ADMINS = ann, bob : OPS = carl",
    "Cmnd_Alias A = /bin/x",
    "Cmd_Alias A = /bin/x",
    "Host_Alias A = web1, 10.0.0.0/8, fe80::1",
    "Runas_Alias A = root, %wheel",
    "ann ALL=(ALL) NOPASSWD: ALL",
    "ann ALL=(ALL) NOPASSWD : ALL",
    "ann ALL=(ALL) NOPASSWD:SETENV: /bin/x",
    "ann ALL=(root) /bin/x, NOPASSWD: /bin/y",
    "ann ALL=(root) list",
    "ann ALL=list",
    "ann ALL=/bin/x a, (root) /bin/y",
    "ann ALL=sudoedit /etc/x",
    "ann ALL=!/bin/x",
    "ann ALL=(root) ALL, !/bin/su",
    "ann ALL=UNDEFINED",
    "UNDEFINED ALL=ALL",
    "ann UNDEFINED=ALL",
    "ann ALL=(UNDEFINED) ALL",
    "ann,bob ALL=ALL",
    "ann bob=ALL",
    "ann ALL=(root) ALL : web1=(bob) /bin/x",
    "ann ALL=(root:adm) ALL",
    "ann ALL=(:adm) ALL",
    "ann ALL=() ALL",
    "ann ALL=(root,bob) ALL",
    "ann ALL=(root)/bin/x --a=b",
    "ann ALL=/bin/x a\\:b",
    "ann ALL=/bin/x \"a b\"",
    "ann ALL=/bin/x \"\"",
    "ann ALL=/bin/x/",
    "ann ALL=/bin/x a#b",
    "ann ALL=/bin/x # comment",
    "ann ALL=/bin/x *",
    "ann ALL=/bin/[a-z]*",
    "ann ALL=^/bin/x$",
    "ann ALL=^/bin/x$ ^-a .*$",
    "ann ALL=sha224:0GomF8mNN3wlDt1HD9XldjJ3SNgpFdbjO1+NsQ== /bin/x",
    "ann ALL=CWD=/tmp /bin/x",
    "ann ALL=CWD=* /bin/x",
    "ann ALL=TIMEOUT=5m /bin/x",
    "ann ALL=ROLE=x TYPE=y /bin/x",
    "\"a b\" ALL=ALL",
    "a\\ b ALL=ALL",
    "DOMAIN\\\\ann ALL=ALL",
    "%domain\\ users ALL=ALL",
    "\"%domain users\" ALL=ALL",
    "+netgroup ALL=ALL",
    "ann@x.org ALL=ALL",
    "Defaults env_reset",
    "Defaults\tenv_reset",
    "Defaults !env_reset",
    "Defaults !lecture,tty_tickets",
    "Defaults secure_path=\"/a:/b\"",
    "Defaults secure_path = /a:/b",
    "Defaults secure_path=/a:/b",
    "Defaults !secure_path",
    "Defaults env_keep += \"A B\"",
    "Defaults env_keep+=\"A B\"",
    "Defaults env_keep -= A",
    "Defaults env_keep = A",
    "Defaults passwd_tries=3",
    "Defaults timestamp_timeout=-1",
    "Defaults timestamp_timeout=2.5",
    "Defaults umask=0077",
    "Defaults lecture=always",
    "Defaults listpw=all",
    "Defaults syslog=auth",
    "Defaults syslog_goodpri=notice",
    "Defaults logfile=/var/log/sudo",
    "Defaults editor=/usr/bin/vim",
    "Defaults:ann !requiretty",
    "Defaults: ann !requiretty",
    "Defaults:%sudo env_reset",
    "Defaults:ann,bob env_reset",
    "Defaults@web1 env_reset",
    "Defaults>root env_reset",
    "Defaults!/bin/x env_reset",
    "Defaults!CMNDS env_reset",
    "Defaults!/bin/x,/bin/y env_reset",
    "Defaults use_pty",
    "Defaults insults",
    "Defaults fqdn",
    "Defaults visiblepw",
    "Defaults log_output",
    "Defaults iolog_dir=/x/%{user}",
    "Defaults badpass_message=\"Nope\"",
    "Defaults badpass_message=''",
    "Defaults timestamp_type=ppid",
    "Defaults env_file=/etc/x",
    "Defaults verifypw=never",
    "Defaults runas_default=root",
    "Defaults intercept_verify",
    "ann ALL=/bin/x, \\\n /bin/y",
    "ann ALL=/bin/x, \\ \n /bin/y",
    "ann ALL=/bin/x \\\n# c",
    "# c \\\nann ALL=ALL",
    "User_Alias A = a\nCmnd_Alias A = /b\nA ALL=A",
    "Cmnd_Alias A = B\nCmnd_Alias B = A\nann ALL=A",
    "Cmnd_Alias A = A",
    "User_Alias A = a\nann ALL=A",
    "ann ALL=ALL\r",
    "Defaults env_keep += \"A \\\n B\"",
    "User_Alias OPS = ann\nOPS ALL=ALL",
    "ann ALL = A\nCmnd_Alias A = /bin/x",
    "Defaults!A env_reset\nCmnd_Alias A = /bin/x",
    "ann ALL=/bin/x\tb",
    "\tann ALL=ALL",
    "  Defaults env_reset",
    "  #include /dev/null",
    "ann\tALL=(ALL)\tNOPASSWD:\tALL",
];

/// What both refuse, and what is said of it.
const BAD: [(&str, &str); 69] = [
    ("@includefoo /x", "sudo does not know `@includefoo`"),
    ("Default env_reset", "sudo does not know `Default`"),
    ("Usr_Alias ADMINS = ann, bob", "sudo does not know `Usr_Alias`"),
    ("User_Alias ADMINS = ann,", "nothing follows the last `,`"),
    ("User_Alias admins = ann", "`admins` is no name of an alias"),
    ("User_Alias ADMINS ann", "`ADMINS` is no name of an alias"),
    ("Cmnd_Alias A = root, /bin/x", "command `root` is no absolute path"),
    ("ann ALL=(ALL) NOPASSWD ALL", "the tag `NOPASSWD` has no `:`"),
    ("ann ALL=(ALL) NOPASWD: ALL", "sudo does not know the tag `NOPASWD`"),
    ("ann ALL=NOPASSWD: (root) /bin/x", "whom a command is run as stands before `NOPASSWD:`"),
    ("ann ALL=(root) /bin/x,", "nothing follows the last `,`"),
    ("ann ALL=(root) systemctl restart x", "command `systemctl` is no absolute path"),
    ("ann ALL=(root) bin/x", "command `bin/x` is no absolute path"),
    ("ann, ALL=ALL", "`ann, ALL` says who, but not on which host"),
    ("ann ALL", "the line is no rule: it has no `=`"),
    ("ann", "the line is no rule: it has no `=`"),
    ("ALL=ALL", "`ALL` says who, but not on which host"),
    ("ann ALL=", "the rule allows no command"),
    ("ann ALL=(root", "a `(` is not closed"),
    ("ann ALL=(root) ALL : /bin/x", "a `:` ends the command, and a rule for another host begins"),
    ("ann ALL=(root bob) ALL", "`bob` follows a name without a `,`"),
    ("ann ALL=/bin/x a:b", "a `:` ends the command, and a rule for another host begins"),
    ("ann ALL=/bin/x/ a", "sudo does not understand `a`"),
    ("ann ALL=^/bin/x", "a regular expression does not end in `$`"),
    ("ann ALL=/bin/x ^a", "a regular expression does not end in `$`"),
    ("ann ALL=sha256:abcd /bin/x", "`abcd` is no digest of sha256"),
    ("ann ALL=TIMEOUT=abc /bin/x", "`TIMEOUT` cannot be `abc`: it is a time"),
    ("ann ALL=NOTBEFORE=20300101 /bin/x", "`NOTBEFORE` cannot be `20300101`: it is a date"),
    ("ann ALL=FOO=x /bin/x", "sudo does not know the option `FOO`"),
    ("\"\" ALL=ALL", "sudo takes no empty text"),
    ("\"a ALL=ALL", "a `\"` is not closed"),
    ("%\"domain users\" ALL=ALL", "a `%` names no group"),
    ("% ALL=ALL", "a `%` names no group"),
    ("Defaults env_rest", "sudo knows no setting `env_rest`"),
    ("Defaults env_reset,", "nothing follows the last `,`"),
    ("Defaults ,env_reset", "a setting is missing"),
    ("Defaults", "a setting is missing"),
    ("Defaults secure_path=\"/a", "a `\"` is not closed"),
    ("Defaults secure_path", "the setting `secure_path` wants a value"),
    ("Defaults env_keep", "the setting `env_keep` wants a value"),
    ("Defaults env_reset=yes", "the setting `env_reset` takes no value"),
    ("Defaults env_reset = true", "the setting `env_reset` takes no value"),
    ("Defaults env_reset += a", "the setting `env_reset` takes no value"),
    ("Defaults passwd_tries=abc", "`passwd_tries` cannot be `abc`: it is a number"),
    ("Defaults passwd_tries", "the setting `passwd_tries` wants a value"),
    ("Defaults passwd_tries=-1", "`passwd_tries` cannot be `-1`: it is a number"),
    ("Defaults timestamp_timeout=x", "`timestamp_timeout` cannot be `x`: it is a number of minutes"),
    ("Defaults umask=99", "`umask` cannot be `99`: it is an octal mode"),
    ("Defaults lecture=sometimes", "`lecture` cannot be `sometimes`: it is one of a few words"),
    ("Defaults syslog=foo", "`syslog` cannot be `foo`: it is one of a few words"),
    ("Defaults syslog_goodpri=foo", "`syslog_goodpri` cannot be `foo`: it is one of a few words"),
    ("Defaults logfile=sudo.log", "`logfile` cannot be `sudo.log`: it is an absolute path"),
    ("Defaults editor=vim", "`editor` cannot be `vim`: it is an absolute path"),
    ("Defaults:ann", "a setting is missing"),
    ("Defaults !/bin/x env_reset", "sudo knows no setting `/bin/x`"),
    ("Defaults :ann env_reset", "sudo knows no setting `:ann`"),
    ("Defaults badpass_message=Nope yes", "`yes` follows a setting without a `,`"),
    ("Defaults mailto=\"\"", "sudo takes no empty text"),
    ("Defaults timestamp_type=foo", "`timestamp_type` cannot be `foo`: it is one of a few words"),
    ("Defaults foo_bar=1", "sudo knows no setting `foo_bar`"),
    ("Defaults !foo_bar", "sudo knows no setting `foo_bar`"),
    ("Defaults Env_reset", "sudo knows no setting `Env_reset`"),
    ("ann ALL=/bin/x, \\\n\n", "nothing follows the last `,`"),
    ("User_Alias A = a\nUser_Alias A = b", "alias `A` is defined twice"),
    ("ann ALL=(ALL) ALL\\", "the last line ends in a backslash, and nothing follows it"),
    ("User_Alias ALL = a", "`ALL` is a word of sudo's, and no name of an alias"),
    ("Cmnd_Alias TYPE = /b", "`TYPE` is a word of sudo's, and no name of an alias"),
    ("ann ALL=/bin/x NOPASSWD: /bin/y", "a `:` ends the command, and a rule for another host begins"),
    ("Cmnd_Alias A = /bin/x, \\\n   /bin/y, \\\n\nann ALL=A", "nothing follows the last `,`"),
];

#[test]
fn what_sudo_takes_is_good() {
    for good in GOOD {
        assert_eq!(errors(&format!("{good}\n"), Os::Debian12), [""; 0], "{good}");
    }
}

#[test]
fn mistakes_are_told_once() {
    let told = BAD.map(|(bad, _)| (bad, errors(&format!("{bad}\n"), Os::Debian12)));
    let wanted = BAD.map(|(bad, message)| (bad, vec![message.to_owned()]));
    assert_eq!(told, wanted);
}

/// The tables above, asked of visudo.
#[test]
fn visudo_agrees() -> io::Result<()> {
    if !given::program("/usr/sbin/visudo", "sudo") {
        return Ok(());
    }
    for (text, good) in GOOD.map(|text| (text, true)).into_iter().chain(BAD.map(|(text, _)| (text, false))) {
        let takes = judge::takes("/usr/sbin/visudo", &["-cf", "{}"], &format!("{text}\n"))?;
        assert_eq!(takes, good, "{text}");
    }
    Ok(())
}

#[test]
fn what_only_debian_13_knows_is_told_elsewhere() {
    for (line, message) in [
        ("Defaults cmddenial_message=x", "sudo of Debian 12 does not know the setting `cmddenial_message`"),
        (
            "ann ALL=APPARMOR_PROFILE=x /bin/x",
            "sudo of Debian 12 does not know the option `APPARMOR_PROFILE`",
        ),
    ] {
        assert_eq!(errors(line, Os::Debian12), [message]);
        assert_eq!(errors(line, Os::Debian), [""; 0]);
        assert_eq!(errors(line, Os::Debian13), [""; 0]);
    }
}

#[test]
fn aliases_that_another_file_may_define_are_warned_of() {
    let text = "User_Alias OPS = ann\nOPS WEB = (APP) RESTART, OPS\n";
    let findings = look(text, At { path: "/etc/sudoers.d/x", sort: ONLY, os: Os::Debian12 }).findings;
    let said: Vec<(Severity, String)> =
        findings.into_iter().map(|finding| (finding.severity, finding.message)).collect();
    let warned = |name: &str| (Severity::Warning, format!("alias `{name}` is not defined in this file"));
    assert_eq!(said, ["WEB", "APP", "RESTART", "OPS"].map(warned));
}

#[test]
fn a_byte_order_mark_is_named() {
    let message = "the file begins with a byte order mark, which sudo takes for a part of the first word";
    assert_eq!(errors("\u{feff}ann ALL=ALL\n", Os::Debian12), [message]);
}

#[test]
fn late_values_may_be_anything() {
    for line in ["\u{fdd0} ALL=ALL", "ann ALL=\u{fdd0}", "\u{fdd0}", "Defaults secure_path=\u{fdd0}"] {
        assert_eq!(errors(line, Os::Debian12), [""; 0], "{line}");
    }
}

#[test]
fn help_says_what_was_meant() {
    for (line, help) in [
        ("Defaults env_rest", "did you mean `env_reset`?"),
        ("Default env_reset", "did you mean `Defaults`?"),
        ("ann ALL=(ALL) NOPASSWD ALL", "write `NOPASSWD: ALL`"),
        ("ann ALL=NOPASSWD: (root) /bin/x", "write `(…) NOPASSWD: …`"),
        ("ann ALL=/bin/x a:b", "within a command, write `\\:`"),
        ("Defaults env_reset=yes", "write `env_reset`, or `!env_reset`"),
    ] {
        let findings = look(line, At { path: "/etc/sudoers.d/x", sort: ONLY, os: Os::Debian12 }).findings;
        let said = findings.first().and_then(|finding| finding.help.first().cloned());
        assert_eq!(said.as_deref(), Some(help), "{line}");
    }
}
