//! State × command. Each arm asks its state for the authority that the command needs (PROTOCOL § 2.4).

use super::{cipher, factory, file, letter, open_journal, recipient, rekey, self_tests, ticket};
use crate::{
    asking::{Act, Asking, Confirmed},
    cloning::{
        commit::write_receipt,
        countersign::countersign,
        letter::{take, write},
        master::{Master, MasterCycle},
        secondary::{Retained, Secondary},
    },
    crypto::Direction,
    machine::Machine,
    platform::{Board, Platform},
    state::{AdminSession, Session, State},
    time::Millis,
    vault::{
        csp::{contents::Csps, kek::Kek, module_key, slot::Slot},
        journal::Journal,
        store::{NotStored, Store},
    },
};
use hsm_protocol::{
    Sha384Digest, Signature, Status, Verifier,
    apdu::CommandApdu,
    command::{
        AdminCommand, Command, MasterCommand, PublicCommand, SELECTED, SecondaryCommand,
        UserCommand,
    },
    file::FileCommand,
    identity::{Identity, PROTOCOL_VERSION},
    journal::JournalPart,
    settings::{AdminStatus, ModuleStatus, Role},
    signed::{AnswerSignature, Challenge, SIGNED_MESSAGE, SignedLabel},
    writer::Writer,
};

/// Firmware version: major, minor, patch.
pub const FIRMWARE: [u8; 3] = [0, 1, 0];

/// Runs a whole command. If the board fails, the module stops: only a power-up shows what the store holds.
pub(crate) fn run<B: Board>(
    machine: &mut Machine<B>,
    apdu: &CommandApdu<'_>,
    now: Millis,
    out: &mut Writer<'_>,
) -> Result<(), Status> {
    let command = Command::parse(apdu)?;
    if apdu.expected < command.undivided() {
        return Err(Status::WrongLength);
    }
    if let Command::Public(PublicCommand::SelfTest { run }) = command {
        return self_tests::report(machine, run, out);
    }
    if matches!(machine.state, State::Fault) {
        return Err(Status::MemoryFailure);
    }
    if self_tests::prepare(machine, &command).is_err() {
        machine.fail();
        return Err(Status::MemoryFailure);
    }
    let outcome = match &command {
        Command::Public(command) => public(machine, command, out),
        Command::Factory(command) => {
            let Machine {
                platform,
                store,
                signer,
                ..
            } = machine;
            factory::run(command, platform, store, signer, out)
        }
        Command::Secondary(command) => secondary(machine, command, apdu, now, out),
        Command::User(command) => user(machine, command, now, out),
        Command::Admin(command) => admin(machine, command, apdu, now, out),
    };
    if outcome == Err(Status::MemoryFailure) {
        machine.fail();
    }
    outcome
}

