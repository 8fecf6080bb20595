//! What goes wrong, as something that can be said in any language: what it is, whom it concerns, and for how long.

use keywriter::{
    Serial,
    cycle::{
        CycleError, Failure,
        plan::{CycleRefusal, MasterRefusal, SecondaryRefusal},
        run::StepError,
    },
    license::{GateRefusal, LicenseError, NumberError, PinError, PortalError, pin::PinRefusal},
    module::ModuleError,
    receipt::ReceiptError,
    report::ReportError,
    settings::{SettingsError, Wrong},
    transport::TransportError,
};

/// What is wrong, and what the user may do about it. Each has a title and an advice in every language.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reason {
    // Modules.
    /// Not plugged in.
    Absent,
    /// One serial number in two places.
    Twins,
    /// No certificate.
    NotCertified,
    /// Another root of trust.
    ForeignRoot,
    /// A certificate or signature does not verify.
    NotGenuine,
    /// This computer knows no root.
    UnknownRoot,
    /// No Admin PIN yet.
    Fresh,
    /// A master that is locked.
    Locked,
    /// Unlocked as User.
    UnlockedAsUser,
    /// A master on which cloning is disabled.
    CloningDisabled,
    /// A secondary that is locked and in use.
    LockedNotFresh,
    /// Pulled out in the middle.
    PulledOut,
    /// The master was lost in the middle.
    MasterLost,
    /// Another program holds it.
    InUse,
    /// It gives no answer.
    Silent,
    /// pcscd does not answer.
    NoService,
    /// One is virtual and the other is not.
    OtherKind,
    /// What was stored is not what was sent.
    NotProved,
    /// Anything else that a module said.
    ModuleRefused,
    // Cycles.
    /// Nothing is plugged in.
    NoModule,
    /// Another module could be master too.
    TwoMasters,
    /// The master is alone.
    NoSecondary,
    /// Too many for a cycle that disables its master.
    TooMany,
    /// Named twice.
    SameModule,
    /// Stop was pressed before its turn.
    Stopped,
    // License.
    /// This app is not registered, and a hardware module is to be cloned.
    Unregistered,
    /// The last day is over.
    Lapsed,
    /// Revoked.
    Revoked,
    /// This computer's clock is wrong.
    ClockWrong,
    /// The stored license is of no use.
    LicenseUseless,
    /// The license was made for another kind of build.
    OtherBuild,
    // Portal.
    /// Nobody answers.
    PortalUnreachable,
    /// Number or PIN wrong, or not active.
    PortalRefused,
    /// Too many tries.
    PortalSlowDown,
    /// As many apps as the license allows are registered.
    PortalFull,
    /// It answers what no portal answers, or its address is none.
    PortalStrange,
    // What is typed.
    /// A character of the license number is mistyped.
    NumberSlip,
    /// Not a license number.
    NumberMalformed,
    /// Not eight digits.
    PinMalformed,
    /// The PIN is wrong.
    PinWrong,
    /// It is too early for another try.
    PinWait,
    /// The new PIN is the current one.
    PinSame,
    /// The new PINs differ.
    PinsDiffer,
    // Files.
    /// A file cannot be read.
    CannotRead,
    /// A file cannot be written.
    CannotWrite,
    /// A file is not of the kind it should be.
    WrongFile,
    /// A file comes from a newer program.
    NewerFile,
    /// A receipt cannot be kept or does not verify.
    BadReceipt,
    /// No program shows web pages.
    NoBrowser,
    /// The system gives no randomness, or a thread ended.
    System,
}

/// What goes wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trouble {
    /// What it is.
    pub reason: Reason,
    /// Whom it concerns: a serial number, a place, a file; may be empty.
    pub what: String,
    /// Seconds until the next try is taken, where that is the matter.
    pub seconds: u64,
    /// What the library says, in English; may be empty. For those who look for the cause.
    pub detail: String,
}

impl Trouble {
    /// A reason that says all.
    pub const fn new(reason: Reason) -> Self {
        Self {
            reason,
            what: String::new(),
            seconds: 0,
            detail: String::new(),
        }
    }

    /// The same, about something.
    #[must_use]
    pub fn about(mut self, what: &dyn std::fmt::Display) -> Self {
        self.what = what.to_string();
        self
    }

    /// The same, with the error it comes from.
    #[must_use]
    pub fn with(mut self, error: &dyn std::error::Error) -> Self {
        self.detail = error.to_string();
        let mut cause = error.source();
        while let Some(source) = cause {
            self.detail.push_str(": ");
            self.detail.push_str(&source.to_string());
            cause = source.source();
        }
        self
    }

    const fn after(reason: Reason, seconds: u64) -> Self {
        let mut trouble = Self::new(reason);
        trouble.seconds = seconds;
        trouble
    }
}

