//! The example site, deployed to fresh Debian hosts as a user would.

mod support;

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use integration_test::lab::Lab;
use support::{POISON, example, facts};

#[test]
fn fresh_hosts_are_announced_made_left_alone_and_mended() {
    let lab = Lab::start(&["web1", "web2", "db1"]).expect("the lab starts");
    let site = example(&lab);
    let mut shown = String::new();

    // A check of fresh hosts says all of it …
    let check = site.run(&["check", "dev", "--format", "json"]).unwrap();
    assert_eq!(check.code, Some(2), "{}{}", check.stdout, check.stderr);
    let announced = facts(&check);
    // … and apply does exactly that: all that is certain, nothing that was not announced.
    let apply = site.run(&["apply", "dev", "--format", "json"]).unwrap();
    assert_eq!(apply.code, Some(0), "{}{}", apply.stdout, apply.stderr);
    let done = facts(&apply);
    assert_eq!(done.may_change, BTreeSet::new());
    let missed: Vec<_> = announced.changed.difference(&done.changed).collect();
    assert_eq!(missed, [] as [&String; 0], "announced, but not done");
    let surprises: Vec<_> = done
        .changed
        .iter()
        .filter(|task| !announced.changed.contains(*task) && !announced.may_change.contains(*task))
        .collect();
    assert_eq!(surprises, [] as [&String; 0], "done, but not announced");
    // The list of what cannot be known is short: what package nginx brings, on two hosts.
    let unknown: BTreeSet<&str> =
        announced.may_change.iter().map(|task| task.split_once(' ').unwrap().1).collect();
    assert_eq!(unknown, BTreeSet::from(["absent /etc/nginx/sites-enabled/default", "service nginx"]));

    // The hosts are what the site says.
    let page = served(&lab, "web1", "/", "weight");
    assert!(page.contains("<h1>Hello from dev</h1>") && page.contains("Served by web1, weight 2."), "{page}");
    let answer = served(&lab, "web2", "/app", "workers");
    assert!(answer.contains("the application answers, 2 workers"), "{answer}");
    assert_eq!(lab.run("web1", "stat -c '%U:%G %a' /etc/app/secrets.env").unwrap().trim(), "root:app 640");
    assert_eq!(lab.run("web1", "stat -c '%U %a' /srv/app/session.key").unwrap().trim(), "app 644");
    assert_eq!(
        lab.run("db1", "readlink /var/backups/latest; id -nG ann").unwrap().trim(),
        "app/latest.tar.gz\nann operators"
    );

    // Nothing is left to do, and both say so.
    for command in ["check", "apply"] {
        let run = site.run(&[command, "dev", "--format", "json"]).unwrap();
        assert_eq!(run.code, Some(0), "{}{}", run.stdout, run.stderr);
        let facts = facts(&run);
        assert_eq!((facts.changed, facts.may_change), (BTreeSet::new(), BTreeSet::new()));
    }

    // Drift made by hand is shown, and mended.
    lab.run("web1", "echo by hand > /etc/motd; chmod 755 /srv/app; systemctl stop app").unwrap();
    lab.run("web2", "sed -i s/DB_PASSWORD=.*/DB_PASSWORD=somethingelse/ /etc/app/secrets.env").unwrap();
    lab.run(
        "db1",
        "gpasswd --delete ann operators; rm /etc/cron.d/backup; ln -sfn /etc/passwd /usr/local/sbin/backup",
    )
    .unwrap();
    let drifted = BTreeSet::from(
        [
            "web1 directory /srv/app",
            "web1 file /etc/motd",
            "web1 service app",
            "web2 file /etc/app/secrets.env",
            "web2 service app",
            "db1 file /etc/cron.d/backup",
            "db1 file /usr/local/sbin/backup",
            "db1 user ann",
        ]
        .map(str::to_owned),
    );
    let check = site.run(&["check", "dev", "--format", "json"]).unwrap();
    assert_eq!((check.code, facts(&check).changed), (Some(2), drifted.clone()));
    let text = site.run(&["check", "dev", "--verbose"]).unwrap();
    assert!(text.stdout.contains("by hand"), "{}", text.stdout);
    assert!(!text.stdout.contains("somethingelse"), "an old secret is shown:\n{}", text.stdout);
    let apply = site.run(&["apply", "dev", "--format", "json"]).unwrap();
    assert_eq!((apply.code, facts(&apply).changed), (Some(0), drifted));
    assert_eq!(site.run(&["check", "dev"]).unwrap().code, Some(0));
    assert_eq!(lab.run("db1", "head -c 5 /etc/passwd").unwrap(), "root:", "a link was written through");

    // What was there is in the receipts; what may be secret only until another run changes something.
    let holders = |host: &str, word: &str| {
        let search = format!("cd /var/lib/paracrine/runs && grep -rlF {word} . | cut -d/ -f3; true");
        lab.run(host, &search).unwrap().trim().to_owned()
    };
    assert_eq!(
        (holders("web1", "'by hand'"), holders("web2", "somethingelse")),
        ("contents".into(), "secrets".into())
    );
    lab.run("web2", "rm /etc/motd").unwrap();
    assert_eq!(site.run(&["apply", "dev"]).unwrap().code, Some(0));
    assert_eq!(
        (holders("web1", "'by hand'"), holders("web2", "somethingelse")),
        ("contents".into(), String::new())
    );

    // The secret is where it belongs, which shows that the search finds it, and nowhere else.
    for run in [&check, &apply, &text] {
        shown.push_str(&run.stdout);
        shown.push_str(&run.stderr);
    }
    assert!(!shown.contains(POISON));
    let holders = lab
        .run("web1", &format!("grep -rlF {POISON} /etc /var /run /srv /root /home /tmp 2>/dev/null; true"))
        .unwrap();
    assert_eq!(holders.trim(), "/etc/app/secrets.env");
    let journal = lab.run("web1", &format!("journalctl --no-pager | grep -cF {POISON}; true")).unwrap();
    assert_eq!(journal.trim(), "0");
}

/// What nginx on a host serves, once that holds `word`: it goes on answering with its old configuration for a moment
/// after a reload.
fn served(lab: &Lab, host: &str, path: &str, word: &str) -> String {
    let get = format!(
        "perl -MIO::Socket::INET -e '$s=IO::Socket::INET->new(\"127.0.0.1:80\") or die; \
         print $s \"GET {path} HTTP/1.0\\r\\n\\r\\n\"; print <$s>'"
    );
    let deadline = Instant::now() + Duration::from_secs(20);
    loop {
        let page = lab.run(host, &get).expect("nginx listens");
        if page.contains(word) || Instant::now() > deadline {
            return page;
        }
    }
}
