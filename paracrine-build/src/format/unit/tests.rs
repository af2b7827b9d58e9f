use std::collections::{BTreeMap, BTreeSet};
use std::io;

use paracrine_model::diagnostic::Severity;

use super::super::judge;
use super::*;

/// What is said of a text at a path: the message of each finding, of warnings with a `~` before it.
fn said_at(path: &str, text: &str, os: Os) -> Vec<String> {
    let sort = reads(path).unwrap_or_default();
    let findings = look(text, At { path, sort, os }).findings;
    let mark = |severity| if severity == Severity::Error { "" } else { "~" };
    findings.into_iter().map(|finding| format!("{}{}", mark(finding.severity), finding.message)).collect()
}

fn said(text: &str) -> Vec<String> {
    said_at("/etc/systemd/system/app.service.d/x.conf", text, Os::Debian12)
}

#[test]
fn units_and_settings_are_known_by_their_paths() {
    for (path, sort) in [
        ("/etc/systemd/system/a.service", Some("service")),
        ("/lib/systemd/system/a.timer", Some("timer")),
        ("/usr/lib/systemd/system/a@.socket", Some("socket")),
        ("/usr/local/lib/systemd/system/a.mount", Some("mount")),
        ("/run/systemd/system/a.path", Some("path")),
        ("/etc/systemd/user/a.service", Some("service")),
        ("/home/ann/.config/systemd/user/a.service", Some("service")),
        ("/etc/systemd/system/a.service.d/x.conf", Some("service.d")),
        ("/etc/systemd/system/service.d/x.conf", Some("service.d")),
        ("/etc/systemd/system/a-.slice.d/x.conf", Some("slice.d")),
        ("/etc/systemd/journald.conf", Some("journald")),
        ("/etc/systemd/journald.conf.d/x.conf", Some("journald")),
        ("/usr/lib/systemd/system.conf.d/x.conf", Some("manager")),
        ("/etc/systemd/user.conf", Some("manager")),
        ("/etc/systemd/network/10-x.network", Some("network")),
        ("/etc/systemd/network/10-x.network.d/x.conf", Some("network")),
        ("/etc/systemd/network/x.link", Some("link")),
        ("/etc/systemd/system/service", None),
        ("/etc/systemd/system/a.service.d/x", None),
        ("/etc/systemd/system/a.service.wants/b.service", None),
        ("/etc/systemd/system/a.device", None),
        ("/etc/systemd/sleep.conf", None),
        ("/srv/a.service", None),
    ] {
        assert_eq!(reads(path), sort, "{path}");
    }
}

