//! A value without a place.

use paracrine_build::prelude::*;

fn main() {
    let _ = text!("{}\n", 1, 2);
    let _ = text!("{}\n", 1, name = 2);
}
