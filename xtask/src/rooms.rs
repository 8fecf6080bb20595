//! The rooms inside `hsm-core` (ARCHITECTURE.md): which may use which, read from the paths in the source text.

use crate::run;
use anyhow::{Context, Result, bail};
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

/// A room, or a file beside the rooms, and what its files may name besides each other.
const ROOMS: &[(&str, &[&str])] = &[
    (
        "module",
        &["keypad", "card", "machine", "state", "platform", "time"],
    ),
    (
        "keypad",
        &[
            "asking", "cloning", "vault", "crypto", "platform", "time", "machine", "state",
        ],
    ),
    (
        "card",
        &[
            "asking",
            "presented",
            "cloning",
            "vault",
            "crypto",
            "platform",
            "time",
            "machine",
            "state",
        ],
    ),
    (
        "machine",
        &["keypad", "vault", "crypto", "platform", "time", "state"],
    ),
    (
        "state",
        &[
            "asking",
            "presented",
            "keypad",
            "card",
            "cloning",
            "vault",
            "crypto",
            "platform",
            "time",
        ],
    ),
    (
        "cloning",
        &["asking", "presented", "vault", "crypto", "platform", "time"],
    ),
    ("presented", &["vault"]),
    ("vault", &["crypto", "platform"]),
    ("platform", &["crypto"]),
    ("crypto", &[]),
    ("asking", &["time"]),
    ("time", &[]),
];

/// The largest circle of imports. It may not leave a room.
const CIRCLE: usize = 3;

const SOURCE: &str = "crates/hsm-core/src";

/// Checks the sources of `hsm-core`. Returns the number of files.
pub(crate) fn check_core() -> Result<usize> {
    let mut files = BTreeMap::new();
    read(&run::root().join(SOURCE), "", &mut files)?;
    check(&files)?;
    Ok(files.len())
}

/// Reads all sources under a folder, by the path of their module, such as `vault::csp::pin`.
fn read(folder: &Path, module: &str, files: &mut BTreeMap<String, String>) -> Result<()> {
    for entry in fs::read_dir(folder).with_context(|| format!("{} is missing", folder.display()))? {
        let path = entry?.path();
        let stem = path
            .file_stem()
            .and_then(|stem| stem.to_str())
            .unwrap_or_default();
        let inner = match stem {
            "mod" | "lib" => module.to_owned(),
            _ if module.is_empty() => stem.to_owned(),
            _ => format!("{module}::{stem}"),
        };
        if path.is_dir() {
            read(&path, &inner, files)?;
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.insert(inner, fs::read_to_string(&path)?);
        }
    }
    Ok(())
}

/// Checks the arrows between rooms, and that no circle of imports is large or leaves its room.
fn check(files: &BTreeMap<String, String>) -> Result<()> {
    let mut imports: BTreeMap<&str, BTreeMap<&str, String>> = BTreeMap::new();
    // The root is the map of the crate: it names everything.
    for (module, text) in files.iter().filter(|(module, _)| !module.is_empty()) {
        for path in paths(text) {
            let Some(target) = resolve(module, &path, files) else {
                bail!("{module} names {path}: name the file that defines it, not the crate's root");
            };
            if target != module {
                imports.entry(module).or_default().insert(target, path);
            }
        }
    }
    for (module, targets) in &imports {
        let allowed = ROOMS.iter().find(|(name, _)| *name == room(module));
        let (_, allowed) = allowed.with_context(|| {
            format!("{module} is in no room: give it one, or draw its arrows in xtask/src/rooms.rs")
        })?;
        for (target, path) in targets {
            if room(target) != room(module) && !allowed.contains(&room(target)) {
                bail!(
                    "{module} names {path}: {} may not use {}",
                    room(module),
                    room(target)
                );
            }
        }
    }
    circles(&imports)
}

