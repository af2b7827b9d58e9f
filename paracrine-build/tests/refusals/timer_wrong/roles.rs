use paracrine_build::prelude::*;

use crate::Context;

pub fn site(cx: &Context, plan: &Plan) {
    plan.unit("backup.timer", local_file("backup.timer"));
    plan.unit("daily.timer", "[Timer]\nOnCalendar=dayly\nOnBootSec=15m\n");
    plan.file("/etc/systemd/system/apt-daily.timer.d/time.conf", "[Timer]\nOnCalendar=\nOnCalendar=0 4 * * *\n");
    plan.file("/etc/systemd/system/late.timer", text!("[Timer]\nOnCalendar=*:{}\nOnBootSec={0}\n", cx.password));
    plan.unit("good.timer", "[Timer]\nOnCalendar=Sat *-*-1..7 18:00\nOnUnitInactiveSec=1h 30min\nRandomizedDelaySec=.5h\n");
}
