use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::OnceLock;

use paracrine_model::text::{Place, Text};

use super::*;
use crate::testing::{TestSite, secret};

fn prod() -> &'static EnvironmentPlan {
    static PLAN: OnceLock<EnvironmentPlan> = OnceLock::new();
    PLAN.get_or_init(|| {
        let site = TestSite::new()
            .host("dev", "box", &["edge"], |_| {})
            .host("prod", "web1", &["web"], |plan| {
                plan.package("nginx").at_least("1.22");
                plan.package("apache2").absent();
                plan.group("operators").gid(2000);
                plan.user("ann").groups(["operators"]).shell("/bin/bash");
                plan.directory("/etc/app").mode(0o750);
                let conf = plan
                    .file("/etc/nginx/conf.d/app.conf", "server {\n    server_name app.example.org;\n}\n");
                plan.link("/etc/app/current", "v2");
                plan.absent("/etc/nginx/sites-enabled/default");
                let mut text = Text::from("DB_PASSWORD=");
                secret("DB_PASSWORD").place(&mut text);
                let secrets = plan.file("/etc/app/secrets.env", text).owner("app").mode(0o640);
                plan.file("/srv/logo.png", vec![0xff, 0xfe]);
                plan.unit("app.service", "[Service]\nExecStart=/usr/bin/app\n");
                plan.command("app migrate")
                    .creates("/srv/done")
                    .changes(["/var/lib/app", "/srv"])
                    .user("app")
                    .run_on(&secrets);
                plan.service("nginx").enabled().running().reload_on(&conf);
                plan.service("app").running().restart_on(&secrets);
            })
            .host("prod", "db1", &["db"], |_| {})
            .embedded();
        EnvironmentPlan::open(site.plan, "prod")
    })
}

fn web1() -> HostPlan<'static> {
    prod().host("web1")
}

/// What an expectation that is not met says, without the place in this file.
fn refused<T>(expect: impl FnOnce() -> T) -> String {
    let caught = catch_unwind(AssertUnwindSafe(|| drop(expect()))).expect_err("it was met");
    let message = caught.downcast_ref::<String>().expect("a text");
    let mut lines: Vec<String> = Vec::new();
    for line in message.lines() {
        lines.push(match line.split_once("paracrine/src/plan_test/tests.rs:") {
            Some((before, place)) => {
                let end = place.find(|c: char| !c.is_ascii_digit() && c != ':').unwrap_or(place.len());
                format!("{before}ROLES{}", &place[end..])
            }
            None => line.to_owned(),
        });
    }
    lines.join("\n")
}

#[test]
fn what_is_so_passes() {
    assert_eq!(prod().hosts().map(HostPlan::name).collect::<Vec<_>>(), ["web1", "db1"]);
    assert_eq!(prod().hosts_with_role("db").map(HostPlan::name).collect::<Vec<_>>(), ["db1"]);
    let host = web1();
    host.package("nginx").at_least("1.22");
    host.group("operators").gid(2000);
    host.user("ann").is_in("operators").shell("/bin/bash");
    host.directory("/etc/app").owner("root").mode(0o750);
    let conf = host.file("/etc/nginx/conf.d/app.conf");
    conf.contains("app.example.org")
        .lacks("ssl")
        .has_line("server_name app.example.org;")
        .owner("root")
        .mode(0o644);
    conf.comes_after("package nginx");
    assert!(conf.origin().file.ends_with("plan_test/tests.rs"));
    host.link("/etc/app/current").leads_to("v2");
    host.absent("/etc/nginx/sites-enabled/default");
    host.file("/etc/app/secrets.env").contains("DB_PASSWORD=‹secret DB_PASSWORD›").owner("app").mode(0o640);
    host.unit("app.service").has_line("ExecStart=/usr/bin/app").mode(0o644);
    host.command("app migrate").creates("/srv/done").runs_as("app").runs_on("file /etc/app/secrets.env");
    host.command("app migrate").changes(&["/srv", "/var/lib/app"]);
    host.service("nginx").is_enabled().is_running().reloads_on("file /etc/nginx/conf.d/app.conf");
    host.service("app.service").is_running().restarts_on("file /etc/app/secrets.env");
    host.has("package apache2").has_no("package lighttpd").has_no("file /etc/motd");
    host.removes("package apache2").removes("path /etc/nginx/sites-enabled/default");
    assert_eq!(host.file("/srv/logo.png").text(), None);
    assert_eq!(host.tasks()[0], "package nginx");
    assert_eq!(prod().host("db1").tasks(), [""; 0]);
}

#[test]
fn environments_hosts_and_roles_that_are_not_there_are_told_with_the_nearest() {
    let site = TestSite::new().embedded();
    assert_eq!(
        refused(|| EnvironmentPlan::open(site.plan, "prd")),
        "there is no environment `prd`\n  did you mean `prod`?"
    );
    assert_eq!(
        refused(|| EnvironmentPlan::open(site.plan, "staging")),
        "there is no environment `staging`\n  there are `dev`, `prod`"
    );
    assert_eq!(refused(|| prod().host("web2")), "prod has no host `web2`\n  did you mean `web1`?");
    assert_eq!(refused(|| prod().host("box")), "prod has no host `box`\n  it has `web1`, `db1`");
    assert_eq!(
        refused(|| prod().hosts_with_role("wbe").count()),
        "no host of prod plays the role `wbe`\n  did you mean `web`?"
    );
}

