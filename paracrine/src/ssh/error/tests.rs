//! Texts are those of OpenSSH 9.2 and 8.4, as captured.

use super::*;

fn address() -> Address {
    Address {
        name: "web1".into(),
        ssh_hostname: "web1.example.org".into(),
        ssh_port: None,
        ssh_user: None,
        ssh_key: Vec::new(),
        jump: Vec::new(),
        host_key: None,
        sudo: true,
        arch: Arch::X86_64,
        inventory: "inventory/prod.yaml".into(),
    }
}

fn told(said: &str) -> ConnectionError {
    ConnectionError::from_ssh(
        said.replace('\r', "").trim().into(),
        "web1.example.org".into(),
        None,
        &address(),
    )
}

#[test]
fn hosts_that_are_not_reached() {
    for (said, message) in [
        (
            "ssh: connect to host 10.0.0.1 port 22: Connection refused\r\n",
            "connect to host 10.0.0.1 port 22: Connection refused",
        ),
        (
            "ssh: connect to host 10.0.0.1 port 22: Connection timed out\r\n",
            "connect to host 10.0.0.1 port 22: Connection timed out",
        ),
        (
            "ssh: connect to host 10.0.0.1 port 22: No route to host\r\n",
            "connect to host 10.0.0.1 port 22: No route to host",
        ),
        (
            "ssh: connect to host fd00::1 port 22: Network is unreachable\r\n",
            "connect to host fd00::1 port 22: Network is unreachable",
        ),
        (
            "ssh: Could not resolve hostname nosuch.invalid: Name or service not known\r\n",
            "Could not resolve hostname nosuch.invalid: Name or service not known",
        ),
        (
            "Connection timed out during banner exchange\r\nConnection to 240.0.0.1 port 22 timed out\r\n",
            "Connection to 240.0.0.1 port 22 timed out",
        ),
        (
            "kex_exchange_identification: read: Connection reset by peer\r\nConnection reset by 127.0.0.1 port 22\r\n",
            "Connection reset by 127.0.0.1 port 22",
        ),
        (
            "kex_exchange_identification: Connection closed by remote host\r\nConnection closed by 127.0.0.1 port 22\r\n",
            "Connection closed by 127.0.0.1 port 22",
        ),
        (
            "channel 0: open failed: connect failed: Connection refused\r\nstdio forwarding failed\r\n\
             kex_exchange_identification: Connection closed by remote host\r\nConnection closed by UNKNOWN port 65535\r\n",
            "channel 0: open failed: connect failed: Connection refused",
        ),
        (
            "ssh: connect to host 10.0.0.1 port 22: No route to host (os error 113)\n\
             banner exchange: Connection to UNKNOWN port 65535: Broken pipe\r\n",
            "connect to host 10.0.0.1 port 22: No route to host (os error 113)",
        ),
        (
            "kex_exchange_identification: Connection closed by remote host\r\nConnection closed by UNKNOWN port 65535\r\n",
            "it closed the connection during the key exchange",
        ),
        (
            "kex_exchange_identification: read: Connection reset by peer\r\nConnection reset by UNKNOWN port 65535\r\n",
            "it broke the connection off during the key exchange",
        ),
        (
            "Connection timed out during banner exchange\r\nConnection to UNKNOWN port 65535 timed out\r\n",
            "it does not answer: no SSH greeting came in time",
        ),
        (
            "client_loop: send disconnect: Broken pipe\r\nConnection to UNKNOWN port 65535 timed out\r\n",
            "client_loop: send disconnect: Broken pipe",
        ),
        (
            "paracrine-relay: the host sent \"Exceeded MaxStartups\"\n\
             kex_exchange_identification: Connection closed by remote host\r\nConnection closed by UNKNOWN port 65535\r\n",
            "it closed the connection during the key exchange",
        ),
        (
            "ssh: connect to host 10.0.0.1 port 22: Connection refused (os error 111)\n\
             kex_exchange_identification: Connection closed by remote host\r\nConnection closed by UNKNOWN port 65535\r\n",
            "connect to host 10.0.0.1 port 22: Connection refused (os error 111)",
        ),
    ] {
        let error = told(said);
        assert!(matches!(error, ConnectionError::Unreachable { .. }), "{error:?}");
        assert!(error.unreachable());
        assert_eq!(error.to_string(), format!("cannot reach web1.example.org: {message}"));
        let output = said.replace('\r', "").replace("UNKNOWN port 65535", "the host");
        let output: Vec<_> =
            output.trim().lines().filter(|line| !line.starts_with("paracrine-relay")).collect();
        assert_eq!(error.failure().output.unwrap(), output.join("\n"));
    }
}

