//! Exit 0 means that it is so: a table of what goes wrong after it was made, on one host with real systemd. Each row is an
//! environment of one site, so that all of them are built together.

use std::fmt::Write as _;

use integration_test::lab::Lab;
use integration_test::site::{Site, generate};

const NAME: &str = "truth";

/// What a host should be, and what comes of that.
struct Row {
    name: &'static str,
    /// Done by hand before.
    before: &'static str,
    /// What the role declares.
    role: &'static str,
    /// The exit codes of a check, an apply and a check after it; `EITHER` where that is a matter of moments.
    codes: [i32; 3],
    /// What stands in the report of the check.
    announced: &'static [&'static str],
    /// What stands in that of the apply.
    said: &'static [&'static str],
    /// What holds afterwards, by the shell.
    after: &'static str,
}

const EITHER: i32 = -1;

const ROWS: [Row; 13] = [
    Row {
        name: "services_of_all_types",
        before: "",
        role: r##"
            plan.unit("simple.service", "[Service]\nExecStart=/bin/sleep 1000\n");
            plan.unit("exec.service", "[Service]\nType=exec\nExecStart=/bin/sleep 1000\n");
            plan.unit("once.service", "[Service]\nType=oneshot\nRemainAfterExit=yes\nExecStart=/bin/true\n");
            plan.unit("forking.service", "[Service]\nType=forking\nExecStart=/bin/sh -c 'sleep 1000 & exit 0'\n");
            plan.unit("notify.service", "[Service]\nType=notify\nNotifyAccess=all\nExecStart=/bin/sh -c 'systemd-notify --ready; exec sleep 1000'\n");
            plan.unit("now.timer", "[Timer]\nOnCalendar=daily\nUnit=once.service\n");
            plan.unit("now.path", "[Path]\nPathExists=/nonexistent\nUnit=once.service\n");
            plan.unit("now.socket", "[Socket]\nListenStream=/run/now.socket\nAccept=yes\n");
            plan.unit("now@.service", "[Service]\nExecStart=/bin/true\n");
            for unit in ["simple", "exec", "once", "forking", "notify", "now.timer", "now.path", "now.socket"] {
                plan.service(unit).running();
            }
        "##,
        codes: [2, 0, 0],
        announced: &["service notify"],
        said: &[],
        after: "systemctl is-active simple exec once forking notify now.timer now.path now.socket",
    },
    Row {
        name: "dies_at_once",
        before: "",
        role: r##"
            plan.unit("early.service", "[Service]\nExecStart=/bin/sh -c 'echo no configuration; exit 3'\n");
            plan.service("early").running();
            plan.file("/srv/after", "x\n");
        "##,
        codes: [2, 1, 2],
        announced: &[],
        said: &[
            "early.service was started and does not run: its program ended with status 3",
            "no configuration",
        ],
        after: "test ! -e /srv/after",
    },
    Row {
        name: "dies_soon",
        before: "",
        role: r##"
            plan.unit("soon.service", "[Service]\nExecStart=/bin/sh -c 'sleep 0.5; echo no database; exit 4'\n");
            plan.service("soon").running();
            plan.file("/srv/after-soon", "x\n");
        "##,
        codes: [2, 1, 2],
        announced: &[],
        said: &["soon.service was started and does not run: its program ended with status 4", "no database"],
        after: "test -e /srv/after-soon",
    },
    Row {
        name: "dies_late",
        before: "",
        role: r##"
            plan.unit("late.service", "[Service]\nExecStart=/bin/sh -c 'sleep 3; exit 7'\n");
            plan.service("late").running().settled_for(6);
        "##,
        codes: [2, 1, 2],
        announced: &[],
        said: &["late.service was started and does not run: its program ended with status 7"],
        after: "",
    },
    Row {
        name: "is_started_again",
        before: "",
        role: r##"
            plan.unit("loop.service", "[Service]\nExecStart=/bin/sh -c 'sleep 0.4; exit 7'\nRestart=always\n");
            plan.service("loop").running();
        "##,
        codes: [2, 1, EITHER],
        announced: &[],
        said: &["loop.service was started and does not run: i"],
        after: "",
    },
    Row {
        name: "started_by_a_command",
        before: "",
        role: r##"
            let unit = plan.unit("bycommand.service", "[Service]\nExecStart=/bin/sh -c 'test ! -e /srv/die || { sleep 0.4; exit 5; }; exec sleep 1000'\n");
            plan.service("bycommand").running();
            plan.command("touch /srv/die; systemctl restart --no-block bycommand").run_on(&unit);
        "##,
        codes: [2, 1, 2],
        announced: &[],
        said: &[
            "bycommand.service was started and does not run: its program ended with status 5",
            "after it came command `touch /srv/die",
        ],
        after: "",
    },
    Row {
        name: "undone",
        before: "",
        role: r##"
            plan.file("/srv/a", "x\n");
            plan.command("rm -f /srv/a; touch /srv/b").creates("/srv/b");
        "##,
        codes: [2, 1, 2],
        announced: &[],
        said: &["it was made, and undone by command `rm -f /srv/a; touch /srv/b`: it is not there"],
        after: "test -e /srv/b",
    },
    Row {
        name: "two_names",
        before: "printf '[Service]\\nExecStart=/bin/true\\n[Install]\\nWantedBy=multi-user.target\\nAlias=second.service\\n' >/usr/lib/systemd/system/first.service; systemctl daemon-reload",
        role: r##"
            plan.file("/srv/before", "x\n");
            plan.service("first").enabled();
            plan.service("second").disabled();
        "##,
        codes: [1, 1, 1],
        announced: &[
            "first.service and second.service are one unit, and the plan wants it enabled and disabled",
        ],
        said: &["declare it once, as `plan.service(\"first\")`"],
        after: "test ! -e /srv/before; if systemctl is-enabled -q first; then exit 1; fi",
    },
    Row {
        name: "two_names_of_an_enabled_one",
        before: "systemctl enable first",
        role: r##"
            plan.file("/srv/before", "x\n");
            plan.service("first").enabled();
            plan.service("second").disabled();
        "##,
        codes: [1, 1, 1],
        announced: &[
            "first.service and second.service are one unit, and the plan wants it enabled and disabled",
        ],
        said: &[],
        after: "test ! -e /srv/before; systemctl is-enabled first",
    },
    Row {
        name: "a_socket",
        before: "printf '[Socket]\\nListenStream=/run/woken\\n' >/etc/systemd/system/woken.socket; printf '[Service]\\nExecStart=/bin/sleep 1000\\n' >/etc/systemd/system/woken.service; systemctl daemon-reload; systemctl start woken.socket woken",
        role: r##"
            let woken = plan.service("woken").disabled().stopped();
            plan.command("perl -MIO::Socket::UNIX -e 'IO::Socket::UNIX->new(Peer => \"/run/woken\") or die'; sleep 0.5").run_on(&woken);
        "##,
        codes: [2, 1, 2],
        announced: &[
            "service woken is to be stopped, but woken.socket is active and starts it: declare `plan.service(\"woken.socket\").disabled().stopped()` as well",
        ],
        said: &["woken.service was stopped and runs again: woken.socket starts it"],
        after: "systemctl stop woken.socket woken",
    },
    Row {
        name: "a_path",
        before: "touch /srv/queue; printf '[Path]\\nPathExists=/srv/queue\\nUnit=worker.service\\n' >/etc/systemd/system/queue.path; printf '[Service]\\nExecStart=/bin/sleep 1000\\n' >/etc/systemd/system/worker.service; systemctl daemon-reload; systemctl start queue.path; until systemctl is-active worker; do sleep 0.1; done",
        role: r##"
            plan.service("worker").stopped();
        "##,
        codes: [2, 1, 2],
        announced: &["service worker is to be stopped, but queue.path is active and starts it"],
        said: &["worker.service was stopped and runs again: queue.path starts it"],
        after: "systemctl stop queue.path worker",
    },
    Row {
        name: "other_links",
        before: "cd /etc/systemd/system; printf '[Service]\\nExecStart=/bin/sleep 1000\\n[Install]\\nWantedBy=multi-user.target\\nAlias=old.service\\n' >linked.service; systemctl daemon-reload; systemctl enable linked; mkdir -p /opt; printf '[Service]\\nExecStart=/bin/sleep 1000\\n[Install]\\nWantedBy=multi-user.target\\n' >/opt/far.service; systemctl enable /opt/far.service",
        role: r##"
            plan.unit("linked.service", "[Service]\nExecStart=/bin/sleep 1000\n[Install]\nWantedBy=graphical.target\nRequiredBy=timers.target\nAlias=new.service\nAlso=linked.socket\n");
            plan.unit("linked.socket", "[Socket]\nListenStream=/run/linked\n[Install]\nWantedBy=sockets.target\n");
            plan.service("linked").enabled();
            plan.service("far").enabled().running();
        "##,
        codes: [2, 0, 0],
        announced: &[
            "enabled yes, wanted by multi-user.target, alias old.service, without linked.socket → yes, wanted by graphical.target, alias new.service, required by timers.target, with linked.socket",
        ],
        said: &[],
        after: "cd /etc/systemd/system; test -L graphical.target.wants/linked.service; test -L timers.target.requires/linked.service; test -L new.service; test -L sockets.target.wants/linked.socket; test ! -L multi-user.target.wants/linked.service; test ! -L old.service; test -L far.service; systemctl is-enabled linked new linked.socket far",
    },
    Row {
        name: "drop_in_links",
        before: "rm -rf /etc/systemd/system/first.service.d",
        role: r##"
            plan.directory("/etc/systemd/system/first.service.d");
            plan.file("/etc/systemd/system/first.service.d/install.conf", "[Install]\nWantedBy=\nWantedBy=graphical.target\n");
            plan.service("first").enabled();
        "##,
        codes: [2, 0, 0],
        announced: &[
            "enabled yes, wanted by multi-user.target, alias second.service → yes, wanted by graphical.target, alias second.service",
        ],
        said: &[],
        after: "cd /etc/systemd/system; test -L graphical.target.wants/first.service; test ! -L multi-user.target.wants/first.service; systemctl is-enabled first",
    },
];

