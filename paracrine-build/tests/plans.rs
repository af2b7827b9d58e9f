//! What comes of roles: rendered templates, late spans, what was read, what policies say.

#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::path::Path;

use paracrine_build::model::deployment::Deployment;
use paracrine_build::model::diagnostic::{Code, Diagnostic, Diagnostics, Severity};
use paracrine_build::model::given::Given;
use paracrine_build::model::value::{Entries, Mismatch, Path as Keys};
use paracrine_build::prelude::*;
use paracrine_build::{Checked, Compile, SiteContext, SitePlan, policies};

#[derive(ForTemplate)]
struct Context {
    host: String,
    password: Secret,
    token: Option<Secret>,
}

impl SiteContext for Context {
    const CONFIG: &'static str = "config.yaml";
    const INVENTORIES: &'static [&'static str] = &["inventory.yaml"];

    fn contexts(deployment: &Deployment) -> Result<Vec<(usize, Self)>, Mismatch> {
        let all = deployment.hosts.iter().enumerate().map(|(index, host)| {
            let values = Entries::of(&deployment.environments[host.environment].values, &Keys::ROOT)?;
            let (password, token) = (values.field("PASSWORD")?, values.field("TOKEN")?);
            Ok((index, Self { host: host.address.name.clone(), password, token }))
        });
        all.collect()
    }
}

struct Site(tempfile::TempDir);

