#!/bin/sh
# Stands for apt-get and apt-cache where dpkg is not to be touched: knows the packages in `available` (name and version, a
# line each; `name - a b` for one that a and b provide) and installs them by writing dpkg's status file. Of two packages
# whose names end in `-or-X` and X, only one can be there; one that begins with `failing` cannot be configured.
root=${0%/tools/*}/root
status=$root/var/lib/dpkg/status
lists=$root/var/lib/apt/available
version() { sed -n "s/^$1 \([^-].*\)/\1/p" "$lists"; }
providers() { sed -n "s/^$1 - //p" "$lists"; }
installed() { grep -qx "Package: $1" "$status"; }

remove() {
    awk -v first="Package: $1" 'BEGIN { RS = ""; ORS = "\n\n" } index($0, first "\n") != 1' "$status" >"$status.new"
    mv "$status.new" "$status"
}

# Says what keeps a name from being installed, beside all of the others.
impossible() {
    if [ -z "$(version "$1")$(providers "$1")" ]; then
        echo "E: Unable to locate package $1"
    elif [ "$(providers "$1")" ]; then
        printf 'Package %s is a virtual package provided by:\n' "$1"
        printf '  %s 1.0\n' $(providers "$1")
        printf "You should explicitly select one to install.\n\nE: Package '%s' has no installation candidate\n" "$1"
    elif [ "${1##*-or-}" != "$1" ]; then
        case " $names " in *" ${1##*-or-} "*)
            printf 'The following packages have unmet dependencies:\n %s : Conflicts: %s\n' "$1" "${1##*-or-}"
            echo "E: Unable to correct problems, you have held broken packages." ;;
        esac
    fi
}

verb= simulate= before=yes names= code=0
for word; do
    case $word in
        install | policy | update) verb=$word ;;
        --simulate) simulate=yes ;;
        --) before= ;;
        -*) ;;
        *) if [ -z "$before" ]; then names="$names $word"; fi ;;
    esac
done
if [ "$verb" = install ]; then
    for name in $names; do
        said=
        case $name in *-) ;; *) said=$(impossible "$name") ;; esac
        if [ "$said" ]; then
            echo "$said"
            exit 100
        fi
    done
fi
for word in $names; do
    name=${word%-}
    if [ "$verb" = policy ]; then
        if [ "$(version "$name")" ]; then printf '%s:\n  Candidate: %s\n' "$name" "$(version "$name")"; fi
        if [ "$(providers "$name")" ]; then printf '%s:\n  Candidate: (none)\n' "$name"; fi
    elif [ "$simulate" ] && [ "$name" != "$word" ]; then
        echo "Remv $name [1.0]"
    elif [ "$simulate" ]; then
        echo "Inst $name ($(version "$name") here)"
    elif [ -e "$root/etc/apt/apt.conf.d/99fail" ]; then
        echo "E: Sub-process false returned an error code (1)"
        exit 100
    elif [ "$name" != "$word" ]; then
        remove "$name"
    elif [ "${name#failing}" != "$name" ]; then
        printf 'dpkg: error processing package %s (--configure):\n post-installation script subprocess failed\n' "$name"
        echo "E: Sub-process /usr/bin/dpkg returned an error code (1)"
        code=100
    elif ! installed "$name"; then
        printf 'Package: %s\nStatus: install ok installed\nArchitecture: amd64\nVersion: %s\n\n' \
            "$name" "$(version "$name")" >>"$status"
    fi
done
exit $code
