//! A place without a value.

use paracrine_build::prelude::*;

fn main() {
    let _ = text!("{} and {}\n", 1);
    let _ = text!("{1}", 1);
}
