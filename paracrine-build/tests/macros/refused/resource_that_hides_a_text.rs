//! Late text in a resource leaves it only together with who can read it: not as a string, not passed over, and not
//! because the resource was not taken apart.

use paracrine_build::model::facet::{Acts, Claim, Describe, Facets, Reach, Undo};
use paracrine_build::model::take_apart;
use paracrine_build::prelude::Text;

macro_rules! resource {
    ($name:ident) => {
        pub struct $name {
            pub user: String,
            pub password: Text,
        }
    };
}

fn facets<'a>(late: paracrine_build::model::facet::Texts<'a>, user: &'a str, shown: String) -> Facets<'a> {
    Facets {
        late,
        claims: vec![Claim::User(user)],
        needs: vec![],
        provides: vec![],
        acts: Acts::WhenDifferent,
        removes: false,
        reach: Reach::Itself,
        undo: Undo::Not("it is a test"),
        attributes: vec![("password", paracrine_build::model::facet::Shown::said(shown))],
    }
}

resource!(AsString);
impl Describe for AsString {
    const KIND: &'static str = "login";
    fn name(&self) -> &str {
        &self.user
    }
    fn facets(&self) -> Facets<'_> {
        take_apart!(let AsString { user, password } = self; late);
        facets(late, user, password.to_string())
    }
}

resource!(PassedOver);
impl Describe for PassedOver {
    const KIND: &'static str = "login";
    fn name(&self) -> &str {
        &self.user
    }
    fn facets(&self) -> Facets<'_> {
        take_apart!(let PassedOver { user } = self; late);
        facets(late, user, String::new())
    }
}

resource!(NotTakenApart);
impl Describe for NotTakenApart {
    const KIND: &'static str = "login";
    fn name(&self) -> &str {
        &self.user
    }
    fn facets(&self) -> Facets<'_> {
        let Self { user, password } = self;
        Facets {
            claims: vec![Claim::User(user)],
            needs: vec![],
            provides: vec![],
            acts: Acts::WhenDifferent,
            removes: false,
            reach: Reach::Itself,
            undo: Undo::Not("it is a test"),
            attributes: vec![("password", paracrine_build::model::facet::Shown::said(password))],
        }
    }
}

fn main() {}
