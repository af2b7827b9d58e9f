//! All arguments are needed.

use paracrine_build::prelude::*;

site! {
    config: "../site/config.yaml",
}

fn main() {}
