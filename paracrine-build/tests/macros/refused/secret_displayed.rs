//! A secret has no `Display`: not in a format, not as a string.

use paracrine_build::prelude::*;

site! {
    config: "../site/config.yaml",
    inventories: ["../site/dev.yaml", "../site/prod.yaml"],
}

pub fn show(cx: &Context) -> String {
    println!("{}", cx.env.db_password);
    cx.env.db_password.to_string()
}

fn main() {}
