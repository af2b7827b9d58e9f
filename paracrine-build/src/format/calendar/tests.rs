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

#[test]
fn events_are_what_systemd_takes_for_them() {
    for good in EVENTS {
        assert_eq!(check(1, "OnCalendar", good, Os::Debian12).map(|finding| finding.message), None, "{good}");
    }
    for (bad, why) in NO_EVENTS {
        assert_eq!(Event::parse(bad).err().map(|wrong| wrong.why), Some(why.to_owned()), "{bad}");
    }
}

/// The tables above, asked of systemd itself where it is that of Debian 12.
#[test]
fn systemd_agrees() {
    let version = Command::new("systemd-analyze").arg("--version").output();
    if !version.is_ok_and(|output| output.stdout.starts_with(b"systemd 252 ")) {
        return;
    }
    let good = EVENTS.map(|text| (text, true));
    for (text, good) in good.into_iter().chain(NO_EVENTS.map(|(text, _)| (text, false))) {
        let asked = Command::new("systemd-analyze").args(["calendar", "--", text]).output();
        assert_eq!(asked.is_ok_and(|output| output.status.success()), good, "{text}");
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
        let found = check(1, "OnCalendar", text, Os::Debian12).map(|finding| finding.help);
        assert_eq!(found, Some(vec![help.to_owned()]), "{text}");
    }
}

#[test]
fn days_that_never_come_are_told() {
    for never in ["*-02-30", "2024-2-30", "Mon 2024-01-02", "2023-02-29", "*-4,6,9,11-31"] {
        let message = check(1, "OnCalendar", never, Os::Debian12).map(|finding| finding.message);
        assert_eq!(message, Some(format!("`{never}` never comes")));
    }
    for comes in ["*-02-29", "Tue 2024-01-02", "*-2,3-30", "Thu 1970-01-01", "Sun *-2-29"] {
        assert_eq!(check(1, "OnCalendar", comes, Os::Debian12).map(|finding| finding.message), None);
    }
}