#[test]
fn values_are_told_by_what_their_keys_take() {
    for (line, message) in [
        ("Nice=50", "`Nice` cannot be `50`: it goes from -20 to 19"),
        ("Nice=high", "`Nice` cannot be `high`: it is a whole number"),
        ("OOMScoreAdjust=-1001", "`OOMScoreAdjust` cannot be `-1001`: it goes from -1000 to 1000"),
        ("IOSchedulingPriority=8", "`IOSchedulingPriority` cannot be `8`: it goes from 0 to 7"),
        ("CPUWeight=0", "`CPUWeight` cannot be `0`: it goes from 1 to 10000"),
        ("ProtectSystem=ful", "`ProtectSystem` cannot be `ful`"),
        ("ProtectHome=readonly", "`ProtectHome` cannot be `readonly`"),
        ("PrivateDevices=maybe", "`PrivateDevices` is `yes` or `no`, not `maybe`"),
        ("PrivateDevices=", "`PrivateDevices` has no value, and systemd passes over the line"),
        ("KillMode=processes", "`KillMode` cannot be `processes`"),
        ("KillSignal=SIGFOO", "`KillSignal` cannot be `SIGFOO`: there is no such signal"),
        (
            "RestartForceExitStatus=SIGTERMM 5",
            "`RestartForceExitStatus` cannot be `SIGTERMM`: it is neither an exit status nor a signal",
        ),
        (
            "SuccessExitStatus=256",
            "`SuccessExitStatus` cannot be `256`: it is neither an exit status nor a signal",
        ),
        ("MemoryMax=2 Gb", "`MemoryMax` cannot be `2 Gb`: it is a size"),
        ("MemoryMax=0", "`MemoryMax` cannot be `0`: nothing runs without memory"),
        ("MemoryHigh=101%", "`MemoryHigh` cannot be `101%`: there is no more than `100%`"),
        ("TasksMax=lots", "`TasksMax` cannot be `lots`: it is a number of tasks"),
        ("CPUQuota=50", "`CPUQuota` cannot be `50`: it is a percentage"),
        ("LimitNOFILE=unlimited", "`LimitNOFILE` cannot be `unlimited`: it is a number"),
        (
            "LimitNOFILE=2:1",
            "`LimitNOFILE` cannot be `2:1`: the first, soft limit is higher than the second, hard one",
        ),
        ("LimitCORE=1GB", "`LimitCORE` cannot be `1GB`: it is a size"),
        ("UMask=0888", "`UMask` cannot be `0888`: it is an octal mode"),
        ("CPUAffinity=3-1", "`CPUAffinity` cannot be `3-1`: it is no number of a processor or range of them"),
        (
            "CapabilityBoundingSet=CAP_NET_BIND",
            "`CapabilityBoundingSet` cannot be `CAP_NET_BIND`: there is no such capability, and systemd passes over it",
        ),
        (
            "AmbientCapabilities=NET_ADMIN",
            "`AmbientCapabilities` cannot be `NET_ADMIN`: there is no such capability, and systemd passes over it",
        ),
        (
            "SystemCallFilter=@sytem-service",
            "`SystemCallFilter` cannot be `@sytem-service`: there is no such system call",
        ),
        (
            "SystemCallFilter=read:EPERM",
            "`SystemCallFilter` cannot be `read:EPERM`: only calls that are denied, after a `~`, have an error",
        ),
        ("SystemCallErrorNumber=EPREM", "`SystemCallErrorNumber` cannot be `EPREM`: there is no such error"),
        ("SystemCallArchitectures=amd64", "`SystemCallArchitectures` cannot be `amd64`"),
        ("RestrictAddressFamilies=INET", "`RestrictAddressFamilies` cannot be `INET`"),
        ("RestrictNamespaces=pids", "`RestrictNamespaces` cannot be `pids`"),
        ("ReadWritePaths=-+srv/x /y", "`ReadWritePaths` is the relative path `srv/x`"),
        ("BindPaths=/x:y", "`BindPaths` is the relative path `y`"),
        ("BindPaths=/x:/y:foo", "`BindPaths` cannot be `foo`"),
        ("WorkingDirectory=-srv", "`WorkingDirectory` is the relative path `srv`"),
        (
            "WorkingDirectory=/srv/../x",
            "`WorkingDirectory` cannot be `/srv/../x`: systemd takes no path with `..`",
        ),
        ("EnvironmentFile=-etc/x", "`EnvironmentFile` is the relative path `etc/x`"),
        ("StateDirectory=/var/lib/app", "`StateDirectory` cannot be `/var/lib/app`: it is a relative path"),
        (
            "StandardOutput=/var/log/x",
            "`StandardOutput` cannot be `/var/log/x`: a path stands behind the word for what is done with it",
        ),
        ("StandardOutput=append:x.log", "`StandardOutput` is the relative path `x.log`"),
        ("StandardOutput=jurnal", "`StandardOutput` cannot be `jurnal`"),
        ("Environment=A", "`Environment` cannot be `A`: it is no assignment"),
        ("Environment=A=a b", "`Environment` cannot be `b`: it is no assignment"),
        ("Environment=A-B=c", "`Environment` cannot be `A-B`: that is no name of a variable"),
        ("Environment=\"A=b", "a `\"` of `Environment` is not closed"),
        ("ExecStart=/bin/sh -c 'x", "a `'` of `ExecStart` is not closed"),
        ("ExecStart=/bin/grep \\d", "~systemd knows no escape `\\d`, and takes it as it stands"),
        ("ExecStart=${APP} run", "program `${APP}` is a variable, which systemd does not resolve there"),
        (
            "ExecStart=-/opt/$V/app",
            "program `/opt/$V/app` is a variable, which systemd does not resolve there",
        ),
        ("ExecStart=--/bin/x", "`ExecStart` cannot be `--/bin/x`: `-` stands twice before the program"),
        (
            "ExecStart=+!/bin/x",
            "`ExecStart` cannot be `+!/bin/x`: of `+`, `!` and `!!` only one stands before the program",
        ),
        ("ExecStart=@/bin/x", "`ExecStart` has a `@`, and no name for the program behind it"),
        ("ExecStart=/bin/x ; bin/y", "program `bin/y` is a relative path"),
        ("ExecStartPre=/opt/app/", "program `/opt/app/` is a directory"),
        ("IPAddressAllow=10.0.0.0/33", "`IPAddressAllow` cannot be `10.0.0.0/33`: it is no network"),
        ("DeviceAllow=/dev/sda rx", "`DeviceAllow` cannot be `rx`: rights are some of `r`, `w` and `m`"),
        ("BusName=app", "`BusName` cannot be `app`: it is a name on the bus"),
        ("Slice=app", "`Slice` cannot be `app`: it is the name of a unit that ends in `.slice`"),
        (
            "Sockets=app.service",
            "`Sockets` cannot be `app.service`: it is the name of a unit that ends in `.socket`",
        ),
        ("User=a:b", "`User` cannot be `a:b`: it is neither a name nor an id"),
        (
            "TimeoutStopSec=5 minuts",
            "`TimeoutStopSec` is a time span, not `5 minuts`: there is no unit `minuts`",
        ),
        ("NetClass=x", "~systemd 252, of Debian 12, no longer knows `NetClass`, and passes over it"),
    ] {
        assert_eq!(said(&format!("[Service]\n{line}\n")), [message], "{line}");
    }
    for (section, line, message) in [
        ("Unit", "After=network", "unit `network` has no type: write it with its ending, like `.service`"),
        (
            "Unit",
            "Documentation=www.x.org",
            "`Documentation` cannot be `www.x.org`: it begins with `https://`, `http://`, `file:/`, `man:` or `info:`",
        ),
        ("Unit", "RequiresMountsFor=srv", "`RequiresMountsFor` is the relative path `srv`"),
        ("Unit", "ConditionPathExists=|!srv", "`ConditionPathExists` is the relative path `srv`"),
        ("Unit", "StartLimitBurst=-1", "`StartLimitBurst` cannot be `-1`: it goes from 0 to 4294967295"),
        ("Unit", "OnFailureJobMode=replace-all", "`OnFailureJobMode` cannot be `replace-all`"),
    ] {
        assert_eq!(said(&format!("[{section}]\n{line}\n")), [message], "{line}");
    }
    for (unit, line, message) in [
        (
            "socket",
            "ListenStream=localhost:80",
            "`ListenStream` cannot be `localhost:80`: a socket listens at no name, only at addresses",
        ),
        ("socket", "ListenStream=70000", "`ListenStream` cannot be `70000`: ports go from 1 to 65535"),
        ("socket", "SocketMode=rw", "`SocketMode` cannot be `rw`: it is an octal mode"),
        ("timer", "OnCalendar=dayly", "`OnCalendar` cannot be `dayly`: `dayly` is no day of the week"),
        ("timer", "Unit=app", "unit `app` has no type: write it with its ending, like `.service`"),
        ("path", "PathChanged=etc/x", "`PathChanged` is the relative path `etc/x`"),
        ("swap", "Priority=40000", "`Priority` cannot be `40000`: it goes from -1 to 32767"),
    ] {
        let section = format!("{}{}", unit[..1].to_uppercase(), &unit[1..]);
        let path = format!("/etc/systemd/system/x.{unit}.d/x.conf");
        assert_eq!(said_at(&path, &format!("[{section}]\n{line}\n"), Os::Debian12), [message], "{line}");
    }
}

