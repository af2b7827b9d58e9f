//! The host that keeps the data: here a nightly backup, as a plain cron file.

use super::*;

pub fn server(cx: &Context, plan: &Plan) {
    plan.package("cron");
    plan.directory("/var/backups/app").mode(0o700);
    plan.file("/usr/local/sbin/backup", local_file("backup.sh")).mode(0o755);
    plan.file("/etc/cron.d/backup", template("backup.cron.j2", context! { hour => cx.env.backup_hour }));
    plan.link("/var/backups/latest", "app/latest.tar.gz");
    plan.service("cron").enabled().running();
}
