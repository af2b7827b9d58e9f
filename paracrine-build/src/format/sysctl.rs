//! Kernel parameters: `/etc/sysctl.conf` and `/etc/sysctl.d/*.conf`, as systemd-sysctl(8) and sysctl(8) read them.

use std::collections::BTreeSet;
use std::sync::OnceLock;

use paracrine_model::diagnostic::Code;
use paracrine_model::facet::FileFacet;

use super::entry::{Format, ONLY, Sort};
use super::finding::{Finding, LATE, Look};

/// The folders below `/proc/sys`, also those that only some kernels and modules have.
const ROOTS: [&str; 10] = ["abi", "crypto", "debug", "dev", "fs", "kernel", "net", "sunrpc", "user", "vm"];

/// Folders that are too rare to be meant by other words.
const RARE: [&str; 3] = ["bus", "lnet", "xen"];

/// Keys that may well be empty.
const MAY_BE_EMPTY: [&str; 6] = [
    "kernel.core_pattern",
    "kernel.domainname",
    "kernel.hotplug",
    "kernel.modprobe",
    "kernel.poweroff_cmd",
    "net.ipv4.ip_local_reserved_ports",
];

/// Keys that common kernels have; `*` stands for an interface.
fn known() -> &'static BTreeSet<&'static str> {
    static KNOWN: OnceLock<BTreeSet<&str>> = OnceLock::new();
    KNOWN.get_or_init(|| include_str!("sysctl/keys.txt").lines().collect())
}

pub(super) const FORMAT: Format = Format { reads, about, look: |text, _| look(text) };

/// Where kernel parameters are.
const DIRECTORIES: [&str; 5] =
    ["/etc/sysctl.d/", "/run/sysctl.d/", "/usr/local/lib/sysctl.d/", "/usr/lib/sysctl.d/", "/lib/sysctl.d/"];

fn reads(path: &str) -> Option<Sort> {
    let is_read =
        path == "/etc/sysctl.conf" || DIRECTORIES.iter().any(|directory| path.starts_with(directory));
    // Debian keeps words for people there.
    let is_text = path.rsplit('/').next().is_some_and(|name| name.starts_with("README"));
    (is_read && !is_text).then_some(ONLY)
}

/// What makes nobody read the file.
fn about(file: &FileFacet<'_>) -> Vec<Finding> {
    let name = file.path().file_name();
    if file.path().as_str() == "/etc/sysctl.conf" || name.ends_with(".conf") {
        return Vec::new();
    }
    let message = format!("nothing reads `{}`: its name does not end in `.conf`", file.path());
    vec![Finding::whole(Code::SYSCTL, message).help(format!("call it `{name}.conf`"))]
}

/// What is wrong with the content.
fn look(text: &str) -> Look {
    let mut found = Look::default();
    if text.starts_with('\u{feff}') {
        let message =
            "the file begins with a byte order mark, which systemd-sysctl takes for a part of the first line";
        found.findings.push(wrong(1, "", message).help("save it as UTF-8 without one"));
    }
    let text = text.trim_start_matches('\u{feff}');
    for (number, line) in (1u32..).zip(text.lines()) {
        let line = line.trim();
        if line.is_empty() || line.starts_with(['#', ';']) {
            continue;
        }
        found.findings.extend(entry(number, line));
    }
    found
}

fn wrong(line: u32, word: &str, message: impl Into<String>) -> Finding {
    Finding::error(Code::SYSCTL, line, word, message)
}

/// What is wrong with a line.
fn entry(number: u32, line: &str) -> Option<Finding> {
    let Some((key, value)) = line.split_once('=') else {
        // `-key` keeps globs from setting it.
        return match line.strip_prefix('-') {
            Some(key) => malformed(number, key.trim()),
            None if line.contains(LATE) => None,
            None => {
                let finding = wrong(number, line, format!("`{line}` is no assignment"));
                let fixed = line.split_once([' ', '\t', ':']).map_or_else(
                    || format!("write `{line} = …`"),
                    |(key, value)| format!("write `{key} = {}`", value.trim_start_matches([' ', '\t', ':'])),
                );
                Some(finding.help(fixed))
            }
        };
    };
    let key = key.trim();
    let key = key.strip_prefix('-').unwrap_or(key).trim_start();
    if let Some(finding) = malformed(number, key) {
        return Some(finding);
    }
    let value = value.trim();
    if value.is_empty() && !MAY_BE_EMPTY.contains(&dotted(key).as_str()) {
        return Some(wrong(number, key, format!("`{key}` has no value")).help("write one after the `=`"));
    }
    if value.len() > 1 && !value.contains(LATE) && value.starts_with('"') && value.ends_with('"') {
        let finding = wrong(number, value, format!("the quotes would be part of the value of `{key}`"));
        return Some(finding.help(format!("write `{key} = {}`", value.trim_matches('"'))));
    }
    // Comments begin only lines.
    let comment = [" #", "\t#", " ;", "\t;"].iter().filter_map(|start| value.find(start)).min()?;
    let comment = value[comment..].trim_start();
    let message = format!("the comment would be part of the value of `{key}`");
    let shown = comment.split(LATE).next().unwrap_or_default();
    Some(wrong(number, shown, message).warning().help("write it in a line of its own"))
}