#[test]
fn help_says_what_was_meant() {
    for (line, help) in [
        ("ProtectSystem=ful", "did you mean `full`?"),
        ("KillSignal=SIGTEM", "did you mean `SIGTERM`?"),
        ("KillSignal=usr3", "did you mean `SIGUSR1`?"),
        ("CapabilityBoundingSet=CAP_SYS_ADMN", "did you mean `CAP_SYS_ADMIN`?"),
        ("LimitNOFILE=unlimited", "write `infinity`"),
        ("StateDirectory=/var/lib/app", "systemd makes it below `/var/lib`: write what follows"),
        ("StandardError=/x", "write `truncate:/x`"),
        ("ExecStart=$X", "write its path, or `/usr/bin/env $X …`"),
        ("Environment=A=a b", "put quotes around all of it: `Environment=\"NAME=a b\"`"),
        ("CPUQuota=50", "write `50%`, or `200%` for two processors"),
    ] {
        let path = "/etc/systemd/system/a.service.d/x.conf";
        let found = look(&format!("[Service]\n{line}\n"), At { path, sort: "service.d", os: Os::Debian12 });
        let help_of = found.findings.first().and_then(|finding| finding.help.first().cloned());
        assert_eq!(help_of.as_deref(), Some(help), "{line}");
    }
}

