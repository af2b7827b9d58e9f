//! The contents that a host lacks, packed for the way.

use std::collections::BTreeSet;
use std::io::Write;

use flate2::Compression;
use flate2::write::DeflateEncoder;
use paracrine_model::artifact::Artifact;
use paracrine_model::content::Content;
use paracrine_model::hash::Hash;
use paracrine_model::plan::HostPlan;
use paracrine_model::protocol::{Contents, Failure};

/// The bytes behind `lacking`. A host gets the contents of its own plan and no others, whatever it asks for.
pub(super) fn find(
    artifact: &Artifact<'static>,
    plan: &HostPlan,
    lacking: &[Hash],
) -> Result<Vec<(Hash, &'static [u8])>, Failure> {
    let own: BTreeSet<Hash> = plan
        .tasks
        .iter()
        .filter_map(|task| match task.resource.content() {
            Some(Content::Blob { hash, .. }) => Some(*hash),
            _ => None,
        })
        .collect();
    let wanted: BTreeSet<Hash> = lacking.iter().copied().collect();
    wanted
        .into_iter()
        .map(|hash| match artifact.blob(&hash) {
            Some(bytes) if own.contains(&hash) => Ok((hash, bytes)),
            _ => Err(Failure::new(format!(
                "the host asks for a content that its plan does not hold: {}",
                hash.short()
            ))),
        })
        .collect()
}

/// Packs them; takes a while where they are large.
pub(super) fn pack(blobs: &[(Hash, &[u8])]) -> Result<Contents, Failure> {
    let failed = |error: std::io::Error| Failure::new(format!("contents cannot be compressed: {error}"));
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
    for (_, bytes) in blobs {
        encoder.write_all(bytes).map_err(failed)?;
    }
    let index = blobs.iter().map(|(hash, bytes)| (*hash, bytes.len() as u64)).collect();
    Ok(Contents { index, deflated: encoder.finish().map_err(failed)? })
}
