use std::fs;
use std::process::Command;

use paracrine_model::name::{AbsolutePath, UnitName};

use super::super::Wish;
use super::*;

fn install(text: &str) -> Install {
    let mut install = Install::default();
    install.read(text);
    install
}

/// Units, and what stands in their `[Install]`.
const UNITS: [(&str, &str); 13] = [
    ("app.service", "WantedBy=multi-user.target"),
    ("app.service", "WantedBy=multi-user.target graphical.target\nWantedBy=timers.target"),
    ("app.service", "WantedBy=multi-user.target\nWantedBy=\nWantedBy=graphical.target"),
    ("app.service", "RequiredBy=multi-user.target\nWantedBy=db.service"),
    ("app.service", "WantedBy=multi-user.target\nAlias=web.service\nAlias=www.service web.service"),
    ("app.service", "Alias=web.service\nAlias=app.service"),
    ("app.service", "# WantedBy=no.target\nWantedBy = multi-user.target \\\n   graphical.target"),
    ("app.service", "WantedBy=%p-x.target\nAlias=other-%N.service"),
    ("app@one.service", "WantedBy=multi-user.target\nDefaultInstance=two"),
    ("app@one.service", "WantedBy=app-%i.target\nRequiredBy=%p.target"),
    ("app@.service", "WantedBy=multi-user.target\nDefaultInstance=two"),
    ("my-app.timer", "WantedBy=timers.target\nAlias=%j.timer"),
    ("app.socket", "WantedBy=sockets.target"),
];

#[test]
fn links_are_those_that_systemctl_makes() {
    if !given::program("/usr/bin/systemctl", "systemd") {
        return;
    }
    for (unit, text) in UNITS {
        let root = tempfile::tempdir().unwrap();
        let directory = root.path().join("etc/systemd/system");
        fs::create_dir_all(&directory).unwrap();
        let file = template_of(unit).unwrap_or_else(|| unit.to_owned());
        fs::write(directory.join(&file), format!("[Install]\n{text}\n")).unwrap();
        let enable = Command::new("systemctl")
            .arg(format!("--root={}", root.path().display()))
            .args(["enable", "--", unit])
            .output()
            .unwrap();
        assert!(enable.status.success(), "{unit}, {text}: {enable:?}");

        let mut units = Units::new();
        let install = install(&format!("[Unit]\nAlias=none\n[Install]\n{text}\n"));
        let links = units.links(root.path(), unit, &install, &[]).unwrap();
        assert!(links.are_right(), "{unit}, {text}: {links:?}");
        let made: BTreeSet<String> = all_links(root.path()).into_iter().map(|(place, _)| place).collect();
        assert_eq!(links.wanted, made, "{unit}, {text}");
    }
}

#[test]
fn links_of_an_earlier_file_are_stray_unless_a_task_is_about_them() {
    let root = tempfile::tempdir().unwrap();
    let directory = root.path().join("etc/systemd/system");
    let link = |place: &str, target: &str| {
        let at = directory.join(place);
        fs::create_dir_all(at.parent().unwrap()).unwrap();
        std::os::unix::fs::symlink(target, at).unwrap();
    };
    link("multi-user.target.wants/app.service", "/etc/systemd/system/app.service");
    link("old.service", "/etc/systemd/system/app.service");
    link("claimed.target.wants/app.service", "/etc/systemd/system/app.service");
    link("multi-user.target.wants/other.service", "/etc/systemd/system/other.service");
    link("app.service", "/opt/app/app.service");
    let mut units = Units::new();
    units
        .announce_link(&AbsolutePath::parse("/etc/systemd/system/claimed.target.wants/app.service").unwrap());

    let wanted = install("[Install]\nWantedBy=graphical.target\nAlias=web.service\n");
    let links = units.links(root.path(), "app.service", &wanted, &[]).unwrap();
    assert_eq!(links.stray, ["multi-user.target.wants/app.service", "old.service"]);
    assert!(links.lack() && !links.are_right() && !links.no_section);
    assert_eq!(
        links.difference(),
        Difference::Attribute {
            name: "enabled".into(),
            before: Some(
                "yes, wanted by claimed.target, wanted by multi-user.target, alias old.service".into()
            ),
            after: "yes, wanted by graphical.target, alias web.service, wanted by claimed.target".into(),
        }
    );

    let nothing = units.links(root.path(), "app.service", &install("[Service]\n"), &[]).unwrap();
    assert!(nothing.no_section && nothing.stray.len() == 2 && !nothing.lack());
}

#[test]
fn what_is_enabled_together_has_to_be_enabled() {
    let root = tempfile::tempdir().unwrap();
    let wants = root.path().join("etc/systemd/system/multi-user.target.wants");
    fs::create_dir_all(&wants).unwrap();
    std::os::unix::fs::symlink("/etc/systemd/system/app.service", wants.join("app.service")).unwrap();
    let own = install("[Install]\nWantedBy=multi-user.target\nAlso=app.socket\n");
    assert_eq!(own.also, ["app.socket"]);
    let also = [("app.socket".to_owned(), install("[Install]\nWantedBy=sockets.target\n"))];
    let mut units = Units::new();
    let links = units.links(root.path(), "app.service", &own, &also).unwrap();
    assert!(links.lack() && links.stray.is_empty());
    assert_eq!(
        links.difference(),
        Difference::Attribute {
            name: "enabled".into(),
            before: Some("yes, wanted by multi-user.target, without app.socket".into()),
            after: "yes, wanted by multi-user.target, with app.socket".into(),
        }
    );
    // Unless the plan says that it is not to be.
    let mut units = Units::new();
    units.announce(&UnitName::parse("app.socket").unwrap(), Wish { enabled: Some(false), ..Wish::default() });
    assert!(units.links(root.path(), "app.service", &own, &also).unwrap().are_right());
}

#[test]
fn what_cannot_be_told_is_not_told() {
    let mut units = Units::new();
    for (unit, text) in [
        ("app@.service", "WantedBy=multi-user.target"),
        ("app.service", "WantedBy=%H.target"),
        ("app@one.service", "WantedBy=other@.target"),
        ("app.service", "Alias=web"),
    ] {
        let install = install(&format!("[Install]\n{text}\n"));
        assert_eq!(units.links(Path::new("/nonexistent"), unit, &install, &[]), None, "{unit}, {text}");
    }
}

#[test]
fn other_names_of_a_unit_are_those_of_its_file() {
    let ssh = install("[Install]\nWantedBy=multi-user.target\nAlias=sshd.service\nAlias=%N-x.service\n");
    assert_eq!(ssh.names("ssh.service"), ["sshd.service", "ssh-x.service"]);
}
