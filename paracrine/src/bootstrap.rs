//! The command that starts the agent on a host, or fetches it first.
//!
//! One line that every login shell reads alike (`exec /bin/sh -c '…'`: no single quote, backslash, exclamation mark or
//! line break inside), because the user's may be fish or tcsh. On the way that matters, a host that has the agent, it
//! starts no process but the shell that becomes the agent (and `sudo`, for users who are not root).
//!
//! The controller does not wait for an answer before it sends the start of the run. A host without the agent throws
//! that away, *then* asks for the agent; the controller sends nothing that was not asked for, so that it does no harm
//! if a tool there reads ahead.

use paracrine_model::hash::Hash;
use paracrine_model::protocol::MAGIC;

use crate::ssh::Elevation;

/// Directories for the agent where we are root, in order of preference. The first lasts, the others are for hosts where
/// it is on a full or read-only disk, or mounted noexec.
const ROOT_PLACES: &str = "/var/cache/paracrine /run/paracrine /var/tmp/paracrine-0 /tmp/paracrine-0";
/// The same where we stay who we are; `$h` is the home directory without symbolic links.
const USER_PLACES: &str = r#""$h/.cache/paracrine" "/var/tmp/paracrine-$LOGNAME" "/tmp/paracrine-$LOGNAME""#;

/// Becomes root. `$1` is the whole script; the second time `$0` says that there is nothing more to try.
///
/// Asking who owns `/` is how a shell knows that it is root without starting `id`.
const BECOME_ROOT: &str = r#"[ -O / ] || [ "$(id -u)" = 0 ] || {
 [ "$0" = sudo ] && { echo "@MAGIC $n fail sudo"; exit 1; };
 command -v sudo >/dev/null || { echo "@MAGIC $n fail no-sudo"; exit 1; };
 exec sudo -n /bin/sh -c "$1" sudo "$@"; };"#;

const STAY: &str = r#"cd -P "$HOME" 2>/dev/null; h=$PWD;"#;

/// `enter` goes to a directory and stays there, so that nobody can put another one in its place between the look and
/// the use. It fails for links and for directories of others; only their owner can write to those that we make.
///
/// `-x` is false on file systems that are mounted noexec.
const START: &str = r#"enter() { cd -P "$1" 2>/dev/null && [ "$PWD" = "$1" ] && [ -O . ]; };
 [ "$6" = upload ] || for d in @PLACES; do
 enter "$d" && [ -f "$a" ] && [ -x "$a" ] && [ -O "$a" ] && exec "./$a" serve "$n";
 done;"#;

/// The whole upload is always read, also when the disk is full half-way: what follows it would be taken for the next.
/// Four agents stay, for sites that are deployed from several machines.
const UPLOAD: &str = r#"umask 077; set -f; head -c "$4" >/dev/null; r=;
 for d in @PLACES; do
 if e=$(mkdir -p "$d" 2>&1); then
 if enter "$d"; then e=$(chmod 700 . 2>&1); else e="is a link, or not ours"; fi; fi;
 if [ "$e" ]; then r="$r $d: $e;"; continue; fi;
 t=.new-$n; echo "@MAGIC $n need $(uname -m)";
 if e=$({ head -c "$5" | { gzip -dc >$t || { cat >/dev/null; exit 1; }; } && chmod 700 $t && ./$t probe </dev/null && { sync $t || :; } && mv -fT $t "$a"; } 2>&1); then
 k=; ls -t | while read -r o; do case $o in agent-*) k=x$k; case $k in xxxxx*) rm -f "$o";; esac;; esac; done;
 find . -name ".new-*" -mmin +60 -delete 2>/dev/null;
 exec "./$a" serve "$n"; fi;
 rm -f $t; r="$r $d: ${e:-it cannot be run there};"; done;
 echo "@MAGIC $n fail no-place" $r; exit 1"#;

/// What the bootstrap has to know.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bootstrap<'a> {
    /// Hexadecimal digits that the login's noise does not contain.
    pub(crate) nonce: &'a str,
    /// The agent's.
    pub(crate) hash: &'a Hash,
    /// How many bytes are sent without being asked for.
    pub(crate) speculative: usize,
    /// How many bytes the agent has, compressed.
    pub(crate) upload: usize,
    /// Whether to become root.
    pub(crate) elevation: Elevation,
    /// Fetch the agent even if there seems to be one.
    pub(crate) renew: bool,
}

impl Bootstrap<'_> {
    /// The command line for the host's login shell.
    pub(crate) fn command(&self) -> String {
        let Self {
            nonce,
            hash,
            speculative,
            upload,
            elevation,
            renew,
        } = *self;
        let renew = if renew { "upload" } else { "cached" };
        // Words that need no quoting.
        let arguments = format!("{nonce} {} {speculative} {upload} {renew}", hash.short());
        format!(
            "exec /bin/sh -c 'eval \"$1\"' sh '{}' {arguments}",
            script(elevation)
        )
    }
}

/// The script on one line. Its arguments: itself, nonce, agent's hash, bytes to throw away, bytes to read, `upload` or
/// `cached`.
fn script(elevation: Elevation) -> String {
    let (before, places) = match elevation {
        Elevation::Sudo => (BECOME_ROOT, ROOT_PLACES),
        Elevation::Never => (STAY, USER_PLACES),
    };
    let script = format!("n=$2; a=agent-$3; {before} {START} {UPLOAD}");
    script
        .replace('\n', "")
        .replace("@PLACES", places)
        .replace("@MAGIC", MAGIC)
}

/// What the host says in its first line, and after an upload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Word {
    /// The agent runs; frames follow.
    Agent,
    /// The bootstrap waits for the agent.
    Need {
        /// What `uname -m` says.
        machine: String,
    },
    /// The bootstrap gives up.
    Fail {
        /// `no-sudo`, `sudo`, `no-place`.
        reason: String,
        /// More.
        details: String,
    },
    /// None of these.
    Other(String),
}

impl Word {
    /// Reads what follows `PARACRINE NONCE `.
    pub(crate) fn parse(line: &str) -> Self {
        let line = line.trim_end();
        let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
        match word {
            "agent" if rest.is_empty() => Self::Agent,
            "need" if !rest.is_empty() => Self::Need {
                machine: rest.to_owned(),
            },
            "fail" => {
                let (reason, details) = rest.split_once(' ').unwrap_or((rest, ""));
                Self::Fail {
                    reason: reason.to_owned(),
                    details: details.to_owned(),
                }
            }
            _ => Self::Other(line.to_owned()),
        }
    }
}

#[cfg(test)]
mod tests;