#[test]
fn late_values_and_specifiers_may_be_anything() {
    for line in [
        "Nice=\u{fdd0}",
        "Nice=1\u{fdd0}",
        "ExecStart=\u{fdd0}",
        "ExecStart=/bin/x \"\u{fdd0}",
        "ExecStart=%h/bin/x %i",
        "Environment=\u{fdd0}",
        "Environment=\"A=\u{fdd0}\" B=c",
        "Environment=%i",
        "MemoryMax=\u{fdd0}M",
        "ReadWritePaths=\u{fdd0} /x",
        "ReadWritePaths=%S/x -%h %t",
        "WorkingDirectory=%i",
        "KillSignal=\u{fdd0}",
        "User=%i",
        "Slice=%p.slice",
        "\u{fdd0}",
        "Restart=\u{fdd0}",
        "IPAddressAllow=\u{fdd0} localhost",
        "LimitNOFILE=\u{fdd0}:\u{fdd0}",
    ] {
        assert_eq!(said(&format!("[Service]\n{line}\n")), [""; 0], "{line}");
    }
}

#[test]
fn what_a_newer_systemd_knows_is_for_hosts_that_have_it() {
    let line = |line: &str, os| {
        said_at("/etc/systemd/system/x.service.d/x.conf", &format!("[Service]\n{line}\n"), os)
    };
    for (text, message) in [
        ("Type=notify-reload", "systemd 252, of Debian 12, does not know `Type=notify-reload`"),
        (
            "ProtectControlGroups=strict",
            "systemd 252, of Debian 12, does not know `ProtectControlGroups=strict`",
        ),
        ("PrivateTmp=disconnected", "systemd 252, of Debian 12, does not know `PrivateTmp=disconnected`"),
    ] {
        assert_eq!(line(text, Os::Debian12), [message], "{text}");
        assert_eq!(line(text, Os::Debian), [format!("~{message}")], "{text}");
        assert_eq!(line(text, Os::Debian13), [""; 0], "{text}");
    }
    for key in [
        "OpenFile=/x",
        "RestartSteps=3",
        "RestartMaxDelaySec=5min",
        "MemoryPressureWatch=auto",
        "PrivatePIDs=yes",
    ] {
        let name = key.split('=').next().unwrap_or_default();
        assert_eq!(line(key, Os::Debian12), [format!("~systemd 252, of Debian 12, does not know `{name}`")]);
        assert_eq!(line(key, Os::Debian13), [""; 0], "{key}");
    }
}

