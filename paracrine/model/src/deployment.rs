//! Everything that config and inventories say, checked: for all environments at once, every problem in one run.

mod hosts;
mod secrets;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;
use std::sync::Arc;

pub use secrets::{Presence, Resolver, Secrets, check_secrets};

use crate::config::{self, Config};
use crate::diagnostic::{Code, Diagnostic, Diagnostics, Place};
use crate::field::Field;
use crate::host::Address;
pub use crate::inventory::Os;
use crate::inventory::{self, Inventory, Partial};
use crate::shape::{self, Fields, Member, Missing};
use crate::source::Sources;
use crate::yaml::{Key, Map, Node, Value};

/// What is to be deployed where.
#[derive(Clone, Debug)]
pub struct Deployment {
    /// The config's path.
    pub config: Arc<str>,
    /// In the order of the config.
    pub environments: Vec<Environment>,
    /// In the order of the inventories.
    pub hosts: Vec<Host>,
    /// The roles that hosts play, sorted by name; the place where each is first named.
    pub roles: Vec<Field<String>>,
    /// The type of the environments' values.
    pub env: Fields,
    /// The type of the hosts' `vars`.
    pub vars: Fields,
}

/// An environment and its values.
#[derive(Clone, Debug)]
pub struct Environment {
    /// As the config names it.
    pub name: Arc<str>,
    /// Where the config names it.
    pub place: Place,
    /// A mapping: its own values, then the common ones that it does not replace; each knows its place.
    pub values: Node,
    /// Its hosts, by their index in [`Deployment::hosts`].
    pub hosts: Vec<usize>,
}

/// A host.
#[derive(Clone, Debug)]
pub struct Host {
    /// Its name and how it is reached.
    pub address: Address,
    /// Its environment, by its index in [`Deployment::environments`].
    pub environment: usize,
    /// The parts it plays.
    pub roles: Vec<Field<String>>,
    /// A mapping: its own values, with `defaults` merged in; each knows its place.
    pub vars: Node,
    /// Its address among the hosts.
    pub wireguard_ip: Option<IpAddr>,
    /// Its system.
    pub os: Os,
    /// Where its name stands in its inventory.
    pub place: Place,
}

/// Reads and checks a config and inventories. Without a deployment if there is any error.
pub fn load(
    sources: &mut Sources<'_>,
    config: &str,
    inventories: &[&str],
) -> (Option<Deployment>, Diagnostics) {
    let mut diagnostics = Diagnostics::new();
    let parsed = match sources.read(config) {
        Ok(source) => {
            let (parsed, found) = config::parse(&source);
            diagnostics.extend(found);
            parsed
        }
        Err(why) => {
            diagnostics.push(*why);
            None
        }
    };
    let mut read: Vec<(Arc<str>, Option<Inventory>)> = Vec::new();
    for path in inventories {
        if read.iter().any(|(known, _)| **known == **path) {
            continue;
        }
        let inventory = match sources.read(path) {
            Ok(source) => {
                let (parsed, found) = inventory::parse(&source, sources);
                diagnostics.extend(found);
                parsed
            }
            Err(why) => {
                diagnostics.push(*why);
                None
            }
        };
        read.push(((*path).into(), inventory));
    }
    let mut loader = Loader { diagnostics, config: parsed.as_ref() };
    let deployment = loader.deployment(config.into(), &read);
    let diagnostics = loader.diagnostics.grouped();
    ((!diagnostics.has_errors()).then_some(deployment), diagnostics)
}

struct Loader<'c> {
    diagnostics: Diagnostics,
    /// Absent where it cannot be read; then what follows from it is not said.
    config: Option<&'c Config>,
}

