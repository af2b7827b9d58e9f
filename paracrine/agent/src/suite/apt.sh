#!/bin/sh
# Stands for apt-get and apt-cache where dpkg is not to be touched: knows the packages in `available` (name and version, a
# line each) and installs them by writing dpkg's status file.
root=${0%/tools/*}/root
status=$root/var/lib/dpkg/status
version() { sed -n "s/^$1 //p" "$root/var/lib/apt/available"; }
installed() { grep -qx "Package: $1" "$status"; }

remove() {
    awk -v first="Package: $1" 'BEGIN { RS = ""; ORS = "\n\n" } index($0, first "\n") != 1' "$status" >"$status.new"
    mv "$status.new" "$status"
}

verb= simulate= before=yes
for word; do
    case $word in
        install | policy | update) verb=$word ;;
        --simulate) simulate=yes ;;
        --) before= ;;
        -*) ;;
        *)
            if [ "$before" ]; then continue; fi
            name=${word%-}
            if [ "$verb" = policy ]; then
                if [ "$(version "$name")" ]; then printf '%s:\n  Candidate: %s\n' "$name" "$(version "$name")"; fi
            elif [ "$simulate" ] && [ "$name" != "$word" ]; then
                echo "Remv $name [1.0]"
            elif [ "$simulate" ]; then
                echo "Inst $name ($(version "$name") here)"
            elif [ -e "$root/etc/apt/apt.conf.d/99fail" ]; then
                echo "E: Sub-process false returned an error code (1)"
                exit 100
            elif [ "$name" != "$word" ]; then
                remove "$name"
            elif ! installed "$name"; then
                printf 'Package: %s\nStatus: install ok installed\nArchitecture: amd64\nVersion: %s\n\n' \
                    "$name" "$(version "$name")" >>"$status"
            fi
            ;;
    esac
done
