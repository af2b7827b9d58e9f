//! What the site's binary embeds: `plan.bin`, the agents, and `site.rs` that names them.

use std::path::{Path, PathBuf};

use paracrine_model::artifact::Writer;
use paracrine_model::diagnostic::{Code, Diagnostic};
use paracrine_model::host::Arch;
use paracrine_model::source;

use crate::agents::Agent;
use crate::fingerprint::Fingerprint;
use crate::site_plan::SitePlan;
use crate::value_uses::ValueUses;
use crate::{large, schema};

/// Writes all outputs of a site; those that are as they should be are not touched, so that nothing is rebuilt for them.
/// Returns the object file that the linker has to be given, if there is one.
pub(crate) fn write(
    out: &Path,
    root: &Path,
    site: &SitePlan,
    fingerprint: &Fingerprint,
    agents: &[Agent],
) -> Result<Option<PathBuf>, Box<Diagnostic>> {
    let object = large::write(out, &site.blobs().large()).map_err(|error| unwritten(&error.to_string()))?;
    let plan = plan(root, site, fingerprint, agents)?;
    put(&out.join("plan.bin"), &plan)?;
    for agent in agents {
        put(&out.join(file_name(agent.arch)), &agent.compressed)?;
    }
    let arches: Vec<Arch> = agents.iter().map(|agent| agent.arch).collect();
    put(&out.join("site.rs"), code(root, &arches).as_bytes())?;
    Ok(object)
}

/// Writes outputs that compile, where errors keep real ones from being made and none were made before.
pub(crate) fn placeholder(out: &Path, root: &Path) -> Result<(), Box<Diagnostic>> {
    if !out.join("plan.bin").exists() {
        let name = std::env::var("CARGO_PKG_NAME").unwrap_or_default();
        let empty =
            Writer::new(name, None, Vec::new()).finish().map_err(|why| unwritten(&why.to_string()))?;
        put(&out.join("plan.bin"), &empty)?;
        put(&out.join("site.rs"), code(root, &[]).as_bytes())?;
    }
    Ok(())
}

/// The bytes of `plan.bin`.
pub(crate) fn plan(
    root: &Path,
    site: &SitePlan,
    fingerprint: &Fingerprint,
    agents: &[Agent],
) -> Result<Vec<u8>, Box<Diagnostic>> {
    let deployment = site.deployment();
    let name = std::env::var("CARGO_PKG_NAME").unwrap_or_default();
    let environments =
        deployment.environments.iter().map(|environment| environment.name.to_string()).collect();
    let mut writer = Writer::new(name, fingerprint.commit.clone(), environments);
    let wrong = |why: paracrine_model::artifact::Broken| unwritten(&why.to_string());
    let mut values = ValueUses::new(root, deployment);
    for host in site.hosts() {
        let address = deployment.hosts[host.index()].address.clone();
        let roles = host.roles().map(str::to_owned).collect();
        writer.host(host.environment().to_owned(), address, roles, host.plan()).map_err(wrong)?;
        let values = values.of(host, &mut writer);
        writer.values_of_host(&values).map_err(wrong)?;
    }
    for (name, text) in schema::all(root, deployment) {
        writer.schema(name, &text);
    }
    for (hash, bytes) in site.blobs().all() {
        writer.blob(hash, &bytes);
    }
    let large = site.blobs().large();
    writer.large(&large);
    for file in &large {
        if let Ok(path) = file.path.strip_prefix(root) {
            writer.stamp(path.to_string_lossy().into_owned(), file.stamp);
        }
    }
    for (path, hash) in &fingerprint.inputs {
        writer.input(path.clone(), *hash);
    }
    for agent in agents {
        writer.agent(agent.arch, agent.hash);
    }
    writer.finish().map_err(wrong)
}

fn file_name(arch: Arch) -> String {
    format!("agent-{arch}.gz")
}

fn code(root: &Path, arches: &[Arch]) -> String {
    let embedded = |name: &str| {
        format!("::core::include_bytes!(::core::concat!(::core::env!(\"OUT_DIR\"), \"/{name}\"))")
    };
    let agents: Vec<String> =
        arches.iter().map(|arch| format!("({:?}, {})", arch.name(), embedded(&file_name(*arch)))).collect();
    format!(
        "/// The compiled site. Written by paracrine-build.\n\
         static SITE: ::paracrine::Embedded = ::paracrine::Embedded {{\n    \
             plan: {},\n    \
             agents: &[{}],\n    \
             directory: {:?},\n\
         }};\n",
        embedded("plan.bin"),
        agents.join(", "),
        root.to_string_lossy(),
    )
}

/// Writes a file unless it is so already.
fn put(path: &Path, bytes: &[u8]) -> Result<(), Box<Diagnostic>> {
    if std::fs::read(path).is_ok_and(|there| there == bytes) {
        return Ok(());
    }
    std::fs::write(path, bytes)
        .map_err(|error| unwritten(&format!("`{}`: {}", path.display(), source::why(&error))))
}

fn unwritten(why: &str) -> Box<Diagnostic> {
    Box::new(Diagnostic::error(Code::OUTPUT, format!("cannot write {why}")))
}
