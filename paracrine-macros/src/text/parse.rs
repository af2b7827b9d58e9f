//! The arguments of `text!` as they are written.

use proc_macro2::{Span, TokenStream};
use quote::ToTokens;
use syn::ext::IdentExt;
use syn::parse::{Parse, ParseStream};
use syn::spanned::Spanned;
use syn::{Expr, Ident, LitStr, Token};

/// `"…", value, name = value`
pub(super) struct Input {
    pub(super) format: LitStr,
    pub(super) arguments: Vec<Argument>,
}

/// `value` or `name = value`
pub(super) struct Argument {
    pub(super) name: Option<Ident>,
    pub(super) value: Expr,
}

impl Argument {
    pub(super) fn is(&self, name: &str) -> bool {
        self.name.as_ref().is_some_and(|own| own.unraw() == name)
    }

    pub(super) fn value(&self) -> TokenStream {
        self.value.to_token_stream()
    }

    pub(super) fn span(&self) -> Span {
        self.name.as_ref().map_or_else(|| self.value.span(), Ident::span)
    }
}

impl Parse for Input {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        if input.is_empty() {
            return Err(syn::Error::new(
                input.span(),
                "`text!` wants a text: `text!(\"PASSWORD={}\\n\", cx.env.password)`",
            ));
        }
        let format: LitStr = match input.parse() {
            Ok(format) => format,
            Err(_) => {
                let why = "the first argument is the text, a string literal; place a value in it: `text!(\"{}\", value)`";
                return Err(syn::Error::new(input.span(), why));
            }
        };
        let mut arguments: Vec<Argument> = Vec::new();
        while !input.is_empty() {
            input.parse::<Token![,]>()?;
            if input.is_empty() {
                break;
            }
            let name = if input.peek(Ident::peek_any) && input.peek2(Token![=]) && !input.peek2(Token![==]) {
                let name = input.call(Ident::parse_any)?;
                input.parse::<Token![=]>()?;
                Some(name)
            } else {
                None
            };
            let argument = Argument { name, value: input.parse()? };
            match &argument.name {
                Some(name) if arguments.iter().any(|other| other.name.as_ref() == Some(name)) => {
                    return Err(syn::Error::new(
                        name.span(),
                        format!("argument `{name}` stands twice; remove one"),
                    ));
                }
                None if arguments.last().is_some_and(|last| last.name.is_some()) => {
                    let why = "arguments without a name stand before those with one";
                    return Err(syn::Error::new(argument.value.span(), why));
                }
                _ => arguments.push(argument),
            }
        }
        Ok(Self { format, arguments })
    }
}
