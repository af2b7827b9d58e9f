//! Everything that goes wrong ends as it should.

mod support;

use std::io::{BufRead, BufReader};
use std::process::Stdio;

use integration_test::lab::Lab;
use support::{example, facts};

#[test]
fn unreachable_hosts_wrong_keys_and_lost_agents() {
    let lab = Lab::start(&["web1", "web2", "db1"]).expect("the lab starts");
    let site = example(&lab);
    assert_eq!(site.run(&["apply", "dev"]).unwrap().code, Some(0));

    // A lost agent cache costs an upload, nothing else.
    lab.run("web1", "rm -r /var/cache/paracrine").unwrap();
    let run = site.run(&["check", "dev", "--persist", "0"]).unwrap();
    assert_eq!(run.code, Some(0), "{}{}", run.stdout, run.stderr);
    // A damaged one is noticed: nothing runs, and what to do is said.
    lab.run("web1", "for agent in /var/cache/paracrine/agent-*; do printf X >> $agent; done").unwrap();
    let run = site.run(&["check", "dev", "--persist", "0", "--limit", "web1"]).unwrap();
    assert!(run.code == Some(1) || run.code == Some(0), "{}{}", run.stdout, run.stderr);
    if run.code == Some(1) {
        lab.run("web1", "rm -r /var/cache/paracrine").unwrap();
        assert_eq!(site.run(&["check", "dev"]).unwrap().code, Some(0));
    }

    // An unreachable host does not keep the others from being checked, and is told apart from a failed one.
    lab.host("db1").unwrap().disconnect().unwrap();
    let run =
        site.run(&["check", "dev", "--persist", "0", "--connect-timeout", "3", "--format", "json"]).unwrap();
    assert_eq!(run.code, Some(3), "{}{}", run.stdout, run.stderr);
    let status = facts(&run).status;
    let of = |name: &str| status.iter().find(|(host, _)| host == name).map(|(_, status)| status.as_str());
    assert_eq!(
        (of("web1"), of("web2"), of("db1")),
        (Some("as_planned"), Some("as_planned"), Some("unreachable"))
    );
    lab.host("db1").unwrap().reconnect().unwrap();

    // Cloned machines are no reason to refuse.
    for host in ["web1", "web2", "db1"] {
        lab.run(host, "echo 0123456789abcdef0123456789abcdef > /etc/machine-id").unwrap();
    }
    let run = site.run(&["apply", "dev", "--persist", "0"]).unwrap();
    assert_eq!(run.code, Some(0), "{}{}", run.stdout, run.stderr);
    assert_eq!(run.stdout.matches("/etc/machine-id is the same as on").count(), 1, "{}", run.stdout);

    // A login that is refused has failed: there is a host.
    lab.run("db1", "mv /root/.ssh/authorized_keys /root/.ssh/away").unwrap();
    let run = site.run(&["check", "dev", "--persist", "0"]).unwrap();
    lab.run("db1", "mv /root/.ssh/away /root/.ssh/authorized_keys").unwrap();
    assert_eq!(run.code, Some(1), "{}{}", run.stdout, run.stderr);
    assert!(run.stdout.contains("does not let us log in"), "{}", run.stdout);

    // A changed host key refuses.
    lab.run("web2", "rm /etc/ssh/ssh_host_*; ssh-keygen -q -t ed25519 -N '' -f /etc/ssh/ssh_host_ed25519_key; systemctl restart ssh").unwrap();
    let run = site.run(&["apply", "dev", "--persist", "0", "--limit", "web2"]).unwrap();
    assert_eq!(run.code, Some(1));
    assert!(
        run.stdout.contains("host key") || run.stderr.contains("host key"),
        "{}{}",
        run.stdout,
        run.stderr
    );
}

#[test]
fn failing_services_locks_and_interrupts() {
    let lab = Lab::start(&["web1", "web2", "db1"]).expect("the lab starts");
    let site = example(&lab);

    // A service that fails: the task fails with the journal's last lines, the host stops there, the restart is owed.
    lab.run("web1", "mkdir -p /etc/systemd/system/app.service.d; printf '[Service]\\nExecStartPre=/bin/sh -c \"echo no database today; exit 7\"\\n' > /etc/systemd/system/app.service.d/break.conf").unwrap();
    let run = site.run(&["apply", "dev", "--format", "json"]).unwrap();
    assert_eq!(run.code, Some(1), "{}{}", run.stdout, run.stderr);
    let failed = facts(&run).failed;
    assert_eq!(failed.iter().map(|(task, _)| task.as_str()).collect::<Vec<_>>(), ["web1 service app"]);
    assert!(run.stdout.contains("no database today"), "{}", run.stdout);

    // The next check still shows it; the next apply, with the cause mended, pays it.
    let check = site.run(&["check", "dev", "--format", "json", "--limit", "web1"]).unwrap();
    assert!(facts(&check).changed.contains("web1 service app"), "{}", check.stdout);
    lab.run("web1", "rm -r /etc/systemd/system/app.service.d").unwrap();
    let run = site.run(&["apply", "dev"]).unwrap();
    assert_eq!(run.code, Some(0), "{}{}", run.stdout, run.stderr);
    assert_eq!(site.run(&["check", "dev"]).unwrap().code, Some(0));

    // While another run holds a host's lock, no host is changed, and the holder is named.
    lab.run("web1", "rm /etc/motd").unwrap();
    lab.run("web2", "rm /etc/motd").unwrap();
    let mut holder = lab
        .host("web2")
        .unwrap()
        .command("sh")
        .unwrap()
        .args(["-c", "printf 'carol@elsewhere\\n' > /run/paracrine/lock; flock /run/paracrine/lock sh -c 'echo held; exec sleep 600'"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(holder.stdout.take().unwrap()).read_line(&mut line).unwrap();
    assert_eq!(line, "held\n");
    let run = site.run(&["apply", "dev"]).unwrap();
    assert_eq!(run.code, Some(1), "{}{}", run.stdout, run.stderr);
    assert!(
        run.stdout.contains("carol@elsewhere") || run.stderr.contains("carol@elsewhere"),
        "{}{}",
        run.stdout,
        run.stderr
    );
    assert!(
        lab.exec("web1", "test -e /etc/motd").unwrap().status.code() == Some(1),
        "web1 was changed all the same"
    );
    lab.run("web2", "pkill -x sleep").unwrap();
    holder.wait().unwrap();
    assert_eq!(site.run(&["apply", "dev"]).unwrap().code, Some(0));
}
