//! Text with a late value is no string.

use paracrine_build::prelude::*;

site! {
    config: "../site/config.yaml",
    inventories: ["../site/dev.yaml", "../site/prod.yaml"],
}

pub fn take(cx: &Context) -> String {
    let text = text!("PASSWORD={}", cx.env.db_password);
    let plain: &str = &text;
    plain.to_owned()
}

fn main() {}
