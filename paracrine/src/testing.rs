//! Sites for tests, without a build.

use paracrine_model::artifact::Writer;
use paracrine_model::content::Blobs;
use paracrine_model::hash::Hash;
use paracrine_model::host::{Address, Arch};
use paracrine_model::plan::{Plan, ValueUse};
use paracrine_model::secret::{Provider, Secret, SecretSource};

use crate::embedded::Embedded;

/// The executable of the agent in sites for tests.
pub(crate) const AGENT: &[u8] = b"agent";

/// A site in the making.
pub(crate) struct TestSite {
    writer: Writer,
    blobs: Blobs,
}

impl TestSite {
    /// `shop` with the environments `dev` and `prod`.
    pub(crate) fn new() -> Self {
        Self::with_environments(&["dev", "prod"])
    }

    /// `shop` with these environments.
    pub(crate) fn with_environments(environments: &[&str]) -> Self {
        let environments = environments.iter().map(ToString::to_string).collect();
        let mut writer = Writer::new("shop".into(), Some("1234abc".into()), environments);
        writer.agent(Arch::X86_64, Hash::of(AGENT));
        Self { writer, blobs: Blobs::default() }
    }

    /// Adds a host.
    pub(crate) fn host(
        mut self,
        environment: &str,
        name: &str,
        roles: &[&str],
        fill: impl FnOnce(&Plan),
    ) -> Self {
        let plan = Plan::new(self.blobs.clone());
        fill(&plan);
        let (plan, problems) = plan.finish();
        assert!(problems.is_empty(), "{problems:?}");
        let roles = roles.iter().map(ToString::to_string).collect();
        self.writer.host(environment.into(), address(name), roles, &plan).unwrap();
        self
    }

    /// Says which values the tasks of the last host were made from.
    pub(crate) fn made_from(mut self, tasks: Vec<Vec<ValueUse>>) -> Self {
        let values: Vec<Vec<_>> = tasks
            .into_iter()
            .map(|values| values.into_iter().map(|value| self.writer.value(value)).collect())
            .collect();
        self.writer.values_of_host(&values).unwrap();
        self
    }

    /// Adds a schema for editors.
    pub(crate) fn schema(mut self, name: &str, text: &str) -> Self {
        self.writer.schema(name, text);
        self
    }

    /// Names an input file.
    pub(crate) fn input(mut self, path: &str, content: &[u8]) -> Self {
        self.writer.input(path.into(), Hash::of(content));
        self
    }

    /// The site as a deploy binary holds it.
    pub(crate) fn embedded(self) -> &'static Embedded {
        self.built_in("/nowhere/shop")
    }

    /// The same, built in that directory.
    pub(crate) fn built_in(mut self, directory: &str) -> &'static Embedded {
        for (hash, bytes) in self.blobs.all() {
            self.writer.blob(hash, &bytes);
        }
        let plan: &'static [u8] = self.writer.finish().unwrap().leak();
        let directory: &'static str = directory.to_owned().leak();
        Box::leak(Box::new(Embedded { plan, agents: &[("x86_64", b"gz")], directory }))
    }
}

/// How a host of that name is reached.
pub(crate) fn address(name: &str) -> Address {
    Address {
        name: name.into(),
        ssh_hostname: format!("{name}.example.org"),
        ssh_port: None,
        ssh_user: Some("root".into()),
        ssh_key: Vec::new(),
        jump: Vec::new(),
        host_key: None,
        sudo: true,
        arch: Arch::X86_64,
        inventory: "inventory/dev.yaml".into(),
    }
}

/// A secret from the environment.
pub(crate) fn secret(name: &str) -> Secret {
    Secret::new(SecretSource { name: name.into(), provider: Provider::Env(name.into()) })
}

/// A report as a person reads it without colours.
pub(crate) fn plain(text: &str) -> String {
    anstream::adapter::strip_str(text).to_string()
}

/// Writes a program. A process of its own does, so that no other process that starts meanwhile inherits the file
/// while it is open to be written, which would keep it from being run.
pub(crate) fn program(path: &std::path::Path, script: &str) {
    use std::io::Write;
    let mut writer = std::process::Command::new("/bin/sh")
        .args(["-c", "cat > \"$0\" && chmod 755 \"$0\""])
        .arg(path)
        .stdin(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    writer.stdin.take().unwrap().write_all(format!("#!/bin/sh\n{script}").as_bytes()).unwrap();
    assert!(writer.wait().unwrap().success());
}

/// Numbers without a pattern, the same ones in every run of the tests.
pub(crate) struct Random(pub u64);

impl Random {
    /// One below `limit`.
    pub(crate) fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % limit
    }

    /// True once in so many times.
    pub(crate) fn once_in(&mut self, times: usize) -> bool {
        self.below(times) == 0
    }
}

/// A writer that can be read afterwards.
#[derive(Clone, Default)]
pub(crate) struct Paper(std::rc::Rc<std::cell::RefCell<Vec<u8>>>);

impl Paper {
    /// What was written on it.
    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.0.borrow().clone()).unwrap()
    }
}

impl std::io::Write for Paper {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.borrow_mut().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
