//! A site that commands are tried on.

mod deploy;
mod plan_diff;
mod schema;
mod select;
mod shown;
mod words;

use super::args::Selection;
use crate::site::Site;
use crate::testing::{TestSite, secret};
use paracrine_model::plan::ValueUse;
use paracrine_model::text::{Place, Text};

fn site() -> Site {
    let embedded = TestSite::new()
        .host("dev", "box", &[], |plan| {
            plan.package("curl");
        })
        .host("prod", "web1", &["web", "edge"], |plan| {
            plan.package("nginx");
            let conf = plan.file("/etc/nginx/app.conf", "server {}\n").mode(0o600);
            plan.service("nginx").enabled().running().reload_on(&conf);
        })
        .made_from(vec![
            vec![],
            vec![ValueUse {
                written: Some("cx.env.app_host".into()),
                key: "APP_HOST".into(),
                shown: "app.example.org".into(),
                around: false,
                file: "config.yaml".into(),
                line: 12,
                column: 5,
            }],
            vec![],
        ])
        .host("prod", "web2", &["web"], |plan| {
            let mut text = Text::from("PASSWORD=");
            secret("DB_PASSWORD").place(&mut text);
            text.push_str("\n");
            plan.file("/etc/app.env", text);
        })
        .made_from(vec![vec![
            ValueUse {
                written: Some("cx.env.admins".into()),
                key: "ADMINS".into(),
                shown: "[ann, bob]".into(),
                around: true,
                file: "config.yaml".into(),
                line: 3,
                column: 3,
            },
            ValueUse {
                written: None,
                key: "DB_PASSWORD".into(),
                shown: "‹secret DB_PASSWORD›".into(),
                around: false,
                file: "config.yaml".into(),
                line: 14,
                column: 5,
            },
        ]])
        .host("prod", "db1", &["db"], |_| {})
        .embedded();
    Site::open(embedded, None).unwrap()
}

fn selection(environment: Option<&str>, limit: &[&str]) -> Selection {
    Selection {
        environment: environment.map(Into::into),
        limit: limit.iter().map(ToString::to_string).collect(),
    }
}

/// Without the numbers of lines, which change with this file.
fn without_lines(text: &str) -> String {
    let mut without = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("paracrine/src/cli/tests") {
        let numbers = after.split_once(".rs:").map_or(after, |(_, numbers)| numbers);
        let end = numbers.find(|c: char| !c.is_ascii_digit() && c != ':').unwrap_or(numbers.len());
        without += before;
        without += "ROLES";
        rest = &numbers[end..];
    }
    without + rest
}
