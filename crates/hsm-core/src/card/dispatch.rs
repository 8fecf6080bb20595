//! State × command. Each arm asks its state for the authority that the command needs (PROTOCOL § 2.4).

use crate::{
    card::cipher,
    card::factory,
    card::file,
    card::recipient,
    cloning::{
        Refusal,
        countersign::countersign,
        master::{Master, MasterCycle},
        secondary::{Kept, Secondary, write_receipt},
    },
    crypto::{Direction, Provider},
    module::Module,
    platform::{Board, Fault},
    state::{AdminSession, Session, State},
    time::Millis,
    vault::csp::Csps,
    vault::csp::pin::Slot,
    vault::device::Lifecycle,
};
use hsm_protocol::{
    Status,
    cloning::{Condition, Cycle, Options},
    command::{AdminCommand, Command, PublicCommand, SELECTED, SecondaryCommand, UserCommand},
    file::FileCommand,
    identity::{Identity, PROTOCOL_VERSION},
    limits,
    settings::{AdminStatus, ModuleStatus, Role},
    writer::Writer,
};

/// Firmware version: major, minor, patch.
pub const FIRMWARE: [u8; 3] = [0, 1, 0];

/// Runs a whole command. A failing board ends everything: only a power-up tells what the store holds.
pub(crate) fn run<B: Board>(
    module: &mut Module<B>,
    command: &Command<'_>,
    now: Millis,
    out: &mut Writer<'_>,
) -> Result<(), Status> {
    if matches!(module.state, State::Fault) {
        return Err(Status::MemoryFailure);
    }
    let outcome = match command {
        Command::Public(command) => public(module, command, out),
        Command::Factory(command) => {
            let Module {
                platform,
                store,
                signer,
                ..
            } = module;
            factory::run(command, (platform, store), signer, out)
        }
        Command::Secondary(command) => secondary(module, command, now, out),
        Command::User(command) => user(module, command, now, out),
        Command::Admin(command) => admin(module, command, now, out),
    };
    if outcome == Err(Status::MemoryFailure) {
        module.fail();
    }
    outcome
}

fn public<B: Board>(
    module: &mut Module<B>,
    command: &PublicCommand<'_>,
    out: &mut Writer<'_>,
) -> Result<(), Status> {
    match command {
        PublicCommand::Select => Ok(out.bytes(&SELECTED)?),
        PublicCommand::Identity { challenge } => identity(module, challenge, out),
        PublicCommand::OwnChain => certified(&module.store.device().chain, out),
        PublicCommand::TrustedRoot => certified(&module.store.device().root, out),
        PublicCommand::LastReceipt => Ok(write_receipt(module.store.device(), out)?),
    }
}

fn certified(bytes: &[u8], out: &mut Writer<'_>) -> Result<(), Status> {
    if bytes.is_empty() {
        Err(Status::NotCertified)
    } else {
        Ok(out.bytes(bytes)?)
    }
}

fn identity<B: Board>(
    module: &mut Module<B>,
    challenge: &[u8; 32],
    out: &mut Writer<'_>,
) -> Result<(), Status> {
    let identity = Identity {
        version: PROTOCOL_VERSION,
        firmware: FIRMWARE,
        serial: module.platform.serial,
        certified: module.store.device().is_certified(),
        lock: module.lock_state(),
    };
    identity.write(out)?;
    if let (true, Some(signer)) = (identity.certified, &module.signer) {
        let message = Identity::signed::<B::Crypto>(challenge, out.written());
        let signature = B::Crypto::sign(signer, &mut module.platform.rng, &message)
            .map_err(|_error| Status::MemoryFailure)?;
        out.bytes(&signature)?;
    }
    Ok(())
}

fn user<B: Board>(
    module: &mut Module<B>,
    command: &UserCommand<'_>,
    now: Millis,
    out: &mut Writer<'_>,
) -> Result<(), Status> {
    let csps = &module.state.user()?.csps;
    let (direction, units) = match command {
        UserCommand::Status => {
            return status(csps, matches!(module.state, State::Admin(_)), out);
        }
        UserCommand::Encipher(units) => (Direction::Encipher, units),
        UserCommand::Decipher(units) => (Direction::Decipher, units),
        UserCommand::File(command) => return shared_file(module, command, now, out),
    };
    cipher::run::<B::Crypto>(csps, direction, units, out)?;
    module.state.touch(now);
    Ok(())
}

fn shared_file<B: Board>(
    module: &mut Module<B>,
    command: &FileCommand<'_>,
    now: Millis,
    out: &mut Writer<'_>,
) -> Result<(), Status> {
    let (csps, files) = module.state.user_files()?;
    match command {
        FileCommand::Begin { chunk_size } => {
            files.begin(&mut module.platform.rng, csps, *chunk_size, out)?;
        }
        FileCommand::Seal(chunk) => files.seal::<B::Crypto>(csps, chunk, out)?,
        FileCommand::Open(chunk) => files.open::<B::Crypto>(csps, chunk, out)?,
        // Asking who the team is, as with STATUS, is no use of the module.
        FileCommand::Recipient => return file::recipient::<B::Crypto>(csps, out),
        FileCommand::HybridRecipient => return recipient::recipient::<B::Crypto>(csps, out),
        FileCommand::Unwrap(sealed) => file::unwrap::<B::Crypto>(csps, sealed, out)?,
        FileCommand::HybridUnwrap(sealed) => recipient::unwrap::<B::Crypto>(csps, sealed, out)?,
    }
    module.state.touch(now);
    Ok(())
}

