//! nginx in front of an application.

use super::*;

pub fn server(cx: &Context, plan: &Plan) {
    application(cx, plan);

    plan.package("nginx");
    plan.absent("/etc/nginx/sites-enabled/default");
    let conf = plan.file(
        "/etc/nginx/conf.d/app.conf",
        template("app.nginx.j2", context! { host => cx.env.app_host, workers => cx.env.workers }),
    );
    plan.directory("/srv/www");
    plan.file("/srv/www/style.css", local_file("style.css"));
    plan.file(
        "/srv/www/index.html",
        template(
            "index.html.j2",
            context! { greeting => cx.env.greeting, host => cx.host.name, weight => cx.host.vars.weight },
        ),
    );
    plan.service("nginx").enabled().running().reload_on(&conf);
}

fn application(cx: &Context, plan: &Plan) {
    plan.user("app").system().home("/srv/app").shell("/usr/sbin/nologin");
    plan.directory("/srv/app").owner("app").group("app").mode(0o750);
    plan.directory("/etc/app");
    let program = plan.file("/usr/local/bin/app", local_file("app.pl")).mode(0o755);
    let secrets = plan
        .file("/etc/app/secrets.env", text!("DB_PASSWORD={}\n", cx.env.db_password))
        .group("app")
        .mode(0o640);
    let unit = plan.unit("app.service", template("app.service.j2", context! { workers => cx.env.workers }));
    plan.command("head -c 32 /dev/urandom | base64 > /srv/app/session.key")
        .named("make the session key")
        .creates("/srv/app/session.key")
        .user("app");
    plan.service("app").enabled().running().restart_on(&program).restart_on(&secrets).restart_on(&unit);
}