#[test]
fn lines_go_on_as_systemd_reads_them() {
    let cut = "the empty line 4 ends `ExecStart`, which goes on after it";
    for (text, messages) in [
        ("[Service]\nExecStart=/bin/x \\\n  a \\\n  b\nNice=5\n", vec![]),
        ("[Service]\nExecStart=/bin/x \\\n# c\n; d\n  a\n", vec![]),
        ("[Service]\nExecStart=/bin/x \\\n  --a \\\n\n  --b=c\n  --d\nNice=5\n", vec![cut]),
        (
            "[Service]\nExecStart=/bin/x \\\n  --a \\\n\nNice=50\n",
            vec!["`Nice` cannot be `50`: it goes from -20 to 19"],
        ),
        ("[Service]\nExecStart=/bin/x \\\n  --a \\\n\n[Install]\n", vec![]),
        ("[Service]\nExecStart=/bin/x \\\n  --a \\\n", vec![]),
        (
            "[Service]\nExecStart=/bin/x \\  \n  --b=c\n",
            vec!["blanks follow the backslash, so the line of `ExecStart` does not go on"],
        ),
        ("[Service]\nEnvironment=A=b\\\\\nNice=50\n", vec!["`Nice` cannot be `50`: it goes from -20 to 19"]),
        ("\u{feff}[Service]\r\nNice=5\r\n", vec![]),
        ("[Service]\r\nExecStart=/bin/x \\\r\n  a\r\n", vec![]),
    ] {
        assert_eq!(said(text), messages, "{text}");
    }
}

/// Whole units: where they are, what is in them, what is said, and whether systemd loads them.
const WHOLE: [(&str, &str, &str); 45] = [
    ("a.service", "[Unit]\nSuccessAction=exit\n", ""),
    ("a.service", "[Service]\nRemainAfterExit=yes\nExecStop=/bin/true\n", ""),
    ("a.service", "[Service]\nExecStart=/bin/true\nSuccessExitStatus=DATAERR\n", ""),
    ("a.service", "[Service]\nExecStart=/bin/sh -c 'true ; false'\n", ""),
    ("a.service", "[Service]\nExecStart=/bin/true\n", ""),
    ("a.service", "[Service]\nType=simple\n", "the service has no `ExecStart`, so systemd refuses it"),
    ("a.service", "[Service]\nExecStop=/bin/true\n", "the service has no `ExecStart`, so systemd refuses it"),
    (
        "a.service",
        "[Service]\nType=oneshot\nExecStop=/bin/true\n",
        "the service has no `ExecStart`, so systemd refuses it",
    ),
    ("a.service", "[Service]\nType=oneshot\nRemainAfterExit=yes\nExecStop=/bin/true\n", ""),
    ("a.service", "[Unit]\nSuccessAction=reboot\n[Service]\nType=oneshot\n", ""),
    (
        "a.service",
        "[Service]\nExecStart=/bin/true\nExecStart=/bin/false\n",
        "only a service with `Type=oneshot` has several `ExecStart`",
    ),
    (
        "a.service",
        "[Service]\nExecStart=/bin/true ; /bin/false\n",
        "only a service with `Type=oneshot` has several `ExecStart`",
    ),
    ("a.service", "[Service]\nExecStart=/bin/true\nExecStart=\nExecStart=/bin/false\n", ""),
    ("a.service", "[Service]\nType=oneshot\nExecStart=/bin/true\nExecStart=/bin/false\n", ""),
    (
        "a.service",
        "[Service]\nType=oneshot\nExecStart=/bin/true\nRestart=always\n",
        "`Restart=always` is not for `Type=oneshot`",
    ),
    ("a.service", "[Service]\nType=oneshot\nExecStart=/bin/true\nRestart=on-failure\n", ""),
    (
        "a.service",
        "[Service]\nType=oneshot\nExecStart=/bin/true\nExitType=cgroup\n",
        "`ExitType=cgroup` is not for `Type=oneshot`",
    ),
    (
        "a.service",
        "[Service]\nType=dbus\nExecStart=/bin/true\n",
        "the service has `Type=dbus` and no `BusName`, so systemd refuses it",
    ),
    ("a.service", "[Service]\nType=dbus\nBusName=org.example.A\nExecStart=/bin/true\n", ""),
    ("a.timer", "[Timer]\nPersistent=true\n", "the timer has no time, so systemd refuses it"),
    ("a.timer", "[Timer]\nOnCalendar=daily\nUnit=true.service\n", ""),
    ("a.timer", "[Timer]\nOnClockChange=yes\nUnit=true.service\n", ""),
    (
        "a.socket",
        "[Socket]\nAccept=no\nService=true.service\n",
        "the socket listens nowhere, so systemd refuses it",
    ),
    ("a.socket", "[Socket]\nListenStream=80\nService=true.service\n", ""),
    (
        "a.socket",
        "[Socket]\nListenStream=80\nAccept=yes\nService=true.service\n",
        "`Service=` is not for `Accept=yes`, which starts an instance of its template",
    ),
    ("a.socket", "[Socket]\nListenDatagram=80\nAccept=yes\n", "`Accept=yes` is not for `ListenDatagram`"),
    ("a.path", "[Path]\nUnit=true.service\n", "the path unit watches nothing, so systemd refuses it"),
    ("a.path", "[Path]\nPathExists=/x\nUnit=true.service\n", ""),
    (
        "a.path",
        "[Path]\nPathExists=/x\nUnit=a.path\n",
        "`Unit` cannot be `a.path`: a unit does not trigger itself",
    ),
    ("srv-data.mount", "[Mount]\nWhat=/dev/sdb\nWhere=/srv/data\n", ""),
    ("srv-data.mount", "[Mount]\nWhat=/dev/sdb\nWhere=/srv/data/\n", ""),
    ("srv-data.mount", "[Mount]\nWhat=/dev/sdb\n", ""),
    ("srv-data.mount", "[Mount]\nWhere=/srv/data\n", "the mount has no `What`, so systemd refuses it"),
    (
        "data.mount",
        "[Mount]\nWhat=/dev/sdb\nWhere=/srv/data\n",
        "`Where=/srv/data` is not for `data.mount`, so systemd refuses it",
    ),
    (
        "srv-my-data.mount",
        "[Mount]\nWhat=/dev/sdb\nWhere=/srv/my-data\n",
        "`Where=/srv/my-data` is not for `srv-my-data.mount`, so systemd refuses it",
    ),
    ("srv-my\\x2ddata.mount", "[Mount]\nWhat=/dev/sdb\nWhere=/srv/my-data\n", ""),
    ("srv-.x.mount", "[Mount]\nWhat=/dev/sdb\nWhere=/srv/.x\n", ""),
    ("\\x2ex.mount", "[Mount]\nWhat=/dev/sdb\nWhere=/.x\n", ""),
    ("srv-a\\x20b.mount", "[Mount]\nWhat=/dev/sdb\nWhere=/srv/a b\n", ""),
    (
        "data.automount",
        "[Automount]\nWhere=/srv/data\n",
        "`Where=/srv/data` is not for `data.automount`, so systemd refuses it",
    ),
    ("srv-data.automount", "[Automount]\nWhere=/srv/data\n", ""),
    ("swapfile.swap", "[Swap]\nWhat=/swapfile\n", ""),
    (
        "swap.swap",
        "[Swap]\nWhat=/swapfile\n",
        "`What=/swapfile` is not for `swap.swap`, so systemd refuses it",
    ),
    ("a.slice", "[Slice]\nCPUWeight=50\n", ""),
    ("a.target", "[Unit]\nDescription=x\n", ""),
];

