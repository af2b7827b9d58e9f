//! Whether a value is one that its key takes: by what parses it, as systemd's own tables say.

use std::net::IpAddr;

use paracrine_model::diagnostic::{Code, nearest};
use paracrine_model::name::UnitName;

use super::super::finding::{Finding, LATE};
use super::super::{calendar, time_span};
use super::exec;
use super::numbers::{integer, share, size};
use super::split::{Quotes, Split, Unclosed};
use super::table::{Parser, Systemd, Words, is_truth_value};
use super::{Reading, known_words as known};

/// A value, and the key it is given to.
pub(super) struct Value<'a> {
    pub(super) reading: &'a Reading<'a>,
    pub(super) line: u32,
    pub(super) section: &'a str,
    pub(super) key: &'a str,
    pub(super) parser: Parser,
    pub(super) text: &'a str,
}

impl Value<'_> {
    /// What is wrong with it.
    pub(super) fn check(&self) -> Vec<Finding> {
        if self.text.is_empty() {
            return self.empty().into_iter().collect();
        }
        if let Some(words) = self.reading.systemd.table().words(self.parser)
            && !matches!(self.parser, "exec_input" | "exec_output" | "coredump_filter")
        {
            return self.word(words).into_iter().collect();
        }
        let one = |finding: Option<Finding>| finding.into_iter().collect();
        match self.parser {
            "bool" | "tristate" | "exec_mount_apivfs" | "job_mode_isolate" => one(self.truth()),
            "unsigned" | "tty_size" | "uint32" => one(self.whole(0, i128::from(u32::MAX))),
            "int" | "int32" => one(self.whole(i32::MIN.into(), i32::MAX.into())),
            "long" => one(self.whole(i64::MIN.into(), i64::MAX.into())),
            "uint64" => one(self.whole(0, i128::from(u64::MAX))),
            "exit_status" => one(self.whole(0, 255)),
            "exec_nice" => one(self.whole(-20, 19)),
            "exec_oom_score_adjust" => one(self.whole(-1000, 1000)),
            "exec_io_priority" => one(self.whole(0, 7)),
            "exec_cpu_sched_prio" => one(self.whole(0, 99)),
            "swap_priority" => one(self.whole(-1, 32767)),
            "blockio_weight" => one(self.whole(10, 1000)),
            "cpu_shares" => one(self.whole(2, 262_144)),
            "cg_weight" => one(self.whole(1, 10_000)),
            "cg_cpu_weight" if self.text != "idle" => one(self.whole(1, 10_000)),
            "mode" => one(self.mode()),
            "iec_size" | "iec_uint64" => one(self.bytes(1024)),
            "si_uint64" => one(self.bytes(1000)),
            "memory_limit" => one(self.memory()),
            "tasks_max" => one(self.tasks()),
            "cpu_quota" => one(self.quota()),
            "managed_oom_mem_pressure_limit" => one(self.pressure()),
            "rlimit" => one(self.limit()),
            "sec"
            | "sec_fix_0"
            | "sec_def_infinity"
            | "service_timeout"
            | "service_timeout_abort"
            | "timeout_abort"
            | "job_timeout_sec"
            | "job_running_timeout_sec"
            | "managed_oom_mem_pressure_duration_sec" => one(self.span(self.text)),
            "nsec" => one(self.span(&self.text.replace("nsec", "us").replace("ns", "us"))),
            "timer" => one(self.timer()),
            "signal" => one(self.scalar().and_then(|text| self.signal(text))),
            "set_status" => self.each(Quotes::Plain, |word| self.status(word)),
            "exec_cpu_affinity" if self.text == "numa" => Vec::new(),
            "numa_mask" if self.text == "all" => Vec::new(),
            "exec_cpu_affinity" | "allowed_cpuset" | "numa_mask" => one(self.cpus()),
            "unit_path_printf" | "path" | "ip_filter_bpf_progs" | "path_spec" => one(self.path(self.text)),
            "unit_env_file" => one(self.path(self.text.strip_prefix('-').unwrap_or(self.text))),
            "working_directory" => {
                let path = self.text.strip_prefix('-').unwrap_or(self.text);
                match path {
                    "~" => Vec::new(),
                    "" => one(Some(self.cannot(self.text, "it names no directory"))),
                    path => one(self.path(path)),
                }
            }
            "pid_file" => one(self.normal(&expand(self.text))),
            "unit_condition_path" => {
                let path = self.text.strip_prefix('|').unwrap_or(self.text);
                one(self.path(path.strip_prefix('!').unwrap_or(path)))
            }
            "unit_mounts_for" | "unit_requires_mounts_for" | "unit_path_strv_printf" => {
                self.each(Quotes::Quoted, |word| self.path(word))
            }
            "namespace_path_strv" => self.each(Quotes::Quoted, |word| {
                let word = word.strip_prefix('-').unwrap_or(word);
                self.path(word.strip_prefix('+').unwrap_or(word))
            }),
            "colon_separated_paths" => self.text.split(':').filter_map(|path| self.path(path)).collect(),
            "temporary_filesystems" => {
                self.each(Quotes::Quoted, |word| self.path(word.split(':').next().unwrap_or_default()))
            }
            "bind_paths" => self.each(Quotes::Quoted, |word| self.bind(word)),
            "exec_directories" => self.each(Quotes::Raw, |word| self.directory(word)),
            "exec" => exec::check(self),
            "exec_input" => one(self.stream(&["file:"])),
            "exec_output" => one(self.stream(&["file:", "append:", "truncate:"])),
            "environ" => self.each(Quotes::Escaped, |word| self.assignment(word)),
            "pass_environ" => self.each(Quotes::Quoted, |word| self.variable(word)),
            "unset_environ" => self.each(Quotes::Escaped, |word| match word.contains('=') {
                true => self.assignment(word),
                false => self.variable(word),
            }),
            "log_extra_fields" => self.each(Quotes::Escaped, |word| self.field(word)),
            "unit_deps" | "obsolete_unit_deps" => self.each(Quotes::Plain, |word| self.unit(word)),
            "any" if self.section == "Install" && known::UNITS_OF_INSTALL.contains(&self.key) => {
                self.each(Quotes::Plain, |word| self.unit(word))
            }
            "trigger_unit" => one(self.trigger()),
            "socket_service" if self.text.contains("@.") => {
                one(Some(self.cannot(self.text, "a template is no service")))
            }
            "socket_service" => one(self.unit_of(self.text, ".service")),
            "service_sockets" => self.each(Quotes::Plain, |word| self.unit_of(word, ".socket")),
            "unit_slice" => one(self.unit_of(self.text, ".slice")),
            "documentation" => self.each(Quotes::Raw, |word| self.url(word)),
            "bus_name" => one(self.bus_name()),
            "user_group_compat" => one(self.account(self.text)),
            "user_group_strv_compat" => self.each(Quotes::Plain, |word| self.account(word)),
            "capability_set" => {
                let list = self.text.strip_prefix('~').unwrap_or(self.text);
                self.each_of(list, Quotes::Quoted, |word| self.capability(word))
            }
            "exec_secure_bits" => self.each(Quotes::Quoted, |word| self.one_of(word, known::SECURE_BITS)),
            "syscall_filter" => self.calls(true),
            "syscall_log" => self.calls(false),
            "syscall_archs" => self.each(Quotes::Quoted, |word| self.one_of(word, known::ARCHITECTURES)),
            "syscall_errno" => one(self.scalar().and_then(|text| self.error_number(text))),
            "address_families" if self.text != "none" => {
                let list = self.text.strip_prefix('~').unwrap_or(self.text);
                self.each_of(list, Quotes::Quoted, |word| self.one_of(word, known::ADDRESS_FAMILIES))
            }
            "restrict_namespaces" if !is_truth_value(self.text) => {
                let list = self.text.strip_prefix('~').unwrap_or(self.text);
                self.each_of(list, Quotes::Plain, |word| self.one_of(word, known::NAMESPACES))
            }
            "personality" => one(self.scalar().and_then(|text| self.one_of(text, known::PERSONALITIES))),
            "exec_mount_flags" | "exec_mount_propagation_flag" => {
                one(self.scalar().and_then(|text| self.one_of(text, &["shared", "slave", "private"])))
            }
            "socket_protocol" => one(self.scalar().and_then(|text| self.protocol(text))),
            "socket_listen" => one(self.listens()),
            "in_addr_prefixes" => self.each(Quotes::Plain, |word| self.network(word)),
            "delegate" if is_truth_value(self.text) => Vec::new(),
            "delegate" | "disable_controllers" => {
                let table = self.reading.systemd.table();
                let controllers = table.words("cgroup_controller").map_or(&[][..], |words| &words.all);
                self.each(Quotes::Quoted, |word| self.one_of(word, controllers))
            }
            "device_allow" => one(self.device()),
            "io_device_weight" | "io_device_latency" | "io_limit" => one(self.of_device()),
            _ => Vec::new(),
        }
    }

    /// Of an empty value, where that resets nothing.
    fn empty(&self) -> Option<Finding> {
        let resets = match self.parser {
            "bool"
            | "mode"
            | "sec"
            | "unsigned"
            | "nsec"
            | "rlimit"
            | "signal"
            | "job_mode_isolate"
            | "int"
            | "long"
            | "exec_cpu_sched_prio"
            | "job_timeout_sec"
            | "job_running_timeout_sec"
            | "service_timeout"
            | "sec_fix_0"
            | "iec_size"
            | "bus_name"
            | "trigger_unit"
            | "unit_slice"
            | "socket_service"
            | "socket_protocol"
            | "exec_input"
            | "exec_output"
            | "log_level"
            | "log_facility"
            | "emergency_action"
            | "runtime_preserve_mode" => false,
            // Those that have code of their own forget what was said before; those that only look up a word do not.
            "kill_mode"
            | "managed_oom_mode"
            | "exec_io_class"
            | "exec_cpu_sched_policy"
            | "ip_tos"
            | "numa_policy" => true,
            parser => self.reading.systemd.table().words(parser).is_none() || !self.reading.is_unit(),
        };
        (!resets && self.reading.is_unit()).then(|| {
            let message = format!("`{}` has no value, and systemd passes over the line", self.key);
            self.wrong(self.key, message).help("write one after the `=`, or leave the line out")
        })
    }

    pub(super) fn wrong(&self, piece: &str, message: impl Into<String>) -> Finding {
        Finding::error(Code::UNIT_FILE, self.line, piece, message)
    }

    /// Why a piece of it cannot be.
    pub(super) fn cannot(&self, piece: &str, why: impl std::fmt::Display) -> Finding {
        self.wrong(piece, format!("`{}` cannot be `{piece}`: {why}", self.key))
    }

    pub(super) fn unclosed(&self, Unclosed(from): Unclosed) -> Finding {
        let quote = &from[..1];
        let finding = self.wrong(&from, format!("a `{quote}` of `{}` is not closed", self.key));
        finding.help("systemd passes over the line")
    }

    /// All of it, where all of it is known.
    fn scalar(&self) -> Option<&str> {
        (!self.text.contains(LATE)).then_some(self.text)
    }

    /// What is wrong with each of its words.
    fn each(&self, quotes: Quotes, check: impl Fn(&str) -> Option<Finding>) -> Vec<Finding> {
        self.each_of(self.text, quotes, check)
    }

    fn each_of(&self, list: &str, quotes: Quotes, check: impl Fn(&str) -> Option<Finding>) -> Vec<Finding> {
        let mut split = Split::new(list, quotes);
        let mut found = Vec::new();
        loop {
            match split.word() {
                Ok(Some(word)) if word == LATE.to_string() => {}
                Ok(Some(word)) => found.extend(check(&word)),
                Ok(None) => break,
                // A late value may hold quotes.
                Err(_) if list.contains(LATE) => break,
                Err(unclosed) => {
                    found.push(self.unclosed(unclosed));
                    break;
                }
            }
        }
        if let Some(escape) = split.unknown.first() {
            let message = format!("systemd knows no escape `{escape}`, and passes over the line");
            found.push(self.wrong(escape, message).help("write `\\\\` for a backslash"));
        }
        found
    }

    fn truth(&self) -> Option<Finding> {
        let text = self.scalar()?;
        if is_truth_value(text) {
            return None;
        }
        // Some truth values have become words.
        let later = Systemd::V257.table();
        let keys = later.sections(self.reading.file).get(self.section);
        let words = keys.and_then(|keys| later.words(keys.get(self.key)?));
        if self.reading.systemd == Systemd::V252 && words.is_some_and(|words| words.all.contains(&text)) {
            let finding =
                self.wrong(text, format!("{} does not know `{}={text}`", self.reading.systemd, self.key));
            return Some(self.reading.later(finding));
        }
        Some(self.wrong(text, format!("`{}` is `yes` or `no`, not `{text}`", self.key)))
    }

    /// A value that has to be one of a few words.
    fn word(&self, words: &Words) -> Option<Finding> {
        let text = self.scalar()?;
        let most = match self.parser {
            "log_level" => 7,
            "exec_io_class" => 8,
            "log_facility" => 127,
            "ip_tos" => 255,
            _ => i128::from(i32::MAX),
        };
        let fits = |words: &Words| {
            words.all.contains(&text)
                || words.truth && is_truth_value(text)
                || words.numbers && integer(text).is_some_and(|number| (0..=most).contains(&number))
        };
        if fits(words) {
            return None;
        }
        let later = Systemd::V257.table().words(self.parser);
        if self.reading.systemd == Systemd::V252 && later.is_some_and(fits) {
            let finding =
                self.wrong(text, format!("{} does not know `{}={text}`", self.reading.systemd, self.key));
            return Some(self.reading.later(finding));
        }
        if words.truth && nearest(text, words.all.iter().copied()).is_none() {
            let others: Vec<&str> = words.all.iter().copied().filter(|word| !is_truth_value(word)).collect();
            let finding = self.wrong(text, format!("`{}` is `yes` or `no`, not `{text}`", self.key));
            return Some(match others.is_empty() {
                true => finding,
                false => finding.help(format!("or one of {}", others.join(", "))),
            });
        }
        Some(self.among(text, &words.all))
    }

    fn one_of(&self, text: &str, all: &[&str]) -> Option<Finding> {
        (!text.contains(LATE) && !all.contains(&text)).then(|| self.among(text, all))
    }

    /// A word that is none of these.
    fn among(&self, text: &str, all: &[&str]) -> Finding {
        let finding = self.wrong(text, format!("`{}` cannot be `{text}`", self.key));
        let finding = finding.nearest(text, all.iter().copied());
        match finding.help.is_empty() {
            true if all.len() <= 12 => finding.help(format!("it is one of {}", all.join(", "))),
            _ => finding,
        }
    }

    fn whole(&self, first: i128, last: i128) -> Option<Finding> {
        let text = self.scalar()?;
        match integer(text) {
            Some(number) if (first..=last).contains(&number) => None,
            Some(_) => Some(self.cannot(text, format!("it goes from {first} to {last}"))),
            None => Some(self.cannot(text, "it is a whole number")),
        }
    }

    fn mode(&self) -> Option<Finding> {
        let text = self.scalar()?;
        let digits = text.bytes().all(|byte| (b'0'..=b'7').contains(&byte));
        let fits = digits && u32::from_str_radix(text, 8).is_ok_and(|mode| mode <= 0o7777);
        (!fits).then(|| self.cannot(text, "it is an octal mode").help("write it like `0750`"))
    }

    fn bytes(&self, base: u128) -> Option<Finding> {
        let text = self.scalar()?;
        size(text, base)
            .is_none()
            .then(|| self.cannot(text, "it is a size").help("write bytes, or `512K`, `64M`, `1.5G`"))
    }

    fn memory(&self) -> Option<Finding> {
        let text = self.scalar()?;
        if text == "infinity" {
            return None;
        }
        let usual = "write bytes, or `512M`, `1.5G`, `50%`, `infinity`";
        let bytes = match share(text) {
            Some(share) if share <= 10_000 => share,
            Some(_) => return Some(self.cannot(text, "there is no more than `100%`")),
            None => match size(text, 1024) {
                Some(bytes) => bytes,
                None => return Some(self.cannot(text, "it is a size").help(usual)),
            },
        };
        let never = self.key.ends_with("MemoryMax") || self.key.ends_with("MemoryHigh");
        (bytes == 0 && never).then(|| self.cannot(text, "nothing runs without memory").help(usual))
    }

    fn tasks(&self) -> Option<Finding> {
        let text = self.scalar()?;
        let fits = text == "infinity"
            || share(text).is_some_and(|share| share <= 10_000)
            || integer(text).is_some_and(|number| number > 0 && number < i128::from(u64::MAX));
        let usual = "write a number, or `50%`, `infinity`";
        (!fits).then(|| self.cannot(text, "it is a number of tasks").help(usual))
    }

    fn quota(&self) -> Option<Finding> {
        let text = self.scalar()?;
        let fits = share(text).is_some_and(|share| share > 0);
        (!fits).then(|| {
            self.cannot(text, "it is a percentage").help("write `50%`, or `200%` for two processors")
        })
    }

    fn pressure(&self) -> Option<Finding> {
        let text = self.scalar()?;
        let fits = share(text).is_some_and(|share| share <= 10_000);
        (!fits).then(|| self.cannot(text, "it is a percentage").help("write it like `60%`"))
    }

    /// `soft` or `soft:hard`.
    fn limit(&self) -> Option<Finding> {
        let text = self.scalar()?;
        let (soft, hard) = text.split_once(':').unwrap_or((text, text));
        let bytes = ["FSIZE", "DATA", "STACK", "CORE", "RSS", "AS", "MEMLOCK", "MSGQUEUE"];
        let kind = self.key.trim_start_matches("Default").trim_start_matches("Limit");
        let one = |text: &str| -> Result<Option<u128>, Finding> {
            if text == "infinity" {
                return Ok(None);
            }
            let number = match kind {
                "CPU" | "RTTIME" => return self.span(text).map_or(Ok(None), Err),
                "NICE" => {
                    let nice = integer(text).filter(|nice| match text.starts_with(['+', '-']) {
                        true => (-20..=19).contains(nice),
                        false => (0..=40).contains(nice),
                    });
                    return match nice {
                        Some(_) => Ok(None),
                        None => {
                            Err(self.cannot(text, "it goes from -20 to +19, or from 0 to 40 without a sign"))
                        }
                    };
                }
                kind if bytes.contains(&kind) => size(text, 1024),
                _ => integer(text).and_then(|number| u128::try_from(number).ok()),
            };
            let wants = if bytes.contains(&kind) { "it is a size" } else { "it is a number" };
            match number.filter(|number| *number <= u128::from(u64::MAX)) {
                Some(number) => Ok(Some(number)),
                None => {
                    let finding = self.cannot(text, wants);
                    Err(match text {
                        "unlimited" | "max" | "-1" => finding.help("write `infinity`"),
                        _ if bytes.contains(&kind) => {
                            finding.help("write bytes, or `512K`, `64M`, `infinity`")
                        }
                        _ => finding.help("write `infinity` for none"),
                    })
                }
            }
        };
        let (soft, hard) = match (one(soft), one(hard)) {
            (Ok(soft), Ok(hard)) => (soft, hard),
            (Err(finding), _) | (_, Err(finding)) => return Some(finding),
        };
        let more = hard.is_some_and(|hard| soft.is_some_and(|soft| soft > hard));
        let unbounded = text.starts_with("infinity:") && hard.is_some();
        (more || unbounded)
            .then(|| self.cannot(text, "the first, soft limit is higher than the second, hard one"))
    }

    fn span(&self, text: &str) -> Option<Finding> {
        if text.contains(LATE) {
            return None;
        }
        time_span::check(self.line, self.key, text)
    }

    fn timer(&self) -> Option<Finding> {
        if self.text.contains([LATE, '%']) {
            return None;
        }
        match self.key {
            "OnCalendar" => calendar::check(self.line, self.key, self.text, self.reading.os),
            _ => self.span(self.text),
        }
    }

    fn signal(&self, text: &str) -> Option<Finding> {
        if is_signal(text) {
            return None;
        }
        let finding = self.cannot(text, "there is no such signal");
        let name = text.to_uppercase();
        Some(match nearest(name.trim_start_matches("SIG"), known::SIGNALS.iter().copied()) {
            Some(near) => finding.help(format!("did you mean `SIG{near}`?")),
            None => finding.help("write it like `SIGTERM`"),
        })
    }

    /// An exit status by number or name, or a signal.
    fn status(&self, text: &str) -> Option<Finding> {
        if text.contains(LATE) || is_signal(text) {
            return None;
        }
        let names =
            self.reading.systemd.table().words("exit_status_name").map_or(&[][..], |words| &words.all);
        if names.contains(&text) || integer(text).is_some_and(|number| (0..=255).contains(&number)) {
            return None;
        }
        let finding = self.cannot(text, "it is neither an exit status nor a signal");
        let signals: Vec<String> = known::SIGNALS.iter().map(|signal| format!("SIG{signal}")).collect();
        Some(finding.nearest(text, names.iter().copied().chain(signals.iter().map(String::as_str))))
    }

    fn cpus(&self) -> Option<Finding> {
        if self.text.contains([LATE, '%']) {
            return None;
        }
        let all = self.text.split([' ', '\t', ',']).filter(|range| !range.is_empty());
        let number = |text: &str| integer(text).filter(|number| (0..8192).contains(number));
        let bad = all.into_iter().find(|range| match range.split_once('-') {
            Some((first, last)) => !matches!((number(first), number(last)), (Some(a), Some(b)) if a <= b),
            None => number(range).is_none(),
        })?;
        Some(
            self.cannot(bad, "it is no number of a processor or range of them").help("write it like `0-3,5`"),
        )
    }

    /// A path that has to be absolute.
    pub(super) fn path(&self, text: &str) -> Option<Finding> {
        let path = expand(text);
        if path.is_empty() || path.starts_with(LATE) {
            return None;
        }
        if !path.starts_with('/') {
            let finding = self.wrong(text, format!("`{}` is the relative path `{text}`", self.key));
            return Some(finding.help("write its absolute path: systemd takes no other"));
        }
        self.normal(&path)
    }

    /// A path that must not lead upwards.
    fn normal(&self, path: &str) -> Option<Finding> {
        let up = path.split('/').any(|piece| piece == "..");
        up.then(|| self.cannot(path, "systemd takes no path with `..`"))
    }

    /// `source`, `source:target` or `source:target:rbind`.
    fn bind(&self, word: &str) -> Option<Finding> {
        let mut pieces = word.splitn(3, ':');
        let source = pieces.next().unwrap_or_default();
        if let Some(finding) = self.path(source.strip_prefix('-').unwrap_or(source)) {
            return Some(finding);
        }
        if let Some(finding) = pieces.next().and_then(|target| self.path(target)) {
            return Some(finding);
        }
        pieces
            .next()
            .filter(|option| !option.is_empty())
            .and_then(|option| self.one_of(option, &["rbind", "norbind"]))
    }

    /// A directory below `/run`, `/var/lib` and the like.
    fn directory(&self, word: &str) -> Option<Finding> {
        let name = word.split(':').next().unwrap_or_default();
        let path = expand(name);
        if path.starts_with('/') {
            let finding = self.cannot(name, "it is a relative path");
            let below = match self.key {
                "RuntimeDirectory" => "/run",
                "StateDirectory" => "/var/lib",
                "CacheDirectory" => "/var/cache",
                "LogsDirectory" => "/var/log",
                _ => "/etc",
            };
            return Some(finding.help(format!("systemd makes it below `{below}`: write what follows")));
        }
        if path == "private" || path.starts_with("private/") {
            return Some(self.cannot(name, "systemd keeps that name for itself"));
        }
        self.normal(&path)
    }

    /// Where input comes from or output goes.
    fn stream(&self, files: &[&str]) -> Option<Finding> {
        let text = self.text;
        if let Some(path) = files.iter().find_map(|file| text.strip_prefix(file)) {
            return self.path(path);
        }
        let old = self.parser == "exec_output" && matches!(text, "syslog" | "syslog+console");
        if text.starts_with("fd:") || old {
            return None;
        }
        if text.starts_with('/') {
            let finding = self.cannot(text, "a path stands behind the word for what is done with it");
            return Some(finding.help(format!("write `{}{text}`", files.last().copied().unwrap_or("file:"))));
        }
        self.reading.systemd.table().words(self.parser).and_then(|words| self.word(words))
    }

    fn assignment(&self, word: &str) -> Option<Finding> {
        match word.split_once('=') {
            Some((name, _)) => self.variable(name),
            None if word.contains([LATE, '%']) => None,
            None => {
                let finding = self.cannot(word, "it is no assignment");
                let lost = self.text.split_whitespace().any(|piece| piece == word) && self.text.contains('=');
                Some(finding.help(match lost {
                    true => format!("put quotes around all of it: `{}=\"NAME=a b\"`", self.key),
                    false => format!("write `{}=NAME=value`", self.key),
                }))
            }
        }
    }

    /// The name of a variable of the environment.
    fn variable(&self, name: &str) -> Option<Finding> {
        let fits = !name.is_empty()
            && !name.starts_with(|c: char| c.is_ascii_digit())
            && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        let free = name.contains([LATE, '%']);
        (!free && !fits).then(|| {
            self.cannot(name, "that is no name of a variable").help("it has letters, digits and `_`")
        })
    }

    fn field(&self, word: &str) -> Option<Finding> {
        if word.contains([LATE, '%']) {
            return None;
        }
        let name = word.split_once('=').map(|(name, _)| name);
        let fits = name.is_some_and(|name| {
            name.starts_with(|c: char| c.is_ascii_uppercase())
                && name.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_')
        });
        (!fits).then(|| {
            self.cannot(word, "it is no field of the journal").help("write `NAME=value` with capital letters")
        })
    }

    fn unit(&self, word: &str) -> Option<Finding> {
        let name = expand(word);
        if name.contains(LATE) {
            return None;
        }
        let why = UnitName::parse(&name).err()?;
        Some(self.wrong(word, format!("unit `{word}` {why}")))
    }

    fn unit_of(&self, word: &str, ending: &str) -> Option<Finding> {
        let name = expand(word);
        if name.ends_with(ending) || name.ends_with(LATE) {
            return self.unit(word);
        }
        Some(self.cannot(word, format!("it is the name of a unit that ends in `{ending}`")))
    }

    fn trigger(&self) -> Option<Finding> {
        if self.reading.name() == Some(self.text) {
            return Some(self.cannot(self.text, "a unit does not trigger itself"));
        }
        self.unit(self.text)
    }

    fn url(&self, word: &str) -> Option<Finding> {
        let word = expand(word);
        let kinds = ["http://", "https://", "file:/", "info:", "man:"];
        let fits = word.starts_with(LATE)
            || kinds.iter().any(|kind| word.len() > kind.len() && word.starts_with(kind));
        (!fits).then(|| {
            let finding =
                self.cannot(&word, "it begins with `https://`, `http://`, `file:/`, `man:` or `info:`");
            finding.help("systemd passes over it")
        })
    }

    fn bus_name(&self) -> Option<Finding> {
        if self.text.contains([LATE, '%']) {
            return None;
        }
        let piece = |piece: &str| {
            !piece.is_empty()
                && !piece.starts_with(|c: char| c.is_ascii_digit())
                && piece.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-'))
        };
        let fits = self.text.contains('.') && self.text.split('.').all(piece);
        (!fits).then(|| {
            self.cannot(self.text, "it is a name on the bus").help("write it like `org.example.App`")
        })
    }

    fn account(&self, word: &str) -> Option<Finding> {
        if word.contains([LATE, '%']) {
            return None;
        }
        let is_number = |word: &str| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_digit());
        let is_signed = word.strip_prefix('-').is_some_and(is_number);
        let fits = match is_number(word) {
            true => {
                integer(word).is_some_and(|id| (0..u32::MAX.into()).contains(&id) && id != 65535)
                    && (word == "0" || !word.starts_with('0'))
            }
            false => !word.contains([':', '/']) && !is_signed && !matches!(word, "." | ".." | "-"),
        };
        (!fits).then(|| self.cannot(word, "it is neither a name nor an id"))
    }

    fn capability(&self, word: &str) -> Option<Finding> {
        let name = word.to_uppercase();
        let name = name.strip_prefix("CAP_").unwrap_or(&name);
        let free =
            word.contains([LATE, '%']) || integer(word).is_some_and(|number| (0..63).contains(&number));
        let has_prefix = word.len() != name.len();
        if free || has_prefix && known::CAPABILITIES.contains(&name) {
            return None;
        }
        let finding = self.cannot(word, "there is no such capability, and systemd passes over it");
        Some(match nearest(name, known::CAPABILITIES.iter().copied()) {
            Some(near) => finding.help(format!("did you mean `CAP_{near}`?")),
            None => finding,
        })
    }

    /// System calls, and sets of them.
    fn calls(&self, errors: bool) -> Vec<Finding> {
        let denies = self.text.starts_with('~');
        let list = self.text.strip_prefix('~').unwrap_or(self.text);
        self.each_of(list, Quotes::Plain, |word| {
            if word.contains([LATE, '%']) {
                return None;
            }
            let (name, error) = match word.split_once(':') {
                Some((name, error)) if errors => (name, Some(error)),
                _ => (word, None),
            };
            if let Some(error) = error {
                if !denies {
                    let why = "only calls that are denied, after a `~`, have an error";
                    return Some(self.cannot(word, why));
                }
                if error != "kill"
                    && let Some(finding) = self.error_number(error)
                {
                    return Some(finding);
                }
            }
            let table = self.reading.systemd.table();
            let parser = if name.starts_with('@') { "syscall_set" } else { "syscall" };
            let all = table.words(parser).map_or(&[][..], |words| &words.all);
            if all.contains(&name) {
                return None;
            }
            let later = Systemd::V257.table().words(parser).is_some_and(|words| words.all.contains(&name));
            if later {
                let finding = self.wrong(name, format!("{} does not know `{name}`", self.reading.systemd));
                return Some(self.reading.later(finding));
            }
            let finding =
                self.cannot(name, "there is no such system call").nearest(name, all.iter().copied());
            // It may be one of a later kernel.
            Some(if finding.help.is_empty() && parser == "syscall" { finding.warning() } else { finding })
        })
    }

    /// `EPERM`, or a number.
    fn error_number(&self, text: &str) -> Option<Finding> {
        let named = text.starts_with('E')
            && text.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit());
        let fits = if named {
            known::ERRORS.contains(&text)
        } else {
            text == "kill" || integer(text).is_some_and(|number| (1..=4095).contains(&number))
        };
        (!fits)
            .then(|| self.cannot(text, "there is no such error").nearest(text, known::ERRORS.iter().copied()))
    }

    fn protocol(&self, text: &str) -> Option<Finding> {
        if text == "mptcp" && self.reading.systemd == Systemd::V252 {
            let finding =
                self.wrong(text, format!("{} does not know `{}={text}`", self.reading.systemd, self.key));
            return Some(self.reading.later(finding));
        }
        self.one_of(text, &["udplite", "sctp", "mptcp"])
    }

    /// Where a socket listens.
    fn listens(&self) -> Option<Finding> {
        if matches!(self.key, "ListenFIFO" | "ListenSpecial" | "ListenMessageQueue" | "ListenUSBFunction") {
            return self.path(self.text);
        }
        if self.text.contains([LATE, '%']) || self.key == "ListenNetlink" || self.text.starts_with(['/', '@'])
        {
            return None;
        }
        let text = self.text;
        if text.starts_with("vsock:") {
            return None;
        }
        let usual = "write a port, `address:port`, `[address of IPv6]:port` or an absolute path";
        let port = |text: &str| integer(text).is_some_and(|port| (1..=65535).contains(&port));
        if self.key == "ListenSequentialPacket" {
            return Some(self.cannot(text, "it is an absolute path, or a name behind a `@`"));
        }
        if let Some(number) = integer(text) {
            let fits = (1..=65535).contains(&number);
            return (!fits).then(|| self.cannot(text, "ports go from 1 to 65535"));
        }
        let Some((address, number)) = text.rsplit_once(':') else {
            return Some(self.cannot(text, "a socket cannot listen there").help(usual));
        };
        let address = match address.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            Some(inner) => {
                inner.split('%').next().unwrap_or_default().parse().is_ok_and(|ip: IpAddr| ip.is_ipv6())
            }
            None => address.parse().is_ok_and(|ip: IpAddr| ip.is_ipv4()),
        };
        // What stands between the last colon and an interface.
        let number = number.split('%').next().unwrap_or_default();
        if !address {
            return Some(self.cannot(text, "a socket listens at no name, only at addresses").help(usual));
        }
        (!port(number)).then(|| self.cannot(text, "ports go from 1 to 65535").help(usual))
    }

    /// A network: an address with or without the length of its prefix.
    fn network(&self, word: &str) -> Option<Finding> {
        if word.contains(LATE) || ["any", "localhost", "link-local", "multicast"].contains(&word) {
            return None;
        }
        let (address, length) =
            word.split_once('/').map_or((word, None), |(address, length)| (address, Some(length)));
        let fits = address.parse().is_ok_and(|ip: IpAddr| {
            let most = if ip.is_ipv4() { 32 } else { 128 };
            length.is_none_or(|length| integer(length).is_some_and(|length| (0..=most).contains(&length)))
        });
        (!fits).then(|| {
            let finding = self.cannot(word, "it is no network");
            finding.help("write it like `10.0.0.0/8`, or `localhost`, `link-local`, `multicast`, `any`")
        })
    }

    /// A device or a path on it, and a value.
    fn of_device(&self) -> Option<Finding> {
        let mut split = Split::new(self.text, Quotes::Quoted);
        let path = match split.word() {
            Ok(path) => path?,
            Err(unclosed) => return Some(self.unclosed(unclosed)),
        };
        let value = split.rest;
        if value.is_empty() {
            return Some(
                self.cannot(&path, "a value belongs behind the device").help("write `/dev/… VALUE`"),
            );
        }
        if value.contains(LATE) {
            return None;
        }
        match self.parser {
            "io_device_latency" => self.span(value),
            "io_limit" => {
                let fits = value == "infinity" || size(value, 1000).is_some_and(|bytes| bytes > 0);
                (!fits).then(|| self.cannot(value, "it is a rate").help("write it like `5M`"))
            }
            _ => {
                let fits = integer(value).is_some_and(|weight| (1..=10_000).contains(&weight));
                (!fits).then(|| self.cannot(value, "it goes from 1 to 10000"))
            }
        }
    }

    fn device(&self) -> Option<Finding> {
        let mut split = Split::new(self.text, Quotes::Quoted);
        let device = match split.word() {
            Ok(device) => device?,
            Err(unclosed) => return Some(self.unclosed(unclosed)),
        };
        let path = expand(&device);
        let known = ["block-", "char-", "/dev/", "/run/systemd/inaccessible/"];
        if !path.starts_with(LATE) && !known.iter().any(|start| path.starts_with(start)) {
            let finding = self.cannot(&device, "it is no device");
            return Some(finding.help("write a path below `/dev`, or `char-…` or `block-…`"));
        }
        let rights = split.rest;
        let fits = rights.contains(LATE) || rights.chars().all(|c| matches!(c, 'r' | 'w' | 'm'));
        (!fits).then(|| self.cannot(rights, "rights are some of `r`, `w` and `m`"))
    }
}

