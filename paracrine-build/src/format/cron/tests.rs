use std::io;

use paracrine_model::deployment::Os;
use paracrine_model::diagnostic::Severity;

use super::super::judge;
use super::*;

/// What is said of a table: the message of each finding, of warnings with a `~` before it.
fn said(text: &str, sort: Sort) -> Vec<String> {
    let findings = look(text, At { path: "", sort, os: Os::Debian12 }).findings;
    let mark = |severity| if severity == Severity::Error { "" } else { "~" };
    findings.into_iter().map(|finding| format!("{}{}", mark(finding.severity), finding.message)).collect()
}

/// Lines that cron takes, without a word of ours.
const GOOD: [&str; 42] = [
    "* * * * * true",
    "*/59 * * * * true",
    "0-59/30 * * * * true",
    "*/5,*/7 * * * * true",
    "00 04 * * * true",
    "* * * jan-mar mon-fri true",
    "* * * JAN SUN true",
    "* * * * 7 true",
    "* * * * sun-sat true",
    "*\t*\t* * * true",
    "\t* * * * * true",
    "* * * * *",
    "@reboot true",
    "@midnight true",
    "@daily\ttrue",
    "@hourly",
    "A=b",
    "A = b",
    "A=\"\"",
    "A=\"b\"   ",
    "\"A\"=b",
    "MAILTO=\"\"",
    "my-var=1",
    "1A=b",
    "TZ=UTC",
    "A=b # c",
    "A=b\"c",
    "A='b\"c'",
    "# c",
    "",
    "   ",
    "0 0 1,15 * * true",
    "0 0 * * 1,3 true",
    "* * * * * FOO=bar true",
    "* * * * * echo \\%",
    "1 2 3 4 * true",
    "1 2 * * 0-7 true",
    "59 23 31 12 * true",
    "0 0 29 2 * true",
    "0-5 0-5/2 * * * true",
    "0,30 8-18 * * mon,wed,fri true",
    "@weekly   true",
];

/// Lines that cron takes otherwise than they look.
const ODD: [(&str, &str); 11] = [
    ("*/60 * * * * true", "~`*/60` is only one minute: no other is 60 after it"),
    ("* */24 * * * true", "~`*/24` is only one hour: no other is 24 after it"),
    ("10-20/11 * * * * true", "~`10-20/11` is only one minute: no other is 11 after it"),
    ("*5 * * * * true", "~cron passes over `5` and takes `*` as the minute"),
    ("1;2 * * * * true", "~cron passes over `;2` and takes `1` as the minute"),
    ("1.5 * * * * true", "~cron passes over `.5` and takes `1` as the minute"),
    ("0 0 * * 1#2 true", "~cron passes over `#2` and takes `1` as the day of week"),
    ("1-5/2-3 * * * * true", "~cron passes over `-3` and takes `1-5/2` as the minute"),
    ("CRON_TZ=UTC", "~Debian's cron does not know `CRON_TZ`: all times are those of the host's time zone"),
    ("* * * * * date +%F", "~cron ends the command at `%` and gives it the rest as input"),
    ("0 0 13 * fri true", "~cron runs this on the days of the month and also on the days of the week"),
];

/// Lines for which cron passes over the whole file.
const BAD: [(&str, &str); 38] = [
    ("1x * * * * true", "`1x` is no minute: `1x` is no number"),
    ("1, * * * * true", "`1,` is no minute: `` is no number"),
    ("1,,2 * * * * true", "`1,,2` is no minute: `` is no number"),
    ("1/5 * * * * true", "`1/5` is no minute: a step needs a range: write `1-59/5`"),
    ("1-5/0 * * * * true", "`1-5/0` is no minute: `0` is no step"),
    ("*/a * * * * true", "`*/a` is no minute: `a` is no step"),
    ("60 * * * * true", "`60` is no minute: it goes from 0 to 59"),
    ("-1 * * * * true", "`-1` is no minute: `` is no number"),
    ("+1 * * * * true", "`+1` is no minute: `+1` is no number"),
    ("1- * * * * true", "`1-` is no minute: `` is no number"),
    ("a-1 * * * * true", "`a-1` is no minute: `a` is no number"),
    ("~ * * * * true", "`~` is no minute: `~` is no number"),
    ("H * * * * true", "`H` is no minute: `H` is no number"),
    ("? * * * * true", "`?` is no minute: `?` is no number"),
    ("* * 0 * * true", "`0` is no day of month: it goes from 1 to 31"),
    ("* * L * * true", "`L` is no day of month: `L` is no number"),
    ("* * * 13 * true", "`13` is no month: it goes from 1 to 12"),
    ("* * * january * true", "`january` is no month: `january` is no number"),
    ("* * * * 8 true", "`8` is no day of week: it goes from 0 to 7"),
    ("* * * * mon/2 true", "`mon/2` is no day of week: a step needs a range: write `1-7/2`"),
    ("* * * *", "nothing is no day of week: the line ends before it"),
    ("* * * * * * true", "a sixth `*` stands where the command belongs"),
    ("@Reboot true", "cron does not know `@Reboot`"),
    ("@every 5m true", "cron does not know `@every`"),
    ("A=", "`A` has no value, so cron passes over the whole file"),
    ("MAILTO=", "`MAILTO` has no value, so cron passes over the whole file"),
    ("A=\"b", "a `\"` is not closed, so cron passes over the whole file"),
    ("A=\"b\" c", "`c` follows a value in quotes, so cron passes over the whole file"),
    ("A='b c' # d", "`# d` follows a value in quotes, so cron passes over the whole file"),
    ("A=\"b\"\"c\"", "`\"c\"` follows a value in quotes, so cron passes over the whole file"),
    ("A B=c", "`A` is no minute: `A` is no number"),
    ("A", "`A` is no minute: `A` is no number"),
    (
        "\u{feff}* * * * * true",
        "the file begins with a byte order mark, which cron takes for a part of the first line",
    ),
    ("\u{feff}# c", "the file begins with a byte order mark, which cron takes for a part of the first line"),
    ("\r", "the line ends in CR LF, which cron takes for part of the command"),
    ("january * * * * true", "`january` is no minute: `january` is no number"),
    ("* 24 * * * true", "`24` is no hour: it goes from 0 to 23"),
    ("* * 32 * * true", "`32` is no day of month: it goes from 1 to 31"),
];

