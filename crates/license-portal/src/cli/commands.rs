//! The commands of operators.

use std::{
    fs,
    io::{self, Read as _, Write as _},
    path::Path,
};

use anyhow::{Context as _, anyhow, bail, ensure};
use license_token::{Anchor, Installation, LicenseNumber};
use plain_text::shown;
use serde_json::json;

use super::{
    Command, Issue, List, One, OperatorCommand, Options, SigningKeyCommand, backup, note, say,
    webhook,
};
use crate::{
    clock::later,
    email::EmailAddress,
    keys::OperatorKey,
    language::Language,
    model::{Filter, NewOperator, Placed},
    portal::{Portal, Refusal},
    service::{
        LicenseReport, Order, OrderLine,
        table::{self, NotImported},
    },
    store::StoreError,
    text::plain_json,
};

/// Runs a command that needs an existing portal.
pub(super) async fn run(options: &Options, command: Command) -> anyhow::Result<()> {
    let portal = options.open().await?;
    match command {
        Command::Issue(asked) => issue(&portal, asked).await?,
        Command::Import { file, key, json } => import(&portal, &file, key, json).await?,
        Command::List(asked) => list(&portal, asked).await?,
        Command::Show(one) => report(&portal, &one).await?,
        Command::Revoke(one) => {
            portal
                .revoke(parse(&one.number)?, None)
                .await
                .map_err(unknown)?;
            done(&portal, &one, "revoked").await?;
        }
        Command::Restore(one) => {
            let number = parse(&one.number)?;
            portal.restore(number, None).await.map_err(unknown)?;
            done(&portal, &one, "restored").await?;
        }
        Command::Correct { one, email } => hand_over(&portal, &one, &email, false).await?,
        Command::Transfer { one, email } => hand_over(&portal, &one, &email, true).await?,
        Command::Export(one) => {
            let number = parse(&one.number)?;
            print_json(&portal.export(number, None).await.map_err(unknown)?)?;
        }
        Command::Erase(one) => {
            let number = parse(&one.number)?;
            portal.erase(number, None, None).await.map_err(unknown)?;
        }
        Command::Log { license, limit } => log(&portal, license.as_deref(), limit).await?,
        Command::Resend(one) => {
            portal
                .resend(parse(&one.number)?, None)
                .await
                .map_err(unknown)?;
            done(&portal, &one, "given a new PIN, and its mail queued").await?;
        }
        Command::Forget { one, installation } => {
            let installation = installation.as_deref().map(Installation::parse);
            let installation = installation
                .transpose()
                .map_err(|_form| anyhow!("--installation must have 32 hexadecimal digits"))?;
            let number = parse(&one.number)?;
            portal
                .forget(number, installation, None)
                .await
                .map_err(unknown)?;
            done(&portal, &one, "unregistered").await?;
        }
        Command::Seats { one, seats } => {
            let number = parse(&one.number)?;
            portal
                .reseat(number, None, seats, None)
                .await
                .map_err(unknown)?;
            done(&portal, &one, "given other seats").await?;
        }
        Command::OperatorKey { command } => operator_key(&portal, command).await?,
        Command::Webhook { command } => webhook::run(portal, command).await?,
        Command::SigningKey { command } => signing_key(options, &portal, command).await?,
        Command::Backup { file, keep: None } => portal.store.backup(&file).await?,
        Command::Backup {
            file,
            keep: Some(keep),
        } => backup::into_folder(&portal, &file, keep.into()).await?,
        Command::Serve
        | Command::Init
        | Command::CheckConfig
        | Command::TestMail { .. }
        | Command::Anchor
        | Command::Man { .. } => bail!("this command does not need an existing portal"),
    }
    Ok(())
}

async fn issue(portal: &Portal, asked: Issue) -> anyhow::Result<()> {
    let line = OrderLine {
        email: asked.email.to_string(),
        count: asked.count,
        is_activated: asked.activated,
        holder: asked
            .holder
            .map(|name| (name, asked.company.unwrap_or_default())),
        language: asked.language,
        seats: asked.seats,
    };
    let order = Order {
        key: asked.key,
        ..line.into()
    };
    print(&portal.issue(&order).await?, asked.json)
}