impl Loader<'_> {
    fn deployment(&mut self, config: Arc<str>, inventories: &[(Arc<str>, Option<Inventory>)]) -> Deployment {
        let mut environments = self.environments();
        let complete = inventories.iter().all(|(_, inventory)| {
            inventory.as_ref().and_then(|inventory| inventory.environment.as_ref()).is_some()
        });
        let hosts = self.hosts(inventories, &mut environments, complete);
        let env = {
            let members: Vec<Member<'_>> = environments.iter().map(environment_member).collect();
            shape::unify(&members, Missing::Refused, &mut self.diagnostics)
        };
        let read: Vec<&Inventory> =
            inventories.iter().filter_map(|(_, inventory)| inventory.as_ref()).collect();
        let members: Vec<Member<'_>> = read.iter().flat_map(|inventory| members(inventory)).collect();
        let vars = shape::unify(&members, Missing::Optional, &mut self.diagnostics);
        near_misses(&members, &mut self.diagnostics);
        let values = environments.iter().map(|environment| map_of(&environment.values));
        config::literal_secrets(values.chain(members.iter().map(|member| member.map)), &mut self.diagnostics);
        let roles = self.roles(&read);
        Deployment { config, environments, hosts, roles, env, vars }
    }

    fn environments(&mut self) -> Vec<Environment> {
        let Some(config) = self.config else {
            return Vec::new();
        };
        let mut environments = Vec::new();
        let mut variants: HashMap<String, usize> = HashMap::new();
        for (index, (key, own)) in config.environments.iter().enumerate() {
            let variant = shape::pascal_case(&key.name);
            if !shape::check_name(&key.name, &variant, &key.place, &mut self.diagnostics) {
                continue;
            }
            if let Some(first) = variants.get(&variant) {
                let (first, _) = &config.environments[*first];
                let this = (key.name.as_str(), &key.place);
                shape::collision(&variant, this, (&first.name, &first.place), &mut self.diagnostics);
                continue;
            }
            variants.insert(variant, index);
            let mut values = own.clone();
            let common = config.common.entries.iter().filter(|(key, _)| own.get(&key.name).is_none());
            values.entries.extend(common.cloned());
            environments.push(Environment {
                name: key.name.as_str().into(),
                place: key.place.clone(),
                values: mapping(values, &key.place),
                hosts: Vec::new(),
            });
        }
        environments
    }

    /// The environment that an inventory names.
    fn environment_of(&mut self, inventory: &Inventory, environments: &[Environment]) -> Option<usize> {
        let named = inventory.environment.as_ref()?;
        let known = environments.iter().position(|environment| *environment.name == *named.value);
        let config = self.config.filter(|config| config.complete)?;
        let there = config.environments.iter().any(|(key, _)| key.name == named.value);
        if known.is_none() && !there && !config.broken.contains(&named.value) {
            let names: Vec<&str> = config.environments.iter().map(|(key, _)| key.name.as_str()).collect();
            let error = Diagnostic::error(
                Code::UNKNOWN_ENVIRONMENT,
                format!("unknown environment `{}`", named.value),
            )
            .at(named.place.clone(), "not an environment of the config");
            self.diagnostics.push(match crate::diagnostic::nearest(&named.value, names.iter().copied()) {
                Some(near) => error.help(format!("did you mean `{near}`?")),
                None => error.help(format!("the config has {}", crate::field::listed(&names))),
            });
        }
        known
    }

    fn roles(&mut self, inventories: &[&Inventory]) -> Vec<Field<String>> {
        let mut first: BTreeMap<&str, &Place> = BTreeMap::new();
        let whole = inventories
            .iter()
            .flat_map(|inventory| inventory.servers.iter().flat_map(|server| &server.roles));
        let partial = inventories
            .iter()
            .flat_map(|inventory| inventory.partial.iter().flat_map(|partial| &partial.roles));
        for role in whole.chain(partial) {
            first.entry(&role.value).or_insert(&role.place);
        }
        let mut variants: HashMap<String, (&str, &Place)> = HashMap::new();
        let mut roles = Vec::new();
        for (name, place) in first {
            let variant = shape::pascal_case(name);
            if !shape::check_name(name, &variant, place, &mut self.diagnostics) {
                continue;
            }
            if let Some(other) = variants.get(&variant) {
                shape::collision(&variant, (name, place), *other, &mut self.diagnostics);
                continue;
            }
            variants.insert(variant, (name, place));
            roles.push(Field { value: name.to_owned(), place: place.clone() });
        }
        roles
    }
}

