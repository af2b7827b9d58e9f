//! The items that `site!` becomes.

use std::collections::HashSet;

use paracrine_model::deployment::Deployment;
use paracrine_model::shape::pascal_case;
use proc_macro2::{Ident, Span, TokenStream};
use quote::quote;

use super::types::{Structs, derived};
use crate::for_template;

pub(super) fn emit(deployment: &Deployment, config: &str, inventories: &[&str]) -> TokenStream {
    let taken = ["Context", "Env", "Environment", "Host", "Role", "Vars"];
    let mut names: HashSet<String> = taken.iter().map(|name| (*name).to_owned()).collect();
    let mut structs = Structs::new(&mut names);
    structs.add("Env", &format!("The values of an environment, as `{config}` has them."), &deployment.env);
    structs.add("Vars", "The `vars` of a host, as the inventories have them.", &deployment.vars);
    let structs = structs.into_tokens();
    let environments = names_of(
        deployment.environments.iter().map(|environment| (&*environment.name, environment.place.to_string())),
    );
    let environment = enumeration("Environment", "An environment of the config.", &environments);
    let roles = names_of(deployment.roles.iter().map(|role| (role.value.as_str(), role.place.to_string())));
    let role = enumeration("Role", "A role that a host of any inventory plays.", &roles);
    let host = host(deployment.vars.hold_secret());
    let context = context(config, inventories, deployment.vars.hold_secret() || deployment.env.hold_secret());
    quote!(#structs #environment #role #host #context)
}

/// Name, variant and origin.
type Name = (String, Ident, String);

fn names_of<'n>(names: impl Iterator<Item = (&'n str, String)>) -> Vec<Name> {
    names
        .map(|(name, place)| {
            let variant = Ident::new(&pascal_case(name), Span::call_site());
            (name.to_owned(), variant, format!("`{name}`: {place}"))
        })
        .collect()
}