#[test]
fn units_are_told_whole() {
    for (name, text, message) in WHOLE {
        let messages: Vec<&str> = Some(message).filter(|message| !message.is_empty()).into_iter().collect();
        assert_eq!(
            said_at(&format!("/etc/systemd/system/{name}"), text, Os::Debian12),
            messages,
            "{name}: {text}"
        );
    }
}

/// The table above, asked of systemd.
#[test]
fn systemd_agrees_about_whole_units() -> io::Result<()> {
    if judge::systemd().is_none() {
        return Ok(());
    }
    for (name, text, message) in WHOLE {
        let directory = tempfile::tempdir()?;
        std::fs::write(directory.path().join(name), text)?;
        std::fs::write(directory.path().join("true.service"), "[Service]\nExecStart=/bin/true\n")?;
        std::fs::write(directory.path().join("a@.service"), "[Service]\nExecStart=/bin/true\n")?;
        let said = judge::verify(directory.path(), &[name.to_owned()])?;
        let refuses = said.contains("Refusing") || said.contains("not loading") || said.contains("ignoring");
        assert_eq!(refuses, !message.is_empty(), "{name}: {text}\n{said}");
    }
    Ok(())
}

#[test]
fn other_names_are_of_the_same_type() {
    let text = |alias: &str| format!("[Service]\nExecStart=/bin/x\n[Install]\nAlias={alias}\n");
    for (name, alias, message) in [
        ("a.service", "b.service", ""),
        ("a.service", "b.service c.service", ""),
        ("a.service", "multi-user.target.wants/a.service", ""),
        ("a@.service", "b@.service", ""),
        ("a.service", "b", "alias `b` has no type: write it with its ending, like `.service`"),
        ("a.service", "b.socket", "alias `b.socket` is of another type than `a.service`"),
        ("a@.service", "b.service", "alias `b.service` is no template, as `a@.service` is"),
        ("a.service", "b@.service", "alias `b@.service` is a template, and `a.service` is none"),
    ] {
        let messages: Vec<&str> = Some(message).filter(|message| !message.is_empty()).into_iter().collect();
        assert_eq!(
            said_at(&format!("/etc/systemd/system/{name}"), &text(alias), Os::Debian12),
            messages,
            "{alias}"
        );
    }
}

