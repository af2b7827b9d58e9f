//! `#[derive(ForTemplate)]`, and the same for what `site!` generates.

use proc_macro2::TokenStream;
use quote::quote;
use syn::ext::IdentExt;
use syn::{Data, DeriveInput, Fields, Ident, parse_quote};

pub(crate) fn expand(input: TokenStream) -> TokenStream {
    match syn::parse2::<DeriveInput>(input).and_then(derive) {
        Ok(implementation) => implementation,
        Err(error) => error.to_compile_error(),
    }
}

/// For a struct that `site!` generates.
pub(crate) fn of_struct<'f>(ident: &Ident, fields: impl Iterator<Item = &'f Ident>) -> TokenStream {
    let record = record(fields.map(|field| (field, quote!(&self.#field))));
    quote! {
        #[automatically_derived]
        impl ::paracrine_build::__private::ForTemplate for #ident {
            fn for_template(&self) -> ::paracrine_build::__private::Given { #record }
        }
    }
}

fn derive(mut input: DeriveInput) -> syn::Result<TokenStream> {
    let ident = &input.ident;
    let given = match &input.data {
        Data::Struct(data) => {
            let pattern = pattern(&data.fields);
            let given = fields(&data.fields);
            quote!({ let Self #pattern = *self; #given })
        }
        Data::Enum(data) => {
            let arms = data.variants.iter().map(|variant| {
                let (ident, name) = (&variant.ident, variant.ident.unraw().to_string());
                let pattern = pattern(&variant.fields);
                let given = match &variant.fields {
                    Fields::Unit => quote!(::paracrine_build::__private::ForTemplate::for_template(#name)),
                    held => {
                        let held = fields(held);
                        quote!(::paracrine_build::__private::Given::variant(#name, #held))
                    }
                };
                quote!(Self::#ident #pattern => #given,)
            });
            quote!(match *self { #(#arms)* })
        }
        Data::Union(_) => {
            return Err(syn::Error::new(ident.span(), "nobody can tell which field of a union is there"));
        }
    };
    let given = match &input.data {
        Data::Enum(data) if data.variants.is_empty() => quote!(match *self {}),
        _ => given,
    };
    let bounds: Vec<syn::WherePredicate> = input
        .generics
        .type_params()
        .map(|parameter| {
            let ident = &parameter.ident;
            parse_quote!(#ident: ::paracrine_build::__private::ForTemplate)
        })
        .collect();
    if !bounds.is_empty() {
        input.generics.make_where_clause().predicates.extend(bounds);
    }
    let (generics, arguments, conditions) = input.generics.split_for_impl();
    Ok(quote! {
        #[automatically_derived]
        impl #generics ::paracrine_build::__private::ForTemplate for #ident #arguments #conditions {
            fn for_template(&self) -> ::paracrine_build::__private::Given { #given }
        }
    })
}

/// Binds every field by reference.
fn pattern(of: &Fields) -> TokenStream {
    let bound = bound(of);
    match of {
        Fields::Named(_) => {
            let names = of.iter().filter_map(|field| field.ident.as_ref());
            quote!({ #(#names: ref #bound),* })
        }
        Fields::Unnamed(_) => quote!(( #(ref #bound),* )),
        Fields::Unit => TokenStream::new(),
    }
}

/// The names that fields are bound to.
fn bound(of: &Fields) -> Vec<Ident> {
    (0..of.len()).map(|index| quote::format_ident!("field{}", index)).collect()
}

/// What fields that are bound are as a whole: as `serde` has it, so that one derive can take the place of the other.
fn fields(of: &Fields) -> TokenStream {
    let bound = bound(of);
    match of {
        Fields::Named(_) => {
            let names = of.iter().filter_map(|field| field.ident.as_ref());
            record(names.zip(bound.iter().map(|bound| quote!(#bound))))
        }
        Fields::Unnamed(_) if bound.len() == 1 => {
            quote!(::paracrine_build::__private::ForTemplate::for_template(#(#bound),*))
        }
        Fields::Unnamed(_) => quote! {
            ::paracrine_build::__private::Given::List(::std::vec![
                #(::paracrine_build::__private::ForTemplate::for_template(#bound)),*
            ])
        },
        Fields::Unit => quote!(::paracrine_build::__private::Given::Null),
    }
}

fn record<'f>(fields: impl Iterator<Item = (&'f Ident, TokenStream)>) -> TokenStream {
    let fields = fields.map(|(name, value)| {
        let name = name.unraw().to_string();
        quote!((#name, ::paracrine_build::__private::ForTemplate::for_template(#value)))
    });
    quote!(::paracrine_build::__private::Given::Record(::std::vec![#(#fields),*]))
}
