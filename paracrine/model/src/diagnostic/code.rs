use std::fmt;

/// An entry of the catalogue of diagnostics, shown as `P0110`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Code(u16);

macro_rules! catalogue {
    ($($(#[doc = $doc:literal])+ $name:ident = $number:literal;)+) => {
        impl Code {
            $($(#[doc = $doc])+ pub const $name: Self = Self($number);)+

            /// Every entry with its name and what it means, in order.
            pub const ALL: &'static [(Self, &'static str, &'static str)] = &[
                $((Self($number), stringify!($name), concat!($($doc),+)),)+
            ];
        }
    };
}

// 01 files and YAML, 02 config, 03 secrets, 04 inventory, 05 plan of a host, 06 across hosts, 07 templates,
// 08 Rust, 09 agents and the build itself.
catalogue! {
    /// A file that the site names cannot be read.
    FILE_UNREADABLE = 101;
    /// A file is not UTF-8 text.
    NOT_UTF8 = 102;
    /// A file is not valid YAML.
    YAML_SYNTAX = 103;
    /// A key stands twice in one mapping.
    DUPLICATE_KEY = 104;
    /// A tag that is not known, or not at this place.
    UNKNOWN_TAG = 105;
    /// Aliases multiply beyond bounds.
    ALIAS_BOMB = 106;
    /// A key that nothing reads.
    UNKNOWN_KEY = 110;
    /// A required key is missing.
    MISSING_KEY = 111;
    /// A value is of another type than its place wants.
    WRONG_TYPE = 112;
    /// A value is empty where one is needed.
    EMPTY_VALUE = 113;
    /// A value that reads otherwise than it looks.
    MISREAD = 114;
    /// A key is missing in one of the environments.
    ENV_KEY_MISSING = 201;
    /// A key has different types in different environments.
    ENV_TYPE_DIFFERS = 202;
    /// Two keys become the same name in Rust.
    NAME_COLLISION = 203;
    /// A key cannot become a name in Rust.
    NAME_INVALID = 204;
    /// An environment has no inventory.
    ENV_WITHOUT_INVENTORY = 205;
    /// An inventory names an environment that the config lacks.
    UNKNOWN_ENVIRONMENT = 206;
    /// A literal value whose name looks like a secret.
    LITERAL_SECRET = 301;
    /// The provider of a secret does not resolve.
    SECRET_UNRESOLVED = 302;
    /// A secret is empty.
    SECRET_EMPTY = 303;
    /// A secret or another value is a placeholder such as `CHANGEME`.
    SECRET_PLACEHOLDER = 304;
    /// A secret stands where others can read it.
    SECRET_EXPOSED = 305;
    /// What stands for a secret where one is shown, in something that is deployed.
    SECRET_SHOWN = 306;
    /// Two hosts of one inventory share a name.
    DUPLICATE_HOST = 401;
    /// Two hosts share an address.
    DUPLICATE_ADDRESS = 402;
    /// Not a host name.
    HOST_NAME = 403;
    /// Not an address.
    BAD_ADDRESS = 404;
    /// Not a port.
    BAD_PORT = 405;
    /// Not a user name.
    BAD_USER = 406;
    /// A role that no code handles or that is malformed.
    BAD_ROLE = 407;
    /// An ssh key cannot be found or read.
    SSH_KEY = 408;
    /// A jump host is unknown, or jumps form a circle.
    JUMP = 409;
    /// An `arch` or `os` that Paracrine does not know.
    PLATFORM = 410;
    /// A host key is malformed.
    HOST_KEY = 411;
    /// Two tasks disagree about one resource.
    CONFLICT = 501;
    /// A path is not absolute or not plain.
    BAD_PATH = 502;
    /// A mode is out of range.
    BAD_MODE = 503;
    /// A trigger refers to a later task.
    TRIGGER_ORDER = 504;
    /// A command has no guard.
    UNGUARDED_COMMAND = 505;
    /// A name (package, user, group, unit) is malformed.
    BAD_NAME = 506;
    /// A version is malformed.
    BAD_VERSION = 507;
    /// A value of a resource makes no sense.
    BAD_VALUE = 508;
    /// A local file that a role sends cannot be read.
    LOCAL_FILE = 509;
    /// A path lies below a file or link of the same plan.
    PATH_BELOW_FILE = 510;
    /// An owner or group that neither Debian has nor the plan makes.
    UNKNOWN_OWNER = 511;
    /// A task stands before the one that it needs.
    TASK_ORDER = 512;
    /// A unit file that systemd would not understand.
    UNIT_FILE = 513;
    /// A cron table that cron would not understand.
    CRON = 514;
    /// A sudoers file that sudo would not understand.
    SUDOERS = 515;
    /// A time in a unit that systemd would not understand.
    TIME = 516;
    /// A file of kernel parameters that sysctl would not understand.
    SYSCTL = 517;
    /// A file of authorized keys that sshd would not understand.
    AUTHORIZED_KEYS = 518;
    /// A path in a directory that nobody makes.
    NO_DIRECTORY = 519;
    /// A name that is one of the plan's mistyped.
    NEAR_MISS = 520;
    /// A data file that does not parse.
    DATA_FILE = 525;
    /// A task may change what a task before it decides about.
    CHANGES_DECIDED = 530;
    /// A template is missing.
    TEMPLATE_MISSING = 701;
    /// A template's syntax is wrong.
    TEMPLATE_SYNTAX = 702;
    /// A template uses a name that is not defined.
    TEMPLATE_UNDEFINED = 703;
    /// A template failed when it was rendered.
    TEMPLATE_FAILED = 704;
    /// A template does something with a late value other than placing it.
    TEMPLATE_LATE = 705;
    /// A template uses a filter, test or function that does not exist.
    TEMPLATE_UNKNOWN = 706;
    /// A template that no host uses.
    TEMPLATE_UNUSED = 707;
    /// A role panicked.
    ROLE_PANIC = 801;
    /// A policy of the site is not kept.
    POLICY = 802;
    /// The agent of an architecture cannot be built.
    AGENT_BUILD = 901;
    /// An output cannot be written.
    OUTPUT = 902;
}

/// `P0110`
impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "P{:04}", self.0)
    }
}