#[test]
fn settings_of_systemds_programs_are_known() {
    for (path, text, message) in [
        ("/etc/systemd/journald.conf", "[Journal]\nSystemMaxUse=1G\nStorage=persistent\n", ""),
        ("/etc/systemd/journald.conf", "[Journal]\nStorage=persistant\n", "`Storage` cannot be `persistant`"),
        ("/etc/systemd/journald.conf.d/x.conf", "[Jurnal]\n", "there is no section `[Jurnal]`"),
        (
            "/etc/systemd/journald.conf",
            "[Journal]\nSystemMaxUsed=1G\n",
            "section `[Journal]` has no key `SystemMaxUsed`",
        ),
        (
            "/etc/systemd/journald.conf",
            "[Journal]\nSystemMaxUse=1Gb\n",
            "`SystemMaxUse` cannot be `1Gb`: it is a size",
        ),
        ("/etc/systemd/system.conf.d/x.conf", "[Manager]\nDefaultLimitNOFILE=1024:524288\n", ""),
        (
            "/etc/systemd/system.conf",
            "[Manager]\nDefaultTimeoutStopSec=10x\n",
            "`DefaultTimeoutStopSec` is a time span, not `10x`: there is no unit `x`",
        ),
        (
            "/etc/systemd/network/x.network",
            "[Match]\nName=eth*\n[Network]\nDHCP=yes\n[Address]\nAddress=10.0.0.1/8\n",
            "",
        ),
        (
            "/etc/systemd/network/x.network",
            "[Match]\nName=eth*\n[Networks]\nDHCP=yes\n",
            "there is no section `[Networks]`",
        ),
        (
            "/etc/systemd/network/x.netdev",
            "[NetDev]\nName=br0\nKind=bridge\n[SR-IOV]\n",
            "there is no section `[SR-IOV]`",
        ),
        (
            "/etc/systemd/network/x.link",
            "[Match]\nMACAddress=00:11:22:33:44:55\n[Link]\nNam=eth0\n",
            "section `[Link]` has no key `Nam`",
        ),
        ("/etc/systemd/timesyncd.conf", "[Time]\nNTP=a b\n", ""),
        ("/etc/systemd/resolved.conf", "[Resolve]\nDNSSEC=maybe\n", "`DNSSEC` is `yes` or `no`, not `maybe`"),
        ("/etc/systemd/logind.conf", "[Login]\nHandleLidSwitch=ignore\nKillUserProcesses=no\n", ""),
    ] {
        let messages: Vec<&str> = Some(message).filter(|message| !message.is_empty()).into_iter().collect();
        assert_eq!(said_at(path, text, Os::Debian12), messages, "{path}: {text}");
    }
}

/// What we refuse although systemd passes over it in silence.
const STRICTER: [&str; 3] = ["capability_set", "exec_secure_bits", "exec"];

