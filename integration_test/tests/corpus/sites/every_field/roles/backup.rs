//! Backups: a timer and a table of cron.

use super::*;

pub fn jobs(cx: &Context, plan: &Plan) {
    let hour = cx.env.backup_hour;
    plan.directory("/var/backups/app").mode(0o700);
    plan.file("/etc/cron.d/backup", template("backup.cron.j2", context! { hour }));
    plan.unit("backup.service", "[Service]\nType=oneshot\nExecStart=/usr/local/sbin/backup\n");
    let timer = plan.unit("backup.timer", template("backup.timer.j2", context! { hour }));
    plan.service("backup.timer").enabled().running().restart_on(&timer);
    if cx.host.vars.weight.is_some_and(|weight| weight > 5) {
        plan.link("/var/backups/latest", "app/latest.tar.gz");
    }
}
