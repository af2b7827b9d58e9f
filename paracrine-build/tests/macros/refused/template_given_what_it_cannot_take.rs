//! Templates take what is `ForTemplate`.

use paracrine_build::prelude::*;

#[derive(serde::Serialize)]
pub struct Peer {
    name: String,
}

pub fn site(peer: &Peer, plan: &Plan) {
    plan.file("/etc/peer", template("peer.j2", context! { peer, peers => vec![peer] }));
    plan.file("/etc/more", template("peer.j2", context! { peer => serialized(peer) }));
}

fn main() {}