#[test]
fn what_answers_and_is_no_ssh_is_no_host_that_is_not_reached() {
    let sent = "paracrine-relay: the host sent \"HTTP/1.1 400 Bad Request\"\n\
                kex_exchange_identification: Connection closed by remote host\nConnection closed by UNKNOWN port 65535";
    let mail = "paracrine-relay: the host sent \"220 mail ESMTP\"\nConnection timed out during banner exchange\n\
                Connection to UNKNOWN port 65535 timed out";
    let direct = "kex_exchange_identification: banner line contains invalid characters\n\
                  banner exchange: Connection to 10.0.0.1 port 80: invalid format";
    for (said, more) in [
        (sent, ": it sent \"HTTP/1.1 400 Bad Request\""),
        (mail, ": it sent \"220 mail ESMTP\""),
        (direct, ""),
    ] {
        let error = told(said);
        assert!(matches!(error, ConnectionError::NotSsh { .. }), "{error:?}");
        assert!(!error.unreachable() && !is_busy(said));
        assert_eq!(error.to_string(), format!("web1.example.org does not speak SSH{more}"));
        let failure = error.failure();
        assert_eq!(failure.output, None);
        let help = "see whether `ssh_hostname` and `ssh_port` in inventory/prod.yaml are right";
        assert_eq!(failure.help.as_deref(), Some(help));
    }
    // A greeting that came late is one.
    let late = format!("{sent}\nparacrine-relay: the host greets");
    assert!(matches!(told(&late), ConnectionError::Unreachable { .. }));
    assert!(is_busy(
        "paracrine-relay: the host sent \"Exceeded MaxStartups\"\nkex_exchange_identification: Connection closed by remote host"
    ));
}

#[test]
fn what_ssh_says_of_a_pin_is_not_passed_on() {
    let said = "Add correct host key in /run/user/0/paracrine/file-0123 to get rid of this message.\n\
                Offending ED25519 key in /run/user/0/paracrine/file-0123:1\nHost key verification failed.";
    let pinned = Address { host_key: Some("ssh-ed25519 AAAA".into()), ..address() };
    let error = ConnectionError::from_ssh(said.into(), "web1".into(), None, &pinned);
    let failure = error.failure();
    assert_eq!(failure.message, "the host key of web1 is not the `host_key` that inventory/prod.yaml pins");
    assert_eq!(failure.output, None);
    assert_eq!(
        failure.help.as_deref(),
        Some(
            "if you know that the host was installed anew, put its new key as `host_key` into inventory/prod.yaml; if you do \
             not, somebody may be listening in between"
        )
    );
    // The key of a jump host on the way is not pinned.
    let on_the_way = said.replace("/run/user/0/paracrine/file-0123", "/site/inventory/known_hosts");
    let error = ConnectionError::from_ssh(on_the_way, "web1".into(), None, &pinned);
    assert_eq!(
        error.to_string(),
        "the host key of web1 is not the one in /site/inventory/known_hosts, line 1"
    );
}

#[test]
fn logins_that_are_refused() {
    for said in [
        "root@127.0.0.1: Permission denied (publickey).\r\n",
        "Warning: Permanently added 'web1' (ED25519) to the list of known hosts.\r\nroot@web1: Permission denied (publickey,password).\r\n",
        "Received disconnect from 10.0.0.1 port 22:2: Too many authentication failures\r\nDisconnected from 10.0.0.1 port 22\r\n",
    ] {
        let error = told(said);
        assert!(matches!(error, ConnectionError::AuthFailed { .. }), "{error:?}");
        assert!(!error.unreachable());
        assert_eq!(error.to_string(), "web1.example.org does not let us log in");
        assert!(error.failure().help.is_some());
    }
}

