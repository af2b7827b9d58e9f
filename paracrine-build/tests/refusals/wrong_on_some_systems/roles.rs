use paracrine_build::prelude::*;

use crate::Context;

/// Systemd 252 knows less than 257, and tzdata of Debian 12 knows more than that of 13.
pub fn site(cx: &Context, plan: &Plan) {
    plan.unit("app.service", "[Service]\nType=notify-reload\nPrivateTmp=disconnected\nExecStart=/bin/a\nRestartSteps=3\n");
    plan.unit("backup.timer", "[Timer]\nOnCalendar=daily US/Pacific\n");
    if cx.host == "new" {
        plan.unit("new.service", "[Service]\nExecStart=/bin/a\nSomething=1\nRestartMode=indirect\n");
    }
}
