# Makes a fresh Debian root what the lab's hosts share. Runs in the root (chroot), once per image.
set -eu
export DEBIAN_FRONTEND=noninteractive

# Nothing here may look anything up outside the lab: no name servers, no package source but the lab's own.
: >/etc/resolv.conf
rm -f /etc/apt/sources.list.d/*
echo 'deb [trusted=yes] file:/srv/apt ./' >/etc/apt/sources.list
echo 'Acquire::Languages "none";' >/etc/apt/apt.conf.d/90lab

# What a host starts for people at a console, or for hardware it does not have, only makes booting slow.
for unit in \
    getty.target console-getty.service systemd-networkd-wait-online.service \
    apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer e2scrub_all.timer fstrim.timer \
    systemd-tmpfiles-clean.timer e2scrub_reap.service systemd-pstore.service systemd-random-seed.service \
    systemd-update-utmp.service systemd-update-utmp-runlevel.service systemd-journal-catalog-update.service \
    systemd-hwdb-update.service ldconfig.service systemd-firstboot.service systemd-machine-id-commit.service \
    systemd-udevd.service systemd-udev-trigger.service systemd-modules-load.service \
    modprobe@configfs.service modprobe@drm.service modprobe@efi_pstore.service modprobe@fuse.service; do
    ln -sf /dev/null "/etc/systemd/system/$unit"
done
mkdir -p /etc/systemd/journald.conf.d
printf '[Journal]\nStorage=volatile\nRuntimeMaxUse=16M\nRateLimitBurst=0\n' >/etc/systemd/journald.conf.d/lab.conf

# Each host gets its own identity when it is made.
rm -f /etc/ssh/ssh_host_* /var/lib/dbus/machine-id
: >/etc/machine-id
ln -s /etc/machine-id /var/lib/dbus/machine-id

# Logging in: root and two ordinary users with the lab's key, one user whose sudo asks for a password.
cat >/etc/ssh/sshd_config.d/lab.conf <<'EOF'
UseDNS no
PasswordAuthentication no
PermitRootLogin prohibit-password
HostKey /etc/ssh/ssh_host_ed25519_key
MaxStartups 100:30:200
EOF
useradd --create-home --shell /bin/bash deploy
useradd --create-home --shell /bin/bash nosudo
useradd --create-home --shell /bin/bash asksudo
echo 'asksudo:paracrine' | chpasswd
echo 'deploy ALL=(ALL:ALL) NOPASSWD: ALL' >/etc/sudoers.d/deploy
echo 'asksudo ALL=(ALL:ALL) ALL' >/etc/sudoers.d/asksudo
chmod 440 /etc/sudoers.d/deploy /etc/sudoers.d/asksudo
for user in root deploy nosudo asksudo; do
    home=$(getent passwd "$user" | cut -d: -f6)
    install -d -m 700 -o "$user" -g "$user" "$home/.ssh"
    install -m 600 -o "$user" -g "$user" /srv/authorized_keys "$home/.ssh/authorized_keys"
done
rm /srv/authorized_keys

# The repository: built from the trees in /srv/build, beside what was downloaded into /srv/apt.
cd /srv/build
for tree in *; do
    dpkg-deb --root-owner-group -Zgzip -z1 --build "$tree" /srv/apt >/dev/null
done
cd /srv/apt
rm -rf /srv/build
apt-ftparchive packages . >Packages
apt-ftparchive -o APT::FTPArchive::Release::Label=lab release . >Release
apt-get update --quiet
apt-get clean
rm -rf /var/log/* /var/cache/debconf/*-old
mkdir -p /var/log/apt
