//! The command that starts the agent on a host, or fetches it first.
//!
//! One line that every login shell reads alike (`exec /bin/sh -c '…'`: no single quote, backslash, exclamation mark or
//! line break inside), because the user's may be fish or tcsh; and short, because `sudo` logs it. On the way that
//! matters, a host that has the agent, it starts no process but the shell that becomes the agent (and `sudo`, for users
//! who are not root).
//!
//! The controller does not wait for an answer before it sends the start of the run. A host without the agent throws
//! that away, *then* asks for what it needs, a piece at a time: a script that finds a place for the agent, then the
//! agent. The controller sends nothing else before that was used, so it does no harm if a tool there reads ahead.

use paracrine_model::hash::Hash;
use paracrine_model::protocol::MAGIC;

use crate::ssh::Elevation;

/// Directories for the agent where we are root, in order of preference. The first lasts, the others are for hosts where
/// it is on a full or read-only disk, or mounted noexec.
const ROOT_PLACES: &str = "/var/cache/paracrine /run/paracrine /var/tmp/paracrine-0 /tmp/paracrine-0";
/// The same where we stay who we are; `$h` is the home directory without symbolic links.
const USER_PLACES: &str = r#""$h/.cache/paracrine" "/var/tmp/paracrine-$LOGNAME" "/tmp/paracrine-$LOGNAME""#;

/// Becomes root and runs the script that is its first argument with the others.
///
/// Asking who owns `/` is how a shell knows that it is root without starting `id`.
const BECOME_ROOT: &str = r#"s=$1; shift; [ -O / ] || [ "$(id -u)" = 0 ] || {
 command -v sudo >/dev/null || { echo "@MAGIC $1 fail no-sudo"; exit 1; };
 LC_ALL=C exec sudo -n -u root /bin/sh -c "$s" sudo "$@"; }; eval "$s""#;

const STAY: &str = r#"s=$1; shift; cd -P "$HOME" 2>/dev/null; h=$PWD; eval "$s""#;

/// `enter` goes to a directory and stays there, so that nobody can put another one in its place between the look and
/// the use. It fails for links and for directories of others; only their owner can write to those that we make.
///
/// `-x` is false on file systems that are mounted noexec. What comes from standard input in the end is [`UPLOAD`].
const START: &str = r#"n=$1; a=agent-$2; enter() { cd -P "$1" 2>/dev/null && [ "$PWD" = "$1" ] && [ -O . ]; };
 [ "$5" = renew ] || for d in @PLACES; do
 enter "$d" && [ -f "$a" ] && [ -x "$a" ] && [ -O "$a" ] && exec "./$a" serve "$n";
 done; head -c "$3" >/dev/null; echo "@MAGIC $n need $(uname -m)"; eval "$(head -c "$4")""#;

/// Asks for the agent once per directory that may do. All of it is always read, also when the disk is full half-way:
/// what comes after it is something else. Four agents stay, for sites that are deployed from several machines.
const UPLOAD: &str = r#"umask 077
set -f
r=
for d in @PLACES; do
    if e=$(mkdir -p "$d" 2>&1); then
        if enter "$d"; then e=$(chmod 700 . 2>&1); else e="is a link, or not ours"; fi
    fi
    if [ "$e" ]; then
        r="$r $d: $e;"
        continue
    fi
    t=.new-$n
    echo "@MAGIC $n send"
    if e=$({ head -c @SIZE | { gzip -dc >$t || { cat >/dev/null; exit 1; }; } &&
        chmod 700 $t && ./$t probe </dev/null && { sync $t || :; } && mv -fT $t "$a"; } 2>&1)
    then
        k=
        ls -t | while read -r o; do
            case $o in agent-*)
                k=x$k
                case $k in xxxxx*) rm -f "$o" ;; esac ;;
            esac
        done
        find . -name ".new-*" -mmin +60 -delete 2>/dev/null
        exec "./$a" serve "$n"
    fi
    rm -f $t
    r="$r $d: ${e:-it cannot be run there};"
done
echo "@MAGIC $n fail no-place" $r
exit 1
"#;

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
    pub(crate) size: usize,
    /// Whether to become root.
    pub(crate) elevation: Elevation,
    /// Fetch the agent even if there seems to be one.
    pub(crate) renew: bool,
}

impl Bootstrap<'_> {
    /// The command line for the host's login shell. The script's arguments: nonce, agent's hash, bytes to throw away,
    /// bytes of the second script, `renew` or not.
    pub(crate) fn command(&self) -> String {
        let Self { nonce, hash, speculative, elevation, renew, size: _ } = *self;
        let renew = if renew { "renew" } else { "keep" };
        // Words that need no quoting.
        let arguments =
            format!("{nonce} {} {speculative} {} {renew}", hash.short(), self.upload_script().len());
        let before = match elevation {
            Elevation::Sudo => BECOME_ROOT,
            Elevation::Never => STAY,
        };
        let [before, start] = [before, START].map(|script| filled_in(script, elevation).replace('\n', ""));
        format!("exec /bin/sh -c '{before}' sh '{start}' {arguments}")
    }

    /// What a host reads that needs the agent.
    pub(crate) fn upload_script(&self) -> String {
        filled_in(UPLOAD, self.elevation).replace("@SIZE", &self.size.to_string())
    }
}

fn filled_in(script: &str, elevation: Elevation) -> String {
    let places = match elevation {
        Elevation::Sudo => ROOT_PLACES,
        Elevation::Never => USER_PLACES,
    };
    script.replace("@PLACES", places).replace("@MAGIC", MAGIC)
}

/// What the host says in its first line, and after an upload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Word {
    /// The agent runs; frames follow.
    Agent,
    /// There is no agent; the bootstrap waits for its second script.
    Need {
        /// What `uname -m` says.
        machine: String,
    },
    /// There is a place for the agent; the bootstrap waits for it.
    Send,
    /// The bootstrap gives up.
    Fail {
        /// `no-sudo` or `no-place`.
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
            "send" if rest.is_empty() => Self::Send,
            "need" if !rest.is_empty() => Self::Need { machine: rest.to_owned() },
            "fail" => {
                let (reason, details) = rest.split_once(' ').unwrap_or((rest, ""));
                Self::Fail { reason: reason.to_owned(), details: details.to_owned() }
            }
            _ => Self::Other(line.to_owned()),
        }
    }
}

#[cfg(test)]
mod tests;
