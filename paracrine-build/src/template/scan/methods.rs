//! The methods of Python, which these templates do not have, and what takes their place.

/// What is written instead of `receiver.method(args)`; `None` where it is no method of Python's text, lists or mappings.
pub(in crate::template) fn instead(method: &str, receiver: &str, args: &[&str]) -> Option<String> {
    let first = args.first().copied().unwrap_or("…");
    let all = if args.is_empty() { "…".to_owned() } else { args.join(", ") };
    // What stands in brackets after a filter that can do without.
    let given = if args.is_empty() { String::new() } else { format!("({all})") };
    Some(match method {
        "items" => format!("{receiver}|items"),
        "keys" => format!("{receiver}|list"),
        "values" => format!("{receiver}|items|map(attribute=1)"),
        "get" => match args {
            [key, default] => format!("{receiver}[{key}]|default({default})"),
            _ => format!("{receiver}[{first}]|default(\"\")"),
        },
        "has_key" => format!("{first} in {receiver}"),
        "startswith" => format!("{receiver} is startingwith({first})"),
        "endswith" => format!("{receiver} is endingwith({first})"),
        "upper" | "lower" | "title" | "capitalize" => format!("{receiver}|{method}"),
        "strip" | "lstrip" | "rstrip" => format!("{receiver}|trim{given}"),
        "split" | "rsplit" => format!("{receiver}|split{given}"),
        "splitlines" => format!("{receiver}|lines"),
        "replace" => format!("{receiver}|replace({all})"),
        "join" => format!("{first}|join({receiver})"),
        "format" => format!("\"%s …\"|format({all})"),
        "zfill" => format!("\"%0{first}d\"|format({receiver}|int)"),
        "ljust" => format!("\"%-{first}s\"|format({receiver})"),
        "rjust" | "center" => format!("\"%{first}s\"|format({receiver})"),
        "find" | "index" | "count" => format!("{first} in {receiver}"),
        "isdigit" | "isnumeric" | "isdecimal" => format!("{receiver}|int(default=-1) >= 0"),
        "append" => format!("{{% set {receiver} = {receiver} + [{first}] %}}"),
        "extend" => format!("{{% set {receiver} = {receiver} + {first} %}}"),
        "update" => format!("dict({receiver}, key=…)"),
        "copy" => receiver.to_owned(),
        "encode" | "decode" => receiver.to_owned(),
        "sort" | "reverse" => format!("{receiver}|{method}"),
        _ => return None,
    })
}
