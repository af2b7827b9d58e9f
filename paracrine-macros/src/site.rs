//! `site!`: from a site's files to the types that its roles use.

mod emit;
mod files;
mod parse;
mod report;
#[cfg(test)]
mod tests;
mod types;

use std::path::{Path, PathBuf};

use paracrine_model::deployment;
use paracrine_model::source::Sources;
use proc_macro2::{Span, TokenStream};
use quote::{quote, quote_spanned};

use files::{Folders, PackageFiles};
use parse::Input;

/// `caller`: the file that calls the macro, if rustc knows it.
pub(crate) fn expand(input: TokenStream, caller: Option<PathBuf>) -> TokenStream {
    let package = std::env::var_os("CARGO_MANIFEST_DIR").map_or_else(|| PathBuf::from("."), PathBuf::from);
    match syn::parse2::<Input>(input) {
        Ok(input) => expand_in(&input, &Folders::new(package, caller.as_deref())),
        Err(error) => {
            let span = error.span();
            let message = error.to_string();
            report::skeleton(quote_spanned!(span=> ::core::compile_error!(#message)), Span::call_site())
        }
    }
}

fn expand_in(input: &Input, folders: &Folders) -> TokenStream {
    let config = folders.of_package(&input.config.value());
    let inventories: Vec<String> =
        input.inventories.iter().map(|path| folders.of_package(&path.value())).collect();
    let paths: Vec<&str> = inventories.iter().map(String::as_str).collect();
    let mut disk = PackageFiles::new(folders.package());
    let mut sources = Sources::new(&mut disk);
    let (deployment, diagnostics) = deployment::load(&mut sources, &config, &paths);
    let tracked = tracked(&sources, folders.package(), &config, &paths);
    let types = match deployment {
        Some(deployment) => emit::emit(&deployment, &config, &paths),
        None => report::emit(input, folders, diagnostics, &mut sources),
    };
    quote!(#tracked #types)
}

/// The files as unused bytes, so that cargo compiles again when one is edited.
fn tracked(sources: &Sources<'_>, package: &Path, config: &str, inventories: &[&str]) -> TokenStream {
    let read = sources.wanted().iter().filter(|wanted| wanted.found).map(|wanted| &*wanted.path);
    // Keys of hosts are looked at, never read.
    let named = read.filter(|path| *path == config || inventories.contains(path));
    let bytes = named.filter_map(|path| {
        let path = package.join(path);
        let path = path.to_str()?;
        Some(quote!(
            const _: &[u8] = ::core::include_bytes!(#path);
        ))
    });
    quote!(#(#bytes)*)
}