#[test]
fn a_key_file_that_others_can_read_is_told() {
    let said = "@         WARNING: UNPROTECTED PRIVATE KEY FILE!          @\r\nPermissions 0644 for 'uk' are too open.\r\n\
                Load key \"uk\": bad permissions\r\nroot@127.0.0.1: Permission denied (publickey).\r\n";
    let error = ConnectionError::from_ssh(said.into(), "web1".into(), Some("/site/uk".into()), &address());
    assert_eq!(error.failure().help.unwrap(), "ssh ignores keys that others can read: chmod 600 /site/uk");
}

#[test]
fn host_keys_that_are_not_trusted() {
    for (said, message) in [
        ("Host key verification failed.\r\n", "the host key of web1.example.org is not trusted"),
        (
            "No ED25519 host key is known for web1.example.org and you have requested strict checking.\r\n\
             Host key verification failed.\r\n",
            "the host key of web1.example.org is not trusted",
        ),
        (
            "@       WARNING: REVOKED HOST KEY DETECTED!               @\r\nThe ED25519 host key for web1 is marked as revoked.\r\n\
             This could mean that a stolen key is being used to impersonate this host.\r\nHost key verification failed.\r\n",
            "the host key of web1.example.org is not trusted",
        ),
        (
            "@    WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!     @\r\nIT IS POSSIBLE THAT SOMEONE IS DOING SOMETHING NASTY!\r\n\
             The fingerprint for the ED25519 key sent by the remote host is\nSHA256:abc.\r\n\
             Offending ED25519 key in /site/inventory/known_hosts:3\r\nHost key for web1 has changed and you have requested strict checking.\r\n\
             Host key verification failed.\r\n",
            "the host key of web1.example.org is not the one in /site/inventory/known_hosts, line 3: it shows SHA256:abc",
        ),
    ] {
        let error = told(said);
        assert!(matches!(error, ConnectionError::HostKeyChanged { .. }), "{error:?}");
        assert!(!error.unreachable());
        assert_eq!(error.to_string(), message);
    }
}

#[test]
fn troubles_of_ssh_itself_are_no_matter_of_the_network() {
    for (said, message) in [
        (
            "command-line: line 0: Bad configuration option: nonsense\r\n",
            "command-line: line 0: Bad configuration option: nonsense",
        ),
        ("remote username contains invalid characters\r\n", "remote username contains invalid characters"),
        (
            "Unable to negotiate with 127.0.0.1 port 22: no matching host key type found. Their offer: ssh-ed25519\r\n",
            "Unable to negotiate with 127.0.0.1 port 22: no matching host key type found. Their offer: ssh-ed25519",
        ),
        ("", "it says nothing"),
        ("Connection closed by 10.0.0.1 port 22\r\n", "Connection closed by 10.0.0.1 port 22"),
        (
            "Received disconnect from 10.0.0.1 port 22:11: Account expired\r\nDisconnected from 10.0.0.1 port 22\r\n",
            "Disconnected from 10.0.0.1 port 22",
        ),
        (
            "channel 0: open failed: administratively prohibited: open failed\r\nstdio forwarding failed\r\n\
             kex_exchange_identification: Connection closed by remote host\r\nConnection closed by UNKNOWN port 65535\r\n",
            "channel 0: open failed: administratively prohibited: open failed",
        ),
        (
            "/bin/sh: 1: exec: cloudflared: not found\nkex_exchange_identification: Connection closed by remote host\r\n\
             Connection closed by UNKNOWN port 65535\r\n",
            "/bin/sh: 1: exec: cloudflared: not found",
        ),
    ] {
        let error = told(said);
        assert!(matches!(error, ConnectionError::Ssh { .. }), "{error:?}");
        assert!(!error.unreachable());
        assert_eq!(error.to_string(), format!("ssh cannot connect to web1.example.org: {message}"));
    }
}

