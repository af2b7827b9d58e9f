//! Paracrine's macros: [`site!`] makes types from a site's files, [`text!`] makes text with places for late values,
//! `#[derive(ForTemplate)]` lets templates be given structs and enums.
//!
//! Sites get them from `paracrine_build::prelude`.

mod for_template;
mod site;
mod text;

use proc_macro::{Span, TokenStream};

/// Reads config and inventories, and generates the types that roles use: `Env`, `Vars`, `Host`, `Role`, `Environment` and
/// `Context`.
///
/// ```ignore
/// site! {
///     config: "config.yaml",
///     inventories: ["inventory/dev.yaml", "inventory/prod.yaml"],
/// }
/// ```
///
/// Paths are relative to the file that calls it. All problems in the files are errors of this macro, drawn together.
///
/// | type | fields |
/// | --- | --- |
/// | `Context` | `env: Arc<Env>`, `host: Arc<Host>`, `hosts: Arc<[Arc<Host>]>` (all of the environment); `hosts_with(Role)` |
/// | `Env` | one for each key of the environments, in snake case: `APP_HOST` is `app_host` |
/// | `Host` | `name`, `ssh_hostname`, `environment`, `roles`, `os`, `arch`, `wireguard_ip` (an `Option`), `vars` |
/// | `Vars` | one for each key of `vars`; an `Option` where not every server has it |
/// | `Environment`, `Role` | a variant for each that the files name: `db-replica` is `DbReplica`; `name()`, `ALL` |
///
/// Values are `bool`, `i64`, `f64`, `String`, `Secret` (with a tag), `Vec<…>`, `Option<…>` (`null` somewhere), structs named
/// after where they stand (`EnvSmtp`), and `BTreeMap<String, …>` for mappings whose keys are no names: domains, networks,
/// `net.ipv4.ip_forward`.
#[proc_macro]
pub fn site(input: TokenStream) -> TokenStream {
    let caller = Span::call_site().local_file();
    site::expand(input.into(), caller).into()
}

/// Text with places for values, also for those that are known only at run time (secrets): `text!("PASSWORD={}\n", secret)`.
///
/// Values are placed by `{}` in order, by `{0}`, by `{name}` (an argument `name = …`, or a variable); `{{` and `}}` are
/// braces. There are no format specifications: a late value has neither width nor precision.
#[proc_macro]
pub fn text(input: TokenStream) -> TokenStream {
    text::expand(input.into()).into()
}

/// Lets templates be given a struct or an enum, secrets in it among the rest: a struct is a mapping of its fields, a variant
/// without fields its name.
///
/// ```ignore
/// #[derive(ForTemplate)]
/// struct Database<'a> {
///     name: &'a str,
///     password: &'a Secret,
/// }
/// ```
#[proc_macro_derive(ForTemplate)]
pub fn for_template(input: TokenStream) -> TokenStream {
    for_template::expand(input.into()).into()
}
