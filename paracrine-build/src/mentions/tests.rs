use super::*;

/// What the declaration at `§` names; what stands around it in brackets.
fn named(source: &str) -> Vec<String> {
    let at = source.find('§').unwrap();
    let source = source.replacen('§', "", 1);
    let before = &source[..at];
    let line = before.matches('\n').count() + 1;
    let column = before.chars().rev().take_while(|c| *c != '\n').count() + 1;
    let tokens = tokens(&source).unwrap();
    let found = mentions(&tokens, u32::try_from(line).unwrap(), u32::try_from(column).unwrap());
    let shown = |mention: &Mention| match mention.around {
        true => format!("({})", mention.written),
        false => mention.written.clone(),
    };
    found.iter().map(shown).collect()
}

#[test]
fn the_arguments_of_a_declaration_and_of_what_is_chained_to_it_are_its_values() {
    let found = named(
        r#"fn web(cx: &Context, plan: &Plan) {
            plan.user(&cx.env.before);
            // ä: columns count characters
            /* ä */ let conf = plan.§file(&cx.env.path, template("a.j2", context! { host => cx.env.app_host, n => 3 }))
                .owner(&cx.env.owner.clone())
                .mode(0o644);
            plan.user(&cx.env.after);
        }"#,
    );
    assert_eq!(found, ["cx.env.path", "cx.env.app_host", "cx.env.owner"]);
}

#[test]
fn nested_values_and_those_of_the_host_are_found() {
    let found = named(
        r#"fn web(cx: &Context, env: &Env, plan: &Plan) {
            plan.§file("/a", text!("{}{}{}", self.cx.env.smtp.host, env.workers, cx.host.vars.weight.unwrap_or(1)));
        }"#,
    );
    assert_eq!(found, ["self.cx.env.smtp.host", "env.workers", "cx.host.vars.weight"]);
    // Other hosts are not this one, and what a call returns may be anything.
    let found = named(r#"fn f() { plan.§file("/a", text!("{}{}", other.vars.weight, host.vars.weight)) }"#);
    assert_eq!(found, Vec::<String>::new());
    assert_eq!(named(r#"fn f() { plan.§user(std::env::var("X")); }"#), Vec::<String>::new());
}

#[test]
fn loops_and_conditions_of_the_same_function_are_around_it() {
    let found = named(
        r#"fn base(cx: &Context, plan: &Plan) {
            for a in &cx.env.elsewhere { plan.user(a); }
            if cx.env.debug { plan.package("strace"); } else if let Some(list) = &cx.env.admins {
                for admin in list.iter() {
                    match cx.env.shell { Shell::Zsh => {}, _ => plan.§user(admin).shell("/bin/bash") }
                }
            }
        }"#,
    );
    assert_eq!(found, ["(cx.env.shell)", "(cx.env.debug)", "(cx.env.admins)"]);
    let found = named("fn f() { cx.env.admins.iter().for_each(|admin| { plan.§user(admin); }); }");
    assert_eq!(found, ["(cx.env.admins)"]);
}

#[test]
fn variables_of_the_same_function_are_followed() {
    let found = named(
        r#"fn web(cx: &Context, plan: &Plan) {
            let port = cx.env.old_port;
            let port = cx.env.port;
            let (host, _) = (&cx.env.app_host, &cx.env.other);
            let url = format!("http://{host}:{port}/");
            let password = &cx.env.password;
            let conf = plan.file("/x", template("x.j2", context! { v => cx.env.of_conf }));
            plan.§file("/a", text!("{url} {password:>5} {{ignored}}")).reload_on(&conf);
        }"#,
    );
    assert_eq!(found, ["cx.env.password", "cx.env.app_host", "cx.env.other", "cx.env.port"]);
}

#[test]
fn a_place_that_is_not_there_names_nothing() {
    let tokens = tokens("fn f() { plan.user(cx.env.a); }").unwrap();
    assert_eq!(mentions(&tokens, 9, 9), []);
    assert_eq!(mentions(&tokens, 1, 2), []);
}

#[test]
fn a_recipe_or_macro_is_found_by_its_first_word() {
    let found =
        named(r#"fn db() { §postgresql::server(plan).version(15).database("app", &cx.env.db_password); }"#);
    assert_eq!(found, ["cx.env.db_password"]);
    assert_eq!(named(r#"fn db() { §conf!(plan, cx.env.app_host); }"#), ["cx.env.app_host"]);
}
