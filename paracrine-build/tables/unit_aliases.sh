#!/bin/sh
# Writes src/checks/units/aliases.txt: other names of units in Debian's packages, where a name is that of one unit only.
#
#   tables/unit_aliases.sh [PACKAGE…]     on a Debian host with apt; without packages, those below
#
# Aliases are the links among a package's units and the `Alias=` in their [Install]. Names that several units may have are
# left out, be it that other packages bring them (`mysql`, `syslog`) or that the administrator chooses (`default.target`,
# `display-manager`): the host knows whose they are.
set -eu
here=$(dirname "$(realpath "$0")")
[ $# -gt 0 ] || set -- apache2 avahi-daemon bind9 bluez chrony cron cups-daemon dbus dbus-broker dovecot-core \
    exim4-base fail2ban firewalld gdm3 haproxy kmod lightdm mariadb-server memcached modemmanager multipath-tools \
    network-manager nfs-kernel-server nginx ntpsec open-iscsi openntpd openssh-server openvpn postfix postgresql-common \
    procps redis-server rpcbind rsyslog samba smartmontools snmpd squid syslog-ng-core systemd systemd-resolved \
    systemd-timesyncd udev unbound wpasupplicant
all=$(mktemp -d)
trap 'rm -rf "$all"' EXIT
cd "$all"
for package in "$@"; do
    apt-get download -qq "$package" 2>/dev/null || { echo "no $package" >&2; continue; }
    dpkg-deb -x "$package"_*.deb "root.$package"
    rm "$package"_*.deb
done
find . -path '*/systemd/system/*' -maxdepth 6 \( -name '*.service' -o -name '*.socket' -o -name '*.target' -o -name '*.timer' \) |
    while read -r unit; do
        name=${unit##*/}
        if [ -L "$unit" ]; then
            to=$(readlink "$unit")
            [ "$to" = /dev/null ] || echo "$name ${to##*/}"
        else
            echo "$name $name"
            sed -n 's/^Alias=//p' "$unit" | tr ' ' '\n' | sed "/^$/d; s/\$/ $name/"
        fi
    done | sort -u >names
{
    echo "# Made by tables/unit_aliases.sh from Debian $(cut -d. -f1 /etc/debian_version)."
    # Names of one unit, which is another.
    awk '{ units[$1]++; unit[$1] = $2 } END { for (name in units) if (units[name] == 1 && unit[name] != name) print name, unit[name] }' \
        names | grep -Ev '^(default|ctrl-alt-del)\.target |^(display-manager|mysqld?|syslog)\.service ' | LC_ALL=C sort
} >"$here/../src/checks/units/aliases.txt"
