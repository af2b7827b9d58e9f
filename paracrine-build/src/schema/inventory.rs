//! The schema of inventories. The types here are nothing but their shape; `paracrine_model::inventory` reads them.

use paracrine_model::deployment::{Deployment, Os};
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde_json::{Value, json};

use super::field::{DRAFT, properties};

/// The hosts of one environment
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
#[expect(dead_code, reason = "only its shape matters")]
pub(super) struct Inventory {
    /// The environment of the config whose hosts these are.
    environment: EnvironmentName,
    /// Private keys of hosts are in `<data_path>/configs/`, relative to this file.
    data_path: Option<String>,
    /// What holds for all servers that do not say otherwise; `vars` are merged by key.
    defaults: Option<Defaults>,
    /// The hosts.
    #[schemars(length(min = 1))]
    servers: Vec<Server>,
}

macro_rules! servers {
    ($(#[$doc:meta])* $name:ident { $($own:tt)* }) => {
        $(#[$doc])*
        #[derive(JsonSchema)]
        #[schemars(deny_unknown_fields)]
        #[expect(dead_code, reason = "only its shape matters")]
        pub(super) struct $name {
            $($own)*
            /// The port of its ssh; else what your own ssh config says.
            #[schemars(range(min = 1))]
            ssh_port: Option<u16>,
            /// Who logs in; else what your own ssh config says.
            ssh_user: Option<String>,
            /// The private key: a name in `<data_path>/configs/`, or a path that begins with `/` or `~/`.
            ssh_key: Option<String>,
            /// The parts it plays: `cx.host.roles` in roles. A new one has to be handled there before the site builds.
            #[schemars(extend("uniqueItems" = true))]
            roles: Option<Vec<RoleName>>,
            /// Its own values: `cx.host.vars` in roles.
            vars: Option<Vars>,
            /// Whether to become root there, with `sudo -n`, where the login is not root's; `true` where nothing is said.
            sudo: Option<bool>,
            /// Its processor; `x86_64` where nothing is said.
            arch: Option<ArchName>,
            /// Its system; any Debian where nothing is said.
            os: Option<OsName>,
            /// The server of this environment, or `[user@]host[:port]`, through which it is reached.
            jump: Option<String>,
            /// Not used; the Python tool's.
            count: Option<i64>,
        }
    };
}

servers! {
    /// A host
    Server {
        /// Its name, unique in its environment.
        name: String,
        /// What ssh connects to: a name, also one of your ssh config, or an address. May stand in `defaults`.
        ssh_hostname: Option<String>,
        /// Its address among the hosts.
        wireguard_ip: Option<String>,
        /// Its public key, pinned: `ssh-ed25519 AAAA…`. Else accepted when first seen, and then kept.
        host_key: Option<String>,
    }
}

servers! {
    /// What holds for all servers
    Defaults {
        /// What ssh connects to.
        ssh_hostname: Option<String>,
    }
}

/// Names types whose schema depends on the site; [`schema`] fills them in.
macro_rules! of_the_site {
    ($($name:ident),+) => { $(
        pub(super) struct $name;

        impl JsonSchema for $name {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                Schema::default()
            }
        }
    )+ };
}
of_the_site!(EnvironmentName, RoleName, Vars, ArchName, OsName);

/// All names of architectures, Debian's too.
pub(super) const ARCHES: [&str; 4] = ["x86_64", "amd64", "aarch64", "arm64"];

/// The schema of the inventories of a site.
pub(super) fn schema(deployment: &Deployment) -> Value {
    let mut schema = schemars::schema_for!(Inventory).to_value();
    let environments: Vec<&str> = deployment.environments.iter().map(|of| &*of.name).collect();
    let roles: Vec<&str> = deployment.roles.iter().map(|role| role.value.as_str()).collect();
    let types = [
        ("EnvironmentName", json!({ "type": "string", "enum": environments })),
        // A new one is allowed: it comes with the inventory that first names it.
        ("RoleName", json!({ "anyOf": [{ "enum": roles }, { "type": "string" }] })),
        ("Vars", json!({ "type": "object", "properties": properties(&deployment.vars, "cx.host.vars") })),
        ("ArchName", json!({ "type": "string", "enum": ARCHES })),
        ("OsName", json!({ "type": "string", "enum": Os::ALL.map(Os::name) })),
    ];
    for (name, of_site) in types {
        schema["$defs"][name] = of_site;
    }
    // Unlike keys of servers, these are not to be `null`.
    schema["properties"]["data_path"]["type"] = "string".into();
    if let Some(defaults) = schema["properties"]["defaults"].as_object_mut() {
        defaults.remove("anyOf");
        defaults.insert("$ref".into(), "#/$defs/Defaults".into());
    }
    schema["$schema"] = DRAFT.into();
    schema["title"] = "An inventory: the hosts of one environment".into();
    schema
}