/// Places the order that a table has.
async fn import(
    portal: &Portal,
    file: &Path,
    key: Option<String>,
    json: bool,
) -> anyhow::Result<()> {
    let name = file.display();
    let mut text = Vec::new();
    let opened = fs::File::open(file).with_context(|| name.to_string())?;
    // A pipe does not say how long it is.
    let read = opened.take(TABLE + 1).read_to_end(&mut text);
    let size = read.with_context(|| name.to_string())? as u64;
    ensure!(
        size <= TABLE,
        "{name} is larger than {TABLE} bytes: split the order; nothing was ordered"
    );
    match portal.import(&text, MOST, None, key).await {
        Ok(placed) => print(&placed, json),
        Err(NotImported::Line(wrong)) => {
            let why = wrong.text(Language::En, MOST);
            bail!("{name}, {why} Nothing was ordered.")
        }
        Err(NotImported::Refused(refusal)) => Err(refusal.into()),
    }
}

/// Prints a table of all licenses that a filter permits.
async fn print_table(portal: &Portal, mut filter: Filter) -> anyhow::Result<()> {
    portal.export_table(None).await?;
    let mut is_first = true;
    loop {
        let (found, next) = portal.page(&filter).await?;
        let lines = table::write(None, is_first, &found);
        io::stdout().write_all(&lines)?;
        if next.is_none() {
            return Ok(io::stdout().flush()?);
        }
        (filter.after, is_first) = (next, false);
    }
}

/// Prints the numbers of an order that was placed.
fn print(placed: &Placed, json: bool) -> anyhow::Result<()> {
    let numbers = placed.licenses.iter().map(LicenseNumber::to_string);
    let numbers: Vec<_> = numbers.collect();
    let printed = if json {
        print_json(&json!({ "order": placed.order, "licenses": numbers }))
    } else {
        say(numbers.join("\n")).map_err(Into::into)
    };
    printed.with_context(|| {
        format!(
            "{} licenses were issued, and their mails queued, but not printed; `license-portal list --order {}` \
             prints them",
            numbers.len(),
            placed.order
        )
    })
}

async fn list(portal: &Portal, asked: List) -> anyhow::Result<()> {
    let after = asked.after.as_deref().map(parse).transpose()?;
    let filter = Filter {
        state: asked.state,
        email: asked.email,
        mail: asked.mail,
        order: asked.order,
        after: after.map(|number| number.to_string()),
        limit: asked.limit,
        ..Filter::default()
    };
    if asked.csv {
        return print_table(portal, filter).await;
    }
    let (found, next) = portal.page(&filter).await?;
    if asked.json {
        return print_json(&json!({ "licenses": found, "next": next }));
    }
    for report in &found {
        say(report.line())?;
    }
    if let Some(last) = next {
        note(format_args!(
            "there are more: add --after {last}, or a higher --limit"
        ));
    }
    Ok(())
}

async fn hand_over(
    portal: &Portal,
    one: &One,
    email: &EmailAddress,
    is_transfer: bool,
) -> anyhow::Result<()> {
    let number = parse(&one.number)?;
    let license = portal.store.license(number).await?;
    let license = license.ok_or(Refusal::Refused).map_err(unknown)?;
    if license.email == email.as_str() {
        bail!("the license already has this address");
    }
    let seen = license.version();
    let handed = portal.hand_over(number, &seen, email, is_transfer, None);
    handed.await.map_err(unknown)?;
    done(portal, one, "given another address, and both mails queued").await
}

async fn log(portal: &Portal, license: Option<&str>, limit: u32) -> anyhow::Result<()> {
    let license = license.map(parse).transpose()?;
    let asked = limit.saturating_add(1);
    let acts = portal.store.acts(None, license, None, asked).await?;
    for act in acts.iter().take(limit as usize) {
        say(act.line())?;
    }
    if acts.len() > limit as usize {
        note("there are older acts: add a higher --limit");
    }
    Ok(())
}

