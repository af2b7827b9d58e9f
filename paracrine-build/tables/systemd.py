#!/usr/bin/env python3
"""Makes `src/format/unit/systemd-NUMBER.txt`, of one Debian release, from the source package of its systemd:

    apt-get source --download-only systemd/bookworm && tar xf systemd_252*.orig.tar.gz
    tables/systemd.py systemd-*252* > src/format/unit/systemd-252.txt

What is read: the tables of directives, where systemd names the function that parses each, and the tables of words behind
those functions. A line of the result is

    {unit}            the files that the following is about
    [Service]         a section of them
    Type service_type a key of the section, and by what its value is parsed
    +exec             all keys of `[+exec]` are also in this section
    = service_type simple exec …    the words that `service_type` takes; `boolean` and `number`: these as well
"""

import re
import sys
from pathlib import Path

TREE = Path(sys.argv[1])

# The files that are read, and where their directives stand.
DIRECTIVES = {
    "unit": "src/core/load-fragment-gperf.gperf.in",
    "journald": "src/journal/journald-gperf.gperf",
    "logind": "src/login/logind-gperf.gperf",
    "resolved": "src/resolve/resolved-gperf.gperf",
    "timesyncd": "src/timesync/timesyncd-gperf.gperf",
    "manager": "src/core/main.c",
    "network": "src/network/networkd-network-gperf.gperf",
    "netdev": "src/network/netdev/netdev-gperf.gperf",
    "link": "src/udev/net/link-config-gperf.gperf",
}

# Words that are not behind a parser of their own: the parser that takes them, and systemd's table.
WORDS = {
    "kill_mode": "kill_mode",
    "exec_input": "exec_input",
    "exec_output": "exec_output",
    "emergency_action": "emergency_action",
    "managed_oom_mode": "managed_oom_mode",
    "log_level": "log_level",
    "log_facility": "log_facility_unshifted",
    "exec_cpu_sched_policy": "sched_policy",
    "exec_io_class": "ioprio_class",
    "socket_timestamping": "socket_timestamping",
    "cgroup_controller": "cgroup_controller",
    "socket_bind": "socket_address_bind_ipv6_only",
    "partition": "partition_designator",
    "coredump_filter": "coredump_filter",
}


def sources():
    for directory in ("basic", "core", "shared", "journal", "login", "resolve", "network", "udev/net"):
        yield from sorted((TREE / "src" / directory).rglob("*.c"))


ALL = "\n".join(path.read_text() for path in sources())
# Debian builds with everything: of an alternative, the first.
CONDITION = re.compile(r"\{% if [^%]*%\}\n(.*?)(?:\{% else %\}\n.*?)?\{% endif %\}\n", re.S)
MACRO = re.compile(r"\{%-? macro (\w+)_CONTEXT_CONFIG_ITEMS\(type\) -?%\}(.*?)\{%-? endmacro -?%\}", re.S)
GPERF = re.compile(r"^(?:\{\{type\}\}\.|([\w-]+)\.)([\w.]+),\s*(\w+),", re.M)
TABLE = re.compile(r'^\s*\{\s*"(\w+)",\s*"(\w+)",\s*(\w+),', re.M)


def parser(name):
    return "any" if name == "NULL" else name.removeprefix("config_parse_")


def section(name, keys):
    if keys:
        print(f"[{name}]")
        for key in keys:
            print(key)


def directives(of, path):
    text = TREE.joinpath(path).read_text()
    print(f"{{{of}}}")
    if path.endswith(".c"):
        sections = {}
        for name, key, function in TABLE.findall(text):
            sections.setdefault(name, []).append(f"{key} {parser(function)}")
        for name, keys in sections.items():
            section(name, keys)
        return
    text = CONDITION.sub(r"\1", text)
    for name, items in MACRO.findall(text):
        section(f"+{name.lower()}", [f"{key} {parser(function)}" for _, key, function in GPERF.findall(items)])
    text = MACRO.sub("", text)
    include = re.compile(r"^\{\{-? (\w+)_CONTEXT_CONFIG_ITEMS\('(\w+)'\) -?\}\}", re.M)
    sections = {}
    for found in re.finditer(rf"{GPERF.pattern}|{include.pattern}", text, re.M):
        name, key, function, group, into = found.groups()
        if group:
            sections.setdefault(into, []).append(f"+{group.lower()}")
        else:
            sections.setdefault(name, []).append(f"{key} {parser(function)}")
    for name, keys in sections.items():
        section(name, keys)


def words(name, table):
    """The words of a table of systemd."""
    found = re.search(rf"\b{table}_table\[[^\]]*\]\s*=\s*\{{(.*?)\}};", ALL, re.S)
    if not found:
        return
    body = re.sub(r"/\*.*?\*/", "", found[1], flags=re.S)
    boolean = name in ("socket_bind", "socket_timestamping") or re.search(rf"WITH_BOOLEAN\({table},", ALL)
    also = ["boolean"] * bool(boolean)
    also += ["number"] * bool(re.search(rf"LOOKUP_WITH_FALLBACK\({table},", ALL))
    print("=", name, *also, *re.findall(r'"([^"]*)"', body))


def main():
    for of, path in DIRECTIVES.items():
        if TREE.joinpath(path).exists():
            directives(of, path)
    parsers = re.findall(r"^\s*(?:static )?DEFINE_CONFIG_PARSE_ENUM\w*\(\s*config_parse_(\w+),\s*(\w+),", ALL, re.M)
    for name, table in sorted(dict(parsers).items() | WORDS.items()):
        words(name, table)
    print("= exit_status_name", *re.findall(r'^\s*\[EX(?:IT)?_\w+\] =\s*\{ "(\w+)"', ALL, re.M))
    print("= syscall_set", *re.findall(r'\[SYSCALL_FILTER_SET_\w+\] = \{[^"]*?\.name = "(@[\w-]+)"', ALL))
    print("= syscall", *TREE.joinpath("src/basic/syscall-list.txt").read_text().split())


main()