fn public<B: Board>(
    machine: &mut Machine<B>,
    command: &PublicCommand<'_>,
    out: &mut Writer<'_>,
) -> Result<(), Status> {
    match command {
        PublicCommand::Select => Ok(out.bytes(&SELECTED)?),
        PublicCommand::Identity { challenge } => identity(machine, challenge, out),
        PublicCommand::OwnChain => certified(&machine.store.device().chain, out),
        PublicCommand::TrustedRoot => certified(&machine.store.device().root, out),
        PublicCommand::LastReceipt => Ok(write_receipt(machine.store.device(), out)?),
        PublicCommand::SelfTest { run } => self_tests::report(machine, *run, out),
        PublicCommand::Letterbox => letter::letterbox(machine, out),
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
    machine: &mut Machine<B>,
    challenge: &[u8; 32],
    out: &mut Writer<'_>,
) -> Result<(), Status> {
    let identity = Identity {
        version: PROTOCOL_VERSION,
        firmware: FIRMWARE,
        serial: machine.platform.serial,
        certified: machine.store.device().is_certified(),
        lock: machine.state.lock_state(machine.store.device().lifecycle),
    };
    identity.write(out)?;
    if identity.certified {
        let message = Identity::signed::<B::Crypto>(challenge, out.written());
        let signature = sign(machine, &message)?;
        out.bytes(&signature)?;
    }
    Ok(())
}

/// Ends an answer with the module's signature over it and the host's challenge (PROTOCOL § 3.3).
fn sign_answer<B: Board>(
    machine: &mut Machine<B>,
    answers: &AnswerSignature<'_>,
    out: &mut Writer<'_>,
) -> Result<(), Status> {
    let message = answers.message::<B::Crypto>(out.written());
    let signature = sign(machine, &message)?;
    Ok(out.bytes(&signature)?)
}

fn sign<B: Board>(
    machine: &mut Machine<B>,
    message: &[u8; SIGNED_MESSAGE],
) -> Result<Signature, Status> {
    module_key::certified(machine.signer.as_ref(), &machine.store)
        .ok_or(Status::NotCertified)?
        .sign(&mut machine.platform.rng, message)
        .map_err(|_error| Status::MemoryFailure)
}

fn user<B: Board>(
    machine: &mut Machine<B>,
    command: &UserCommand<'_>,
    now: Millis,
    out: &mut Writer<'_>,
) -> Result<(), Status> {
    let csps = &machine.state.unlocked()?.csps;
    let (direction, units) = match command {
        UserCommand::Status { challenge } => {
            let writes_left = machine.store.writes_left(&machine.platform);
            let is_admin = matches!(machine.state, State::Admin(_));
            status(csps, is_admin, writes_left, out)?;
            let Some(challenge) = *challenge else {
                return Ok(());
            };
            let answers = AnswerSignature {
                label: SignedLabel::Status,
                p1: 0,
                challenge,
            };
            return sign_answer(machine, &answers, out);
        }
        UserCommand::Encipher(units) => (Direction::Encipher, units),
        UserCommand::Decipher(units) => (Direction::Decipher, units),
        UserCommand::File(command) => return shared_file(machine, command, now, out),
        UserCommand::TakeEpochs(letter) => return letter::take_epochs(machine, letter, out),
        UserCommand::Present(presentation) => {
            let Machine { store, state, .. } = machine;
            let session = state.unlocked_mut()?;
            return ticket::present::<B>(presentation, store, session, out);
        }
        UserCommand::Team { challenge } => {
            ticket::team::<B>(&machine.store, machine.state.unlocked()?, out)?;
            let answers = AnswerSignature {
                label: SignedLabel::Team,
                p1: 0,
                challenge,
            };
            return sign_answer(machine, &answers, out);
        }
    };
    cipher::run::<B::Crypto>(csps, direction, units, out)?;
    machine.state.touch(now);
    Ok(())
}

fn shared_file<B: Board>(
    machine: &mut Machine<B>,
    command: &FileCommand<'_>,
    now: Millis,
    out: &mut Writer<'_>,
) -> Result<(), Status> {
    let (csps, files) = machine.state.unlocked_files()?;
    if command.releases_key() && !csps.settings.releases_keys {
        return Err(Status::KeysStay);
    }
    match command {
        FileCommand::Begin { chunk_size } => {
            files.begin::<B::Crypto>(&mut machine.platform.rng, csps, *chunk_size, out)?;
        }
        FileCommand::BeginFast { chunk_size, count } => {
            let rng = &mut machine.platform.rng;
            file::begin_fast::<B::Crypto>(rng, csps, *chunk_size, *count, out)?;
        }
        FileCommand::Release(headers) => file::release::<B::Crypto>(csps, headers, out)?,
        FileCommand::Seal(chunk) => files.seal::<B::Crypto>(csps, chunk, out)?,
        FileCommand::Open(chunk) => files.open::<B::Crypto>(csps, chunk, out)?,
        // Asking whose a file is or who the team is, as with STATUS, is no use of the machine.
        FileCommand::Identify(header) => return file::identify::<B::Crypto>(csps, header, out),
        FileCommand::Recipient { challenge } => {
            recipient::recipient::<B::Crypto>(csps, out)?;
            return sign_answer(machine, &of_recipient(0, challenge), out);
        }
        FileCommand::HybridRecipient { challenge } => {
            recipient::hybrid_recipient::<B::Crypto>(csps, out)?;
            return sign_answer(machine, &of_recipient(1, challenge), out);
        }
        FileCommand::Unwrap(sealed) => recipient::unwrap::<B::Crypto>(csps, sealed, out)?,
        FileCommand::HybridUnwrap(sealed) => {
            recipient::hybrid_unwrap::<B::Crypto>(csps, sealed, out)?;
        }
    }
    machine.state.touch(now);
    Ok(())
}

const fn of_recipient(p1: u8, challenge: &Challenge) -> AnswerSignature<'_> {
    AnswerSignature {
        label: SignedLabel::Recipient,
        p1,
        challenge,
    }
}

