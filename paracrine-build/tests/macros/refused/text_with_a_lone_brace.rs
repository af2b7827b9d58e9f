//! Braces that are not doubled.

use paracrine_build::prelude::*;

fn main() {
    let _ = text!("{ \n");
    let _ = text!("} \n");
    let _ = text!("{a b}\n");
}