/// What systemd refuses and we let pass: what is rare, what depends on the host or on the type of unit, and names that it
/// takes with a word about their age.
const LAXER: [&str; 38] = [
    "blockio_bandwidth",
    "blockio_device_weight",
    "bpf_foreign_program",
    "bind_paths",
    "cgroup_socket_bind",
    "colon_separated_paths",
    "cpu_shares",
    "delegate",
    "exec_coredump_filter",
    "exec_directories",
    "exec_input_data",
    "exec_input_text",
    "exec_output",
    "exec_root_hash",
    "exec_root_hash_sig",
    "extension_images",
    "fdname",
    "kill_mode",
    "load_credential",
    "log_namespace",
    "managed_oom_mem_pressure_limit",
    "managed_oom_mode",
    "memory_limit",
    "mount_images",
    "namespace_path_strv",
    "obsolete_unit_deps",
    "personality",
    "reboot_parameter",
    "restrict_filesystems",
    "restrict_network_interfaces",
    "rlimit",
    "root_image_options",
    "set_credential",
    "socket_bindtodevice",
    "socket_listen",
    "temporary_filesystems",
    "trigger_unit",
    "unit_env_file",
];

/// Every parser is given every value of a list, as the value of one of its keys; what systemd says of each is what we say.
#[test]
fn systemd_agrees_about_every_value_of_every_type() -> io::Result<()> {
    let Some(os) = judge::systemd() else { return Ok(()) };
    let directory = tempfile::tempdir()?;
    let known = Systemd::of(os).table().sections("unit");
    let mut seen = BTreeSet::new();
    let mut units: BTreeMap<String, (&str, &str, &str, Vec<&str>)> = BTreeMap::new();
    for (section, keys) in known
        .iter()
        .filter(|(section, _)| !section.starts_with('+') && !["Install", "Scope"].contains(section))
    {
        for (key, parser) in keys {
            let by_key = ["memory_limit", "rlimit", "socket_listen", "exec_directories"].contains(parser);
            if !seen.insert((*parser, if by_key { *key } else { "" })) {
                continue;
            }
            let values = include_str!("values.txt").lines();
            // Some values end the reading of a unit.
            let fatal = [
                "exec",
                "user_group_compat",
                "user_group_strv_compat",
                "working_directory",
                "unit_path_printf",
                "pid_file",
            ];
            let groups: Vec<Vec<&str>> = match fatal.contains(parser) {
                true => values.map(|value| vec![value]).collect(),
                false => vec![values.collect()],
            };
            let kind = if *section == "Unit" { "service".to_owned() } else { section.to_lowercase() };
            for values in groups {
                let name = format!("k{}.{kind}", units.len());
                let lines: String = values.iter().map(|value| format!("{key}={value}\n")).collect();
                std::fs::write(directory.path().join(&name), format!("[{section}]\n{lines}"))?;
                units.insert(name, (*section, *key, *parser, values));
            }
        }
    }
    let names: Vec<String> = units.keys().cloned().collect();
    let said = judge::verify(directory.path(), &names)?;
    let mut refused: BTreeSet<(&str, usize)> = BTreeSet::new();
    for line in said.lines() {
        let Some((file, rest)) = line.split_once(':') else { continue };
        let Some((number, _)) = rest.split_once(':') else { continue };
        if let (Some(name), Ok(number)) = (file.rsplit('/').next(), number.parse()) {
            refused.insert((name, number));
        }
    }
    let mut differ = Vec::new();
    for (name, (section, key, parser, values)) in &units {
        for (at, value) in values.iter().enumerate() {
            let path = format!("/etc/systemd/system/{name}.d/x.conf");
            let sort = reads(&path).unwrap_or_default();
            let found = look(&format!("[{section}]\n{key}={value}\n"), At { path: &path, sort, os }).findings;
            let (errors, any) =
                (found.iter().any(|finding| finding.severity == Severity::Error), !found.is_empty());
            match refused.contains(&(name.as_str(), at + 2)) {
                // What a specifier stands for, only the host knows.
                true if !any && !LAXER.contains(parser) && !value.contains('%') => {
                    differ.push(format!("passed: {parser} {key}={value}"))
                }
                false if errors && !STRICTER.contains(parser) => {
                    differ.push(format!("refused: {parser} {key}={value}: {}", found[0].message))
                }
                _ => {}
            }
        }
    }
    assert!(units.len() > 100 && differ.is_empty(), "{} differ:\n{}", differ.len(), differ.join("\n"));
    Ok(())
}
