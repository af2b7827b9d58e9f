//! Shapes of values as Rust types: structs, and how they are read.

use std::collections::HashSet;

use paracrine_model::shape::{FieldShape, Fields, Shape, pascal_case};
use proc_macro2::{Ident, Span, TokenStream};
use quote::quote;

use crate::for_template;

/// The structs of one tree of values, the outermost first.
pub(super) struct Structs<'n> {
    names: &'n mut HashSet<String>,
    tokens: TokenStream,
}

impl<'n> Structs<'n> {
    /// `names`: those that are taken.
    pub(super) fn new(names: &'n mut HashSet<String>) -> Self {
        Self { names, tokens: TokenStream::new() }
    }

    pub(super) fn into_tokens(self) -> TokenStream {
        self.tokens
    }

    /// A struct with these fields; `name` is taken already.
    pub(super) fn add(&mut self, name: &str, doc: &str, fields: &Fields) {
        let ident = Ident::new(name, Span::call_site());
        let mut inner = Vec::new();
        let (mut members, mut readers) = (Vec::new(), Vec::new());
        for field in &fields.0 {
            let member = Ident::new(&field.name, Span::call_site());
            let kind = self.kind(&field.shape, name, &field.key, &mut inner);
            let doc = origin(field);
            let key = &field.key;
            members.push(quote!(#[doc = #doc] pub #member: #kind,));
            readers.push(quote!(#member: entries.field(#key)?,));
        }
        // Without a field nothing would be read.
        let entries = if fields.0.is_empty() { quote!(_entries) } else { quote!(entries) };
        let derived = derived(fields.hold_secret());
        let names: Vec<Ident> =
            fields.0.iter().map(|field| Ident::new(&field.name, Span::call_site())).collect();
        self.tokens.extend(for_template::of_struct(&ident, names.iter()));
        self.tokens.extend(quote! {
            #[doc = #doc]
            #derived
            #[allow(dead_code, unreachable_pub)]
            pub struct #ident { #(#members)* }

            #[automatically_derived]
            impl ::paracrine_build::__private::FromValue for #ident {
                fn from_value(
                    node: &::paracrine_build::__private::Node,
                    path: &::paracrine_build::__private::Path<'_>,
                ) -> ::core::result::Result<Self, ::paracrine_build::__private::Mismatch> {
                    let #entries = ::paracrine_build::__private::Entries::of(node, path)?;
                    ::core::result::Result::Ok(Self { #(#readers)* })
                }
            }
        });
        for (name, doc, fields) in inner {
            self.add(&name, &doc, &fields);
        }
    }

    /// The type of a shape; structs in it are named after where they stand and left in `inner`.
    fn kind(
        &mut self,
        shape: &Shape,
        parent: &str,
        key: &str,
        inner: &mut Vec<(String, String, Fields)>,
    ) -> TokenStream {
        match shape {
            // Nothing tells what it would be; text has the most uses.
            Shape::Unknown | Shape::Text => quote!(::std::string::String),
            Shape::Bool => quote!(bool),
            Shape::Int => quote!(i64),
            Shape::Float => quote!(f64),
            Shape::Secret => quote!(::paracrine_build::__private::Secret),
            Shape::List(item) => {
                let item = self.kind(item, parent, key, inner);
                quote!(::std::vec::Vec<#item>)
            }
            Shape::Map(item) => {
                let item = self.kind(item, parent, key, inner);
                quote!(::std::collections::BTreeMap<::std::string::String, #item>)
            }
            Shape::Optional(some) => {
                let some = self.kind(some, parent, key, inner);
                quote!(::core::option::Option<#some>)
            }
            Shape::Struct(fields) => {
                let name = self.name(&format!("{parent}{}", pascal_case(key)));
                let ident = Ident::new(&name, Span::call_site());
                inner.push((name, format!("`{key}` of [`{parent}`]."), fields.clone()));
                quote!(#ident)
            }
        }
    }

    /// A name that nothing has yet.
    fn name(&mut self, wanted: &str) -> String {
        let mut name = wanted.to_owned();
        let mut number = 2;
        while !self.names.insert(name.clone()) {
            name = format!("{wanted}{number}");
            number += 1;
        }
        name
    }
}

/// What a struct can do. Secrets have no value that could be serialised, and none that could be shown, so a struct with some has
/// neither.
pub(super) fn derived(holds_secret: bool) -> TokenStream {
    if holds_secret {
        return quote!(#[derive(Clone)]);
    }
    quote! {
        #[derive(Clone, Debug, ::paracrine_build::__private::serde::Serialize)]
        #[serde(crate = "::paracrine_build::__private::serde")]
    }
}

/// `` `APP_HOST`: dev config.yaml:4:5, prod config.yaml:8:5 ``
fn origin(field: &FieldShape) -> String {
    let places: Vec<String> = field.places.iter().map(|(owner, place)| format!("{owner} {place}")).collect();
    format!("`{}`: {}", field.key, places.join(", "))
}
