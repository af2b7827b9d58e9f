//! Late values have neither width nor precision.

use paracrine_build::prelude::*;

fn main() {
    let ratio = 0.5;
    let _ = text!("{ratio:.2}\n");
    let _ = text!("{:>8}\n", ratio);
    let _ = text!("{:?}\n", ratio);
}