/// What is wrong with a key.
fn malformed(number: u32, key: &str) -> Option<Finding> {
    if key.contains(LATE) {
        return None;
    }
    if key.is_empty() {
        return Some(
            wrong(number, key, "no key stands before the `=`").help("write `net.ipv4.ip_forward = 1`"),
        );
    }
    if let Some(short) = key.strip_prefix("/proc/sys/") {
        return Some(
            wrong(number, key, format!("`{key}` is a path"))
                .help(format!("write `{}`", short.replace('/', "."))),
        );
    }
    let odd = key.chars().find(|c| !(c.is_ascii_alphanumeric() || "._-/:@*?[]!".contains(*c)));
    if let Some(odd) = odd {
        let odd = match odd {
            ' ' | '\t' => "a space".to_owned(),
            odd => format!("`{}`", odd.escape_debug()),
        };
        return Some(wrong(number, key, format!("the key `{key}` holds {odd}")));
    }
    let dotted = dotted(key);
    let pieces: Vec<&str> = dotted.split('.').collect();
    if pieces.iter().any(|piece| piece.is_empty()) {
        return Some(wrong(number, key, format!("a part of the key `{key}` is empty")));
    }
    let root = pieces[0];
    if root.contains(['*', '?', '[']) {
        return None;
    }
    if !ROOTS.contains(&root) && !RARE.contains(&root) {
        let finding = wrong(number, root, format!("the kernel has no `{root}`, with which `{key}` begins"));
        let finding = finding.nearest(root, ROOTS);
        return Some(match finding.help.is_empty() {
            true => finding.help(format!("keys begin with {}", ROOTS.join(", "))),
            false => finding,
        });
    }
    if pieces.len() == 1 {
        return Some(
            wrong(number, key, format!("`{key}` is no key, but the folder of many"))
                .help(format!("write `{key}.…`")),
        );
    }
    let near = slip(&pieces)?;
    let finding = wrong(number, key, format!("the kernel has no `{key}`"));
    Some(finding.help(format!("did you mean `{near}`?")))
}

/// A key with dots between its parts, whichever of the two ways it is written in.
fn dotted(key: &str) -> String {
    let key = key.trim_start_matches('/');
    if key.find(['.', '/']).is_some_and(|at| key[at..].starts_with('/')) {
        let swapped = key.chars().map(|c| match c {
            '/' => '.',
            '.' => '/',
            c => c,
        });
        return swapped.collect();
    }
    key.to_owned()
}

/// The known key that one slip of a finger made into an unknown one. Keys of modules and of other kernels are unknown too,
/// and far from all known ones.
fn slip(pieces: &[&str]) -> Option<String> {
    let matching = |known: &str| {
        let known: Vec<&str> = known.split('.').collect();
        let mut slips = 0;
        if known.len() != pieces.len() {
            return None;
        }
        let mut meant = Vec::new();
        for (known, piece) in known.into_iter().zip(pieces) {
            // A glob is taken for what it is meant to match.
            if known == *piece || known == "*" || piece.contains(['*', '?', '[']) {
                meant.push(*piece);
            } else if is_slip(known, piece) {
                slips += 1;
                meant.push(known);
            } else {
                return None;
            }
        }
        Some((slips, meant.join(".")))
    };
    let mut near = None;
    for key in known() {
        match matching(key) {
            Some((0, _)) => return None,
            Some((1, meant)) => near = near.or(Some(meant)),
            _ => {}
        }
    }
    near
}

