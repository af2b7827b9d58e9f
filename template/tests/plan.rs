//! What the compiled plans have to hold. `cargo test` needs no host for it.

#[test]
fn web_hosts_show_the_page_of_their_environment() {
    for (environment, greeting) in [("dev", "Hello from dev"), ("prod", "Welcome")] {
        let plan = paracrine::plan!(environment);
        for host in plan.hosts_with_role("web") {
            host.package("nginx");
            host.file("/srv/www/index.html").contains(greeting);
            host.service("nginx")
                .is_enabled()
                .is_running()
                .reloads_on("file /etc/nginx/conf.d/site.conf");
        }
    }
}
