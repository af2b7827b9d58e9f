//! A secret has no `Debug`, nor has what holds one: what is shown to find a mistake might end in a file.

use paracrine_build::prelude::*;

site! {
    config: "../site/config.yaml",
    inventories: ["../site/dev.yaml", "../site/prod.yaml"],
}

pub fn show(cx: &Context) -> String {
    format!("{:?} {:?}", cx.env.db_password, cx)
}

fn main() {}
