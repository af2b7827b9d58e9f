//! `schema`: JSON Schemas of the site's YAML files, for editors.

use std::fs;
use std::io;
use std::path::Path;

use serde_json::{Map, Value};

use super::args::Schema;
use super::problem::Problem;
use crate::report::{STRONG, paint};
use crate::site::Site;

/// Where schemas are written, below the site.
const DIRECTORY: &str = "schema";

/// `schema`
pub(super) fn schema(site: &Site, options: &Schema) -> Result<String, Problem> {
    if options.stdout {
        return both(site);
    }
    let Some(directory) = &site.directory else {
        return Err(Problem::new("the files of this site are not here")
            .help("run it in the site, or with `--stdout`"));
    };
    let mut told = String::new();
    for (name, text) in site.artifact.schemas() {
        let path = format!("{DIRECTORY}/{name}.json");
        let written = write(&directory.join(&path), text)
            .map_err(|error| Problem::new(format!("cannot write `{path}`: {error}")))?;
        let how = if written { "written" } else { "as it was" };
        told += &format!("{}  {how}\n", paint(STRONG, path));
    }
    let inventory = site.index().hosts.first().map_or("inventory.yaml", |host| &host.address.inventory);
    let up = "../".repeat(inventory.matches('/').count());
    told += &format!(
        "
Editors with the YAML language server use them where a file begins with this line:
  the config   # yaml-language-server: $schema={DIRECTORY}/config.json
  inventories  # yaml-language-server: $schema={up}{DIRECTORY}/inventory.json
Its setting for the tags of secrets:
  \"yaml.customTags\": [\"!env\", \"!file\", \"!command\", \"!sops\", \"!age\"]
"
    );
    Ok(told)
}

/// Both as one object.
fn both(site: &Site) -> Result<String, Problem> {
    let mut all = Map::new();
    for (name, text) in site.artifact.schemas() {
        let schema: Value = serde_json::from_str(text).map_err(|error| {
            Problem::new(format!("the schema is garbled: {error}")).help("build the site again")
        })?;
        all.insert(name.to_owned(), schema);
    }
    Ok(format!("{:#}\n", Value::Object(all)))
}

/// Writes a file unless it is so already.
fn write(path: &Path, text: &str) -> io::Result<bool> {
    if fs::read(path).is_ok_and(|there| there == text.as_bytes()) {
        return Ok(false);
    }
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent)?;
    }
    fs::write(path, text)?;
    Ok(true)
}
