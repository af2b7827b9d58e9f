#!/bin/sh
# Stands for systemctl where there is no systemd: units of the machine beside it that do nothing but run or not.
# A unit with a drop-in `fail.conf` ends as soon as it is started. What `run/systemd/shown/UNIT` says counts more than what is.
root=${0%/tools/*}/root
units=$root/etc/systemd/system
state=$root/run/systemd
verb=
while [ $# -gt 0 ]; do
    case $1 in
        --) shift; break ;;
        -*) ;;
        *) verb=$1 ;;
    esac
    shift
done

loaded() { cat "$units/$1" "$units/$1.d/"*.conf 2>/dev/null; }

# In which directories a file wants links to its unit.
wanted() { sed -n 's/^WantedBy=//p' "$units/$1" | tr ' ' '\n' | sed 's/$/.wants/'; }

enabled() { for link in "$units/"*.wants/"$1"; do if [ -L "$link" ]; then return 0; fi; done; return 1; }

load() { mkdir -p "$state/loaded"; loaded "$1" >"$state/loaded/$1"; }

show() {
    load=loaded file=disabled active=inactive sub=dead result=success status=0 reload=no
    if [ "$(readlink "$units/$1")" = /dev/null ]; then
        load=masked file=masked
    elif [ ! -e "$units/$1" ]; then
        load=not-found file=
    elif enabled "$1"; then
        file=enabled
    fi
    if [ -e "$state/active/$1" ]; then active=active sub=running; fi
    if [ -e "$state/failed/$1" ]; then active=failed sub=failed result=exit-code status=1; fi
    if [ -e "$state/loaded/$1" ] && ! loaded "$1" | cmp -s - "$state/loaded/$1"; then reload=yes; fi
    printf '%s\n' "Id=$1" "LoadState=$load" "ActiveState=$active" "SubState=$sub" "UnitFileState=$file" \
        "NeedDaemonReload=$reload" "FragmentPath=/etc/systemd/system/$1" "Result=$result" "ExecMainStatus=$status" \
        MainPID=0 NRestarts=0 ConditionResult=yes CanReload=yes Type=simple RemainAfterExit=no
    cat "$state/shown/$1" 2>/dev/null
    echo
}

start() {
    load "$1"
    mkdir -p "$state/active" "$state/failed"
    rm -f "$state/failed/$1" "$state/active/$1"
    if [ -e "$units/$1.d/fail.conf" ]; then : >"$state/failed/$1"; else : >"$state/active/$1"; fi
}

if [ "$verb" = daemon-reload ]; then
    for unit in "$state/loaded/"*; do
        if [ -e "$unit" ]; then load "${unit##*/}"; fi
    done
fi
for unit; do
    case $verb in
        show) show "$unit" ;;
        start | restart) start "$unit" ;;
        stop) rm -f "$state/active/$unit" "$state/failed/$unit" ;;
        enable) for in in $(wanted "$unit"); do mkdir -p "$units/$in" && ln -sfn "../$unit" "$units/$in/$unit"; done ;;
        disable) rm -f "$units/"*.wants/"$unit" ;;
        mask) ln -s /dev/null "$units/$unit" ;;
        unmask) rm -f "$units/$unit" ;;
        is-active) if [ -e "$state/active/$unit" ]; then echo active; else echo inactive; fi ;;
        is-enabled) if enabled "$unit"; then echo enabled; else echo disabled; fi ;;
        reload) ;;
        *) echo "no $verb here" >&2; exit 1 ;;
    esac
done
