//! What the compiled plans have to hold, whoever changes roles, templates or values. `cargo test` needs no host for it.

#[test]
fn web_hosts_serve_the_application_under_the_name_of_their_environment() {
    for (environment, name) in [("dev", "app.dev.example.org"), ("prod", "app.example.org")] {
        let plan = paracrine::plan!(environment);
        for host in plan.hosts_with_role("web") {
            host.package("nginx");
            host.file("/etc/nginx/conf.d/app.conf")
                .has_line(&format!("server_name {name};"))
                .is_from("templates/app.nginx.j2")
                .mode(0o644);
            host.service("nginx").is_enabled().is_running().reloads_on("file /etc/nginx/conf.d/app.conf");
            host.absent("/etc/nginx/sites-enabled/default");
            host.has_no("package apache2");
        }
    }
}

#[test]
fn the_password_is_only_for_the_application() {
    let plan = paracrine::plan!("prod");
    let host = plan.host("web1");
    host.file("/etc/app/secrets.env")
        .has_line("DB_PASSWORD=‹secret DB_PASSWORD›")
        .owner("root")
        .group("app")
        .mode(0o640);
    host.service("app").is_enabled().is_running().restarts_on("file /etc/app/secrets.env");
    plan.host("db1").has_no("file /etc/app/secrets.env");
}

#[test]
fn admins_get_in_everywhere() {
    for environment in ["dev", "prod"] {
        for host in paracrine::plan!(environment).hosts() {
            host.user("ann").is_in("operators").shell("/bin/bash");
            host.user("bob").is_in("operators");
        }
    }
}

#[test]
fn backups_are_made_at_night() {
    let plan = paracrine::plan!("prod");
    let host = plan.host("db1");
    host.file("/etc/cron.d/backup")
        .has_line("15 3 * * * root /usr/local/sbin/backup")
        .comes_after("package cron");
    host.file("/usr/local/sbin/backup").mode(0o755);
    host.directory("/var/backups/app").mode(0o700);
}