fn circles(imports: &BTreeMap<&str, BTreeMap<&str, String>>) -> Result<()> {
    let reached: BTreeMap<_, _> = imports
        .keys()
        .map(|from| (*from, reach(from, imports)))
        .collect();
    let leads = |from: &str, to: &str| reached.get(from).is_some_and(|all| all.contains(to));
    for from in imports.keys() {
        let members: Vec<_> = imports
            .keys()
            .filter(|to| leads(from, to) && leads(to, from))
            .collect();
        let is_one_room = members.iter().all(|member| room(member) == room(from));
        if members.len() > CIRCLE || !is_one_room {
            let mut lines = Vec::new();
            for member in &members {
                for (target, path) in &imports[*member] {
                    if members.contains(&target) {
                        lines.push(format!("  {member} names {path}"));
                    }
                }
            }
            bail!(
                "{} files import each other in a circle:\n{}",
                members.len(),
                lines.join("\n")
            );
        }
    }
    Ok(())
}

/// Returns every module that a module imports, directly or not.
fn reach<'a>(from: &str, imports: &'a BTreeMap<&str, BTreeMap<&str, String>>) -> BTreeSet<&'a str> {
    let mut reached = BTreeSet::new();
    let mut open = vec![from];
    while let Some(module) = open.pop() {
        for target in imports.get(module).into_iter().flat_map(BTreeMap::keys) {
            if reached.insert(*target) {
                open.push(target);
            }
        }
    }
    reached
}

fn room(module: &str) -> &str {
    module.split("::").next().unwrap_or_default()
}

/// Returns the module that defines what a path names; `None` if that is the crate's root.
fn resolve<'a>(module: &str, path: &str, files: &'a BTreeMap<String, String>) -> Option<&'a str> {
    let mut at: Vec<&str> = module.split("::").collect();
    let mut found = None;
    for segment in path.split("::") {
        match segment {
            "crate" => at.clear(),
            "self" => {}
            "super" => {
                at.pop();
            }
            name => at.push(name),
        }
        if let Some((known, _)) = files.get_key_value(&at.join("::")) {
            found = Some(known.as_str());
        }
    }
    found.filter(|known| !known.is_empty())
}

/// Returns the paths in the code of a source that begin with `crate`, `super` or `self`. Comments and tests, which come
/// last in a file, are left out.
fn paths(text: &str) -> Vec<String> {
    let code = text
        .split("\n#[cfg(test)]\nmod ")
        .next()
        .unwrap_or_default();
    let code: String = code
        .lines()
        .map(|line| line.split("//").next().unwrap_or_default().to_owned() + "\n")
        .collect();
    let tokens = tokens(&code);
    let mut paths = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        let begins = matches!(tokens[at], "crate" | "super" | "self");
        if begins && tokens.get(at + 1) == Some(&"::") {
            at = tree(&tokens, at, "", &mut paths);
        } else {
            at += 1;
        }
    }
    paths
}

/// Reads a path, or a tree of paths in braces, at a position. Returns the position after it.
fn tree(tokens: &[&str], mut at: usize, prefix: &str, paths: &mut Vec<String>) -> usize {
    let mut path = prefix.to_owned();
    loop {
        match tokens.get(at) {
            Some(&"{") => {
                at += 1;
                loop {
                    match tokens.get(at) {
                        None => return at,
                        Some(&"}") => return at + 1,
                        Some(&"as") => at += 2,
                        // A comma or an asterisk is no path.
                        Some(_) => at = tree(tokens, at, &path, paths).max(at + 1),
                    }
                }
            }
            Some(name) if name.starts_with(|c: char| c.is_alphabetic() || c == '_') => {
                if !path.is_empty() {
                    path += "::";
                }
                path += name;
                at += 1;
                if tokens.get(at) == Some(&"::") {
                    at += 1;
                    continue;
                }
            }
            _ => {}
        }
        if path != prefix {
            paths.push(path);
        }
        return at;
    }
}

