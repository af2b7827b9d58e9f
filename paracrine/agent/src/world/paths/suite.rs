//! Tests: a machine in a temporary directory, and what every resource that is a path has to pass.

use std::collections::BTreeMap;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::rc::Rc;

use paracrine_model::content::{Blobs, Content};
use paracrine_model::late::{Late, LateValues, Signal};
use paracrine_model::name::{AbsolutePath, AccountName, Mode};
use paracrine_model::protocol::{Difference, Failure, Lacking};
use paracrine_model::receipt::About;
use paracrine_model::resource::absent::Absent;
use paracrine_model::resource::directory::Directory;
use paracrine_model::resource::file::File;
use paracrine_model::resource::link::Link;
use paracrine_model::secret::{Provider, SecretSource};
use paracrine_model::text::Text;

use crate::manage::{Comparison, Manage, Turn};
use crate::receipt::Receipt;
use crate::world::{Take, World};

/// A machine below a temporary directory.
pub(crate) struct Machine {
    root: tempfile::TempDir,
    pub(crate) values: LateValues,
    pub(crate) blobs: Blobs,
}

/// Where the agent of a machine keeps what it has to remember.
pub(crate) const STATE: &str = "/var/lib/paracrine";

/// A run.
pub(crate) fn about(run: &str) -> About {
    About {
        run: run.into(),
        number: 0,
        identity: "site/dev/web1".into(),
        holder: "ann@laptop".into(),
        commit: Some("ac964de".into()),
        began: 1_795_610_692,
    }
}

/// One thing in a snapshot: kind and mode, owner, group, times of change, content or target.
type Thing = (u32, u32, u32, (i64, i64), Vec<u8>);

