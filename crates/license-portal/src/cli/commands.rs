//! The commands of operators.

use anyhow::{Context as _, anyhow, bail};
use license_token::{Anchor, Installation, LicenseNumber};
use plain_text::shown;
use serde_json::json;

use super::{Command, One, OperatorCommand, Options, SigningKeyCommand, backup, note, say};
use crate::{
    clock::later,
    email::EmailAddress,
    keys::OperatorKey,
    model::{Filter, NewOperator},
    portal::{Portal, Refusal},
    service::{IssueOrder, LicenseReport},
    store::StoreError,
    text::plain_json,
};

/// Runs a command that needs an existing portal.
pub(super) async fn run(options: &Options, command: Command) -> anyhow::Result<()> {
    let portal = options.open().await?;
    match command {
        Command::Issue {
            email,
            count,
            activated,
            holder,
            company,
            language,
            json,
        } => {
            let order = IssueOrder {
                email: email.to_string(),
                count,
                is_activated: activated,
                holder: holder.map(|name| (name, company.unwrap_or_default())),
                language,
                sold_by: None,
            };
            issue(&portal, &order, json).await?;
        }
        Command::List {
            state,
            email,
            mail,
            after,
            limit,
            json,
        } => {
            let after = after.as_deref().map(parse).transpose()?;
            let filter = Filter {
                state,
                email,
                mail,
                after: after.map(|number| number.to_string()),
                limit,
                ..Filter::default()
            };
            list(&portal, &filter, json).await?;
        }
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
        Command::OperatorKey { command } => operator_key(&portal, command).await?,
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

async fn issue(portal: &Portal, order: &IssueOrder, json: bool) -> anyhow::Result<()> {
    let numbers = portal.issue(order).await?;
    let numbers: Vec<_> = numbers.iter().map(LicenseNumber::to_string).collect();
    let printed = if json {
        print_json(&json!({ "licenses": numbers }))
    } else {
        say(numbers.join("\n")).map_err(Into::into)
    };
    printed.with_context(|| {
        format!(
            "{} licenses were issued, and their mails queued, but not printed; `license-portal list --email {}` \
             prints them",
            numbers.len(),
            shown(&order.email)
        )
    })
}

async fn list(portal: &Portal, filter: &Filter, json: bool) -> anyhow::Result<()> {
    let asked = Filter {
        limit: filter.limit.saturating_add(1),
        ..filter.clone()
    };
    let mut found = portal.list(&asked).await?;
    let has_more = found.len() > filter.limit as usize;
    found.truncate(filter.limit as usize);
    let next = found.last().filter(|_| has_more);
    let next = next.map(|last| last.number().to_owned());
    if json {
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
    for act in portal.store.acts(None, license, None, limit).await? {
        say(act.line())?;
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
