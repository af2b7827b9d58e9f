//! What `text!` builds. The test stands in for `paracrine_build`.

extern crate self as paracrine_build;

#[doc(hidden)]
pub mod __private {
    pub use paracrine_model::text::{Place, Text};
}

use std::cell::Cell;

use paracrine_macros::text;
use paracrine_model::secret::{Provider, Secret, SecretSource};
use paracrine_model::text::Text;

fn secret(name: &str) -> Secret {
    Secret::new(SecretSource { name: name.to_owned(), provider: Provider::Env(name.to_owned()) })
}

#[test]
fn values_are_placed_in_order_by_index_and_by_name() {
    let (port, host) = (80, "web1");
    assert_eq!(text!("").literal(), Some(""));
    assert_eq!(text!("plain {{}}\n").literal(), Some("plain {}\n"));
    assert_eq!(text!("{}:{}", host, port).literal(), Some("web1:80"));
    assert_eq!(text!("{1} {0} {1}", host, port,).literal(), Some("80 web1 80"));
    assert_eq!(text!("{host}:{port} {host}").literal(), Some("web1:80 web1"));
    assert_eq!(text!("{name} {} {0}", host, name = port + 1).literal(), Some("81 web1 web1"));
    assert_eq!(text!("{}{}", true, 'x').literal(), Some("truex"));
    assert_eq!(text!("{}", port + 1).literal(), Some("81"));
}

#[test]
fn secrets_stay_names() {
    let password = secret("DB_PASSWORD");
    let line = text!("user=app password={password}\n");
    assert_eq!(line.to_string(), "user=app password=‹secret DB_PASSWORD›\n");
    let both: Text = text!("{}{}", line, &secret("OTHER"));
    assert_eq!(
        both.sources().map(|source| source.name.as_str()).collect::<Vec<_>>(),
        ["DB_PASSWORD", "OTHER"]
    );
}

#[test]
fn every_argument_is_evaluated_once_and_in_order() {
    let count = Cell::new(0);
    let next = || {
        count.set(count.get() + 1);
        count.get()
    };
    assert_eq!(text!("{1}{0}{0}{b}{a}", next(), next(), a = next(), b = next()).literal(), Some("21143"));
    assert_eq!(count.get(), 4);
}

#[test]
fn names_of_the_callers_are_not_shadowed() {
    let (text, value0) = ("a", "b");
    assert_eq!(text!("{text}{}{value0}", "c").literal(), Some("acb"));
    fn temporary() -> String {
        "x".to_owned()
    }
    assert_eq!(text!("{}", temporary().as_str()).literal(), Some("x"));
}