/// A controller that sends what it is asked for, in two pieces.
pub(crate) fn sends(blobs: &Blobs) -> impl FnMut(&[Lacking], &mut Take<'_>) -> Result<(), Failure> + 'static {
    let blobs = blobs.clone();
    move |lacking, take| {
        for content in lacking {
            let bytes = blobs.get(&content.hash).ok_or_else(|| Failure::new("no such content"))?;
            let (begin, end) = bytes.split_at(bytes.len() / 2);
            take(begin);
            take(end);
        }
        Ok(())
    }
}

impl Machine {
    pub(crate) fn new() -> Self {
        let mut machine = Self {
            root: tempfile::tempdir().unwrap(),
            values: LateValues::default(),
            blobs: Blobs::default(),
        };
        machine.secret("PASSWORD", "correct horse");
        machine.make(
            "/etc/passwd",
            "root:x:0:0::/root:/bin/sh\nme:x:UID:GID::/:/bin/sh\napp:x:4321:4322::/:/bin/sh\n",
        );
        machine.make("/etc/group", "root:x:0:\nme:x:GID:\napp:x:4322:\n");
        std::fs::create_dir_all(machine.at("/srv")).unwrap();
        machine
    }

    /// Where that path of the machine is on this one.
    pub(crate) fn at(&self, path: &str) -> PathBuf {
        self.root.path().join(path.trim_start_matches('/'))
    }

    /// Makes a file of mode 0644 with its directories.
    pub(crate) fn make(&self, path: &str, content: impl AsRef<[u8]>) {
        let at = self.at(path);
        std::fs::create_dir_all(at.parent().unwrap()).unwrap();
        let (uid, gid) = (rustix::process::geteuid().as_raw(), rustix::process::getegid().as_raw());
        match std::str::from_utf8(content.as_ref()) {
            Ok(text) if path == "/etc/passwd" || path == "/etc/group" => {
                let text = text.replace("UID", &uid.to_string()).replace("GID", &gid.to_string());
                // As root, `me` is root.
                let text: String = text
                    .lines()
                    .filter(|line| uid != 0 || !line.starts_with("me:"))
                    .map(|line| format!("{line}\n"))
                    .collect();
                std::fs::write(&at, text).unwrap();
            }
            _ => std::fs::write(&at, content.as_ref()).unwrap(),
        }
        self.mode(path, 0o644);
    }

    pub(crate) fn mode(&self, path: &str, mode: u32) {
        std::fs::set_permissions(self.at(path), std::fs::Permissions::from_mode(mode)).unwrap();
    }

    pub(crate) fn read(&self, path: &str) -> String {
        std::fs::read_to_string(self.at(path)).unwrap()
    }

    /// The machine as a run finds it.
    pub(crate) fn world(&self) -> World {
        let mut world = World::new(self.root.path(), self.values.clone(), sends(&self.blobs));
        world.keep_receipt(Receipt::new(self.at(STATE), about("run")));
        world
    }

    /// A value of a secret, and the text that is it.
    pub(crate) fn secret(&mut self, name: &str, value: &str) -> Text {
        self.values.insert(secret(name), value.into());
        placed(name)
    }

    /// A public signal of db1, known or not yet, and the text that is it.
    pub(crate) fn signal(&mut self, name: &str, value: Option<&str>) -> Text {
        let late = Late::Signal(Signal { name: name.into(), host: "db1".into(), secret: false });
        match value {
            Some(value) => self.values.insert(late.clone(), value.into()),
            None => self.values.insert_unknown(late.clone()),
        }
        let mut text = Text::default();
        text.push_late(late);
        text
    }

    /// The text that is a secret which every machine has.
    pub(crate) fn password(&self) -> Text {
        placed("PASSWORD")
    }

    pub(crate) fn file(&self, at: &str, content: &str) -> File {
        let content = self.blobs.keep(content.as_bytes());
        File {
            path: path(at),
            content,
            owner: me(),
            group: me(),
            mode: Mode::FILE,
            validate: None,
            exposed: None,
            format: None,
        }
    }

    pub(crate) fn late_file(&self, at: &str, content: Text) -> File {
        File { content: Content::Late(content), mode: Mode::PRIVATE, ..self.file(at, "") }
    }

    /// All there is, with the times of its last changes.
    pub(crate) fn snapshot(&self) -> BTreeMap<PathBuf, Thing> {
        let mut all = BTreeMap::new();
        let mut left = vec![self.root.path().to_owned()];
        while let Some(at) = left.pop() {
            let seen = at.symlink_metadata().unwrap();
            let content = if seen.is_symlink() {
                std::fs::read_link(&at).unwrap().into_os_string().into_encoded_bytes()
            } else if seen.is_dir() {
                left.extend(std::fs::read_dir(&at).unwrap().map(|entry| entry.unwrap().path()));
                Vec::new()
            } else if seen.is_file() {
                std::fs::read(&at).unwrap_or_default()
            } else {
                Vec::new()
            };
            all.insert(at, (seen.mode(), seen.uid(), seen.gid(), (seen.ctime(), seen.ctime_nsec()), content));
        }
        all
    }

    /// Like [`Self::snapshot`] without times, and without what a run keeps for itself.
    pub(crate) fn tree(&self) -> BTreeMap<PathBuf, (u32, u32, u32, Vec<u8>)> {
        let own = self.at("/var");
        let all = self.snapshot().into_iter().filter(|(path, _)| !path.starts_with(&own));
        all.map(|(path, (mode, uid, gid, _, content))| (path, (mode, uid, gid, content))).collect()
    }

    /// Checks, which has to touch nothing, and to find nothing left to do where it predicts that it was done.
    pub(crate) fn check<R: Manage>(&self, resource: &R) -> Result<Comparison, Failure> {
        let before = self.snapshot();
        let mut world = self.world();
        let found = examine(resource, &mut world);
        if found.as_ref().is_ok_and(|comparison| !comparison.is_equal()) {
            let state = resource.observe(&Turn::default(), &mut world).unwrap();
            resource.predict(&state, &mut world);
            assert_eq!(examine(resource, &mut world).unwrap(), Comparison::equal(), "after the prediction");
        }
        assert_eq!(self.snapshot(), before, "a check touches nothing");
        found
    }

    /// Applies: what a check has said before, and nothing is left of it afterwards.
    pub(crate) fn apply<R: Manage>(&self, resource: &R) -> Result<Vec<Difference>, Failure> {
        let said = self.check(resource)?;
        let mut world = self.world();
        let found = examine(resource, &mut world)?;
        assert_eq!(found, said, "an apply finds what the check before it has said");
        if !found.is_equal() {
            let state = resource.observe(&Turn::default(), &mut world)?;
            let applied = resource.apply(&state, &Turn::default(), &mut world);
            for (at, _) in self.snapshot() {
                assert!(!at.to_string_lossy().contains(".paracrine-"), "{} is left", at.display());
            }
            applied?;
        }
        assert_eq!(
            examine(resource, &mut world)?,
            Comparison::equal(),
            "nothing is left to be done in this run"
        );
        let after = self.snapshot();
        assert_eq!(self.check(resource)?, Comparison::equal(), "nothing is left to be done in the next run");
        assert_eq!(self.snapshot(), after);
        Ok(found.differences)
    }
}

pub(crate) fn secret(name: &str) -> Late {
    Late::Secret(SecretSource { name: name.into(), provider: Provider::Env(name.into()) })
}

fn placed(name: &str) -> Text {
    let mut text = Text::default();
    text.push_late(secret(name));
    text
}

fn examine<R: Manage>(resource: &R, world: &mut World) -> Result<Comparison, Failure> {
    let state = resource.observe(&Turn::default(), world)?;
    resource.compare(&state, &Turn::default(), world)
}

pub(crate) fn path(path: &str) -> AbsolutePath {
    AbsolutePath::parse(path).unwrap()
}

pub(crate) fn account(name: &str) -> AccountName {
    AccountName::parse(name).unwrap()
}

/// Who runs the tests.
pub(crate) fn me() -> AccountName {
    account(if is_root() { "root" } else { "me" })
}

pub(crate) fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

pub(crate) fn directory(at: &str) -> Directory {
    Directory { path: path(at), owner: me(), group: me(), mode: Mode::DIRECTORY }
}

pub(crate) fn link(at: &str, target: &str) -> Link {
    Link { path: path(at), target: target.into() }
}

pub(crate) fn absent(at: &str) -> Absent {
    Absent { path: path(at) }
}

pub(crate) fn attribute(name: &str, before: &str, after: &str) -> Difference {
    Difference::Attribute { name: name.into(), before: Some(before.into()), after: after.into() }
}

pub(crate) fn failure(message: &str, help: &str) -> Failure {
    Failure::new(message).help(help)
}

/// A way in which something is spoilt by hand.
pub(crate) type Spoil = fn(&Path);

/// What every resource that makes something at a path has to pass. `make` makes one for a path; each of `drifts`
/// spoils what it has made, and has to be found and mended.
pub(crate) fn passes_the_suite<R: Manage>(make: impl Fn(&Machine, &str) -> R, drifts: &[(&str, Spoil)]) {
    let long = format!("{}a", "é".repeat(127));
    let names = [
        "plain",
        "with space",
        "ünï→cödé",
        "-rf",
        "--",
        "~",
        "*",
        "$(id)",
        "a'b\"c`d",
        "back\\slash",
        "tab\there",
        "..x",
        ".hidden",
        "\u{202e}turned",
        long.as_str(),
    ];
    for name in names {
        let machine = Machine::new();
        let at = format!("/srv/{name}");
        let resource = make(&machine, &at);
        let made = machine.apply(&resource).unwrap_or_else(|failure| panic!("{name}: {failure}"));
        assert_eq!(made, [Difference::Create], "{name}");
        let right = machine.tree();

        for (what, spoil) in drifts {
            spoil(&machine.at(&at));
            assert_ne!(machine.tree(), right, "{what} spoils {name}");
            let found =
                machine.apply(&resource).unwrap_or_else(|failure| panic!("{what} of {name}: {failure}"));
            assert!(!found.is_empty(), "{what} of {name} is found");
            assert_eq!(machine.tree(), right, "{what} of {name} is mended");
        }

        let removed = machine.apply(&absent(&at)).unwrap();
        assert!(matches!(removed.as_slice(), [Difference::Remove { .. }]), "{removed:?}");
        assert!(machine.at(&at).symlink_metadata().is_err());
    }
    refuses_other_peoples_links(&make);
    wants_its_directory(&make);
}

/// A link in the way that is not root's may lead anywhere at any time.
fn refuses_other_peoples_links<R: Manage>(make: &impl Fn(&Machine, &str) -> R) {
    if !given::root() {
        return;
    }
    let machine = Machine::new();
    std::fs::create_dir(machine.at("/srv/real")).unwrap();
    std::os::unix::fs::symlink("real", machine.at("/srv/way")).unwrap();
    let resource = make(&machine, "/srv/way/x");
    std::os::unix::fs::lchown(machine.at("/srv/way"), Some(4321), Some(4322)).unwrap();
    let before = machine.snapshot();
    assert_eq!(
        machine.check(&resource),
        Err(failure(
            "/srv/way is a link to real that belongs to user 4321, so it is not followed",
            "declare the path without the link, or have root own the link"
        ))
    );
    let mut world = machine.world();
    assert!(resource.observe(&Turn::default(), &mut world).is_err());
    assert_eq!(machine.snapshot(), before);
    // Root's own is followed.
    std::os::unix::fs::lchown(machine.at("/srv/way"), Some(0), Some(0)).unwrap();
    machine.apply(&resource).unwrap();
    assert!(machine.at("/srv/real/x").symlink_metadata().is_ok());
}

/// Directories are declared, not made by the way.
fn wants_its_directory<R: Manage>(make: &impl Fn(&Machine, &str) -> R) {
    let machine = Machine::new();
    let resource = make(&machine, "/srv/app/conf.d/x");
    assert_eq!(
        machine.check(&resource),
        Err(failure(
            "the directory /srv/app does not exist",
            "declare it before, with `plan.directory(\"/srv/app\")`"
        ))
    );
    // In a check an earlier task would have made it.
    let mut world = machine.world();
    for at in ["/srv/app", "/srv/app/conf.d"] {
        let directory = directory(at);
        let state = directory.observe(&Turn::default(), &mut world).unwrap();
        directory.predict(&state, &mut world);
    }
    assert_eq!(examine(&resource, &mut world).unwrap(), Comparison::of(vec![Difference::Create]));

    // A package that is pending may bring it, but not to `/srv`.
    let mut world = machine.world();
    world.makers.push(crate::world::Maker::Package("nginx".into()));
    assert!(examine(&resource, &mut world).is_err());
    let brought = make(&machine, "/etc/nginx/conf.d/x");
    assert_eq!(examine(&brought, &mut world).unwrap().differences, [Difference::Create]);

    machine.make("/srv/app", "");
    assert_eq!(machine.check(&resource), Err(Failure::new("/srv/app is a file, not a directory")));
}

/// Tells the tests which things there are without a need for all their types.
pub(crate) fn listen(at: &Path) -> Rc<std::os::unix::net::UnixListener> {
    Rc::new(std::os::unix::net::UnixListener::bind(at).unwrap())
}