fn status(
    csps: &Csps,
    is_admin: bool,
    writes_left: u64,
    out: &mut Writer<'_>,
) -> Result<(), Status> {
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
        epoch: csps.keyring.current().name,
        mode: csps.settings.mode,
        auto_lock: csps.settings.auto_lock,
        policy: csps.settings.policy,
        releases_keys: csps.settings.releases_keys,
        writes_left: u32::try_from(writes_left).unwrap_or(u32::MAX),
        admin,
    };
    Ok(status.write(out)?)
}

fn admin<B: Board>(
    machine: &mut Machine<B>,
    command: &AdminCommand<'_>,
    apdu: &CommandApdu<'_>,
    now: Millis,
    out: &mut Writer<'_>,
) -> Result<(), Status> {
    let Machine {
        platform,
        store,
        signer,
        state,
        ..
    } = machine;
    let session = state.administrator()?;
    let AdminSession {
        session: opened,
        cycle,
        writes,
        asking,
        ..
    } = &mut *session;
    let Session {
        kek,
        csps,
        presented,
    } = opened;
    match command {
        AdminCommand::Rekey(request) => {
            let command = digest::<B>(apdu);
            rekey::rekey(request, &command, (platform, store), session, now, out)
        }
        AdminCommand::Policy(policy) => {
            let command = digest::<B>(apdu);
            rekey::policy(policy, &command, (platform, store), session, now)
        }
        AdminCommand::Approve(ticket) => {
            let signer =
                module_key::certified(signer.as_ref(), store).ok_or(Status::NotCertified)?;
            let (module, command) = ((platform, &*store, signer), digest::<B>(apdu));
            ticket::approve(ticket, &command, module, (opened, asking), now, out)
        }
        AdminCommand::Withdraw(number) => {
            let confirmed = asking.confirmed(Act::Withdraw, &digest::<B>(apdu), now)?;
            ticket::withdraw(confirmed, number, (platform, store), opened)
        }
        AdminCommand::Journal { part, challenge } => {
            journal_page::<B>(store, kek, *part, out)?;
            let Some(challenge) = challenge else {
                return Ok(());
            };
            let answers = AnswerSignature {
                label: SignedLabel::Journal,
                p1: part.to_p1(),
                challenge,
            };
            sign_answer(machine, &answers, out)
        }
        AdminCommand::ClearTable => {
            let confirmed = asking.confirmed(Act::ClearTable, &digest::<B>(apdu), now)?;
            Ok(clear_table(confirmed, platform, store, kek, csps)?)
        }
        AdminCommand::Master(command) => {
            let signer =
                module_key::certified(signer.as_ref(), store).ok_or(Status::NotCertified)?;
            let mut master = Master {
                platform,
                store,
                signer,
                kek,
                csps,
                presented,
                writes,
            };
            master_step(&mut master, cycle, command, now, out)
        }
    }
}

/// Writes a page of the journal.
#[inline(never)]
fn journal_page<B: Board>(
    store: &Store,
    kek: &Kek,
    part: JournalPart,
    out: &mut Writer<'_>,
) -> Result<(), Status> {
    let mut journal = Journal::default();
    open_journal::<B>(store, kek, &mut journal)?;
    Ok(journal.write_page(part, out)?)
}

/// Clears the journal's table, as a person allowed.
#[inline(never)]
fn clear_table<B: Board>(
    _: Confirmed,
    platform: &mut Platform<B>,
    store: &mut Store,
    kek: &mut Kek,
    csps: &Csps,
) -> Result<(), NotStored> {
    let mut journal = Journal::default();
    store.image().open_journal::<B::Crypto>(kek, &mut journal)?;
    journal.clear_table();
    store.seal_anew(platform, kek, csps, &journal)
}

