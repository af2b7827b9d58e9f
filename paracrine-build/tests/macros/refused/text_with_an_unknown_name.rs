//! A name that is not there.

use paracrine_build::prelude::*;

fn main() {
    let host = "web1";
    let _ = text!("{hsot}\n");
    let _ = text!("{host}\n");
}
