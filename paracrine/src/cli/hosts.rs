//! `hosts`: which there are, and how they are reached.

use paracrine_model::artifact::Host;
use serde_json::{Value, json};

use super::args::{Format, Hosts};
use super::problem::Problem;
use super::select;
use crate::report::{count, escaped_json, escaped_line};
use crate::site::Site;

/// `hosts`
pub(super) fn hosts(site: &Site, options: &Hosts) -> Result<String, Problem> {
    let picked =
        select::picked(site.index(), options.selection.environment.as_deref(), &options.selection.limit)?;
    if options.format == Format::Json {
        return Ok(picked.into_iter().map(|host| format!("{}\n", escaped_json(&json(host)))).collect());
    }
    let mut rows = Vec::new();
    for host in picked {
        let address = &host.address;
        let user = address.ssh_user.iter().map(|user| format!("{user}@"));
        let port = address.ssh_port.iter().map(|port| format!(":{port}"));
        let jump = address.jump.iter().map(|jump| format!(" via {jump}"));
        let roles = if host.roles.is_empty() { "-".to_owned() } else { host.roles.join(",") };
        rows.push([
            host.environment.clone(),
            address.name.clone(),
            user.chain([address.ssh_hostname.clone()]).chain(port).chain(jump).collect(),
            roles,
            address.arch.to_string(),
            count(usize::try_from(host.tasks).unwrap_or(usize::MAX), "task"),
        ]);
    }
    Ok(table(&rows))
}

/// For programs. [`crate::json_output`] says what is in it.
fn json(host: &Host) -> Value {
    let address = &host.address;
    json!({
        "environment": host.environment,
        "host": address.name,
        "ssh_hostname": address.ssh_hostname,
        "ssh_port": address.ssh_port,
        "ssh_user": address.ssh_user,
        "ssh_key": address.ssh_key,
        "jump": address.jump,
        "host_key": address.host_key,
        "sudo": address.sudo,
        "arch": address.arch.name(),
        "roles": host.roles,
        "inventory": address.inventory,
        "tasks": host.tasks,
    })
}

/// Rows with aligned columns.
fn table<const N: usize>(rows: &[[String; N]]) -> String {
    let mut widths = [0; N];
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let line = |row: &[String; N]| {
        let cells: Vec<_> = row.iter().zip(widths).map(|(cell, width)| format!("{cell:width$}")).collect();
        format!("{}\n", escaped_line(cells.join("  ").trim_end()))
    };
    rows.iter().map(line).collect()
}