#[inline(never)]
fn master_step<B: Board>(
    master: &mut Master<'_, B>,
    cycle: &mut Option<MasterCycle>,
    command: &MasterCommand<'_>,
    now: Millis,
    out: &mut Writer<'_>,
) -> Result<(), Status> {
    match command {
        MasterCommand::CycleBegin {
            options,
            secondaries,
        } => {
            *cycle = None;
            *cycle = Some(MasterCycle::begin(master, *options, *secondaries)?);
            Ok(())
        }
        MasterCommand::CycleEnd => cycle.take().map(|_| ()).ok_or(Status::OutOfOrder),
        MasterCommand::Grant { run, offer } => {
            let cycle = cycle.as_mut().ok_or(Status::OutOfOrder)?;
            Ok(cycle.grant(master, *run, now, offer, out)?)
        }
        MasterCommand::Parcel { run, consent } => {
            let cycle = cycle.as_mut().ok_or(Status::OutOfOrder)?;
            Ok(cycle.parcel(master, *run, consent, out)?)
        }
        MasterCommand::Countersign(receipt) => Ok(countersign(master, cycle, receipt, out)?),
        MasterCommand::WriteJoin { letterbox } => {
            let cycle = cycle.as_ref().ok_or(Status::OutOfOrder)?;
            Ok(write::join(master, cycle, letterbox, out)?)
        }
        MasterCommand::WriteEpochs { shared, letterbox } => {
            let cycle = cycle.as_ref().ok_or(Status::OutOfOrder)?;
            Ok(write::epochs(master, cycle, *shared, letterbox, out)?)
        }
    }
}

fn secondary<B: Board>(
    machine: &mut Machine<B>,
    command: &SecondaryCommand<'_>,
    apdu: &CommandApdu<'_>,
    now: Millis,
    out: &mut Writer<'_>,
) -> Result<(), Status> {
    let Machine {
        platform,
        store,
        signer,
        state,
        ..
    } = machine;
    let (run, retained, asking) = match state {
        State::Fresh(fresh) => (&mut fresh.run, None, None),
        State::Admin(admin) => {
            let Session { kek, csps, .. } = &admin.session;
            let retained = Some(Retained { kek, csps });
            (&mut admin.run, retained, Some(&mut admin.asking))
        }
        State::User(_) => return Err(Status::NotAdministrator),
        State::Fault => return Err(Status::MemoryFailure),
        State::Locked(_) | State::Recovering(_) | State::AdminMode(_) => {
            return Err(Status::Locked);
        }
    };
    let signer = module_key::certified(signer.as_ref(), store).ok_or(Status::NotCertified)?;
    let mut secondary = Secondary {
        platform,
        store,
        signer,
    };
    match command {
        SecondaryCommand::Offer => {
            let confirmed = may_replace::<B>(asking, apdu, now)?;
            Ok(run.offer(confirmed, &mut secondary, now, out)?)
        }
        SecondaryCommand::Consent(grant) => {
            Ok(run.consent(&mut secondary, retained.as_ref(), now, grant, out)?)
        }
        SecondaryCommand::Commit(parcel) => {
            run.commit(&mut secondary, retained.as_ref(), parcel, out)?;
            machine.lock(now);
            Ok(())
        }
        SecondaryCommand::Join(letter) => {
            let confirmed = may_replace::<B>(asking, apdu, now)?;
            let (module, retained) = (&mut secondary, retained.as_ref());
            take::join(confirmed, module, retained, letter, out)?;
            machine.lock(now);
            Ok(())
        }
    }
}

/// Returns the proof that a person allowed what replaces the module's CSPs, if it has any.
fn may_replace<B: Board>(
    asking: Option<&mut Asking>,
    apdu: &CommandApdu<'_>,
    now: Millis,
) -> Result<Confirmed, Status> {
    match asking {
        Some(asking) => asking.confirmed(Act::Replace, &digest::<B>(apdu), now),
        None => Ok(Confirmed::NOTHING_TO_LOSE),
    }
}

/// Returns the hash of a command that a person is asked about: its header and its data.
fn digest<B: Board>(apdu: &CommandApdu<'_>) -> Sha384Digest {
    let header = [apdu.cla, apdu.ins, apdu.p1, apdu.p2];
    B::Crypto::sha384(&[&header, apdu.data])
}
