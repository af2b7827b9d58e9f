//! What has no text cannot be placed.

use paracrine_build::prelude::*;

struct Opaque;

fn main() {
    let _ = text!("{}\n", Opaque);
    let _ = text!("{}\n", None::<u8>);
    let _ = text!("{}\n", [1, 2]);
}