/// Splits code into names, `::`, and single characters.
fn tokens(code: &str) -> Vec<&str> {
    let mut tokens = Vec::new();
    let mut rest = code.trim_start();
    while let Some(first) = rest.chars().next() {
        let is_name = |c: char| c.is_alphanumeric() || c == '_';
        let len = if rest.starts_with("::") {
            2
        } else if is_name(first) {
            rest.find(|c| !is_name(c)).unwrap_or(rest.len())
        } else {
            first.len_utf8()
        };
        let (token, after) = rest.split_at(len);
        tokens.push(token);
        rest = after.trim_start();
    }
    tokens
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checked(sources: &[(&str, &str)]) -> Result<(), String> {
        let files = sources
            .iter()
            .map(|(module, text)| ((*module).to_owned(), (*text).to_owned()))
            .collect();
        check(&files).map_err(|error| error.to_string())
    }

    #[test]
    fn the_core_keeps_to_its_arrows() {
        assert!(check_core().unwrap() > 40);
    }

    #[test]
    fn paths_are_read_from_trees_and_from_code() {
        let text = "use crate::{\n    a::{self, B, c::D},\n    e as f,\n};\nuse super::g;\n\
                    // crate::comment\npub(crate) fn h(x: crate::i::J<super::K>) { self.l(); }\n";
        assert_eq!(
            paths(text),
            [
                "crate::a::self",
                "crate::a::B",
                "crate::a::c::D",
                "crate::e",
                "super::g",
                "crate::i::J",
                "super::K"
            ]
        );
    }

    #[test]
    fn an_arrow_upward_is_refused() {
        let planted = [
            ("keypad::act", ""),
            (
                "vault::attempt",
                "use crate::{\n    keypad::act::EntryError,\n};\n",
            ),
        ];
        assert_eq!(
            checked(&planted).unwrap_err(),
            "vault::attempt names crate::keypad::act::EntryError: vault may not use keypad"
        );
        let inline = [
            ("module", ""),
            (
                "card::dispatch",
                "fn run(module: &mut crate::module::Module) {}",
            ),
        ];
        assert!(
            checked(&inline)
                .unwrap_err()
                .contains("card may not use module")
        );
    }

    #[test]
    fn a_circle_through_two_rooms_is_refused() {
        let planted = [
            ("machine", "use crate::keypad::leds::Pattern;"),
            ("keypad::leds", "use crate::machine::Machine;"),
        ];
        let error = checked(&planted).unwrap_err();
        assert!(error.starts_with("2 files import each other"), "{error}");
        assert!(
            error.contains("  keypad::leds names crate::machine::Machine"),
            "{error}"
        );
    }

    #[test]
    fn a_circle_of_three_files_is_the_largest() {
        let circle = |members: &[&str]| {
            let sources: BTreeMap<_, _> = (0..members.len())
                .map(|i| {
                    let next = members[(i + 1) % members.len()];
                    (
                        format!("vault::{}", members[i]),
                        format!("use super::{next}::X;"),
                    )
                })
                .collect();
            check(&sources)
        };
        assert!(circle(&["a", "b", "c"]).is_ok());
        let error = circle(&["a", "b", "c", "d"]).unwrap_err().to_string();
        assert!(error.starts_with("4 files import each other"), "{error}");
        assert!(error.contains("  vault::d names super::a::X"), "{error}");
    }

    #[test]
    fn the_root_is_not_a_way_around() {
        let planted = [
            ("", "pub use keypad::leds;"),
            ("vault::store", "use crate::leds::Led;"),
        ];
        assert!(
            checked(&planted)
                .unwrap_err()
                .contains("not the crate's root")
        );
    }

    #[test]
    fn a_file_outside_the_rooms_is_refused() {
        let planted = [("helper", "use crate::time::Millis;"), ("time", "")];
        assert!(
            checked(&planted)
                .unwrap_err()
                .starts_with("helper is in no room")
        );
    }

    #[test]
    fn tests_and_comments_may_name_everything() {
        let text = "// crate::keypad::act\nfn f() {}\n\n#[cfg(test)]\nmod tests {\n    use crate::keypad::act::X;\n}\n";
        assert_eq!(
            checked(&[("keypad::act", ""), ("vault::store", text)]),
            Ok(())
        );
    }
}
