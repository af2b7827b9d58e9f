#!/usr/bin/env python3
"""Makes `src/format/sudoers/settings.txt` from the source packages of two Debian releases, the older one first:

    apt-get source --download-only sudo/bookworm sudo/trixie && tar xf …
    tables/sudo.py sudo-1.9.13p3 sudo-1.9.16p2 > src/format/sudoers/settings.txt

A line is a setting: its name, its type in lower case, and what else is said of it: `bool` (it may stand without a value),
`path` (its value is one), the words that it takes, and first of all `new` where only the newer release knows it.
"""

import re
import sys
from pathlib import Path


def settings(tree):
    text = Path(tree, "plugins/sudoers/def_data.in").read_text()
    found = {}
    for name, types, rest in re.findall(r"^(\w+)\n\t(T_[A-Z_|]+)\n((?:\t.*\n)*)", text, re.M):
        kind, *flags = [word.removeprefix("T_").lower() for word in types.split("|")]
        words = [line.strip() for line in rest.splitlines()[1:] if not line.strip().startswith("*")]
        found[name] = [kind, *(flag for flag in flags if flag in ("bool", "path")), *" ".join(words).split()]
    return found


old, new = map(settings, sys.argv[1:])
for name, said in sorted({**new, **old}.items()):
    print(name, *["new"] * (name not in old), *said)
