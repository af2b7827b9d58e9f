use std::time::Instant;

use super::*;
use crate::world::accounts::User;

fn sh(script: &str) -> Program {
    Program::script(script.to_owned())
}

fn seconds(seconds: f32) -> Duration {
    Duration::from_secs_f32(seconds)
}

/// Processes whose command line or environment holds this, but for our own.
fn seen_in_proc(word: &str, file: &str) -> Vec<u32> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir("/proc").unwrap().flatten() {
        let Ok(pid) = entry.file_name().to_string_lossy().parse::<u32>() else {
            continue;
        };
        let text = std::fs::read(entry.path().join(file)).unwrap_or_default();
        if pid != std::process::id() && String::from_utf8_lossy(&text).contains(word) {
            found.push(pid);
        }
    }
    found
}

#[test]
fn scripts_are_run_line_by_line_and_stop_at_a_failure() {
    let finished = sh("echo one\necho two >&2\nfalse\necho three").run().unwrap();
    assert_eq!(finished.end, End::Status(1));
    assert_eq!(finished.output, "one\ntwo\n");
    let failure = finished.failure();
    assert_eq!(failure.message, "/bin/sh ended with status 1");
    assert_eq!(failure.output.as_deref(), Some("one\ntwo"));
}

#[test]
fn scripts_that_read_standard_input_do_not_eat_themselves() {
    let finished = sh("read line || echo nothing to read\ncat\necho after").run().unwrap();
    assert!(finished.succeeded(), "{finished:?}");
    assert_eq!(finished.output, "nothing to read\nafter\n");
}

#[test]
fn scripts_may_be_anything() {
    for (script, output) in [
        ("cat <<END\n$HOME \"'\nEND\n", "/root \"'\n"),
        ("-x 2>/dev/null || echo an option is no option", "an option is no option\n"),
        ("# only a comment", ""),
        ("", ""),
        ("\n\n", ""),
        ("echo \"$script\" | wc -l; exit 0; exit 1", "1\n"),
        ("f() { echo \"$1\"; }\nf 'a  b' \\\n  c", "a  b\n"),
        ("echo ä€😀 \\\\ %s", "ä€😀 \\ %s\n"),
    ] {
        let finished = sh(script).run().unwrap();
        assert!(finished.succeeded(), "{script:?}: {finished:?}");
        assert_eq!(finished.output, output, "{script:?}");
    }
    assert_eq!(sh("exit 7").run().unwrap().end, End::Status(7));
    assert_eq!(sh("kill -SEGV $$").run().unwrap().how(), "was ended by signal 11 (SIGSEGV)");
    let broken = sh("if true\nthen").run().unwrap();
    assert!(!broken.succeeded() && broken.output.contains("yntax error"), "{broken:?}");
    // Longer than a pipe holds, and than one argument may be.
    let long = format!("x='{}'\necho ${{#x}}", "a".repeat(3_000_000));
    assert_eq!(sh(&long).run().unwrap().output, "3000000\n");
}

#[test]
fn the_environment_is_clean() {
    let finished = Program::new("env").environment("DEBIAN_FRONTEND", "noninteractive").run().unwrap();
    let mut names: Vec<_> = finished.output.lines().map(|line| line.split('=').next().unwrap()).collect();
    names.sort_unstable();
    assert_eq!(names, ["DEBIAN_FRONTEND", "HOME", "LC_ALL", "LOGNAME", "PATH", "USER"]);
    assert!(finished.output.contains("LC_ALL=C.UTF-8\n"));
    assert_eq!(sh("pwd; umask; ulimit -t >/dev/null").run().unwrap().output, "/\n0022\n");
    assert_eq!(sh("pwd").directory("/usr").run().unwrap().output, "/usr\n");
}

