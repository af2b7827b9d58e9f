#!/usr/bin/env python3
"""Makes `src/checks/accounts/packages.txt`: which users and groups packages of Debian make, or what they depend on. On a Debian
whose apt lists are there; the packages that `accounts.list` names are downloaded, some 60 MB, and forgotten:

    tables/accounts.py > src/checks/accounts/packages.txt

An account is what a maintainer's script gives to adduser, addgroup, useradd or groupadd, or what a file in sysusers.d says.
A package whose scripts make accounts under names that this cannot read is written with a `?`: nobody is warned beside it.
"""
import os
import re
import shlex
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
# Options of these programs that are followed by a value.
VALUED = {
    "--home", "--shell", "--gecos", "--comment", "--ingroup", "--uid", "--gid", "--firstuid", "--lastuid", "--conf", "--password",
    "--home-dir", "--base-dir", "--groups", "--key", "--root", "--prefix", "--expiredate", "--inactive", "--skel", "--add_extra_groups",
    "-h", "-d", "-s", "-c", "-u", "-g", "-G", "-b", "-K", "-e", "-f", "-k", "-p", "-R", "-P",
}
MAKERS = re.compile(r"(?:^|[;&|({]|\bthen\b|\bdo\b|\belse\b|!)\s*(?:/usr/sbin/)?(adduser|addgroup|useradd|groupadd)\b(.*)$")
NAME = re.compile(r"^[A-Za-z0-9_][A-Za-z0-9_.-]*$")


def available():
    """What apt knows: the stanza of each package."""
    out = subprocess.run(["apt-cache", "dumpavail"], capture_output=True, text=True, check=True).stdout
    known = {}
    for stanza in out.split("\n\n"):
        fields = dict(re.findall(r"^([A-Za-z-]+): ?(.*)$", stanza, re.M))
        if "Package" in fields:
            known[fields["Package"]] = fields
    return known


def depends(fields):
    """The first alternative of each dependency."""
    text = ", ".join(filter(None, [fields.get("Depends"), fields.get("Pre-Depends")]))
    return {re.split(r"[ (:]", part.split("|")[0].strip())[0] for part in text.split(",") if part.strip()}


def closure(package, known):
    """A package and all that it depends on."""
    seen, todo = set(), [package]
    while todo:
        name = todo.pop()
        if name not in seen and name in known:
            seen.add(name)
            todo.extend(depends(known[name]))
    return seen


def makes_accounts(fields):
    return re.search(r"(^|[ ,|])(adduser|passwd|sysuser-helper|systemd-sysusers|opensysusers)([ ,|(]|$)",
                     fields.get("Depends", "") + "," + fields.get("Pre-Depends", ""))


def in_script(text):
    """The accounts that a maintainer's script makes; `?` for one that cannot be read."""
    found = set()
    text = re.sub(r"\\\n", " ", text)
    variables = {}
    for name, value in re.findall(r"^\s*(?:local |readonly |export )?([A-Za-z_][A-Za-z0-9_]*)=([^\s;]*)", text, re.M):
        value = value.strip("\"'")
        default = re.match(r"^\$\{[A-Za-z_]+:[-=]([^}]*)\}$", value)
        value = default.group(1) if default else value
        value = variables.get(value.removeprefix("$").strip("{}"), value) if value.startswith("$") else value
        if NAME.match(value):
            variables[name] = value
    for line in text.splitlines():
        if line.lstrip().startswith("#"):
            continue
        match = MAKERS.search(line)
        if not match:
            continue
        rest = re.split(r"\s(?:\|\||&&|[|;>&]|\d?>)|;|\|\||2?>", match.group(2))[0]
        rest = re.sub(r"\$\{?([A-Za-z_][A-Za-z0-9_]*)\}?", lambda m: variables.get(m.group(1), m.group(0)), rest)
        try:
            words = shlex.split(rest)
        except ValueError:
            words = rest.split()
        names, at = [], 0
        while at < len(words):
            word = words[at]
            if word in VALUED:
                at += 1
            elif not word.startswith("-"):
                names.append(word)
            at += 1
        # `$quiet` is an option that may be empty.
        names = [name for name in names if not name.startswith("$")] or names
        if not names:
            continue
        # `adduser USER GROUP` puts one into the other.
        if match.group(1) == "adduser" and len(names) == 2 and "--system" not in words:
            continue
        name = names[0] if match.group(1) == "adduser" else names[-1]
        found.add(name if NAME.match(name) else "?")
    return found


def in_sysusers(text):
    found = set()
    for line in text.splitlines():
        words = line.split()
        if len(words) >= 2 and words[0] in ("u", "u!", "g"):
            found.add(words[1])
    return found


def of_package(package, folder):
    """The accounts that one package makes."""
    subprocess.run(["apt-get", "download", "-qq", package], cwd=folder, check=True, stdout=subprocess.DEVNULL)
    [deb] = [name for name in os.listdir(folder) if name.startswith(package + "_")]
    path = os.path.join(folder, deb)
    unpacked = os.path.join(folder, "unpacked")
    subprocess.run(["rm", "-rf", unpacked], check=True)
    subprocess.run(["dpkg-deb", "--raw-extract", path, unpacked], check=True)
    os.unlink(path)
    found = set()
    for script in ("preinst", "postinst", "config"):
        try:
            with open(os.path.join(unpacked, "DEBIAN", script), encoding="utf-8", errors="replace") as file:
                found |= in_script(file.read())
        except FileNotFoundError:
            pass
    sysusers = os.path.join(unpacked, "usr/lib/sysusers.d")
    for name in os.listdir(sysusers) if os.path.isdir(sysusers) else []:
        with open(os.path.join(sysusers, name), encoding="utf-8") as file:
            found |= in_sysusers(file.read())
    return found


def main():
    known = available()
    with open(os.path.join(HERE, "accounts.list"), encoding="utf-8") as file:
        wanted = [word for line in file if not line.startswith("#") for word in line.split()]
    closures = {package: closure(package, known) for package in wanted if package in known}
    makers = {name for names in closures.values() for name in names if makes_accounts(known[name])}
    accounts = {}
    with tempfile.TemporaryDirectory() as folder:
        for package in sorted(makers):
            print(package, file=sys.stderr)
            found = of_package(package, folder)
            if found:
                accounts[package] = found
    for package in sorted(set(closures) | set(accounts)):
        names = set()
        for name in closures.get(package) or closure(package, known):
            names |= accounts.get(name, set())
        if names:
            print(package, *sorted(names))


main()
