use paracrine_build::prelude::*;

use crate::Context;

pub fn site(_: &Context, _: &Plan) {}
