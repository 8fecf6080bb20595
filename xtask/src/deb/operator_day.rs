//! A new operator's first day: runs every command of the manual's page, as it is written there, in a clean Debian with
//! no network but its own; a first customer activates a license through either proxy.

use super::{Profile, build, clean_root::CleanRoot};
use crate::{debian, run};
use anyhow::{Context, Result, ensure};
use std::fs;

pub(crate) fn run() -> Result<()> {
    debian::install(&[debian::PACKAGE, debian::NETWORK])?;
    run::shown(&["cargo", "build", "--quiet", "--locked", "-p", PACKAGE])?;
    let packages = build(Profile::Dev, &[PACKAGE])?;
    let page = fs::read_to_string(run::root().join(PAGE)).context(PAGE)?;
    let script = script(&blocks(&page))?;
    let root = CleanRoot::make().context("a clean Debian 12")?;
    // The computer of the operator has a network for apt; the trial has not.
    root.apt(&[&["install", "--download-only"], INSTALLED].concat())?;
    for package in &packages {
        root.place(package, "root")?;
    }
    for (text, to) in [
        (script.as_str(), "root/day.sh"),
        (SYSTEMCTL, "usr/local/bin/systemctl"),
        (WORLD, "root/world.sh"),
    ] {
        root.write(text, to)?;
    }
    let said = root.alone(&["bash", "-euc", "cd && . ./world.sh && . ./day.sh"])?;
    // Lines with a plus sign are commands.
    let sold: Vec<_> = said
        .lines()
        .filter(|line| line.ends_with(" is active and registered") && !line.starts_with('+'))
        .collect();
    ensure!(
        sold.len() == 2,
        "not every customer has an active license:\n{said}"
    );
    println!("operator-day: {}", sold.join("\noperator-day: "));
    Ok(())
}

/// A block of commands on the page.
#[derive(Debug, PartialEq, Eq)]
struct Block<'a> {
    /// When it is run: the words after `sh,`.
    when: &'a str,
    commands: &'a str,
}

/// Returns the blocks of commands on a page.
fn blocks(page: &str) -> Vec<Block<'_>> {
    let blocks = page.split("\n```sh").skip(1);
    blocks
        .filter_map(|rest| {
            let (when, rest) = rest.split_once('\n')?;
            Some(Block {
                when: when.trim_start_matches(','),
                commands: rest.split_once("\n```")?.0,
            })
        })
        .collect()
}

/// Writes the script of the day: the page from top to bottom with `HAProxy`, then nginx in its place
/// and another customer.
fn script(blocks: &[Block<'_>]) -> Result<String> {
    let one = |when| {
        let block = blocks.iter().find(|block| block.when == when);
        block.with_context(|| format!("{PAGE} has no block `sh,{when}`"))
    };
    let (nginx, sale) = (one("nginx")?, one("sale")?);
    let mut script = "set -x\n".to_owned();
    let mut add = |commands: &str| script.extend([commands, "\n"]);
    for block in blocks.iter().filter(|block| *block != nginx) {
        add(block.commands);
        if block == sale {
            add(BUYER);
        }
    }
    for commands in [
        "systemctl stop haproxy",
        nginx.commands,
        sale.commands,
        BUYER,
    ] {
        add(commands);
    }
    // The page says: an address of your own.
    Ok(script.replace("you@example.com", "you@licenses.example.com"))
}

const PACKAGE: &str = "license-portal";

const PAGE: &str = "manual/en/src/portal-first-day.md";

/// What the page installs, besides the portal.
const INSTALLED: &[&str] = &[
    "adduser",
    "ca-certificates",
    "curl",
    "haproxy",
    "nginx-light",
    "openssl",
    "postfix",
];

/// What is outside of the operator's computer: names, the mailbox of a customer, and the answers to apt's questions.
const WORLD: &str = r#"
echo '127.0.0.1 localhost licenses.example.com' > /etc/hosts
useradd --create-home you
echo 'APT::Get::Assume-Yes "true";' > /etc/apt/apt.conf.d/answers
debconf-set-selections <<'END'
postfix postfix/main_mailer_type select Internet Site
postfix postfix/mailname string licenses.example.com
END
chmod 755 /usr/local/bin/systemctl
export DEBIAN_FRONTEND=noninteractive
"#;

const SYSTEMCTL: &str = include_str!("operator_day/systemctl.sh");

const BUYER: &str = include_str!("operator_day/buyer.sh");

#[cfg(test)]
mod tests {
    use super::*;

    fn page(language: &str) -> String {
        let page = PAGE.replace("/en/", &format!("/{language}/"));
        fs::read_to_string(run::root().join(page)).unwrap()
    }

    #[test]
    fn the_page_has_the_same_commands_in_every_language() {
        let english = page("en");
        let english = blocks(&english);
        assert!(english.len() > 8);
        for language in ["de", "fr"] {
            assert_eq!(blocks(&page(language)), english, "{language}");
        }
    }

    #[test]
    fn a_page_without_a_sale_is_no_day() {
        assert!(script(&blocks("\n```sh,nginx\nnginx -t\n```\n")).is_err());
    }
}
