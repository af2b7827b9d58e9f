//! A web server with one page.

use super::*;

pub fn server(cx: &Context, plan: &Plan) {
    plan.package("nginx");
    plan.directory("/srv/www");
    plan.file(
        "/srv/www/index.html",
        template("index.html.j2", context! { greeting => cx.env.greeting, contact => cx.env.contact }),
    );
    plan.absent("/etc/nginx/sites-enabled/default");
    let conf = plan.file("/etc/nginx/conf.d/site.conf", local_file("site.conf"));
    plan.service("nginx").enabled().running().reload_on(&conf);
}
