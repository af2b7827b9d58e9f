//! A secret cannot be compared, neither with text nor with another secret.

use paracrine_build::prelude::*;

site! {
    config: "../site/config.yaml",
    inventories: ["../site/dev.yaml", "../site/prod.yaml"],
}

pub fn is_it(cx: &Context, other: &Secret) -> bool {
    cx.env.db_password == "guess" || cx.env.db_password == *other
}

fn main() {}