#[test]
fn a_jump_host_that_is_in_the_way_is_named() {
    let mut address = address();
    address.jump = vec!["bastion".into()];
    let said = "me@bastion: Permission denied (publickey).\nkex_exchange_identification: Connection closed by remote host\n\
                Connection closed by UNKNOWN port 65535";
    let error = ConnectionError::from_ssh(said.into(), "web1".into(), None, &address);
    assert_eq!(error.to_string(), "me@bastion (on the way to web1) does not let us log in");
    let said = "Host key for [bastion]:2222 has changed and you have requested strict checking.\nHost key verification failed.";
    let error = ConnectionError::from_ssh(said.into(), "web1".into(), None, &address);
    assert_eq!(error.to_string(), "the host key of [bastion]:2222 (on the way to web1) is not trusted");
}

#[test]
fn only_busy_hosts_are_tried_again() {
    assert!(is_busy("banner exchange: Connection to UNKNOWN port 65535: Broken pipe"));
    assert!(!is_busy(
        "ssh: connect to host web1 port 22: Connection refused\nbanner exchange: Connection to UNKNOWN port 65535: Broken pipe"
    ));
    assert!(is_busy(
        "kex_exchange_identification: read: Connection reset by peer\nConnection reset by 10.0.0.1 port 22"
    ));
    assert!(is_busy("kex_exchange_identification: Connection closed by remote host"));
    assert!(!is_busy("ssh: connect to host 10.0.0.1 port 22: Connection refused"));
    assert!(!is_busy("Connection timed out during banner exchange"));
    assert!(!is_busy("Connection closed by 10.0.0.1 port 22"));
    assert!(!is_busy(
        "ssh: connect to host bastion port 22: Connection refused\nkex_exchange_identification: Connection closed by remote host"
    ));
}

#[test]
fn sudo_that_says_no() {
    let sudo = |said: &str| ConnectionError::Sudo { host: "deploy@web1".into(), said: said.into() };
    assert_eq!(sudo("sudo: a password is required").to_string(), "sudo needs a password for deploy@web1");
    assert_eq!(sudo("").to_string(), "deploy@web1 is not root there, and there is no sudo");
    assert_eq!(
        sudo("deploy is not in the sudoers file.").to_string(),
        "sudo does not let deploy@web1 become root: deploy is not in the sudoers file."
    );
    for said in ["sudo: a password is required", ""] {
        assert!(!sudo(said).unreachable());
        assert!(sudo(said).failure().help.unwrap().contains("root"));
    }
}

#[test]
fn a_terminal_that_sudo_wants_is_no_password() {
    let sudo = |said: &str| ConnectionError::Sudo { host: "deploy@web1".into(), said: said.into() };
    let terminal = sudo("sudo: sorry, you must have a tty to run sudo");
    assert_eq!(
        terminal.to_string(),
        "sudo wants a terminal for deploy@web1 (`requiretty`), and there is none in a run"
    );
    assert_eq!(
        terminal.failure().help.unwrap(),
        "take `requiretty` back for that user (`Defaults:USER !requiretty` in /etc/sudoers.d), or log in as root \
         (`ssh_user: root` in the inventory)"
    );
    let password = sudo(
        "sudo: a terminal is required to read the password; either use the -S option to read from standard input\nsudo: a password is required",
    );
    assert_eq!(password.to_string(), "sudo needs a password for deploy@web1");
    for said in [
        "sudo: a password is required",
        "Sorry, user deploy is not allowed to execute '/bin/sh' as root on web1.",
        "deploy is not in the sudoers file.",
        "Sorry, user deploy may not run sudo on web1.",
        "noise\nsudo: effective uid is not 0, is sudo installed setuid root?",
    ] {
        assert!(is_of_sudo(said), "{said}");
    }
    assert!(!is_of_sudo("This account is not available; ask for sudo"));
}

#[test]
fn no_message_ends_in_a_full_stop_of_ours() {
    let host = || "web1".to_owned();
    for error in [
        ConnectionError::NoPlace { reasons: "/tmp: full".into() },
        ConnectionError::Architecture {
            found: "riscv64".into(),
            expected: Arch::X86_64,
            inventory: "i".into(),
            name: host(),
        },
        ConnectionError::Sudo { host: host(), said: String::new() },
        ConnectionError::local_with_help("no", "do"),
        told("Host key verification failed."),
        told("root@web1: Permission denied (publickey)."),
    ] {
        let failure = error.failure();
        assert!(!failure.message.ends_with('.'), "{failure:?}");
        assert!(!failure.help.unwrap().ends_with('.'));
    }
}