fn enumeration(ident: &str, doc: &str, names: &[Name]) -> TokenStream {
    let ident = Ident::new(ident, Span::call_site());
    let variants = names.iter().map(|(_, variant, doc)| quote!(#[doc = #doc] #variant,));
    let all = names.iter().map(|(_, variant, _)| quote!(Self::#variant));
    let named = names.iter().map(|(name, variant, _)| quote!(Self::#variant => #name,));
    let parsed =
        names.iter().map(|(name, variant, _)| quote!(#name => ::core::option::Option::Some(Self::#variant),));
    quote! {
        #[doc = #doc]
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[allow(dead_code, unreachable_pub)]
        pub enum #ident { #(#variants)* }

        #[allow(dead_code, unreachable_pub)]
        impl #ident {
            /// All of them.
            pub const ALL: &'static [Self] = &[#(#all),*];

            /// As the files have it.
            pub fn name(self) -> &'static str {
                match self { #(#named)* }
            }

            fn parse(name: &str) -> ::core::option::Option<Self> {
                match name {
                    #(#parsed)*
                    _ => ::core::option::Option::None,
                }
            }
        }

        /// As the files have it, so that templates show `db-replica`, not `DbReplica`.
        #[automatically_derived]
        impl ::paracrine_build::__private::ForTemplate for #ident {
            fn for_template(&self) -> ::paracrine_build::__private::Given {
                ::paracrine_build::__private::ForTemplate::for_template(self.name())
            }
        }

        /// As the files have it.
        #[automatically_derived]
        impl ::paracrine_build::__private::serde::Serialize for #ident {
            fn serialize<S: ::paracrine_build::__private::serde::Serializer>(
                &self,
                serializer: S,
            ) -> ::core::result::Result<S::Ok, S::Error> {
                serializer.serialize_str(self.name())
            }
        }

        #[automatically_derived]
        impl ::core::fmt::Display for #ident {
            fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                f.write_str(self.name())
            }
        }
    }
}

fn host(holds_secret: bool) -> TokenStream {
    let derived = derived(holds_secret);
    // What holds a secret is not serialised at all.
    let by_name =
        (!holds_secret).then(|| quote!(#[serde(serialize_with = "::paracrine_build::__private::by_name")]));
    let fields = ["name", "ssh_hostname", "environment", "roles", "os", "arch", "wireguard_ip", "vars"];
    let for_template = of_struct("Host", &fields);
    quote! {
        #for_template

        /// A host, as its inventory has it.
        #derived
        #[allow(dead_code, unreachable_pub)]
        pub struct Host {
            /// Its name, unique in its environment.
            pub name: ::std::string::String,
            /// What ssh connects to.
            pub ssh_hostname: ::std::string::String,
            /// The environment that it belongs to.
            pub environment: Environment,
            /// The parts it plays.
            pub roles: ::std::vec::Vec<Role>,
            /// Its operating system.
            #by_name
            pub os: ::paracrine_build::__private::Os,
            /// Its processor's architecture.
            #by_name
            pub arch: ::paracrine_build::__private::Arch,
            /// Its address among the hosts.
            pub wireguard_ip: ::core::option::Option<::std::net::IpAddr>,
            /// Its own values.
            pub vars: Vars,
        }
    }
}

/// An implementation for a struct of these fields.
fn of_struct(ident: &str, fields: &[&str]) -> TokenStream {
    let fields: Vec<Ident> = fields.iter().map(|field| Ident::new(field, Span::call_site())).collect();
    for_template::of_struct(&Ident::new(ident, Span::call_site()), fields.iter())
}

fn context(config: &str, inventories: &[&str], holds_secret: bool) -> TokenStream {
    let derived = derived(holds_secret);
    let for_template = of_struct("Context", &["env", "host", "hosts"]);
    quote! {
        #for_template

        /// What a role sees: the host that it is run for, and what is around it.
        #derived
        #[allow(dead_code, unreachable_pub)]
        pub struct Context {
            /// The values of the host's environment.
            pub env: ::std::sync::Arc<Env>,
            /// The host; it knows which environment it belongs to.
            pub host: ::std::sync::Arc<Host>,
            /// All hosts of the environment, this one among them.
            pub hosts: ::std::sync::Arc<[::std::sync::Arc<Host>]>,
        }

        #[allow(dead_code, unreachable_pub)]
        impl Context {
            /// The hosts of the environment that play a role, this one among them if it does.
            pub fn hosts_with(&self, role: Role) -> impl ::core::iter::Iterator<Item = &Host> + '_ {
                self.hosts.iter().map(|host| &**host).filter(move |host| host.roles.contains(&role))
            }
        }

        #[automatically_derived]
        impl ::paracrine_build::site::SiteContext for Context {
            const CONFIG: &'static str = #config;
            const INVENTORIES: &'static [&'static str] = &[#(#inventories),*];

            fn contexts(
                deployment: &::paracrine_build::__private::Deployment,
            ) -> ::core::result::Result<
                ::std::vec::Vec<(usize, Self)>,
                ::paracrine_build::__private::Mismatch,
            > {
                use ::paracrine_build::__private::{FromValue, Mismatch, Path};
                let mut contexts = ::std::vec::Vec::with_capacity(deployment.hosts.len());
                for of in &deployment.environments {
                    let environment = Environment::parse(&of.name)
                        .ok_or_else(|| Mismatch::unknown(&of.name, &of.place))?;
                    let env = ::std::sync::Arc::new(<Env as FromValue>::from_value(&of.values, &Path::ROOT)?);
                    let mut hosts = ::std::vec::Vec::with_capacity(of.hosts.len());
                    for &index in &of.hosts {
                        let host = &deployment.hosts[index];
                        let mut roles = ::std::vec::Vec::with_capacity(host.roles.len());
                        for role in &host.roles {
                            roles.push(
                                Role::parse(&role.value)
                                    .ok_or_else(|| Mismatch::unknown(&role.value, &role.place))?,
                            );
                        }
                        hosts.push(::std::sync::Arc::new(Host {
                            name: host.address.name.clone(),
                            ssh_hostname: host.address.ssh_hostname.clone(),
                            environment,
                            roles,
                            os: host.os,
                            arch: host.address.arch,
                            wireguard_ip: host.wireguard_ip,
                            vars: <Vars as FromValue>::from_value(&host.vars, &Path::ROOT)?,
                        }));
                    }
                    let hosts: ::std::sync::Arc<[::std::sync::Arc<Host>]> = hosts.into();
                    for (host, &index) in hosts.iter().zip(&of.hosts) {
                        contexts.push((
                            index,
                            Self {
                                env: ::std::sync::Arc::clone(&env),
                                host: ::std::sync::Arc::clone(host),
                                hosts: ::std::sync::Arc::clone(&hosts),
                            },
                        ));
                    }
                }
                ::core::result::Result::Ok(contexts)
            }
        }
    }
}
