//! Sites that must not build, and what is said of them.
//!
//! Each case is a folder with a small site: `config.yaml`, `inventory.yaml` (links to those of `good/` where the case is not
//! about them), `roles.rs`, perhaps `templates/` and `files/`; and the drawn text that is expected, `expected.txt`.
//! `UPDATE_EXPECT=1 cargo test -p paracrine-build --test refusals` writes those anew.

#![allow(unreachable_pub, missing_docs, clippy::unwrap_used)]

use std::path::Path;

use paracrine_build::model::deployment::Deployment;
use paracrine_build::model::secret::Secret;
use paracrine_build::model::value::{Entries, Mismatch, Path as Keys};
use paracrine_build::prelude::Plan;
use paracrine_build::{Compile, SiteContext};

/// What roles of these sites see.
pub struct Context {
    pub host: String,
    pub environment: String,
    pub app_host: String,
    pub password: Secret,
}

impl SiteContext for Context {
    const CONFIG: &'static str = "config.yaml";
    const INVENTORIES: &'static [&'static str] = &["inventory.yaml"];

    fn contexts(deployment: &Deployment) -> Result<Vec<(usize, Self)>, Mismatch> {
        let all = deployment.hosts.iter().enumerate().map(|(index, host)| {
            let environment = &deployment.environments[host.environment];
            let values = Entries::of(&environment.values, &Keys::ROOT)?;
            let context = Self {
                host: host.address.name.clone(),
                environment: environment.name.to_string(),
                app_host: values.field("APP_HOST")?,
                password: values.field("DB_PASSWORD")?,
            };
            Ok((index, context))
        });
        all.collect()
    }
}

fn check(case: &str, role: fn(&Context, &Plan)) {
    let site = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/refusals").join(case);
    let drawn = format!("{}\n", Compile::new(role).check(&site).drawn());
    let expected = site.join("expected.txt");
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        std::fs::write(&expected, &drawn).unwrap();
    }
    let known = std::fs::read_to_string(&expected).unwrap_or_default();
    assert_eq!(drawn, known, "\n{drawn}\nis not what {} holds", expected.display());
}

/// A role for sites that do not get as far.
fn nothing(_: &Context, _: &Plan) {}

macro_rules! cases {
    (files: $($file:ident)+; roles: $($role:ident)+;) => {
        $(
            #[test]
            fn $file() {
                check(stringify!($file), nothing);
            }
        )+
        $(
            mod $role {
                mod roles;

                #[test]
                fn is_refused() {
                    super::check(stringify!($role), roles::site);
                }
            }
        )+
    };
}

cases! {
    files:
        address_malformed
        config_broken_yaml
        config_key_missing
        config_names_wrong
        config_type_differs
        environment_unknown
        files_missing
        host_key_missing
        host_names_wrong
        hosts_same_address
        hosts_same_name
        jump_wrong
        key_mistyped
        platform_unknown
        role_malformed
        secret_empty
        secret_literal
        secret_unresolved
        user_at_host
        values_misread
        vars_near_miss
        yaml_aliases_multiply
        yaml_key_twice
        yaml_tag_unknown
        yaml_values_wrong
    ;
    roles:
        accounts_unknown
        authorized_keys_wrong
        command_changes
        command_unguarded
        conflict_through_a_function
        cron_wrong
        data_wrong
        directory_of_nobody
        file_local_missing
        good
        hostname_wrong
        ids_twice
        links_in_a_circle
        mistake_told_once
        mode_decimal
        mode_out_of_range
        names_wrong
        order_wrong
        path_below_file
        path_relative
        paths_spelled_twice
        role_panics
        role_panics_on_one_host
        secret_exposed
        secret_shown
        service_masked
        sudoers_wrong
        sysctl_wrong
        tasks_disagree
        template_attribute_undefined
        template_block_lost
        template_block_open
        template_circle
        template_compared
        template_endless
        template_failing
        template_include_broken
        template_include_missing
        template_include_undefined
        template_late_compared
        template_late_filtered
        template_late_in_macro
        template_late_mangled
        template_late_moved
        template_macro_incomplete
        template_missing
        template_not_called
        template_null_placed
        template_plain_values
        template_python_methods
        template_syntax
        template_syntax_in_include
        template_undefined
        template_undefined_in_dead_branch
        template_unknown_filter
        template_unused
        template_value_unfit
        timer_wrong
        trigger_on_later
        unit_mistyped
        unit_wrong
        units_named_twice
        wrong_on_some_systems
    ;
}