fn status(csps: &Csps, is_admin: bool, out: &mut Writer<'_>) -> Result<(), Status> {
    let (epoch, _) = csps.keyring.current().ok_or(Status::MemoryFailure)?;
    let is_set = |slot| csps.pins.record(slot).is_some();
    let admin = is_admin.then(|| AdminStatus {
        cloning: csps.settings.cloning,
        user_pin: is_set(Slot::User),
        recovery_pin: is_set(Slot::Recovery),
        self_destruct_pin: is_set(Slot::SelfDestruct),
    });
    let role = if is_admin {
        Role::Administrator
    } else {
        Role::User
    };
    let status = ModuleStatus {
        role,
        group: *csps.keyring.group(),
        epoch,
        mode: csps.settings.mode,
        auto_lock: csps.settings.auto_lock,
        policy: csps.settings.policy,
        admin,
    };
    Ok(status.write(out)?)
}

fn admin<B: Board>(
    module: &mut Module<B>,
    command: &AdminCommand<'_>,
    now: Millis,
    out: &mut Writer<'_>,
) -> Result<(), Status> {
    let Module {
        platform,
        store,
        signer,
        state,
        ..
    } = module;
    let AdminSession {
        session: Session { kek, csps },
        cycle,
        ..
    } = state.admin()?;
    if let AdminCommand::Journal { page } = command {
        let journal = store
            .image()
            .open_journal::<B::Crypto>(kek)
            .map_err(|Fault| Status::MemoryFailure)?;
        return Ok(journal.write_page(*page, out)?);
    }
    let signer = signer
        .as_ref()
        .filter(|_| store.device().is_certified())
        .ok_or(Status::NotCertified)?;
    let mut master = Master {
        platform,
        store,
        signer,
        kek,
        csps,
    };
    match command {
        AdminCommand::CycleBegin {
            options,
            secondaries,
        } => {
            *cycle = None;
            *cycle = Some(begin(&mut master, *options, *secondaries)?);
            Ok(())
        }
        AdminCommand::CycleEnd => cycle.take().map(|_| ()).ok_or(Status::OutOfOrder),
        AdminCommand::Grant { run, offer } => {
            let cycle = cycle.as_mut().ok_or(Status::OutOfOrder)?;
            Ok(cycle.grant(&mut master, (*run, now), offer, out)?)
        }
        AdminCommand::Parcel { run, consent } => {
            let cycle = cycle.as_mut().ok_or(Status::OutOfOrder)?;
            Ok(cycle.parcel(&mut master, *run, consent, out)?)
        }
        AdminCommand::Countersign(receipt) => Ok(countersign(&mut master, cycle, receipt, out)?),
        // Answered above, without the module's key.
        AdminCommand::Journal { .. } => Err(Status::OutOfOrder),
    }
}

fn begin<B: Board>(
    master: &mut Master<'_, B>,
    options: Options,
    secondaries: u16,
) -> Result<MasterCycle, Status> {
    if !master.csps.settings.cloning {
        return Err(Status::CloningDisabled);
    }
    if secondaries == 0 {
        return Err(Status::Malformed);
    }
    if options.disable_master && usize::from(secondaries) > limits::DISABLING_CYCLE {
        return Err(Status::TooLarge);
    }
    let Master {
        platform,
        store,
        kek,
        ..
    } = master;
    let number = store
        .update(platform, |image, platform| {
            let mut journal = image.open_journal::<B::Crypto>(kek)?;
            let number = journal.begin_cycle();
            image.seal_journal(platform, kek, &journal)?;
            Ok::<_, Fault>(number)
        })
        .map_err(|Fault| Status::MemoryFailure)?;
    Ok(MasterCycle::new(Cycle {
        number,
        options,
        secondaries,
    }))
}

fn secondary<B: Board>(
    module: &mut Module<B>,
    command: &SecondaryCommand<'_>,
    now: Millis,
    out: &mut Writer<'_>,
) -> Result<(), Status> {
    let Module {
        platform,
        store,
        signer,
        state,
        ..
    } = module;
    let condition = match store.device().lifecycle {
        Lifecycle::Shipment => Condition::Shipment,
        Lifecycle::Reset => Condition::Reset,
        Lifecycle::Configured => Condition::Replaced,
    };
    let (run, kept) = match state {
        State::Fresh(fresh) => (&mut fresh.run, None),
        State::Admin(admin) => {
            let Session { kek, csps } = &admin.session;
            (&mut admin.run, Some(Kept { kek, csps }))
        }
        State::User(_) => return Err(Status::NotAdministrator),
        State::Fault => return Err(Status::MemoryFailure),
        State::Locked(_) | State::Recovering(_) | State::AdminMode(_) => {
            return Err(Status::Locked);
        }
    };
    let signer = signer
        .as_ref()
        .filter(|_| store.device().is_certified())
        .ok_or(Status::NotCertified)?;
    let mut secondary = Secondary {
        platform,
        store,
        signer,
    };
    match command {
        SecondaryCommand::Offer => Ok(run.offer(&mut secondary, (condition, now), out)?),
        SecondaryCommand::Consent(grant) => Ok(run.consent(&mut secondary, now, grant, out)?),
        SecondaryCommand::Commit(parcel) => {
            match run.commit(&mut secondary, kept.as_ref(), parcel, out) {
                Ok(()) => {
                    module.lock(now);
                    Ok(())
                }
                // Written, but not what was meant: as with a failing board, only a power-up tells.
                Err(Refusal::NotProved) => Err(Status::MemoryFailure),
                Err(refusal) => Err(refusal.into()),
            }
        }
    }
}