impl From<Reason> for Trouble {
    fn from(reason: Reason) -> Self {
        Self::new(reason)
    }
}

impl From<MasterRefusal> for Reason {
    fn from(why: MasterRefusal) -> Self {
        match why {
            MasterRefusal::Absent => Self::Absent,
            MasterRefusal::Twins => Self::Twins,
            MasterRefusal::NotCertified => Self::NotCertified,
            MasterRefusal::ForeignRoot => Self::ForeignRoot,
            MasterRefusal::NotGenuine => Self::NotGenuine,
            MasterRefusal::UnknownRoot => Self::UnknownRoot,
            MasterRefusal::Fresh => Self::Fresh,
            MasterRefusal::Locked => Self::Locked,
            MasterRefusal::UnlockedAsUser => Self::UnlockedAsUser,
            MasterRefusal::CloningDisabled => Self::CloningDisabled,
            _ => Self::ModuleRefused,
        }
    }
}

impl From<SecondaryRefusal> for Reason {
    fn from(why: SecondaryRefusal) -> Self {
        match why {
            SecondaryRefusal::Absent => Self::Absent,
            SecondaryRefusal::Twins => Self::Twins,
            SecondaryRefusal::NotCertified => Self::NotCertified,
            SecondaryRefusal::ForeignRoot => Self::ForeignRoot,
            SecondaryRefusal::NotGenuine => Self::NotGenuine,
            SecondaryRefusal::LockedNotFresh => Self::LockedNotFresh,
            SecondaryRefusal::UnlockedAsUser => Self::UnlockedAsUser,
            SecondaryRefusal::NoLicense => Self::Unregistered,
            SecondaryRefusal::Stopped => Self::Stopped,
            _ => Self::ModuleRefused,
        }
    }
}

impl From<&TransportError> for Trouble {
    fn from(error: &TransportError) -> Self {
        let reason = match error {
            TransportError::Absent { .. } => Reason::Absent,
            TransportError::PulledOut { .. } => Reason::PulledOut,
            TransportError::InUse { .. } => Reason::InUse,
            TransportError::Silent { .. } => Reason::Silent,
            TransportError::Service { .. } => Reason::NoService,
            _ => Reason::ModuleRefused,
        };
        Self::new(reason).with(error)
    }
}

impl From<&ModuleError> for Trouble {
    fn from(error: &ModuleError) -> Self {
        use keywriter::protocol::Status;
        let reason = match error {
            ModuleError::Transport(error) => return error.into(),
            ModuleError::Refused(Status::Locked) => Reason::Locked,
            ModuleError::Refused(Status::NotAdministrator) => Reason::UnlockedAsUser,
            ModuleError::Refused(Status::CloningDisabled) => Reason::CloningDisabled,
            ModuleError::Refused(Status::ForeignRoot) => Reason::ForeignRoot,
            ModuleError::Refused(Status::NotGenuine) => Reason::NotGenuine,
            ModuleError::Refused(Status::SameModule) => Reason::SameModule,
            ModuleError::Refused(Status::OtherKind) => Reason::OtherKind,
            ModuleError::Refused(Status::NotProved) => Reason::NotProved,
            ModuleError::Refused(Status::NotCertified) => Reason::NotCertified,
            _ => Reason::ModuleRefused,
        };
        Self::new(reason).with(error)
    }
}

impl From<&Failure> for Trouble {
    fn from(failure: &Failure) -> Self {
        match failure {
            Failure::Refused(why) => Reason::from(*why).into(),
            Failure::Step(StepError::MasterLost(error)) => {
                Self::new(Reason::MasterLost).with(error.as_ref())
            }
            Failure::Step(StepError::Secondary(error) | StepError::Master(error)) => error.into(),
            other => Self::new(Reason::ModuleRefused).with(other),
        }
    }
}

impl From<&CycleRefusal> for Trouble {
    fn from(refusal: &CycleRefusal) -> Self {
        match refusal {
            CycleRefusal::NoModule => Reason::NoModule.into(),
            CycleRefusal::Master { serial, why } => Self::new((*why).into()).about(&serial),
            CycleRefusal::SameModule { serial } => Self::new(Reason::SameModule).about(&serial),
            CycleRefusal::TwoMasters { others, .. } => {
                let names: Vec<_> = others.iter().map(Serial::to_string).collect();
                Self::new(Reason::TwoMasters).about(&names.join(", "))
            }
            CycleRefusal::NoSecondary { .. } => Reason::NoSecondary.into(),
            CycleRefusal::TooMany { count } => Self::new(Reason::TooMany).about(&count),
            other => Self::new(Reason::ModuleRefused).with(other),
        }
    }
}

