//! Self-tests at the card: those that a command needs, and what a host is told of them (PROTOCOL § 2.11).

use crate::{
    machine::Machine,
    platform::{Board, Fault},
    state::State,
};
use hsm_protocol::{
    Status,
    command::{AdminCommand, Command, PublicCommand, UserCommand},
    file::FileCommand,
    self_test::{SelfTest, SelfTestReport, Service, Stopped},
    settings::EncryptionMode,
    writer::Writer,
};

/// Runs the self-tests that a command needs, and loads the module's key for those that sign.
pub(crate) fn prepare<B: Board>(
    machine: &mut Machine<B>,
    command: &Command<'_>,
) -> Result<(), Fault> {
    let tests = needs(command);
    machine.require(tests)?;
    if tests.contains(&SelfTest::Ecdsa) {
        machine.load_signer()?;
    }
    Ok(())
}

/// Returns the self-tests of what a command uses beyond what the power-up tested.
const fn needs(command: &Command<'_>) -> &'static [SelfTest] {
    const SIGNATURES: &[SelfTest] = &[SelfTest::Ecdsa];
    const AGREEMENT: &[SelfTest] = &[SelfTest::Ecdsa, SelfTest::Ecdh, SelfTest::MlKem];
    const DATA: &[SelfTest] = &[SelfTest::Xts, SelfTest::Ecb];
    match command {
        Command::Public(PublicCommand::Identity { .. })
        | Command::Factory(_)
        | Command::User(
            UserCommand::Status { challenge: Some(_) }
            | UserCommand::Present(_)
            | UserCommand::Team { .. },
        )
        | Command::Admin(
            AdminCommand::Journal {
                challenge: Some(_), ..
            }
            | AdminCommand::Approve(_),
        ) => SIGNATURES,
        Command::Public(PublicCommand::Letterbox)
        | Command::Secondary(_)
        | Command::Admin(AdminCommand::Master(_))
        | Command::User(
            UserCommand::TakeEpochs(_)
            | UserCommand::File(
                FileCommand::Recipient { .. }
                | FileCommand::HybridRecipient { .. }
                | FileCommand::Unwrap(_)
                | FileCommand::HybridUnwrap(_),
            ),
        ) => AGREEMENT,
        Command::User(
            UserCommand::Encipher(_)
            | UserCommand::Decipher(_)
            | UserCommand::File(
                FileCommand::Begin { .. } | FileCommand::Seal(_) | FileCommand::Open(_),
            ),
        ) => DATA,
        Command::Public(
            PublicCommand::Select
            | PublicCommand::OwnChain
            | PublicCommand::TrustedRoot
            | PublicCommand::LastReceipt
            | PublicCommand::SelfTest { .. },
        )
        | Command::User(
            UserCommand::Status { challenge: None }
            | UserCommand::File(
                FileCommand::Identify(_) | FileCommand::BeginFast { .. } | FileCommand::Release(_),
            ),
        )
        | Command::Admin(
            AdminCommand::Journal {
                challenge: None, ..
            }
            | AdminCommand::ClearTable
            | AdminCommand::Rekey(_)
            | AdminCommand::Policy(_)
            | AdminCommand::Withdraw(_),
        ) => &[],
    }
}

/// Answers what the self-tests found; if asked to, after running all of them. A module in Fault answers too.
pub(crate) fn report<B: Board>(
    machine: &mut Machine<B>,
    run: bool,
    out: &mut Writer<'_>,
) -> Result<(), Status> {
    if run && machine.run_self_tests().is_err() {
        machine.fail();
    }
    let stopped = match (machine.self_tests.failed(), &machine.state) {
        (Some(test), _) => Some(Stopped::By(test)),
        (None, State::Fault) => Some(Stopped::ByFault),
        (None, _) => None,
    };
    let service = match machine
        .state
        .unlocked()
        .map(|session| session.csps.settings.mode)
    {
        Ok(EncryptionMode::Xts) => Service::Approved,
        Ok(EncryptionMode::Ecb) => Service::NotApproved,
        Err(_locked) => Service::None,
    };
    let report = SelfTestReport {
        stopped,
        passed: machine.self_tests.passed(),
        service,
    };
    Ok(report.write(out)?)
}
