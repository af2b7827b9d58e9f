use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use super::*;

const NONCE: &str = "00112233445566aa";
/// Says which program runs, as whom and with what; then gives back what it reads.
const AGENT: &str = "#!/bin/sh\n[ \"$1\" = probe ] && exit 0\necho \"PARACRINE $2 agent\"\nexec cat\n";

fn gz(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// A host that is one directory, used through the user's places.
struct Host {
    home: tempfile::TempDir,
    agent: Vec<u8>,
}

struct Run {
    child: Child,
    out: BufReader<std::process::ChildStdout>,
}

impl Host {
    fn new() -> Self {
        Self {
            home: tempfile::tempdir_in(std::env::temp_dir().canonicalize().unwrap()).unwrap(),
            agent: AGENT.into(),
        }
    }

    fn hash(&self) -> Hash {
        Hash::of(&self.agent)
    }

    fn cache(&self) -> std::path::PathBuf {
        self.home.path().join(".cache/paracrine")
    }

    fn cached(&self) -> std::path::PathBuf {
        self.cache().join(format!("agent-{}", self.hash().short()))
    }

    fn with<T>(&self, speculative: &[u8], renew: bool, make: impl FnOnce(Bootstrap) -> T) -> T {
        make(Bootstrap {
            nonce: NONCE,
            hash: &self.hash(),
            speculative: speculative.len(),
            size: gz(&self.agent).len(),
            elevation: Elevation::Never,
            renew,
        })
    }

    fn command(&self, speculative: &[u8], renew: bool) -> String {
        self.with(speculative, renew, |bootstrap| bootstrap.command())
    }

    /// Sends the second script when it is asked for.
    fn answer(&self, run: &mut Run) {
        let word = run.word();
        assert!(matches!(word, Word::Need { .. }), "{word:?}");
        let script = self.with(b"", false, |bootstrap| bootstrap.upload_script());
        run.send(script.as_bytes());
    }

    fn run_in(&self, shell: &[&str], speculative: &[u8], renew: bool) -> Run {
        let mut child = Command::new(shell[0])
            .args(&shell[1..])
            .arg("-c")
            .arg(self.command(speculative, renew))
            .env("HOME", self.home.path())
            // The other places are not to be had: no file system takes such a name.
            .env("LOGNAME", "x".repeat(300))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let out = BufReader::new(child.stdout.take().unwrap());
        let mut run = Run { child, out };
        run.send(speculative);
        run
    }

    fn run(&self, speculative: &[u8]) -> Run {
        self.run_in(&["/bin/sh"], speculative, false)
    }

    fn uploaded(&self) {
        let mut run = self.run(b"START");
        self.answer(&mut run);
        assert_eq!(run.word(), Word::Send);
        run.send(&gz(&self.agent));
        assert_eq!(run.word(), Word::Agent);
        assert_eq!(run.rest(), "");
    }
}

impl Run {
    fn send(&mut self, bytes: &[u8]) {
        // A bootstrap that gives up early reads no more; what it says tells why.
        let _ = self.child.stdin.as_mut().unwrap().write_all(bytes);
    }

    fn word(&mut self) -> Word {
        let mut line = String::new();
        self.out.read_line(&mut line).unwrap();
        match line.strip_prefix(&format!("{MAGIC} {NONCE} ")) {
            Some(rest) => Word::parse(rest),
            None => panic!("{line:?}, {}", self.errors()),
        }
    }

    fn errors(&mut self) -> String {
        drop(self.child.stdin.take());
        let mut said = String::new();
        self.child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
        said
    }

    fn rest(mut self) -> String {
        drop(self.child.stdin.take());
        let mut rest = String::new();
        self.out.read_to_string(&mut rest).unwrap();
        self.child.wait().unwrap();
        rest
    }
}

#[test]
fn every_shell_reads_the_scripts_as_words() {
    for elevation in [Elevation::Sudo, Elevation::Never] {
        let hash = Hash::of(b"agent");
        let bootstrap = Bootstrap {
            nonce: NONCE,
            hash: &hash,
            speculative: 123_456,
            size: 456_789,
            elevation,
            renew: false,
        };
        let command = bootstrap.command();
        assert_eq!(command.matches('\'').count(), 4, "{command}");
        for forbidden in ["\\", "!", "\n", "\r", "@MAGIC", "@PLACES"] {
            assert!(!command.contains(forbidden), "{forbidden:?} in {command}");
        }
        assert!(command.is_ascii());
        // `sudo` logs so much in one line.
        assert!(command.len() < 900, "{}", command.len());
    }
}

#[test]
fn the_magic_line_is_not_in_the_command_itself() {
    // A login that shows what it is asked to run must not look like an answer.
    let host = Host::new();
    assert!(!host.command(b"", false).contains(&format!("{MAGIC} {NONCE}")));
}

#[test]
fn an_agent_that_is_there_gets_all_that_was_sent() {
    let host = Host::new();
    host.uploaded();
    let mut run = host.run(b"START");
    assert_eq!(run.word(), Word::Agent);
    assert_eq!(run.rest(), "START");
}

#[test]
fn an_agent_that_is_not_there_is_asked_for() {
    let host = Host::new();
    let speculative = vec![b'x'; 300_000];
    let mut run = host.run(&speculative);
    let machine = std::process::Command::new("uname").arg("-m").output().unwrap().stdout;
    assert_eq!(run.word(), Word::Need { machine: String::from_utf8(machine).unwrap().trim().into() });
    run.send(host.with(b"", false, |bootstrap| bootstrap.upload_script()).as_bytes());
    assert_eq!(run.word(), Word::Send);
    run.send(&gz(&host.agent));
    assert_eq!(run.word(), Word::Agent);
    run.send(b"START again");
    assert_eq!(run.rest(), "START again");
    let found = std::fs::metadata(host.cached()).unwrap();
    assert_eq!(found.mode() & 0o777, 0o700);
    assert_eq!(std::fs::metadata(host.cache()).unwrap().mode() & 0o777, 0o700);
    assert_eq!(std::fs::read_dir(host.cache()).unwrap().count(), 1);
}

#[test]
fn all_login_shells_can_start_it() {
    let host = Host::new();
    host.uploaded();
    let shells = [
        "/bin/sh",
        "/bin/dash",
        "/bin/bash",
        "/bin/zsh",
        "/usr/bin/fish",
        "/bin/csh",
        "/bin/tcsh",
        "/bin/ksh",
    ];
    for shell in shells.into_iter().filter(|shell| Path::new(shell).exists()) {
        // Start-up files of whoever runs the tests are none of its business.
        let shell: &[&str] = match shell {
            "/bin/csh" | "/bin/tcsh" => &[shell, "-f"],
            _ => &[shell],
        };
        let mut run = host.run_in(shell, b"START", false);
        assert_eq!(run.word(), Word::Agent, "{shell:?}");
        assert_eq!(run.rest(), "START", "{shell:?}");
        let mut run = host.run_in(shell, b"START", true);
        host.answer(&mut run);
        assert_eq!(run.word(), Word::Send, "{shell:?}");
        run.send(&gz(&host.agent));
        assert_eq!(run.word(), Word::Agent, "{shell:?}");
    }
}

#[test]
fn an_agent_can_be_renewed_though_it_is_there() {
    let host = Host::new();
    host.uploaded();
    std::fs::write(host.cached(), "#!/bin/sh\nexit 3\n").unwrap();
    let mut run = host.run_in(&["/bin/sh"], b"START", true);
    host.answer(&mut run);
    assert_eq!(run.word(), Word::Send);
    run.send(&gz(&host.agent));
    assert_eq!(run.word(), Word::Agent);
    assert_eq!(std::fs::read(host.cached()).unwrap(), host.agent);
}

#[test]
fn links_are_not_followed() {
    let host = Host::new();
    host.uploaded();
    let elsewhere = host.home.path().join("elsewhere");
    std::fs::rename(host.cache(), &elsewhere).unwrap();
    symlink(&elsewhere, host.cache()).unwrap();
    std::fs::set_permissions(&elsewhere, std::fs::Permissions::from_mode(0o755)).unwrap();
    let mut run = host.run(b"START");
    host.answer(&mut run);
    match run.word() {
        Word::Fail { reason, details } => {
            assert_eq!(reason, "no-place");
            assert!(details.contains(".cache/paracrine: is a link, or not ours;"), "{details}");
        }
        word => panic!("{word:?}"),
    }
    assert_eq!(std::fs::metadata(elsewhere).unwrap().mode() & 0o777, 0o755);
}

#[test]
fn an_agent_that_cannot_run_there_is_not_left_there() {
    let mut host = Host::new();
    host.agent = b"#!/bin/sh\necho no such luck >&2\nexit 1\n".into();
    let mut run = host.run(b"START");
    host.answer(&mut run);
    assert_eq!(run.word(), Word::Send);
    run.send(&gz(&host.agent));
    match run.word() {
        Word::Fail { reason, details } => {
            assert_eq!(reason, "no-place");
            assert!(details.contains("no such luck"), "{details}");
        }
        word => panic!("{word:?}"),
    }
    assert_eq!(std::fs::read_dir(host.cache()).unwrap().count(), 0);
}

#[test]
fn an_upload_that_is_cut_off_leaves_nothing() {
    let host = Host::new();
    let mut run = host.run(b"START");
    host.answer(&mut run);
    assert_eq!(run.word(), Word::Send);
    let upload = gz(&host.agent);
    run.send(&upload[..upload.len() - 1]);
    assert!(run.rest().contains("fail no-place"));
    assert_eq!(std::fs::read_dir(host.cache()).unwrap().count(), 0);
}

#[test]
fn a_garbled_upload_is_read_to_its_end() {
    let host = Host::new();
    let mut run = host.run(b"START");
    host.answer(&mut run);
    assert_eq!(run.word(), Word::Send);
    let upload = gz(&host.agent);
    run.send(&vec![b'x'; upload.len()]);
    assert!(matches!(run.word(), Word::Fail { .. }));
    assert_eq!(run.rest(), "");
}

#[test]
fn of_many_agents_the_newest_stay() {
    let host = Host::new();
    host.uploaded();
    let old = std::time::SystemTime::now() - std::time::Duration::from_secs(3600);
    for number in 0..6_u64 {
        let path = host.cache().join(format!("agent-{number:016}"));
        std::fs::write(&path, "").unwrap();
        let age = std::time::Duration::from_secs(60 * number);
        std::fs::File::options().append(true).open(path).unwrap().set_modified(old - age).unwrap();
    }
    std::fs::write(host.cache().join("something else"), "").unwrap();
    let mut run = host.run_in(&["/bin/sh"], b"", true);
    host.answer(&mut run);
    assert_eq!(run.word(), Word::Send);
    run.send(&gz(&host.agent));
    assert_eq!(run.word(), Word::Agent);
    let mut left: Vec<String> = std::fs::read_dir(host.cache())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    left.sort();
    let mut expected: Vec<String> = (0..3).map(|number| format!("agent-{number:016}")).collect();
    expected.push(format!("agent-{}", host.hash().short()));
    expected.push("something else".into());
    expected.sort();
    assert_eq!(left, expected);
}

#[test]
fn words_are_read() {
    assert_eq!(Word::parse("agent\n"), Word::Agent);
    assert_eq!(Word::parse("send"), Word::Send);
    assert_eq!(Word::parse("need x86_64"), Word::Need { machine: "x86_64".into() });
    assert_eq!(Word::parse("fail no-sudo"), Word::Fail { reason: "no-sudo".into(), details: String::new() });
    assert_eq!(
        Word::parse("fail no-place /run: full; /tmp: full;"),
        Word::Fail { reason: "no-place".into(), details: "/run: full; /tmp: full;".into() }
    );
    for other in ["", "need", "agents", "agent 2"] {
        assert_eq!(Word::parse(other), Word::Other(other.into()));
    }
}

/// What a user who is not root gets to hear, with this script as `sudo`, or with none.
fn without_root(sudo: Option<&str>) -> (String, String) {
    let programs = tempfile::tempdir().unwrap();
    let open = std::fs::Permissions::from_mode(0o755);
    std::fs::set_permissions(programs.path(), open.clone()).unwrap();
    for program in ["id", "head", "uname"] {
        symlink(Path::new("/usr/bin").join(program), programs.path().join(program)).unwrap();
    }
    if let Some(script) = sudo {
        let path = programs.path().join("sudo");
        std::fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
        std::fs::set_permissions(&path, open).unwrap();
    }
    let agent = AGENT.as_bytes();
    let command = Bootstrap {
        nonce: NONCE,
        hash: &Hash::of(agent),
        speculative: 0,
        size: agent.len(),
        elevation: Elevation::Sudo,
        renew: true,
    }
    .command();
    let root = std::fs::metadata("/proc/self").unwrap().uid() == 0;
    let mut line = if root { Command::new("/usr/bin/setpriv") } else { Command::new("/bin/sh") };
    if root {
        line.args(["--reuid=65534", "--regid=65534", "--clear-groups", "/bin/sh"]);
    }
    line.arg("-c").arg(command).env("PATH", programs.path()).stdin(Stdio::null());
    let output = line.output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (text(output.stdout), text(output.stderr))
}

#[test]
fn users_who_cannot_become_root_are_told() {
    let said = |word: &str| format!("{MAGIC} {NONCE} {word}\n");
    assert_eq!(without_root(None), (said("fail no-sudo"), String::new()));
    let refused = "echo 'sudo: a password is required' >&2; exit 1";
    assert_eq!(without_root(Some(refused)), (String::new(), "sudo: a password is required\n".into()));
    // The rest of the script runs with the same arguments.
    let (out, _) = without_root(Some(r#"[ "$1 $2 $3" = "-n -u root" ] && shift 3 && exec "$@""#));
    assert!(out.starts_with(&said("need ").replace('\n', "")), "{out}");
}
