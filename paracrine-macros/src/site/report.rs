//! What is wrong with the files, as one error of rustc, and nothing that would cause a second.

use paracrine_model::diagnostic::draw::{Style, draw_all};
use paracrine_model::diagnostic::{Diagnostic, Diagnostics, Severity, format};
use paracrine_model::source::Sources;
use proc_macro2::{Span, TokenStream};
use quote::{quote, quote_spanned};

use super::files::Folders;
use super::parse::Input;

/// One error with all problems drawn. Warnings are left to the build script of the next build, which shows them anyway.
pub(super) fn emit(
    input: &Input,
    folders: &Folders,
    diagnostics: Diagnostics,
    sources: &mut Sources<'_>,
) -> TokenStream {
    let mut errors = Diagnostics::new();
    errors.extend(diagnostics.into_iter().filter(|diagnostic| diagnostic.severity == Severity::Error));
    for_programs(&errors);
    let title = match errors.iter().count() {
        1 => "an error in the files of this site".to_owned(),
        count => format!("{count} errors in the files of this site"),
    };
    let span = blamed(input, folders, &errors);
    let drawn = draw_all(errors, sources, Style::Plain);
    let message = format!("{title}\n\n{drawn}\n");
    skeleton(quote_spanned!(span=> ::core::compile_error!(#message)), span)
}

/// The argument that names the first file with an error.
fn blamed(input: &Input, folders: &Folders, errors: &Diagnostics) -> Span {
    let files: Vec<&str> =
        errors.iter().filter_map(|error| error.primary.as_ref()).map(|note| &*note.place.file).collect();
    let unreadable =
        |path: &str| errors.iter().any(|error| error.primary.is_none() && error.message.contains(path));
    std::iter::once(&input.config)
        .chain(&input.inventories)
        .find(|path| {
            let path = folders.of_package(&path.value());
            files.contains(&path.as_str()) || unreadable(&path)
        })
        .map_or_else(|| input.config.span(), syn::LitStr::span)
}

/// The build script prints diagnostics for editors and continuous integration, but with errors it is never built.
fn for_programs(errors: &Diagnostics) {
    // With a space before it cargo passes JSON on as it is; a line that begins with `{` it takes for rustc's own.
    let draw = match std::env::var("PARACRINE_DIAGNOSTICS").as_deref() {
        Ok("json") => |error: &Diagnostic| format!(" {}", format::json(error)),
        Ok("github") => format::github,
        _ => return,
    };
    for error in errors.iter() {
        eprintln!("{}", draw(error));
    }
}

/// Types that agree with everything: their parameter is the error itself, and rustc is silent about types that hold an
/// error. Missing types, or types that lack a field, would be an error at each use.
pub(super) fn skeleton(error: TokenStream, span: Span) -> TokenStream {
    let names =
        ["Context", "Env", "Environment", "Host", "Role", "Vars"].map(|name| syn::Ident::new(name, span));
    let aliases = names.iter().map(|name| quote!(pub type #name = broken::#name<{ broken::FILES }>;));
    quote! {
        #[allow(dead_code, unreachable_pub, missing_docs)]
        mod broken {
            pub const FILES: usize = #error;
            pub struct Env<const N: usize>;
            pub struct Environment<const N: usize>;
            pub struct Role<const N: usize>;
            pub struct Vars<const N: usize>;
            pub struct Host<const N: usize> {
                pub name: ::std::string::String,
                pub ssh_hostname: ::std::string::String,
                pub environment: Environment<N>,
                pub roles: ::std::vec::Vec<Role<N>>,
                pub wireguard_ip: ::core::option::Option<::std::net::IpAddr>,
                pub vars: Vars<N>,
            }
            pub struct Context<const N: usize> {
                pub env: ::std::sync::Arc<Env<N>>,
                pub environment: Environment<N>,
                pub host: ::std::sync::Arc<Host<N>>,
                pub hosts: ::std::sync::Arc<[::std::sync::Arc<Host<N>>]>,
            }
        }
        #(#[allow(dead_code, unreachable_pub, missing_docs)] #aliases)*
    }
}