/// Signals by name, with or without `SIG`, or by number.
fn is_signal(text: &str) -> bool {
    let name = text.strip_prefix("SIG").unwrap_or(text);
    let real_time = |start: &str| {
        let rest = name.strip_prefix(start)?;
        let sign = if start == "RTMIN" { '+' } else { '-' };
        match rest.strip_prefix(sign) {
            Some(offset) => offset.parse().ok().map(|offset: u32| offset <= 30),
            None => Some(rest.is_empty()),
        }
    };
    known::SIGNALS.contains(&name)
        || integer(text).is_some_and(|number| (1..=64).contains(&number))
        || ["RTMIN", "RTMAX"].iter().any(|start| real_time(start) == Some(true))
}

/// A text with its specifiers resolved as far as that is the same everywhere: those that are absolute paths are some, and
/// others are late values.
pub(super) fn expand(text: &str) -> String {
    let mut expanded = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('%') {
        expanded.push_str(before);
        let Some(c) = after.chars().next() else {
            expanded.push('%');
            return expanded;
        };
        match c {
            '%' => expanded.push('%'),
            'C' | 'd' | 'D' | 'E' | 'f' | 'h' | 'L' | 's' | 'S' | 't' | 'T' | 'V' | 'y' | 'Y' => {
                expanded.push_str("/x")
            }
            c if c.is_ascii_alphabetic() => expanded.push(LATE),
            c => expanded.extend(['%', c]),
        }
        rest = &after[c.len_utf8()..];
    }
    expanded.push_str(rest);
    expanded
}