#[test]
fn what_cannot_be_started_says_why() {
    let failure = |program: Program| program.run().unwrap_err().message;
    assert_eq!(failure(Program::new("no-such-program")), "the host has no program `no-such-program`");
    assert_eq!(failure(sh("true").directory("/nonexistent")), "the directory /nonexistent does not exist");
    assert_eq!(failure(sh("true").directory("/etc/passwd")), "/etc/passwd is not a directory");
    let nobody = User { name: "nobody2".into(), ..User::default() };
    assert_eq!(nobody.login().unwrap_err().message, "user nobody2 does not exist yet");
}

#[test]
fn a_program_whose_time_is_over_ends_with_all_that_it_started() {
    let mark = format!("86{}", std::process::id());
    let script = format!("sleep {mark} & (sleep {mark} & sleep {mark}) & echo started; wait");
    let began = Instant::now();
    let finished = sh(&script).timeout(seconds(0.5)).run().unwrap();
    assert_eq!(finished.end, End::Timeout(seconds(0.5)));
    assert_eq!(finished.output, "started\n");
    assert_eq!(finished.how(), "was ended because it took longer than 0 s");
    assert!(began.elapsed() < seconds(5.0), "SIGTERM was enough");
    assert_eq!(seen_in_proc(&format!("sleep\0{mark}"), "cmdline"), [] as [u32; 0]);
}

#[test]
fn one_that_will_not_end_is_killed() {
    let mark = format!("87{}", std::process::id());
    let script = format!("trap '' TERM; sleep {mark} & while :; do sleep 0.1; done");
    let began = Instant::now();
    let finished = sh(&script).timeout(seconds(0.3)).run().unwrap();
    assert_eq!(finished.end, End::Timeout(seconds(0.3)));
    assert!(began.elapsed() > seconds(5.0) && began.elapsed() < seconds(30.0), "{:?}", began.elapsed());
    assert_eq!(seen_in_proc(&format!("sleep\0{mark}"), "cmdline"), [] as [u32; 0]);
}

#[test]
fn what_a_program_leaves_behind_is_not_waited_for() {
    let began = Instant::now();
    let finished = sh("sleep 5 & echo done").run().unwrap();
    assert_eq!((finished.end, finished.output.as_str()), (End::Status(0), "done\n"));
    assert!(began.elapsed() < seconds(3.0));
}

#[test]
fn output_is_capped_and_its_end_kept() {
    let finished = sh("yes a line of output | head -c 20000000; echo; echo the end").run().unwrap();
    assert!(finished.succeeded());
    assert!(finished.output.len() <= OUTPUT && finished.output.len() > OUTPUT - 100);
    assert!(finished.output.starts_with("a line of output\n") && finished.output.ends_with("\nthe end\n"));
    assert_eq!(finished.failure().output.unwrap().lines().count(), 40);
}

#[test]
fn what_outlives_us_writes_to_no_pipe() {
    let script = "test -p /dev/stdout || echo no pipe; echo error >&2; echo after";
    let finished = sh(script).outliving().run().unwrap();
    assert_eq!(finished.output, "no pipe\nerror\nafter\n");
    let finished = sh("seq 1000000; echo the end").outliving().run().unwrap();
    assert!(finished.output.len() <= OUTPUT && finished.output.len() > OUTPUT - 100);
    assert!(finished.output.ends_with("\n1000000\nthe end\n"));
    assert_eq!(sh("exit 3").outliving().run().unwrap().output, "");
    let finished = sh("echo begun; sleep 60").outliving().timeout(seconds(0.2)).run().unwrap();
    assert_eq!((finished.end, finished.output.as_str()), (End::Timeout(seconds(0.2)), "begun\n"));
}

#[test]
fn answers_are_kept_whole_and_apart() {
    let finished = sh("seq 100000; echo wrong >&2").separate().run().unwrap();
    assert_eq!((finished.output.lines().count(), finished.errors.as_str()), (100_000, "wrong\n"));
    assert!(finished.said().ends_with("100000\nwrong"));
}

