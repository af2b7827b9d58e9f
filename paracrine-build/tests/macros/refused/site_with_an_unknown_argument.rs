//! Arguments have names.

use paracrine_build::prelude::*;

site! {
    config: "../site/config.yaml",
    inventory: ["../site/dev.yaml"],
}

fn main() {}