/// Whether two words differ by one letter: another one, one too many, one missing, or two that changed places.
fn is_slip(known: &str, word: &str) -> bool {
    let (known, word) = (known.as_bytes(), word.as_bytes());
    let same = known.iter().zip(word).take_while(|(a, b)| a == b).count();
    let (a, b) = (&known[same..], &word[same..]);
    // Digits tell siblings apart.
    let letters = |bytes: &[u8]| bytes.iter().all(|byte| !byte.is_ascii_digit());
    match (a, b) {
        ([x, a @ ..], [y, b @ ..]) if a == b => letters(&[*x, *y]),
        ([x, rest @ ..], b) if rest == b => letters(&[*x]),
        (a, [y, rest @ ..]) if a == rest => letters(&[*y]),
        ([x, y, a @ ..], [z, w, b @ ..]) => x == w && y == z && a == b,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(line: &str) -> Option<(String, Option<String>)> {
        let finding = look(line).findings.into_iter().next()?;
        Some((finding.message, finding.help.first().cloned()))
    }

    #[test]
    fn what_the_programs_take_is_good() {
        for good in [
            "",
            "# x",
            "; x",
            "vm.swappiness=10",
            "  vm.swappiness = 10  ",
            "-net.ipv4.ip_forward = 1",
            "-net.ipv4.conf.eth0.rp_filter",
            "net/ipv4/conf/eth0.100/rp_filter = 1",
            "net.ipv4.conf.eth0/100.rp_filter = 1",
            "net.ipv4.conf.*.rp_filter = 2",
            "net.ipv4.conf.veth-a1.rp_filter = 2",
            "net.ipv4.ip_local_port_range = 1024 65535",
            "kernel.core_pattern =",
            "kernel.core_pattern = |/usr/bin/core %p #1",
            "net.netfilter.nf_conntrack_max = 1",
            "net.something.that_only_a_module_has = 1",
            "kernel.sem = 250 32000 100 128",
            "xen.balloon.hotplug_unpopulated = 1",
            "net.ipv4.\u{fdd0} = 1",
            "\u{fdd0}",
            "vm.swappiness = \u{fdd0}",
        ] {
            let errors: Vec<String> = look(good)
                .findings
                .iter()
                .filter(|finding| finding.severity == paracrine_model::diagnostic::Severity::Error)
                .map(|finding| finding.message.clone())
                .collect();
            assert_eq!(errors, [""; 0], "{good}");
        }
    }

    #[test]
    fn mistakes_are_told_with_what_was_meant() {
        for (line, message, help) in [
            ("vm.swappiness 10", "`vm.swappiness 10` is no assignment", "write `vm.swappiness = 10`"),
            ("vm.swappiness: 10", "`vm.swappiness: 10` is no assignment", "write `vm.swappiness = 10`"),
            ("vm.swappiness =", "`vm.swappiness` has no value", "write one after the `=`"),
            ("= 1", "no key stands before the `=`", "write `net.ipv4.ip_forward = 1`"),
            ("- = 1", "no key stands before the `=`", "write `net.ipv4.ip_forward = 1`"),
            ("net.ipv4.ip forward = 1", "the key `net.ipv4.ip forward` holds a space", ""),
            ("net.ipv4.ip,forward = 1", "the key `net.ipv4.ip,forward` holds `,`", ""),
            ("vm..swappiness = 1", "a part of the key `vm..swappiness` is empty", ""),
            ("vm. = 1", "a part of the key `vm.` is empty", ""),
            ("/proc/sys/vm/swappiness = 1", "`/proc/sys/vm/swappiness` is a path", "write `vm.swappiness`"),
            (
                "nte.core.somaxconn = 1",
                "the kernel has no `nte`, with which `nte.core.somaxconn` begins",
                "did you mean `net`?",
            ),
            (
                "kernl/sem = 1",
                "the kernel has no `kernl`, with which `kernl/sem` begins",
                "did you mean `kernel`?",
            ),
            (
                "swappiness = 1",
                "the kernel has no `swappiness`, with which `swappiness` begins",
                "keys begin with abi, crypto, debug, dev, fs, kernel, net, sunrpc, user, vm",
            ),
            ("vm = 1", "`vm` is no key, but the folder of many", "write `vm.…`"),
            ("vm.swapiness = 1", "the kernel has no `vm.swapiness`", "did you mean `vm.swappiness`?"),
            (
                "net.ipv4.ip_foward = 1",
                "the kernel has no `net.ipv4.ip_foward`",
                "did you mean `net.ipv4.ip_forward`?",
            ),
            (
                "net/ipv4/conf/e.1/rp_fitler = 1",
                "the kernel has no `net/ipv4/conf/e.1/rp_fitler`",
                "did you mean `net.ipv4.conf.e/1.rp_filter`?",
            ),
            (
                "-net.ipv4.conf.al.rp_filterr",
                "the kernel has no `net.ipv4.conf.al.rp_filterr`",
                "did you mean `net.ipv4.conf.al.rp_filter`?",
            ),
            (
                "vm.swappiness = \"10\"",
                "the quotes would be part of the value of `vm.swappiness`",
                "write `vm.swappiness = 10`",
            ),
            (
                "vm.swappiness = 10 # low",
                "the comment would be part of the value of `vm.swappiness`",
                "write it in a line of its own",
            ),
        ] {
            let help = Some(help.to_owned()).filter(|help| !help.is_empty());
            assert_eq!(said(line), Some((message.to_owned(), help)), "{line}");
        }
    }

    /// Every key of the kernel at hand is good.
    #[test]
    fn keys_of_this_kernel_are_good() {
        fn walk(folder: &std::path::Path, key: &str) {
            for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
                let name = entry.file_name().to_string_lossy().replace('.', "/");
                let key = if key.is_empty() { name } else { format!("{key}.{name}") };
                if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                    walk(&entry.path(), &key);
                } else {
                    assert_eq!(said(&format!("{key} = 1")), None, "{key}");
                }
            }
        }
        walk("/proc/sys".as_ref(), "");
    }
}
