//! Contents that are made from files of the site, where they are given to a file or unit.

use std::panic::Location;

use paracrine_model::content::{Body, IntoContent, Made, SiteFiles as Opaque};
use paracrine_model::diagnostic::{Code, Diagnostic, Place};

use crate::local_files;
use crate::site_files::SiteFiles;
use crate::template::{self, Values};

/// A template with its values: content for a file. Made by [`template()`].
#[must_use = "a template is rendered where it is given to a file: `plan.file(path, template(…))`"]
pub struct Template {
    name: String,
    values: Values,
    location: &'static Location<'static>,
}

/// Content from the template of that name in `templates/`: `template("app.conf.j2", context! { host => cx.env.app_host })`.
#[track_caller]
pub fn template(name: impl Into<String>, values: Values) -> Template {
    Template { name: name.into(), values, location: Location::caller() }
}

impl IntoContent for Template {
    fn into_content(self, site: &Opaque) -> Result<Made, Box<Diagnostic>> {
        let Self { name, values, location } = self;
        let here = |problem: Diagnostic| Box::new(problem.at(Place::caller(location), "this template"));
        let files =
            files(site, Code::TEMPLATE_MISSING, "template", &name).map_err(|problem| here(*problem))?;
        let text = files.templates.render(&name, values.entries(), location);
        let text = text.map_err(|problem| match problem.primary {
            Some(_) => problem,
            None => here(*problem),
        })?;
        Ok(Made { body: Body::Text(text), source: Some(format!("{}/{name}", template::FOLDER)) })
    }
}

/// A file of the site as content. Made by [`local_file`].
#[must_use = "a local file is read where it is given to a file: `plan.file(path, local_file(…))`"]
pub struct LocalFile {
    name: String,
    location: &'static Location<'static>,
}

/// Content from the file of that name in `files/`, byte for byte.
#[track_caller]
pub fn local_file(name: impl Into<String>) -> LocalFile {
    LocalFile { name: name.into(), location: Location::caller() }
}

impl IntoContent for LocalFile {
    fn into_content(self, site: &Opaque) -> Result<Made, Box<Diagnostic>> {
        let Self { name, location } = self;
        let here = |problem: Diagnostic| Box::new(problem.at(Place::caller(location), "this file"));
        let files = files(site, Code::LOCAL_FILE, "file", &name).map_err(|problem| here(*problem))?;
        let body = files.local.read(&name).map_err(|problem| here(*problem))?;
        Ok(Made { body, source: Some(format!("{}/{name}", local_files::FOLDER)) })
    }
}

/// The files of the site whose plan this is.
fn files<'s>(site: &'s Opaque, code: Code, what: &str, name: &str) -> Result<&'s SiteFiles, Box<Diagnostic>> {
    site.get().ok_or_else(|| {
        let message = format!("{what} `{name}` cannot be read: the plan is not one of a site");
        Box::new(Diagnostic::error(code, message).help("declare it in a role that `compile` runs"))
    })
}

#[cfg(test)]
mod tests {
    use paracrine_model::plan::Plan;

    use super::*;
    use crate::context;

    #[test]
    fn a_plan_without_a_site_says_so() {
        let plan = Plan::new(Default::default());
        plan.file("/etc/a", template("a.j2", context! {}));
        plan.file("/etc/b", local_file("b"));
        let (_, problems) = plan.finish();
        let said: Vec<&str> = problems.iter().map(|problem| problem.message.as_str()).collect();
        assert_eq!(
            said,
            [
                "template `a.j2` cannot be read: the plan is not one of a site",
                "file `b` cannot be read: the plan is not one of a site"
            ]
        );
    }
}
