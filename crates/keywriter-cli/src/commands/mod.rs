//! One file for each group of commands.

pub(crate) mod clone;
pub(crate) mod data_units;
pub(crate) mod decrypt;
pub(crate) mod encrypt;
pub(crate) mod inspect;
pub(crate) mod journal;
pub(crate) mod letter;
pub(crate) mod license;
pub(crate) mod list;
pub(crate) mod master;
mod members;
pub(crate) mod pin;
mod policy;
pub(crate) mod receipt;
pub(crate) mod recipient;
pub(crate) mod register;
pub(crate) mod rewrap;
pub(crate) mod root;
pub(crate) mod settings;
pub(crate) mod share;
pub(crate) mod team;
pub(crate) mod ticket;
mod told;
pub(crate) mod usage;

use crate::{args::Args, failure::Failure, output, pin::PinSource};
use keywriter::{
    Serial,
    file::NewFile,
    genuine::TrustedRoot,
    license::Launched,
    module::ModuleError,
    problem::{Problem, Reason},
    protocol::{Condition, EncryptionMode, Permission},
    share::FileMode,
    survey::{Depth, Present, Survey},
    teamwork::{Teamwork, Told},
    text::{hex, shown_path},
    transport::Location,
};
use std::{io, path::Path, time::SystemTime};

/// Asks for the app's PIN if the app is registered. `None`: it is not, and virtual modules can be tried out.
fn require_app_pin(args: &Args) -> Result<Option<Launched>, Failure> {
    let store = args.license_store()?;
    if store.registration()?.is_none() {
        return Ok(None);
    }
    let pin = PinSource::open(args)?.ask("KeyWriter PIN: ")?;
    Ok(Some(store.launch(&pin, now())?))
}

/// Returns the seconds since 1970-01-01 00:00 UTC by this computer's clock.
fn now() -> u64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    since.map_or(0, |since| since.as_secs())
}

/// Surveys every module that is plugged in.
fn survey_with(args: &Args, root: Option<&TrustedRoot>) -> Result<Survey, Failure> {
    let waits = |location: &Location| {
        if !args.json {
            output::note(&format!("keywriter: waiting for {location}\n"));
        }
    };
    let discovery = args.discovery()?;
    Ok(Survey::of_all(&discovery, root, Depth::Facts, &waits))
}

/// Surveys every module that is plugged in, for work: at the first use, asks whether their root is the right one.
fn survey_all(args: &Args) -> Result<Survey, Failure> {
    if let Some((root, _)) = args.trusted_root()? {
        return survey_with(args, Some(&root));
    }
    let found = survey_with(args, None)?;
    match root::first_use(args, &found)? {
        Some(root) => survey_with(args, Some(&root)),
        None => Ok(found),
    }
}

/// Returns the root for work that looks for modules itself.
fn root_for_work(args: &Args) -> Result<TrustedRoot, Failure> {
    if let Some((root, _)) = args.trusted_root()? {
        return Ok(root);
    }
    let found = survey_with(args, None)?;
    let is_empty = found.modules.is_empty() && found.duplicates.is_empty();
    root::first_use(args, &found)?.ok_or_else(|| {
        Failure::Problem(if is_empty {
            found.missing(None)
        } else {
            Reason::NoRoot.into()
        })
    })
}

/// Finds one module, which is genuine.
fn find(args: &Args, serial: Serial) -> Result<Present, Failure> {
    take(&mut survey_all(args)?, serial)
}

/// Takes one module, which is genuine, out of what was found.
fn take(found: &mut Survey, serial: Serial) -> Result<Present, Failure> {
    keywriter::teamwork::take(found, serial).map_err(Failure::Problem)
}

/// Returns what acts on a team need: this user's folders, or another one of receipts.
fn teamwork<'a>(
    args: &Args,
    root: &'a TrustedRoot,
    receipts: Option<&Path>,
    tell: &'a dyn Fn(Told),
) -> Result<Teamwork<'a>, Failure> {
    let mut work = Teamwork::new(&args.folders()?, root, tell);
    if let Some(receipts) = receipts {
        receipts.clone_into(&mut work.receipts);
    }
    Ok(work)
}

/// Makes a failure of a named module.
fn of_module(serial: Serial) -> impl Fn(ModuleError) -> Failure {
    move |error| Failure::Problem(Problem::from(&error).about(serial))
}

/// Makes a failure of a file that cannot be read or written.
fn of_file(reason: Reason, path: &Path) -> impl FnOnce(io::Error) -> Failure {
    let problem = Problem::new(reason).about(shown_path(path));
    move |error| Failure::Problem(problem.because(&error))
}

/// Gives a new file its name; an existing one is replaced only with `force`.
fn commit(file: NewFile, path: &Path, force: bool) -> Result<(), Failure> {
    let committed = if force {
        file.commit()
    } else {
        file.commit_new()
    };
    committed.map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => Failure::about(Reason::FileExists, shown_path(path)),
        _ => of_file(Reason::CannotWrite, path)(error),
    })
}

/// Returns how a choice is shown.
const fn yes_or_no(is_chosen: bool) -> &'static str {
    if is_chosen { "yes" } else { "no" }
}

/// Returns the name of an encryption mode, in text and JSON.
const fn mode_name(mode: EncryptionMode) -> &'static str {
    match mode {
        EncryptionMode::Xts => "AES-256-XTS",
        EncryptionMode::Ecb => "AES-256-ECB",
    }
}

/// Returns the name of a file's cipher, in tables and JSON.
const fn file_mode_name(mode: FileMode) -> &'static str {
    match mode {
        FileMode::InModule(mode) => mode_name(mode),
        FileMode::Fast => "AES-256-GCM",
    }
}

/// Returns the name of what a secondary was before, in tables and JSON.
const fn condition_name(condition: Condition) -> &'static str {
    match condition {
        Condition::Shipment => "shipment",
        Condition::Reset => "reset",
        Condition::Replaced => "replaced",
        Condition::Member => "member",
    }
}

/// Returns what allowed a master to act, in tables and JSON: the ticket by its hash.
fn permission_name(permission: Permission) -> String {
    match permission {
        Permission::Unrestricted => "unrestricted".to_owned(),
        Permission::Ticket(hash) => hex(&hash),
    }
}