async fn operator_key(portal: &Portal, command: OperatorCommand) -> anyhow::Result<()> {
    match command {
        OperatorCommand::Add { name, scope, days } => {
            let key = OperatorKey::generate()?;
            let now = portal.clock.now();
            let operator = NewOperator {
                name: name.clone(),
                hash: OperatorKey::hash_of(key.expose()),
                scopes: scope,
                expires_at: days.map(|days| later(now, i64::from(days) * 24 * 3600)),
            };
            match portal.store.add_operator(&operator, now).await {
                Err(StoreError::Exists) => bail!("{name} already has a key"),
                added => added?,
            }
            // It is shown this once: unread, it must not stay.
            if let Err(error) = say(key.expose()) {
                portal.store.remove_operator(&name, now).await?;
                return Err(error).context("the key could not be written, and was not added");
            }
        }
        OperatorCommand::List => {
            for operator in portal.store.operators().await? {
                say(operator.line())?;
            }
        }
        OperatorCommand::Remove { name } => {
            let now = portal.clock.now();
            if !portal.store.remove_operator(&name, now).await? {
                bail!("{name} has no key");
            }
        }
    }
    Ok(())
}

async fn signing_key(
    options: &Options,
    portal: &Portal,
    command: SigningKeyCommand,
) -> anyhow::Result<()> {
    match command {
        SigningKeyCommand::Rotate => {
            let anchors = options.signers()?.anchors();
            portal.store.sign_with(&anchors, portal.clock.now()).await?;
            if let Some(anchor) = anchors.first() {
                say(format_args!("licenses are signed with {anchor}")).context(
                    "the key was changed, but that could not be printed; `license-portal signing-key list` prints the \
                     keys, the newest first",
                )?;
            }
        }
        SigningKeyCommand::List => {
            for anchor in portal.store.anchors().await? {
                say(anchor)?;
            }
        }
        SigningKeyCommand::Forget { anchor } => {
            let anchor = Anchor::parse(&anchor)
                .map_err(|_form| anyhow!("a public key has 64 lower-case hexadecimal digits"))?;
            if portal.store.anchors().await?.first() == Some(&anchor) {
                bail!("licenses are signed with this key; rotate first");
            }
            let old = options.old_signing_keys()?;
            if old.iter().any(|key| key.anchor() == anchor) {
                bail!(
                    "this key is configured, and the next `signing-key rotate` would add it again. Remove it from \
                     old_signing_key, restart every instance, and then forget it"
                );
            }
            if !portal.store.forget_anchor(anchor).await? {
                bail!("no license was signed with this key");
            }
        }
    }
    Ok(())
}

/// Reports a license after something was done to it. If that fails, it says that it was done.
async fn done(portal: &Portal, one: &One, what: &str) -> anyhow::Result<()> {
    report(portal, one).await.with_context(|| {
        format!(
            "the license was {what}, but could not be printed; `license-portal show {}` prints it",
            shown(&one.number)
        )
    })
}

async fn report(portal: &Portal, one: &One) -> anyhow::Result<()> {
    let report: LicenseReport = portal.show(parse(&one.number)?).await.map_err(unknown)?;
    if one.json {
        return print_json(&report);
    }
    say(report.line())?;
    for registration in report.registrations() {
        say(registration)?;
    }
    Ok(())
}

/// The most bytes of a table with an order.
const TABLE: u64 = 1024 * 1024;

/// The most licenses of one order.
const MOST: u32 = 1000;

fn parse(number: &str) -> anyhow::Result<LicenseNumber> {
    Ok(LicenseNumber::parse(number)?)
}

/// Says what `refused` means: operators may know it.
fn unknown(refusal: Refusal) -> anyhow::Error {
    match refusal {
        Refusal::Refused => anyhow!("the license does not exist or is revoked"),
        other => other.into(),
    }
}

fn print_json(value: &impl serde::Serialize) -> anyhow::Result<()> {
    Ok(say(plain_json(&serde_json::to_string_pretty(value)?))?)
}
