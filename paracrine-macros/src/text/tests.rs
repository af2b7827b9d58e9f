use quote::quote;

use super::*;

/// The messages of the errors.
fn refused(input: TokenStream) -> Vec<String> {
    let input = syn::parse2::<Input>(input);
    match input.and_then(|input| resolve(&input)) {
        Ok(_) => Vec::new(),
        Err(errors) => errors.into_iter().map(|error| error.to_string()).collect(),
    }
}

#[test]
fn places_and_arguments_have_to_fit() {
    for (input, messages) in [
        (quote!("{} {}", a), &["place 2 of the text has no argument; there is one argument"][..]),
        (
            quote!("{} {3}"),
            &[
                "place 1 of the text has no argument; there are no arguments",
                "place 4 of the text has no argument; there are no arguments",
            ],
        ),
        (quote!("{0} {}{}{}", a, b), &["place 3 of the text has no argument; there are 2 arguments"]),
        (quote!("x", a), &["argument has no place in the text; add `{}`, or remove it"]),
        (quote!("{}", a, name = b), &["argument `name` has no place in the text; add `{}`, or remove it"]),
        (quote!("{a}", a = 1, a = 2), &["argument `a` stands twice; remove one"]),
        (quote!("{a}{}", a = 1, b), &["arguments without a name stand before those with one"]),
        (quote!(), &["`text!` wants a text: `text!(\"PASSWORD={}\\n\", cx.env.password)`"]),
        (
            quote!(cx.env.x),
            &[
                "the first argument is the text, a string literal; place a value in it: `text!(\"{}\", value)`",
            ],
        ),
        (quote!("{", a), &["`{` is not closed; write `{{` for a brace"]),
        (quote!("{}" a), &["expected `,`"]),
    ] {
        assert_eq!(refused(input.clone()), messages, "{input}");
    }
    for good in
        [quote!("{}", a), quote!("{a}{a}"), quote!("{b}{0}", a, b = c), quote!("{} ", a == b,), quote!("")]
    {
        assert_eq!(refused(good.clone()), [""; 0], "{good}");
    }
}

#[test]
fn a_refused_text_is_still_a_text() {
    let expanded = expand(quote!("{}")).to_string();
    assert!(expanded.contains("compile_error") && expanded.contains("Text :: default ()"), "{expanded}");
}
