//! Structs and enums for templates, with secrets in them.

use paracrine_build::prelude::*;

#[derive(ForTemplate)]
pub struct Login<'a, T>
where
    T: Clone,
{
    user: &'a str,
    password: Secret,
    r#type: Option<T>,
}

#[derive(ForTemplate)]
pub struct Nothing;

#[derive(ForTemplate)]
pub enum Never {}

#[derive(ForTemplate)]
pub enum Kind<const N: usize> {
    Plain,
    Of([u8; N], Text),
    Named { field0: u8, none: Nothing },
}

pub fn site(login: Login<'_, bool>, kinds: &[Kind<2>], plan: &Plan) {
    plan.file("/etc/x", template("x.j2", context! { login, kinds, never => None::<Never> }));
}

fn main() {}
