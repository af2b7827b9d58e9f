//! Values of all kinds in their places.

use paracrine_build::prelude::*;

fn main() {
    let (name, port) = ("web1", 80);
    let inner = text!("{name}:{port}");
    let ip: std::net::IpAddr = [10, 0, 0, 1].into();
    let text = text!("{{{}}} {0} {inner} {x}\n", ip, x = port + 1);
    assert_eq!(text.literal(), Some("{10.0.0.1} 10.0.0.1 web1:80 81\n"));
}