#[test]
fn what_cron_takes_is_good() {
    for good in GOOD {
        assert_eq!(said(&format!("{good}\n"), USER), [""; 0], "{good}");
    }
}

#[test]
fn what_cron_takes_otherwise_is_warned_of() {
    for (odd, message) in ODD {
        assert_eq!(said(&format!("{odd}\n"), USER), [message], "{odd}");
    }
}

#[test]
fn mistakes_are_told() {
    for (bad, message) in BAD {
        assert_eq!(said(&format!("{bad}\n"), USER), [message], "{bad}");
    }
}

/// The tables above, and how long commands may be, asked of cron's own parser.
#[test]
fn crontab_agrees() -> io::Result<()> {
    if !given::root() || !given::program("/usr/bin/crontab", "cron") {
        return Ok(());
    }
    let takes = |text: &str| judge::takes("/usr/bin/crontab", &["-n", "{}"], text);
    let good = GOOD.into_iter().chain(ODD.map(|(line, _)| line)).map(|line| (line, true));
    for (line, good) in good.chain(BAD.map(|(line, _)| (line, false))) {
        assert_eq!(takes(&format!("{line}\n"))?, good, "{line}");
    }
    for (length, good) in [(LONGEST, true), (LONGEST + 1, false)] {
        let line = format!("* * * * * {}\n", "x".repeat(length));
        assert_eq!((takes(&line)?, said(&line, USER).is_empty()), (good, good), "{length}");
    }
    for (text, good) in [("* * * * * true", false), ("A=b", false), ("# c", true), ("  ", true)] {
        assert_eq!((takes(text)?, said(text, USER).is_empty()), (good, good), "{text}");
    }
    Ok(())
}

#[test]
fn lines_of_the_system_have_a_user() {
    assert_eq!(said("* * * * * root true\n", SYSTEM), [""; 0]);
    assert_eq!(said("@daily Debian-exim true\n", SYSTEM), [""; 0]);
    assert_eq!(said("* * * * * /bin/true x\n", SYSTEM), ["`/bin/true` stands where the user belongs"]);
    let long = format!("* * * * * root {}\n", "x".repeat(LONGEST + 1));
    let message = "the command has more than 998 characters, so cron passes over the whole file";
    assert_eq!(said(&long, SYSTEM), [message]);
    let variable = format!("A={}\n", "x".repeat(LONGEST));
    assert_eq!(said(&variable, SYSTEM), ["~cron reads only the first 998 characters of `A`"]);
}

#[test]
fn late_values_may_be_anything() {
    for line in [
        "\u{fdd0} * * * * root true",
        "A=\u{fdd0}",
        "A=\"\u{fdd0}\" x",
        "* * * * * \u{fdd0} true",
        "* * * * * root \u{fdd0}",
    ] {
        assert_eq!(said(&format!("{line}\n"), SYSTEM), [""; 0], "{line}");
    }
}

#[test]
fn tables_are_known_by_their_paths() {
    assert_eq!(reads("/etc/cron.d/x"), Some(SYSTEM));
    assert_eq!(reads("/etc/crontab"), Some(SYSTEM));
    assert_eq!(reads("/var/spool/cron/crontabs/ann"), Some(USER));
    assert_eq!(reads("/etc/cron.daily/x"), None);
}
