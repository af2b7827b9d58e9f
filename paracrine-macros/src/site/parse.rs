//! The arguments of `site!`, and what they may be.

use syn::parse::{Parse, ParseStream};
use syn::punctuated::Punctuated;
use syn::{Ident, LitStr, Token, bracketed};

/// `config: "…", inventories: ["…", …]`
pub(super) struct Input {
    pub(super) config: LitStr,
    pub(super) inventories: Vec<LitStr>,
}

const EXAMPLE: &str = "site! { config: \"config.yaml\", inventories: [\"inventory/dev.yaml\"] }";

impl Parse for Input {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let mut config: Option<LitStr> = None;
        let mut inventories: Option<Vec<LitStr>> = None;
        while !input.is_empty() {
            let key: Ident = input.parse()?;
            input.parse::<Token![:]>()?;
            match key.to_string().as_str() {
                "config" => once(&mut config, path(input)?, &key)?,
                "inventories" => once(&mut inventories, paths(input)?, &key)?,
                other => {
                    let help = match paracrine_model::diagnostic::nearest(other, ["config", "inventories"]) {
                        Some(near) => format!("did you mean `{near}`?"),
                        None => format!("write `{EXAMPLE}`"),
                    };
                    return Err(syn::Error::new(key.span(), format!("`site!` has no `{other}`; {help}")));
                }
            }
            if !input.is_empty() {
                input.parse::<Token![,]>()?;
            }
        }
        let missing =
            |what: &str| syn::Error::new(input.span(), format!("`site!` wants `{what}`: `{EXAMPLE}`"));
        let config = config.ok_or_else(|| missing("config"))?;
        let inventories = inventories.ok_or_else(|| missing("inventories"))?;
        Ok(Self { config, inventories })
    }
}

fn once<T>(slot: &mut Option<T>, value: T, key: &Ident) -> syn::Result<()> {
    match slot.replace(value) {
        None => Ok(()),
        Some(_) => Err(syn::Error::new(key.span(), format!("`{key}` stands twice; remove one"))),
    }
}

fn path(input: ParseStream<'_>) -> syn::Result<LitStr> {
    let path: LitStr = input.parse()?;
    if path.value().trim().is_empty() {
        return Err(syn::Error::new(path.span(), "the path of a file is empty"));
    }
    Ok(path)
}

fn paths(input: ParseStream<'_>) -> syn::Result<Vec<LitStr>> {
    let content;
    let bracket = bracketed!(content in input);
    let paths: Vec<LitStr> =
        Punctuated::<LitStr, Token![,]>::parse_terminated_with(&content, path)?.into_iter().collect();
    if paths.is_empty() {
        let why = "`site!` wants at least one inventory: `inventories: [\"inventory/dev.yaml\"]`";
        return Err(syn::Error::new(bracket.span.join(), why));
    }
    for (index, path) in paths.iter().enumerate() {
        if paths[..index].iter().any(|other| other.value() == path.value()) {
            let why = format!("inventory `{}` stands twice; remove one", path.value());
            return Err(syn::Error::new(path.span(), why));
        }
    }
    Ok(paths)
}
