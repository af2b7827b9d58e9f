use paracrine_build::prelude::*;

use crate::Context;

pub fn site(_: &Context, plan: &Plan) {
    plan.file("/etc/cron.d/jobs", local_file("jobs"));
    plan.file("/etc/cron.d/no.dots", "@daily root /usr/bin/true").mode(0o666);
    plan.file("/etc/cron.d/mine", "@daily root /usr/bin/true\r\n").owner("daemon");
    plan.file("/etc/cron.d/good", "# x\nMAILTO=ops@example.org\nPATH = /usr/bin\n\n*/5 0-6,22-23/1 1,15 jan-MAR * root  date +\\%F > /tmp/x\n@reboot\troot true\n");
}
