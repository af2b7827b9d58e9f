//! `text!`: from a format string and arguments to a `Text`.

mod format;
mod parse;
#[cfg(test)]
mod tests;

use proc_macro2::{Ident, Span, TokenStream};
use quote::{format_ident, quote, quote_spanned};
use syn::spanned::Spanned;

use format::{Name, Piece};
use parse::{Argument, Input};

pub(crate) fn expand(input: TokenStream) -> TokenStream {
    match syn::parse2::<Input>(input).and_then(|input| resolve(&input)) {
        Ok(text) => emit(&text),
        Err(error) => {
            let error = error.to_compile_error();
            // A text all the same, so that the type of the whole is no second problem.
            quote!({ #error ::paracrine_build::__private::Text::default() })
        }
    }
}

/// A text with every place resolved.
struct Resolved {
    pieces: Vec<Part>,
    values: Vec<TokenStream>,
}

enum Part {
    Literal(String),
    /// By its index among the values.
    Value(usize),
}

fn resolve(input: &Input) -> syn::Result<Resolved> {
    let literal = &input.format;
    let text = literal.value();
    let pieces = format::parse(&text).map_err(|why| syn::Error::new(literal.span(), why))?;
    let mut values: Vec<TokenStream> = input.arguments.iter().map(Argument::value).collect();
    let mut used = vec![false; values.len()];
    let mut captured: Vec<(String, usize)> = Vec::new();
    let mut errors: Option<syn::Error> = None;
    let mut next = 0;
    let mut parts = Vec::new();
    for piece in pieces {
        let name = match piece {
            Piece::Literal(text) => {
                parts.push(Part::Literal(text));
                continue;
            }
            Piece::Place(name) => name,
        };
        let index = match name {
            Name::Next => {
                next += 1;
                positional(input, next - 1, literal.span())
            }
            Name::Index(index) => positional(input, index, literal.span()),
            Name::Named(name) => {
                Ok(input.arguments.iter().position(|argument| argument.is(&name)).unwrap_or_else(|| {
                    let known = captured.iter().find(|(known, _)| *known == name).map(|(_, index)| *index);
                    known.unwrap_or_else(|| {
                        let variable = Ident::new(&name, literal.span());
                        values.push(quote!(#variable));
                        captured.push((name, values.len() - 1));
                        values.len() - 1
                    })
                }))
            }
        };
        match index {
            Ok(index) => {
                if let Some(used) = used.get_mut(index) {
                    *used = true;
                }
                parts.push(Part::Value(index));
            }
            Err(error) => add(&mut errors, error),
        }
    }
    for (argument, _) in input.arguments.iter().zip(&used).filter(|(_, used)| !**used) {
        let what = argument.name.as_ref().map_or_else(String::new, |name| format!(" `{name}`"));
        let why = format!("argument{what} has no place in the text; add `{{}}`, or remove it");
        add(&mut errors, syn::Error::new(argument.span(), why));
    }
    match errors {
        Some(errors) => Err(errors),
        None => Ok(Resolved { pieces: parts, values }),
    }
}

fn add(errors: &mut Option<syn::Error>, error: syn::Error) {
    match errors {
        Some(errors) => errors.combine(error),
        None => *errors = Some(error),
    }
}

/// The argument that a place without a name means. As with `format!`, named ones count, but stand behind the others.
fn positional(input: &Input, index: usize, span: Span) -> syn::Result<usize> {
    if index < input.arguments.len() {
        return Ok(index);
    }
    let there = match input.arguments.len() {
        0 => "there are no arguments".to_owned(),
        1 => "there is one argument".to_owned(),
        count => format!("there are {count} arguments"),
    };
    Err(syn::Error::new(span, format!("place {} of the text has no argument; {there}", index + 1)))
}

fn emit(text: &Resolved) -> TokenStream {
    let built = Ident::new("text", Span::mixed_site());
    let names: Vec<Ident> = (0..text.values.len())
        .map(|index| format_ident!("value{}", index, span = Span::mixed_site()))
        .collect();
    let values = &text.values;
    let pieces = text.pieces.iter().map(|part| match part {
        Part::Literal(literal) => quote!(#built.push_str(#literal);),
        Part::Value(index) => {
            let name = &names[*index];
            let span = values[*index].span();
            // With the argument's span, so that "`X` cannot be placed" points there.
            let value = Ident::new(&name.to_string(), name.span());
            quote_spanned!(span=> ::paracrine_build::__private::Place::place(#value, &mut #built);)
        }
    });
    quote! {
        match (#(&(#values),)*) {
            (#(#names,)*) => {
                #[allow(unused_mut)]
                let mut #built = ::paracrine_build::__private::Text::default();
                #(#pieces)*
                #built
            }
        }
    }
}
