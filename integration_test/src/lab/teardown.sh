# Takes down one lab, whatever is left of it: processes, mounts, networks, cgroups, files. May be repeated.
# $1: the lab's state folder, $2: its name in the kernel's tables.
# $3 = watch: does so when the lab's owner is gone, that is at the end of standard input, unless it says "detach".
# Standard output is the lab's lock, held until this ends.
set -u
dir=$1 name=$2
trap '' HUP INT TERM
if [ "${3-}" = watch ]; then
    if read -r word && [ "$word" = detach ]; then exit 0; fi
fi
[ -d "$dir" ] || exit 0

cgroups() {
    [ -f "$dir/cgroups" ] && cat "$dir/cgroups"
}
processes() {
    cgroups | while read -r cgroup; do
        [ -d "$cgroup" ] && find "$cgroup" -name cgroup.procs -exec cat {} + 2>/dev/null
    done | sort -u
}
mounts() {
    awk -v dir="$dir/" 'index($5, dir) == 1 { print $5 }' /proc/self/mountinfo | sort -r
}

# A host that was paused can only be killed when thawed.
cgroups | while read -r cgroup; do
    find "$cgroup" -name freezer.state -exec sh -c 'for f; do echo THAWED >"$f"; done' sh {} + 2>/dev/null
    find "$cgroup" -maxdepth 2 -name cgroup.freeze -exec sh -c 'for f; do echo 0 >"$f"; done' sh {} + 2>/dev/null
done
tries=0
while pids=$(processes) && [ -n "$pids" ] && [ $tries -lt 400 ]; do
    kill -9 $pids 2>/dev/null
    tries=$((tries + 1))
    sleep 0.025
done
mounts | while read -r target; do umount -l "$target"; done
for namespace in "/run/netns/$name-"*; do
    [ -e "$namespace" ] && ip netns del "${namespace##*/}"
done
# What nspawn leaves when it is killed.
for left in "/run/systemd/nspawn/propagate/$name-"* "/run/systemd/nspawn/unix-export/$name-"*; do
    if [ -d "$left" ]; then
        umount -l "$left" 2>/dev/null
        rmdir "$left"
    fi
done
cgroups | while read -r cgroup; do
    tries=0
    while [ -d "$cgroup" ] && [ $tries -lt 100 ]; do
        find "$cgroup" -depth -type d -exec rmdir {} + 2>/dev/null
        tries=$((tries + 1))
        [ -d "$cgroup" ] && sleep 0.025
    done
    [ -d "$cgroup" ] && echo "lab: cannot remove $cgroup" >&2
done
if [ -n "$(processes)$(mounts)" ]; then
    echo "lab: processes or mounts are left, keeping $dir" >&2
    exit 1
fi
rm -rf --one-file-system "$dir"
