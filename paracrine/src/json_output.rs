//! What `--format json` writes; nothing to call.
//!
//! What is not there is `null`, never left out. New keys and new events may come; those that are there stay as they
//! are. Secrets stand by name, as everywhere.
//!
//! # `check --format json`, `apply --format json`
//!
//! One object per line, in the order in which things happen. Every object has `event`, and all that belong to a host
//! have `host`.
//!
//! | `event` | further keys |
//! | --- | --- |
//! | `started` | `mode` (`check`, `apply`), `environment`, `hosts` (array of `name`, `tasks`) |
//! | `connecting`, `connected`, `ready` | |
//! | `waiting` | `holder` |
//! | `begun` | `task` |
//! | `report` | `task`, `outcome` (`changed`, `may_change`, `failed`), `because`, `failure`, `differences`, `seconds` |
//! | `closing_look` | |
//! | `notice` | `text` |
//! | `ended` | `status`, `summary`, `failure`, `task`, `failed_before`, `seconds` |
//! | `interrupted` | `urgency` (`after_task`, `at_once`) |
//! | `finished` | `hosts` (numbers by status), `refused` (array of reasons), `seconds` |
//!
//! - After `closing_look`, a `report` is of a task that does not hold: it failed, whatever was reported of it before.
//! - `task`: `place` (from 0), `kind`, `name`, `file`, `line`, `column`.
//! - `failure`: `message`, `output`, `help`.
//! - `status`: `as_planned`, `applied`, `pending`, `stopped`, `held`, `not_begun` (another host failed before its turn:
//!   `failed_before`), `unreachable`, `failed`.
//! - `differences`: objects with `difference` (`create`, `remove`, `attribute`, `content`, `action`): `create` has
//!   `attributes` (object of texts) and `diff` (or `null` for what has no content); `remove` has `what`; `attribute`
//!   has `name`, `before`, `after`; `content` has `diff` (lines of a unified diff); `action` has `verb`, `because`.
//! - `summary`: `unchanged`, `changed`, `may_change`, `failed`, `skipped`, `stopped`, `cpu_seconds`, `peak_kib`.
//!
//! # `plan --format json`
//!
//! One object per host and line. Keys: `site`, `commit`, `environment`, `host`, `roles`, `arch`, `tasks`. Each
//! task has `kind`, `name`, `attributes` (object of texts), `triggers` (array of `action`, `on`: the place of the
//! task in `tasks`, from 0), `secrets` (array of names), `file`, `line`, `column` (what declared it), `source` (the
//! template or local file, or `null`), `values` (array of what the declaration names from config and inventories) and
//! `content`: the text of its file with secrets by name, or `null` where it has none or it is no text.
//!
//! - `values`: `written` (as the role has it, `cx.env.app_host`; `null` for a secret that came into the task otherwise),
//!   `key` (dotted where nested), `value` (as text, shortened, secrets by name), `around` (whether it stands in a loop or
//!   condition around the declaration), `file`, `line`, `column` (where the YAML defines it). Found are values that are
//!   named in the declaration itself and in the same function: in loops and conditions around it, and in the `let`
//!   statements of variables that it uses. What is passed to a function as an argument is not followed, secrets excepted.
//!
//! # `plan diff --format json`
//!
//! One object per line for each host whose plan differs. Keys: `environment`, `host`, `change` (`new`, `gone`, `changed`),
//! `roles` (`before`, `after`) and `tasks`: objects with `change` (`comes`, `leaves`, `changes`), `kind`, `name`, `moved`
//! (whether it comes elsewhere in the order), `before` and `after` (the task as above, or `null`).
//!
//! # `hosts --format json`
//!
//! One object per host and line. Keys: `environment`, `host`, `ssh_hostname`, `ssh_port`, `ssh_user`, `ssh_key` (array of
//! places where the key is looked for), `jump` (array, outermost first), `host_key`, `sudo`, `arch`, `roles`, `inventory`,
//! `tasks` (their number).
