//! The application.

use super::*;

pub fn server(cx: &Context, plan: &Plan) {
    let packages = plan.packages(["ca-certificates", "curl"]);
    plan.package("openssl").at_least("3.0.2-0ubuntu1");
    plan.package("telnet").absent();
    plan.directory("/srv/app").owner("app").group("app").mode(0o750);
    plan.directory("/etc/app").group("app");
    let program = plan.file("/usr/local/bin/app", local_file("app.sh")).owner("app").group("app").mode(0o755);
    let secrets = plan
        .file(
            "/etc/app/secrets.env",
            text!("PASSWORD={}\nTOKEN={token}\n", cx.env.db_password, token = cx.env.api_token),
        )
        .group("app")
        .mode(0o640);
    let conf = plan.file("/etc/app/app.conf", template("app.conf.j2", values(cx))).owner("app").mode(0o600);
    plan.file("/etc/app/hint", text!("the password is {}\n", cx.env.db_password))
        .mode(0o644)
        .expose("this is a test");
    let unit = plan.unit(
        "app.service",
        template("app.service.j2", context! { workers => cx.env.workers, limits => cx.env.limits }),
    );
    plan.unit("secret.service", text!("[Service]\nExecStart=/bin/echo {}\n", cx.env.api_token))
        .expose("this is a test");
    plan.absent("/etc/app/old.conf");
    plan.link("/usr/local/bin/application", "app");
    let key = plan
        .command("head -c 32 /dev/urandom | base64 > session.key")
        .named("make the session key")
        .creates("/srv/app/session.key")
        .user("app")
        .directory("/srv/app")
        .timeout(30)
        .changes(["/srv/app/session.key", "/var/cache/app"]);
    plan.command("apt-get check").unless("test -e /run/checked");
    plan.command("systemctl daemon-reexec").only_if("test -e /run/reexec");
    plan.command("update-ca-certificates").run_on(&packages[0]).changes(["/etc/ssl"]);
    plan.command("wall deployed").run_on(&packages[0]).changes_nothing();
    plan.command(text!("/usr/local/bin/app --token {}", cx.env.api_token))
        .run_on(&key)
        .expose("this is a test");
    plan.service("app")
        .enabled()
        .running()
        .settled_for(5)
        .restart_on(&program)
        .restart_on(&secrets)
        .restart_on(&unit)
        .reload_on(&conf);
    plan.service("old-app").disabled().stopped();
    plan.service("exim4.service").masked();
    plan.service("secret").disabled();
}

fn values(cx: &Context) -> paracrine_build::template::Values {
    let Env { admins, workers, upstreams, proxy, debug, limits, smtp, .. } = &*cx.env;
    assert!(smtp.port > 0 && !smtp.host.is_empty());
    context! {
        host => cx.env.app_host,
        environment => cx.host.environment,
        admins,
        workers,
        upstreams,
        proxy,
        debug,
        limits,
        password => cx.env.db_password,
    }
}