#[test]
fn what_does_not_hold_has_failed_and_what_holds_is_left_alone() {
    let lab = Lab::start(&["web1"]).expect("the lab starts");
    let address = lab.host("web1").expect("it is there").address();
    let mut config = "environments:\n".to_owned();
    let mut inventories = Vec::new();
    let mut roles =
        "use paracrine_build::prelude::*;\n\nsite! {\n    config: \"config.yaml\",\n    inventories: ["
            .to_owned();
    let mut arms = String::new();
    for Row { name, role, .. } in &ROWS {
        writeln!(config, "  {name}: {{}}").unwrap();
        let servers = format!("servers:\n  - name: web1\n    ssh_hostname: {address}\n    ssh_user: root\n");
        inventories.push((format!("inventory/{name}.yaml"), format!("environment: {name}\n{servers}")));
        write!(roles, "\"inventory/{name}.yaml\", ").unwrap();
        writeln!(arms, "        \"{name}\" => {{{role}}}").unwrap();
    }
    roles.push_str(
        "],\n}\n\npub fn site(cx: &Context, plan: &Plan) {\n    match cx.host.environment.name() {\n",
    );
    roles.push_str(&arms);
    roles.push_str("        other => unreachable!(\"{other}\"),\n    }\n}\n");
    let mut files = vec![("config.yaml", config.as_str()), ("roles.rs", roles.as_str())];
    files.extend(inventories.iter().map(|(path, text)| (path.as_str(), text.as_str())));
    let (folder, binary) = generate(NAME, &files, false).expect("the site builds");
    let site = Site::new(&lab, NAME, &folder, binary).expect("the site can be used");

    let mut wrong = Vec::new();
    for row in &ROWS {
        lab.run("web1", &format!("set -e; {}", row.before)).unwrap();
        let name = row.name;
        let check = site.run(&["check", name, "--adopt"]).unwrap();
        let apply = site.run(&["apply", name, "--adopt"]).unwrap();
        let again = site.run(&["check", name, "--adopt"]).unwrap();
        let shown = format!(
            "{name}\n{}{}\n{}{}\n{}",
            check.stdout, check.stderr, apply.stdout, apply.stderr, again.stdout
        );
        for (code, expected) in [check.code, apply.code, again.code].into_iter().zip(row.codes) {
            if expected != EITHER && code != Some(expected) {
                wrong.push(format!("{:?} of {:?}\n{shown}", code, row.codes));
            }
        }
        for (run, texts) in [(&check, row.announced), (&apply, row.said)] {
            for text in texts.iter().filter(|text| !run.stdout.contains(**text)) {
                wrong.push(format!("no `{text}`\n{shown}"));
            }
        }
        if let Err(error) = lab.run("web1", &format!("set -e; {}", row.after)) {
            wrong.push(format!("{error}\n{shown}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}