/// Warns of a variable that hosts have instead of another, if the names are one slip of the finger apart: each of the two
/// would be optional, and the one mistyped never read.
fn near_misses(members: &[Member<'_>], diagnostics: &mut Diagnostics) {
    /// A name, where it first stands, and on how many hosts.
    struct Var<'m> {
        key: &'m Key,
        owner: &'m str,
        hosts: usize,
    }
    let mut vars: Vec<Var<'_>> = Vec::new();
    let mut index: HashMap<&str, usize> = HashMap::new();
    for member in members {
        for (key, _) in &member.map.entries {
            let at = *index.entry(&key.name).or_insert_with(|| {
                let owner = &*member.owner;
                vars.push(Var { key, owner, hosts: 0 });
                vars.len() - 1
            });
            vars[at].hosts += 1;
        }
    }
    // Those of `defaults` are on every host, whatever it has of its own.
    let mut places: HashMap<&Place, usize> = HashMap::new();
    for (key, _) in members.iter().flat_map(|member| &member.map.entries) {
        *places.entry(&key.place).or_default() += 1;
    }
    let has_own = |member: &Member<'_>, name: &str| {
        let entry = member.map.entry(name);
        entry.is_some_and(|(key, _)| places.get(&key.place).is_none_or(|count| *count == 1))
    };
    let letters = |name: &str| name.chars().filter(|c| !c.is_ascii_digit()).collect::<String>();
    for rare in vars.iter().filter(|var| var.hosts < members.len()) {
        let name = rare.key.name.as_str();
        let near = vars.iter().find(|usual| {
            let other = usual.key.name.as_str();
            name.len() > 3
                && (usual.hosts, &rare.key.place) > (rare.hosts, &usual.key.place)
                && strsim::osa_distance(name, other) == 1
                // `disk1` and `disk2` are two things.
                && letters(name) != letters(other)
                && !members.iter().any(|member| member.map.get(name).is_some() && has_own(member, other))
        });
        if let Some(usual) = near {
            let other = &usual.key.name;
            let message = format!("variable `{name}` of `{}` may be `{other}` mistyped", rare.owner);
            diagnostics.push(
                Diagnostic::warning(Code::UNKNOWN_KEY, message)
                    .at(rare.key.place.clone(), "not the same name")
                    .related(usual.key.place.clone(), format!("`{}` has this", usual.owner))
                    .help(format!("did you mean `{other}`? If not, give it a name that differs more")),
            );
        }
    }
}

fn mapping(map: Map, place: &Place) -> Node {
    Node { value: Value::Map(map), place: place.clone(), tag: None, spelling: None, used: None }
}

fn map_of(node: &Node) -> &Map {
    const NONE: &Map = &Map { entries: Vec::new() };
    match &node.value {
        Value::Map(map) => map,
        _ => NONE,
    }
}

fn environment_member(environment: &Environment) -> Member<'_> {
    let Environment { name, place, values, .. } = environment;
    Member { owner: Arc::clone(name), place: place.clone(), map: map_of(values) }
}

fn members(inventory: &Inventory) -> impl Iterator<Item = Member<'_>> {
    let whole = inventory.servers.iter().map(|server| {
        let Field { value, place } = &server.name;
        Member { owner: value.as_str().into(), place: place.clone(), map: &server.vars }
    });
    let partial = inventory.partial.iter().map(|Partial { name, vars, place, .. }| {
        let owner = name.as_ref().map_or("a server without name", |name| &name.value);
        Member { owner: owner.into(), place: place.clone(), map: vars }
    });
    whole.chain(partial)
}