#[test]
fn input_is_given_while_output_is_taken() {
    let bytes = "0123456789abcde\n".repeat(100_000);
    let finished = Program::new("cat").input(bytes.clone()).separate().run().unwrap();
    assert_eq!(finished.output, bytes);
    // One that does not read its input is nothing to wait for.
    let finished = Program::new("true").input(bytes).run().unwrap();
    assert!(finished.succeeded());
}

#[test]
fn secrets_are_no_arguments_and_in_no_environment() {
    let word = format!("poison{}", std::process::id());
    let script = format!("password={word}\nsleep 2\necho $password");
    let running = std::thread::spawn(move || sh(&script).run().unwrap());
    let control_word = format!("{word}-control");
    let control = Program::shell(&format!("sleep 60; : {control_word}")).start().unwrap();
    // The search finds what is there to be found.
    let began = Instant::now();
    while seen_in_proc(&control_word, "cmdline").is_empty() {
        assert!(began.elapsed() < seconds(10.0));
    }
    for file in ["cmdline", "environ"] {
        let control = seen_in_proc(&control_word, file);
        let seen: Vec<_> =
            seen_in_proc(&word, file).into_iter().filter(|pid| !control.contains(pid)).collect();
        assert_eq!(seen, [] as [u32; 0], "{file}");
    }
    assert_eq!(running.join().unwrap().output, format!("{word}\n"));
    drop(control);
}

#[test]
fn a_program_that_is_dropped_is_killed() {
    let mark = format!("88{}", std::process::id());
    drop(Program::new("sleep").args([mark.clone()]).start().unwrap());
    assert_eq!(seen_in_proc(&format!("sleep\0{mark}"), "cmdline"), [] as [u32; 0]);
}

#[test]
fn another_user_has_its_own_groups_and_none_of_ours() {
    if !given::root() {
        return;
    }
    let user = User {
        name: "nobody".into(),
        uid: Some(65534),
        gid: Some(65534),
        home: "/nonexistent".into(),
        ..User::default()
    };
    let finished = sh("id -u; id -g; id -G; echo $HOME $USER").login(&user.login().unwrap()).run().unwrap();
    assert_eq!(finished.output, "65534\n65534\n65534\n/nonexistent nobody\n");
}

#[test]
fn ends_are_waited_for_no_longer_than_asked() {
    let mut child = std::process::Command::new("sleep").arg("0.2").spawn().unwrap();
    assert!(!ends_within(child.id(), seconds(0.02)));
    assert!(ends_within(child.id(), seconds(3.0)));
    child.wait().unwrap();
    assert!(ends_within(child.id(), seconds(0.1)));
    assert!(!ends_within(0, seconds(0.1)));
}

/// In a process of its own, as an interruption lasts.
#[test]
fn an_interruption_ends_what_may_be_ended() {
    const CHILD: &str = "PARACRINE_TEST_INTERRUPTION";
    if std::env::var_os(CHILD).is_none() {
        let name = "world::process::tests::an_interruption_ends_what_may_be_ended";
        let own = std::env::current_exe().unwrap();
        let status =
            std::process::Command::new(own).args([name, "--exact"]).env(CHILD, "1").status().unwrap();
        assert!(status.success());
        return;
    }
    let (controller, agent) = std::os::unix::net::UnixStream::pair().unwrap();
    interrupt_at_end_of(agent.into());
    let interrupter = std::thread::spawn(|| {
        std::thread::sleep(seconds(0.3));
        drop(controller);
    });
    let began = Instant::now();
    let finished = sh("echo here; sleep 20").interruptible().run().unwrap();
    assert_eq!((finished.end, finished.output.as_str()), (End::Interrupt, "here\n"));
    assert_eq!(finished.how(), "was ended because the run was broken off");
    // It lasts, and what must not be torn goes on.
    assert_eq!(sh("sleep 20").interruptible().run().unwrap().end, End::Interrupt);
    assert!(sh("sleep 0.1").run().unwrap().succeeded());
    assert!(began.elapsed() < seconds(5.0));
    interrupter.join().unwrap();
}
