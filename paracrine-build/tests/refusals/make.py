import os
def w(path, text):
    os.makedirs(os.path.dirname(path) or '.', exist_ok=True)
    open(path,'w').write(text)
good_config = """environments:
  dev:
    APP_HOST: app.dev.example.org
    DB_PASSWORD: !file secret
  prod:
    APP_HOST: app.example.org
    DB_PASSWORD: !file secret
"""
inventory = """environment: prod
servers:
  - name: web1
    ssh_hostname: web1.example.org
    roles: [web]
  - name: db1
    ssh_hostname: db1.example.org
    roles: [db]
"""
w('good/config.yaml', good_config.replace("""  dev:
    APP_HOST: app.dev.example.org
    DB_PASSWORD: !file secret
""",""))
w('good/inventory.yaml', inventory)
w('good/secret', 'open sesame\n')
HEAD = "use paracrine_build::prelude::*;\n\nuse crate::Context;\n\n"
def case(name, config=None, inv=None, role=None, templates={}, files={}):
    os.makedirs(name, exist_ok=True)
    for f, text in (('config.yaml', config), ('inventory.yaml', inv)):
        p = f'{name}/{f}'
        if os.path.lexists(p): os.remove(p)
        if text is None: os.symlink(f'../good/{f}', p)
        else: w(p, text)
    if not os.path.lexists(f'{name}/secret'): os.symlink('../good/secret', f'{name}/secret')
    if role is not None: w(f'{name}/roles.rs', HEAD + role)
    for t, text in templates.items(): w(f'{name}/templates/{t}', text)
    for t, text in files.items(): w(f'{name}/files/{t}', text)

# files
case('config_broken_yaml', config="environments:\n  prod:\n    APP_HOST: \"app.example.org\n    DB_PASSWORD: !file secret\n")
case('config_key_missing', config="environments:\n  dev:\n    APP_HOST: app.dev.example.org\n    DB_PASSWORD: !file secret\n    WORKERS: 2\n  prod:\n    APP_HOST: app.example.org\n    DB_PASSWORD: !file secret\n")
case('config_type_differs', config="environments:\n  dev:\n    APP_HOST: app.dev.example.org\n    DB_PASSWORD: !file secret\n    WORKERS: 2\n  prod:\n    APP_HOST: app.example.org\n    DB_PASSWORD: !file secret\n    WORKERS: many\n")
case('hosts_same_name', inv="environment: prod\nservers:\n  - name: web1\n    ssh_hostname: web1.example.org\n  - name: web1\n    ssh_hostname: web2.example.org\n")
case('address_malformed', inv="environment: prod\nservers:\n  - name: web1\n    ssh_hostname: web1.example..org\n  - name: web2\n    ssh_hostname: 10.0.0.256\n    ssh_port: 70000\n")
case('role_malformed', inv="environment: prod\nservers:\n  - name: web1\n    ssh_hostname: web1.example.org\n    roles: [\"web server\"]\n")
case('secret_unresolved', config="environments:\n  prod:\n    APP_HOST: app.example.org\n    DB_PASSWORD: !env PARACRINE_TEST_NOT_SET\n    API_KEY: !file nowhere/api_key\n")

