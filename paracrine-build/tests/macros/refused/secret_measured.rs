//! A secret has no length and no content.

use paracrine_build::prelude::*;

site! {
    config: "../site/config.yaml",
    inventories: ["../site/dev.yaml", "../site/prod.yaml"],
}

pub fn measure(cx: &Context) -> usize {
    let bytes: &[u8] = cx.env.db_password.as_bytes();
    cx.env.db_password.len() + bytes.len()
}

fn main() {}