#[test]
fn tasks_that_are_not_there_are_told_with_the_nearest_and_its_line() {
    assert_eq!(
        refused(|| web1().file("/etc/nginx/conf.d/ap.conf")),
        "web1 of prod has no file `/etc/nginx/conf.d/ap.conf`\n  \
         did you mean file /etc/nginx/conf.d/app.conf (ROLES)?"
    );
    assert_eq!(
        refused(|| web1().file("/etc/app")),
        "web1 of prod has no file `/etc/app`\n  it has directory /etc/app (ROLES)"
    );
    assert_eq!(
        refused(|| web1().package("postgresql")),
        "web1 of prod has no package `postgresql`\n  it has `nginx`, `apache2`"
    );
    assert_eq!(
        refused(|| prod().host("db1").user("ann")),
        "db1 of prod has no user `ann`\n  it has no user at all"
    );
    assert_eq!(
        refused(|| web1().has("pakage nginx")),
        "`pakage nginx` is no name of a task: there is no kind `pakage`\n  did you mean `package`?"
    );
    assert_eq!(
        refused(|| web1().has_no("apache2")),
        "`apache2` is no name of a task: write its kind before it, as in `package nginx`"
    );
}

#[test]
fn what_should_not_be_there_is_told_with_its_line() {
    assert_eq!(
        refused(|| web1().has_no("package nginx")),
        "web1 of prod has package nginx\n  declared at ROLES"
    );
    assert_eq!(
        refused(|| web1().package("apache2")),
        "package apache2 of web1 of prod is removed\n  \
         expected as such it is `removes(\"package apache2\")`\n  declared at ROLES"
    );
    assert_eq!(
        refused(|| web1().removes("package nginx")),
        "web1 of prod wants package nginx to be there\n  declared at ROLES"
    );
    assert_eq!(refused(|| web1().removes("path /etc/x")), "web1 of prod has no task about path /etc/x");
}

#[test]
fn contents_that_differ_are_shown() {
    let conf = || web1().file("/etc/nginx/conf.d/app.conf");
    assert_eq!(
        refused(|| conf().contains("server_name app.example.com;")),
        "file /etc/nginx/conf.d/app.conf of web1 of prod does not contain `server_name app.example.com;`
  did you mean `server_name app.example.org;`?
  │ server {
  │     server_name app.example.org;
  │ }
  declared at ROLES"
    );
    assert_eq!(
        refused(|| conf().lacks("app.example.org")),
        "file /etc/nginx/conf.d/app.conf of web1 of prod contains `app.example.org` in line 2
  │ server {
  │     server_name app.example.org;
  │ }
  declared at ROLES"
    );
    assert_eq!(
        refused(|| web1().file("/srv/logo.png").contains("x")),
        "file /srv/logo.png of web1 of prod holds no text\n  declared at ROLES"
    );
    assert_eq!(
        refused(|| conf().is_from("templates/app.conf.j2")),
        "file /etc/nginx/conf.d/app.conf of web1 of prod has its content from `no file`, not \
         `templates/app.conf.j2`\n  declared at ROLES"
    );
}

#[test]
fn attributes_that_differ_are_told() {
    macro_rules! told {
        ($expect:expr) => {
            refused(|| $expect).replace(" of web1 of prod", "").replace("\n  declared at ROLES", "")
        };
    }
    assert_eq!(
        told!(web1().file("/etc/app/secrets.env").mode(0o600)),
        "file /etc/app/secrets.env has mode 0640, not 0600"
    );
    assert_eq!(
        told!(web1().directory("/etc/app").owner("app")),
        "directory /etc/app has owner `root`, not `app`"
    );
    assert_eq!(told!(web1().service("app").is_enabled()), "service app has enabled left as it is, not `yes`");
    assert_eq!(told!(web1().service("nginx").is_stopped()), "service nginx has running `yes`, not `no`");
    assert_eq!(told!(web1().user("ann").is_in("sudo")), "user ann is not in `sudo`, but in operators");
    assert_eq!(told!(web1().package("nginx").comes_after("user ann")), "package nginx comes before user ann");
    assert_eq!(
        told!(web1().service("nginx").restarts_on("file /etc/nginx/conf.d/app.conf")),
        "service nginx does not restart when file /etc/nginx/conf.d/app.conf changes\n  \
         it does reload when file /etc/nginx/conf.d/app.conf changes"
    );
}

#[test]
fn the_line_of_the_test_is_blamed() {
    static LINES: std::sync::Mutex<Vec<(String, u32)>> = std::sync::Mutex::new(Vec::new());
    let before = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        let own = std::thread::current()
            .name()
            .is_some_and(|name| name.ends_with("the_line_of_the_test_is_blamed"));
        match info.location() {
            Some(location) if own => {
                LINES.lock().unwrap().push((location.file().to_owned(), location.line()))
            }
            _ => before(info),
        }
    }));
    let first = line!();
    refused(|| web1().file("/none"));
    refused(|| web1().file("/srv/logo.png").contains("x"));
    refused(|| web1().service("nginx").restarts_on("file /none"));
    refused(|| web1().package("apache2"));
    refused(|| web1().has_no("nonsense"));
    refused(|| EnvironmentPlan::open(b"nonsense", "prod"));
    let lines: Vec<_> = LINES
        .lock()
        .unwrap()
        .iter()
        .map(|(file, line)| (file.ends_with("plan_test/tests.rs"), line - first))
        .collect();
    assert_eq!(lines, (1..=6).map(|line| (true, line)).collect::<Vec<_>>());
}
