//! Late text of which a resource does not say who can read it.

use paracrine_build::model::facet::{Acts, Claim, Describe, Facets, Reach, Undo};
use paracrine_build::model::take_apart;
use paracrine_build::prelude::Text;

pub struct Login {
    pub user: String,
    pub password: Text,
}

impl Describe for Login {
    const KIND: &'static str = "login";
    fn name(&self) -> &str {
        &self.user
    }
    fn facets(&self) -> Facets<'_> {
        take_apart!(let Login { user, password } = self; late);
        Facets {
            late,
            claims: vec![Claim::User(user)],
            needs: vec![],
            provides: vec![],
            acts: Acts::WhenDifferent,
            removes: false,
            reach: Reach::Itself,
            undo: Undo::Not("it is a test"),
            attributes: vec![],
        }
    }
}

fn main() {}