# roles
R = lambda body: "pub fn site(cx: &Context, plan: &Plan) {\n" + body + "}\n"
N = lambda body: "pub fn site(_: &Context, plan: &Plan) {\n" + body + "}\n"
case('command_unguarded', role=N('    plan.command("make install").directory("/srv/app");\n'))
case('file_local_missing', role=N('    plan.file("/etc/motd", local_file("mtod"));\n    plan.file("/etc/issue", local_file("files/motd"));\n    plan.file("/etc/issue.net", local_file("something"));\n    plan.file("/etc/motd.d/x", local_file("motd"));\n'), files={'motd': 'Hello\n'})
case('mode_decimal', role=N('    plan.file("/etc/motd", "Hello\\n").mode(644);\n'))
case('mode_out_of_range', role=N('    plan.file("/etc/motd", "Hello\\n").mode(0o10644);\n    plan.directory("/srv/app").mode(0o70755);\n'))
case('path_relative', role=N('    plan.file("etc/motd", "Hello\\n");\n    plan.directory("/srv//app");\n    plan.link("/srv/../app", "/srv/app");\n'))
case('role_panics', role=R('    let number: u16 = cx.app_host.parse().expect("a number");\n    plan.package(format!("postgresql-{number}"));\n'))
case('role_panics_on_one_host', role=R('    plan.package("curl");\n    if cx.host == "db1" {\n        assert_eq!(cx.environment, "dev", "no databases but in dev");\n    }\n'))
case('tasks_disagree', role=N('    plan.file("/etc/motd", "Hello\\n").mode(0o644);\n    plan.package("nginx");\n    plan.file("/etc/motd", "Hello\\n").mode(0o600);\n    plan.link("/etc/motd", "/run/motd");\n    plan.package("nginx").absent();\n'))
case('trigger_on_later', role=N('    let nginx = plan.service("nginx").running();\n    let conf = plan.file("/etc/nginx/nginx.conf", "events {}\\n");\n    nginx.restart_on(&conf);\n'))
t = lambda ctx, name="app.conf.j2": f'    plan.file("/etc/app.conf", template("{name}", context! {{ {ctx} }}));\n'
case('template_missing', role=R(t('host => cx.app_host', 'ap.conf.j2') + '    plan.file("/etc/other", template("something/else.j2", context! {}));\n    plan.file("/etc/good", template("app.conf.j2", context! {}));\n'), templates={'app.conf.j2': 'x\n'})
case('template_undefined', role=R(t('host => cx.app_host, workers => 4')), templates={'app.conf.j2': 'listen on {{ hsot }};\n\t"größe 山" {{ workres }}\n'})
case('template_undefined_in_dead_branch', role=R(t('host => cx.app_host, on => false, peers => [1, 2]')), templates={'app.conf.j2': '''{% if on %}
  {{ prot }}
{% endif %}
{% for peer in [] %}{{ pere }}{% endfor %}
{% if port is defined %}{{ port }}{% endif %}
{{ missing | default("x") }}
{% macro line(name) %}{{ name }} = {{ nmae }}
{% endmacro %}
{% set a = 1 %}{% for p in peers %}{{ loop.index }}{{ p }}{{ a }}{% endfor %}{{ p }}
{{ range(2) | join(",") }}{{ line("x") }}
''' })
case('template_attribute_undefined', role='#[derive(serde::Serialize)]\nstruct App {\n    host: String,\n    port: u16,\n}\n\n' + R('    let app = App { host: cx.app_host.clone(), port: 80 };\n    let apps = [&app];\n' + t('app, apps')), templates={'app.conf.j2': '''{{ app.host }}:{{ app.port }}
{% if app.port > 1024 %}{{ app.prot }}{{ app["hots"] }}{% endif %}
{% for one in apps %}{{ one.host }}{{ one.hots }}{% endfor %}
''' })
case('template_include_missing', role=R(t('host => cx.app_host')), templates={'app.conf.j2': '{% include "haeder.j2" %}\n{% if false %}{% include "other.j2" %}{% endif %}\n{% include "optional.j2" ignore missing %}\n', 'header.j2': '# {{ host }}\n{{ nothing }}\n'})
case('template_late_filtered', role=R(t('password => cx.password, name => "x", all => [&cx.password]')), templates={'app.conf.j2': '''password = {{ password }}
hash = {{ password | upper }}
{{ name ~ password }}
{% for one in all %}{{ one | length }}{% endfor %}
{% if password %}yes{% endif %}
{% if password is defined and password is not none %}yes{% endif %}
{% set line %}p={{ password }}{% endset %}
{{ line }}
{{ line | trim }}
{% filter upper %}{{ password }}{% endfilter %}
{% for c in password %}{{ c }}{% endfor %}
{{ password.length }} {{ password[0] }} {{ password[1:] }}
{% macro m(x) %}<{{ x }}>{% endmacro %}{{ m(password) }}{{ m(password) | lower }}
{{ name | replace("x", password) }}
'''})
case('template_late_compared', role=R(t('password => cx.password')), templates={'app.conf.j2': '{{ password == "x" }}{{ password in ["x"] }}{{ not password }}{{ password is eq("x") }}{{ "a" if password else "b" }}\n'})
case('template_late_mangled', role=R(t('password => cx.password, all => [vec![cx.password.clone()]]')), templates={'app.conf.j2': '{% for row in all %}{{ row | join(",") }}{% endfor %}\n'})
case('template_null_placed', role=R(t('host => cx.app_host, port => None::<u16>')), templates={'app.conf.j2': '{{ host }}:{{ port }}\n'})
case('template_syntax', role=R(t('host => cx.app_host')), templates={'app.conf.j2': 'a\n  {% if host %}\n{{ host }}\n'})
case('template_syntax_in_include', role=R(t('host => cx.app_host')), templates={'app.conf.j2': '\ufeff{% include "part.j2" %}\n', 'part.j2': '{{ host }\n'})
case('template_include_undefined', role=R(t('host => cx.app_host')), templates={'app.conf.j2': '{% extends "base.j2" %}\r\n{% from "macros.j2" import lien, line as l %}\r\n{% block body %}{{ l(hsot) }}{% endblock %}\r\n', 'base.j2': '{{ prot }}\r\n{% block body %}{% endblock %}', 'macros.j2': '{% macro line(x) %}{{ y }}{% endmacro %}'})
case('template_failing', role=R(t('host => cx.app_host, count => 0')), templates={'app.conf.j2': '{{ 4 // count }}\n'})
case('template_late_in_macro', role=R(t('password => cx.password')), templates={'app.conf.j2': '{% import "m.j2" as m %}{{ m.show(password) }}\n', 'm.j2': '{% macro show(x) %}{{ x }}{{ x ~ "!" }}{% endmacro %}'})
case('template_unknown_filter', role=R(t('host => cx.app_host')), templates={'app.conf.j2': '{{ host | uper }}{% if host is strng %}{% endif %}\n{{ ragne(3) }}{% filter lowercase %}x{% endfilter %}\n'})
case('template_unused', role=N(''), templates={'old.conf.j2': 'x\n', '.app.conf.j2.swp': ''})
case('good', role=R('''    plan.package("nginx");
    let text = template("app.conf.j2", context! { host => cx.app_host, password => cx.password, none => None::<u8> });
    let conf = plan.file("/etc/nginx/app.conf", text).mode(0o600);
    plan.file("/etc/motd", local_file("motd"));
    plan.service("nginx").enabled().running().reload_on(&conf);
'''), config=open('good/config.yaml').read(), inv=inventory, templates={'app.conf.j2': '''{% include "header.j2" %}
{% if none is none %}password = {{ password }}{% endif %}
{% set line %}p={{ password }}{% endset %}{{ line }}
{%- macro pair(key, value) %}
{{ key }} = {{ value }}
{%- endmacro %}
{{ pair("a", host) }}{{ pair(key="b", value=password) }}
{% for i in range(2) if i > 0 %}{{ loop.index }}{{ later is defined }}{% else %}none{% endfor %}
{{ host | upper | replace("A", "b") }}
''', 'header.j2': '{% from "macros.j2" import comment %}{% import "macros.j2" as m %}{{ comment(host) }}{{ m.comment("x") }}', 'macros.j2': '{% macro comment(text) %}# {{ text }}{% endmacro %}\n'}, files={'motd': 'Hello\n'})