impl From<&CycleError> for Trouble {
    fn from(error: &CycleError) -> Self {
        match error {
            CycleError::Refused(refusal) => refusal.into(),
            CycleError::License(refusal) => (*refusal).into(),
            CycleError::Master { serial, source } => Self::from(source).about(&serial),
            other => Self::new(Reason::ModuleRefused).with(other),
        }
    }
}

impl From<GateRefusal> for Trouble {
    fn from(refusal: GateRefusal) -> Self {
        use keywriter::license::VerifyError;
        let reason = match refusal {
            GateRefusal::Unregistered => Reason::Unregistered,
            GateRefusal::Lapsed(_) => Reason::Lapsed,
            GateRefusal::Revoked => Reason::Revoked,
            GateRefusal::NotYet(_) => Reason::ClockWrong,
            GateRefusal::Unverified(VerifyError::OtherKey { .. }) => Reason::OtherBuild,
            // Of another installation, unverified, damaged.
            _ => Reason::LicenseUseless,
        };
        let what = match refusal {
            GateRefusal::Lapsed(day) | GateRefusal::NotYet(day) => day.to_string(),
            _ => String::new(),
        };
        Self::new(reason).about(&what).with(&refusal)
    }
}

impl From<&LicenseError> for Trouble {
    fn from(error: &LicenseError) -> Self {
        match error {
            LicenseError::NotRegistered => Reason::Unregistered.into(),
            LicenseError::Pin(PinRefusal::Wrong { wait }) => Self::after(Reason::PinWrong, *wait),
            LicenseError::Pin(PinRefusal::Wait { wait }) => Self::after(Reason::PinWait, *wait),
            LicenseError::SamePin => Reason::PinSame.into(),
            LicenseError::Portal(error) => error.into(),
            LicenseError::Gate(refusal) | LicenseError::Useless(refusal) => (*refusal).into(),
            LicenseError::OtherNumber(_) => Self::new(Reason::LicenseUseless).with(error),
            LicenseError::Read { path, .. } => Self::new(Reason::CannotRead)
                .about(&path.display())
                .with(error),
            LicenseError::Write { path, .. } => Self::new(Reason::CannotWrite)
                .about(&path.display())
                .with(error),
            LicenseError::Wrong { path, what } => wrong(what, error).about(&path.display()),
            _ => Self::new(Reason::System).with(error),
        }
    }
}

impl From<&PortalError> for Trouble {
    fn from(error: &PortalError) -> Self {
        match error {
            PortalError::Unreachable { url, .. } => {
                Self::new(Reason::PortalUnreachable).about(&url).with(error)
            }
            PortalError::Refused => Reason::PortalRefused.into(),
            PortalError::BadNumber => Reason::NumberMalformed.into(),
            PortalError::SlowDown { retry_after } => {
                Self::after(Reason::PortalSlowDown, *retry_after)
            }
            PortalError::TooManyInstallations { most } => Self::new(Reason::PortalFull).about(most),
            _ => Self::new(Reason::PortalStrange).with(error),
        }
    }
}

impl From<NumberError> for Trouble {
    fn from(error: NumberError) -> Self {
        match error {
            NumberError::Slip => Reason::NumberSlip.into(),
            NumberError::Malformed => Reason::NumberMalformed.into(),
        }
    }
}

impl From<PinError> for Trouble {
    fn from(_: PinError) -> Self {
        Reason::PinMalformed.into()
    }
}

impl From<&SettingsError> for Trouble {
    fn from(error: &SettingsError) -> Self {
        match error {
            SettingsError::Read { path, .. } => Self::new(Reason::CannotRead)
                .about(&path.display())
                .with(error),
            SettingsError::Write { path, .. } => Self::new(Reason::CannotWrite)
                .about(&path.display())
                .with(error),
            SettingsError::Wrong { path, what } => wrong(what, error).about(&path.display()),
            _ => Self::new(Reason::WrongFile).with(error),
        }
    }
}

impl From<&ReceiptError> for Trouble {
    fn from(error: &ReceiptError) -> Self {
        let reason = match error {
            ReceiptError::Read { .. } => Reason::CannotRead,
            ReceiptError::Write { .. } => Reason::CannotWrite,
            _ => Reason::BadReceipt,
        };
        Self::new(reason).with(error)
    }
}

impl From<&ReportError> for Trouble {
    fn from(error: &ReportError) -> Self {
        let reason = match error {
            ReportError::Read { .. } => Reason::CannotRead,
            ReportError::Write { .. } => Reason::CannotWrite,
            _ => Reason::BadReceipt,
        };
        Self::new(reason).with(error)
    }
}

fn wrong(what: &Wrong, error: &dyn std::error::Error) -> Trouble {
    let reason = match what {
        Wrong::NewerVersion { .. } => Reason::NewerFile,
        _ => Reason::WrongFile,
    };
    Trouble::new(reason).with(error)
}