impl Site {
    fn new(templates: &[(&str, &str)]) -> Self {
        let site = Self(tempfile::tempdir().unwrap());
        site.write("config.yaml", "environments: { prod: { PASSWORD: !file password, TOKEN: null } }\n");
        site.write(
            "inventory.yaml",
            "environment: prod\nservers: [{ name: a, ssh_hostname: a }, { name: b, ssh_hostname: b }]\n",
        );
        site.write("password", "open sesame\n");
        for (name, text) in templates {
            site.write(&format!("templates/{name}"), text);
        }
        site
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.0.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    fn check(&self, role: fn(&Context, &Plan)) -> Checked {
        Compile::new(role).check(self.0.path())
    }
}

/// The content of `/x` on host `a`, where nothing is wrong.
fn rendered(template: &str, role: fn(&Context, &Plan)) -> String {
    let checked = Site::new(&[("x.j2", template)]).check(role);
    assert_eq!(checked.drawn(), "");
    checked.plan().unwrap().host("prod", "a").unwrap().file("/x").unwrap()
}

#[test]
fn templates_keep_their_text_to_the_last_byte() {
    let role = |_: &Context, plan: &Plan| {
        plan.file("/x", template("x.j2", context! {}));
    };
    for text in ["", "\n", "a", "a\n", "a\n\n", "a\r\nb\r\n", "  <&>\"'\t\n"] {
        assert_eq!(rendered(text, role), text);
    }
}

#[test]
fn anything_that_can_be_serialised_can_be_placed() {
    #[derive(ForTemplate)]
    struct Peer {
        name: &'static str,
        port: u16,
        tags: Vec<String>,
    }
    let text = "{{ b }} {{ i }} {{ f }} {{ s }} {{ c }} {{ peers[1].name }}:{{ peers[1].port }} {{ peers[0].tags | join(',') }} \
                {{ map.k }} {{ ip }} {{ tuple[1] }} {{ none is none }} {{ shorthand }}";
    let role = |_: &Context, plan: &Plan| {
        let peers = [
            Peer { name: "a", port: 1, tags: vec!["x".into(), "y".into()] },
            Peer { name: "b", port: 2, tags: Vec::new() },
        ];
        let shorthand = String::from("short");
        let values = context! {
            b => true, i => -3i64, f => 2.5, s => "s", c => 'c', peers,
            map => std::collections::BTreeMap::from([("k", 7)]),
            ip => std::net::Ipv4Addr::LOCALHOST, tuple => (1, "two"), none => None::<u8>, shorthand,
        };
        plan.file("/x", template("x.j2", values));
    };
    assert_eq!(rendered(text, role), "True -3 2.5 s c b:2 x,y 7 127.0.0.1 two True short");
}

#[test]
fn late_values_are_placed_as_spans_wherever_they_come_from() {
    let text = "{{ password }}|{{ text }}|{{ all.password }}|{% for one in list %}{{ one }}{% endfor %}|\
                {{ all.token is none }}|{% set line %}<{{ password }}>{% endset %}{{ line }}{{ line }}|\
                {% macro m(x) %}{{ x }}{% endmacro %}{{ m(password) }}";
    let role = |cx: &Context, plan: &Plan| {
        let late = text!("user:{}", cx.password);
        let values = context! { password => cx.password, text => late, all => cx, list => vec![&cx.password, &cx.password] };
        plan.file("/x", template("x.j2", values));
    };
    let secret = "‹secret PASSWORD›";
    let expected =
        format!("{secret}|user:{secret}|{secret}|{secret}{secret}|True|<{secret}><{secret}>|{secret}");
    assert_eq!(rendered(text, role), expected);
}

#[test]
fn files_with_secrets_are_private_and_secrets_are_no_inputs() {
    let site = Site::new(&[("x.j2", "{{ password }}\n"), ("y.j2", "{% include 'x.j2' %}")]);
    let checked = site.check(|cx, plan| {
        plan.file("/x", template("y.j2", context! { password => cx.password }));
        plan.file("/y", text!("{}", cx.password));
        plan.file("/z", "plain\n");
    });
    assert_eq!(checked.drawn(), "");
    let plan = checked.plan().unwrap().host("prod", "b").unwrap().plan();
    let modes: Vec<String> = plan
        .tasks
        .iter()
        .flat_map(|task| {
            task.resource.facets().files().map(|file| file.mode().to_string()).collect::<Vec<_>>()
        })
        .collect();
    assert_eq!(modes, ["0600", "0600", "0644"]);
    let inputs: Vec<&str> = checked.inputs().iter().map(|(path, _)| path.as_str()).collect();
    assert_eq!(inputs, ["config.yaml", "inventory.yaml", "templates/x.j2", "templates/y.j2"]);
    assert!(checked.looked_for().iter().any(|path| path == "password"));
    assert_eq!(plan.tasks[0].source.as_deref(), Some("templates/y.j2"));
}

/// So that one can take the place of the other, where a secret is added.
#[test]
fn a_derived_value_is_the_serialised_one() {
    #[derive(ForTemplate, serde::Serialize)]
    struct Unit;
    #[derive(ForTemplate, serde::Serialize)]
    struct Port(u16);
    #[derive(ForTemplate, serde::Serialize)]
    struct Pair<'a, T>(&'a str, T);
    #[derive(ForTemplate, serde::Serialize)]
    struct Peer<T> {
        r#type: Option<T>,
        peers: Vec<Peer<T>>,
    }
    #[derive(ForTemplate, serde::Serialize)]
    enum Any {
        Nothing,
        Port(Port),
        Pair(f64, char),
        Peer { unit: Unit, by_name: BTreeMap<String, i64>, big: (u64, [i128; 1]) },
    }
    let all = vec![
        Any::Nothing,
        Any::Port(Port(80)),
        Any::Pair(0.5, 'ä'),
        Any::Peer { unit: Unit, by_name: BTreeMap::from([("a".into(), -1)]), big: (u64::MAX, [i128::MIN]) },
    ];
    assert_eq!(all.for_template(), serialized(&all).for_template());
    let inner = Peer { r#type: None, peers: Vec::new() };
    let pair = Pair("x", Peer { r#type: Some(true), peers: vec![inner] });
    assert_eq!(pair.for_template(), serialized(&pair).for_template());
}

#[test]
fn structs_of_ones_own_may_hold_secrets() {
    #[derive(ForTemplate)]
    enum Login<'a> {
        Password { user: &'a str, password: &'a Secret },
        Token(Text),
    }
    let text = "{% for login in logins %}{% if login.Token is defined %}{{ login.Token }}{% else %}\
                {{ login.Password.user }}:{{ login.Password.password }} {% endif %}{% endfor %}";
    let role = |cx: &Context, plan: &Plan| {
        let logins = [
            Login::Password { user: "app", password: &cx.password },
            Login::Token(text!("t-{}", cx.password)),
        ];
        plan.file("/x", template("x.j2", context! { logins }));
    };
    assert_eq!(rendered(text, role), "app:‹secret PASSWORD› t-‹secret PASSWORD›");
}

#[test]
fn a_late_value_is_no_key() {
    let site = Site::new(&[("x.j2", "{{ map }}")]);
    let checked = site.check(|cx, plan| {
        let text = text!("{}", cx.password);
        plan.file("/x", template("x.j2", context! { map => LateKey(text) }));
    });
    let said = checked.drawn();
    let message = "value `map` of template `x.j2` cannot be serialised: a late value cannot be a key";
    assert!(said.contains(message), "{said}");
}

struct LateKey(Text);

impl ForTemplate for LateKey {
    fn for_template(&self) -> Given {
        Given::Map(vec![(self.0.for_template(), Given::Null)])
    }
}

#[test]
fn hosts_share_contents_and_one_scan() {
    let site = Site::new(&[("x.j2", "{{ host }} {{ nothing | default('-') }}\n")]);
    let checked = site.check(|cx, plan| {
        plan.file("/x", template("x.j2", context! { host => cx.host }));
    });
    assert_eq!(checked.drawn(), "");
    let plan = checked.plan().unwrap();
    assert_eq!(plan.host("prod", "a").unwrap().file("/x").as_deref(), Some("a -\n"));
    assert_eq!(plan.host("prod", "b").unwrap().file("/x").as_deref(), Some("b -\n"));
    assert!(plan.host("dev", "a").is_none());
}

fn no_motd(site: &SitePlan, found: &mut Diagnostics) {
    for task in site.hosts().flat_map(|host| host.tasks()) {
        if task.resource.name() == "/etc/motd" {
            found.push(Diagnostic::error(Code::POLICY, "there is a motd").at(task.place(), "declared here"));
        }
    }
}

fn broken(_: &SitePlan, _: &mut Diagnostics) {
    panic!("of no use");
}

#[test]
fn policies_deny_and_warn() {
    let site = Site::new(&[]);
    let role: fn(&Context, &Plan) = |_, plan| {
        plan.file("/etc/motd", "x\n");
    };
    let denied = Compile::new(role).deny("no motd", no_motd).check(site.0.path());
    assert!(denied.has_errors());
    let [only] = denied.diagnostics() else { panic!("{}", denied.drawn()) };
    assert_eq!(only.to_string().split(": ").skip(1).collect::<Vec<_>>(), ["error[P0802]", "there is a motd"]);
    assert_eq!(only.help, ["policy of this site: no motd"]);
    let warned = Compile::new(role).warn("no motd", no_motd).check(site.0.path());
    assert_eq!(warned.diagnostics().iter().map(|d| d.severity).collect::<Vec<_>>(), [Severity::Warning]);
    let panicked = Compile::new(role).warn("useless", broken).check(site.0.path());
    assert_eq!(panicked.diagnostics()[0].message, "policy `useless` panicked: of no use");
}

#[test]
fn the_shipped_policies_find_what_they_are_named_for_and_nothing_else() {
    let site = Site::new(&[]);
    let role: fn(&Context, &Plan) = |_, plan| {
        plan.file("/open", "x\n").mode(0o666);
        plan.file("/closed", "x\n").mode(0o664);
        plan.directory("/srv/shared").mode(0o777);
        plan.directory("/srv/tmp").mode(0o1777);
        plan.unit("a.service", "[Service]\nExecStart=/bin/true\n");
        plan.unit("b.service", "[Service]\nExecStart=/bin/true\nRestart = always\n");
        plan.unit("c.service", "[Service]\nType=oneshot\nExecStart=/bin/true\n");
        plan.unit("d.timer", "[Timer]\nOnCalendar=daily\n");
    };
    let messages = |checked: Checked| -> Vec<String> {
        checked.diagnostics().iter().map(|diagnostic| diagnostic.message.clone()).collect()
    };
    let open = Compile::new(role).deny("closed", policies::no_world_writable_file).check(site.0.path());
    assert_eq!(
        messages(open),
        [
            "file /open has mode 0666: everybody may write to it",
            "directory /srv/shared has mode 0777: everybody may write to it"
        ]
    );
    let frail = Compile::new(role).deny("restarts", policies::every_service_restarts_on_failure);
    assert_eq!(messages(frail.check(site.0.path())), ["unit `a.service` does not restart when it fails"]);
}

#[test]
fn what_is_not_there_is_an_error_and_no_panic() {
    let checked = Compile::new(|_: &Context, _: &Plan| {}).check(Path::new("/nonexistent/site"));
    assert!(checked.has_errors() && checked.plan().is_none());
    assert!(checked.drawn().contains("cannot read `config.yaml`: no such file"), "{}", checked.drawn());
}

/// What a task of a host is triggered by: what it does, and the name of the other.
fn triggers(checked: &Checked, task: &str) -> Vec<String> {
    let plan = checked.plan().unwrap().host("prod", "a").unwrap().plan();
    let task = plan.tasks.iter().find(|found| found.resource.to_string() == task).unwrap();
    let on = |on: u32| plan.tasks[usize::try_from(on).unwrap()].resource.to_string();
    task.triggers.iter().map(|trigger| format!("{} on {}", trigger.action, on(trigger.on))).collect()
}

#[test]
fn several_packages_or_tasks_trigger_as_one_does() {
    let checked = Site::new(&[]).check(|_, plan| {
        let packages = plan.packages(["nginx", "nginx-common"]);
        let files = ["/etc/a", "/etc/b"].map(|path| plan.file(path, "x\n"));
        plan.service("nginx").restart_on(&packages).reload_on(&files);
        plan.command("true").run_on(&packages[1]);
    });
    assert_eq!(checked.drawn(), "");
    assert_eq!(
        triggers(&checked, "service nginx"),
        [
            "restart on package nginx",
            "restart on package nginx-common",
            "reload on file /etc/a",
            "reload on file /etc/b"
        ]
    );
    assert_eq!(triggers(&checked, "command true"), ["run on package nginx-common"]);
}

#[test]
fn names_are_taken_in_any_kind_of_string() {
    /// What signatures of roles name is in the prelude.
    fn conf<'p>(plan: &'p Plan, name: &String, after: Task) -> Declared<'p, File> {
        plan.command("true").user(name).directory(String::from("/srv")).run_on(&after);
        plan.file(format!("/etc/{name}"), "x\n").owner(name).group(name.as_str()).mode(0o640)
    }
    let checked = Site::new(&[]).check(|_, plan| {
        let name = String::from("www-data");
        let made = plan.directory(String::from("/etc/made")).owner(&name);
        let conf: Declared<'_, File> = conf(plan, &name, made.task());
        plan.user(&name).home(format!("/srv/{name}")).shell(String::from("/bin/sh"));
        plan.service(&name).unmasked().restart_on(&conf);
        plan.unit(format!("{name}.service"), "[Service]\nExecStart=/bin/true\n").mode(0o640);
    });
    let plan = checked.plan().unwrap().host("prod", "a").unwrap().plan();
    let told: Vec<String> = plan
        .tasks
        .iter()
        .map(|task| {
            let attributes = task.resource.attributes();
            let told =
                attributes.iter().filter(|(name, _)| !matches!(*name, "content" | "present" | "script"));
            let told = told.map(|(name, value)| format!(", {name} {value}"));
            format!("{}{}", task.resource, told.collect::<String>())
        })
        .collect();
    assert_eq!(
        told,
        [
            "directory /etc/made, owner www-data, group root, mode 0755",
            "command true, user www-data, directory /srv",
            "file /etc/www-data, owner www-data, group www-data, mode 0640",
            "user www-data, home /srv/www-data, shell /bin/sh",
            "service www-data, masked no",
            "unit www-data.service, mode 0640",
        ]
    );
}
