//! The text itself has to be written out.

use paracrine_build::prelude::*;

fn main() {
    let format = "{}";
    let _ = text!(format, 1);
    let _ = text!();
}
