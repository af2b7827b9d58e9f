//! The way to a path's directory.

use std::os::fd::OwnedFd;
use std::rc::Rc;

use paracrine_model::name::AbsolutePath;
use paracrine_model::protocol::Failure;
use rustix::fs::{AtFlags, FileType, Mode, OFlags};
use rustix::io::Errno;

use super::{PathKind, Paths, failed, kind_of};

/// A directory on the way.
pub(super) struct Place {
    /// Free of links, so that one directory has one spelling.
    canonical: String,
    /// `None` for one that is only predicted, or missing.
    fd: Option<OwnedFd>,
    /// The first directory on the way that does not exist.
    missing: Option<String>,
    /// Whether some users cannot get here.
    private: bool,
}

impl Place {
    pub(super) fn canonical(&self) -> &str {
        &self.canonical
    }

    pub(super) fn fd(&self) -> Option<&OwnedFd> {
        self.fd.as_ref()
    }

    pub(super) fn missing(&self) -> Option<&str> {
        self.missing.as_deref()
    }

    pub(super) fn private(&self) -> bool {
        self.private
    }
}

/// Where a path leads: a name in a directory.
pub(super) struct Found {
    pub(super) parent: Rc<Place>,
    /// `.` for the root itself.
    pub(super) name: String,
    /// The path, free of links but perhaps for itself.
    pub(super) key: String,
}

/// Links that may be followed on one way; as many as Linux follows.
const LINKS: u32 = 40;

/// Descriptors that are kept open; a process may have 1024.
const OPEN: usize = 256;

const SEARCH: OFlags = OFlags::PATH.union(OFlags::DIRECTORY).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);

impl Paths {
    /// Where a path leads.
    pub(super) fn find(&mut self, path: &AbsolutePath) -> Result<Found, Failure> {
        let Some(parent) = path.parent() else {
            return Ok(Found {
                parent: self.directory("/", &mut 0)?,
                name: ".".to_owned(),
                key: "/".to_owned(),
            });
        };
        let parent = self.directory(parent.as_str(), &mut LINKS.clone())?;
        let name = path.file_name().to_owned();
        Ok(Found { key: join(&parent.canonical, &name), parent, name })
    }

    /// The directory of that path; one that is missing is found as well, and says so.
    pub(super) fn directory(&mut self, path: &str, links: &mut u32) -> Result<Rc<Place>, Failure> {
        if let Some(place) = self.places.get(path) {
            return Ok(place.clone());
        }
        let place = match path.rsplit_once('/') {
            Some((above, name)) if !name.is_empty() => {
                let above = self.directory(if above.is_empty() { "/" } else { above }, links)?;
                self.step(&above, name, links)?
            }
            _ => Rc::new(self.top()?),
        };
        if self.places.len() >= OPEN {
            self.places.clear();
        }
        if place.fd.is_some() {
            self.places.insert(path.to_owned(), place.clone());
        }
        Ok(place)
    }

    fn top(&self) -> Result<Place, Failure> {
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let fd = rustix::fs::open(&self.root, flags, Mode::empty())
            .map_err(|error| failed("open", &self.root.display(), error))?;
        Ok(Place { canonical: "/".to_owned(), fd: Some(fd), missing: None, private: false })
    }

    /// From a directory to one in it.
    fn step(&mut self, above: &Rc<Place>, name: &str, links: &mut u32) -> Result<Rc<Place>, Failure> {
        let canonical = join(&above.canonical, name);
        let absent = |canonical: String| Place {
            missing: Some(above.missing.clone().unwrap_or_else(|| canonical.clone())),
            canonical,
            fd: None,
            private: above.private,
        };
        if let Some(state) = self.overlay.get(&canonical) {
            let private = above.private || state.mode & 0o001 == 0;
            match &state.kind {
                PathKind::Missing => return Ok(Rc::new(absent(canonical))),
                PathKind::Link { target } => {
                    let target = target.clone();
                    return self.follow(above, &target, links, &canonical);
                }
                PathKind::Directory if self.overlay.hides(&canonical) => {
                    return Ok(Rc::new(Place { canonical, fd: None, missing: None, private }));
                }
                PathKind::Directory => {}
                other => return Err(no_directory(&canonical, &other.describe())),
            }
        }
        let Some(parent) = &above.fd else {
            return Ok(Rc::new(absent(canonical)));
        };
        match rustix::fs::openat(parent, name, SEARCH, Mode::empty()) {
            Ok(fd) => {
                let stat = rustix::fs::fstat(&fd).map_err(|error| failed("look at", &canonical, error))?;
                let private = above.private || stat.st_mode & 0o001 == 0;
                Ok(Rc::new(Place { canonical, fd: Some(fd), missing: None, private }))
            }
            Err(Errno::NOENT) => Ok(Rc::new(absent(canonical))),
            Err(Errno::NOTDIR | Errno::LOOP) => {
                let target = self.trusted_link(parent, name, &canonical)?;
                self.follow(above, &target, links, &canonical)
            }
            Err(error) => Err(failed("look at", &canonical, error)),
        }
    }

    /// What a link on the way says, if it is one that nobody but root and the agent's user can have made.
    fn trusted_link(&self, parent: &OwnedFd, name: &str, canonical: &str) -> Result<String, Failure> {
        let stat = rustix::fs::statat(parent, name, AtFlags::SYMLINK_NOFOLLOW)
            .map_err(|error| failed("look at", &canonical, error))?;
        if kind_of(&stat) != FileType::Symlink {
            let kind = match kind_of(&stat) {
                FileType::RegularFile => "file",
                FileType::Fifo => "fifo",
                FileType::Socket => "socket",
                _ => "device",
            };
            return Err(no_directory(canonical, kind));
        }
        let target = rustix::fs::readlinkat(parent, name, Vec::new())
            .map_err(|error| failed("read the link", &canonical, error))?;
        if stat.st_uid != 0 && stat.st_uid != self.euid {
            let message = format!(
                "{canonical} is a link to {} that belongs to user {}, so it is not followed",
                target.to_string_lossy(),
                stat.st_uid
            );
            return Err(Failure::new(message)
                .help("declare the path without the link, or have root own the link".to_owned()));
        }
        target.into_string().map_err(|_| {
            Failure::new(format!("{canonical} is a link to a path that is no text, so it is not followed"))
        })
    }

    fn follow(
        &mut self,
        from: &Rc<Place>,
        target: &str,
        links: &mut u32,
        at: &str,
    ) -> Result<Rc<Place>, Failure> {
        *links = match links.checked_sub(1) {
            Some(left) => left,
            None => {
                return Err(Failure::new(format!("{at} leads through too many links, perhaps in a circle")));
            }
        };
        let mut place = if target.starts_with('/') { self.directory("/", links)? } else { from.clone() };
        for component in target.split('/') {
            place = match component {
                "" | "." => place,
                ".." => {
                    let above = place.canonical.rsplit_once('/').map_or("", |(above, _)| above).to_owned();
                    self.directory(if above.is_empty() { "/" } else { &above }, links)?
                }
                name => self.step(&place, name, links)?,
            };
        }
        Ok(place)
    }
}

pub(super) fn join(directory: &str, name: &str) -> String {
    match directory {
        "/" => format!("/{name}"),
        _ => format!("{directory}/{name}"),
    }
}

fn no_directory(path: &str, kind: &str) -> Failure {
    Failure::new(format!("{path} is a {kind}, not a directory"))
}
