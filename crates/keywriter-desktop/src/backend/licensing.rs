//! The license and the app's PIN. Each request runs on its own thread: hashing and the network take time.

use super::{Emit, Environment, files, now};
use crate::model::{Event, LicenseState, LicenseView, Problem};
use keywriter::{
    folders::Folders,
    license::{
        Anchors, GateRefusal, HardwarePermit, Launched, LicenseError, LicenseFile, LicenseNumber,
        Pin, Portal, Registration,
    },
};
use std::{
    sync::{Arc, Mutex, PoisonError},
    thread,
    time::Duration,
};

/// What all these threads share.
#[derive(Clone)]
pub(super) struct Licensing {
    store: Arc<LicenseFile>,
    /// The portal to renew at: where the app last registered.
    portal: Arc<Mutex<String>>,
    folders: Folders,
    emit: Emit,
    session: Arc<Mutex<Option<Launched>>>,
}

impl Licensing {
    pub(super) fn new(environment: &Environment, emit: Emit) -> Self {
        Self {
            store: Arc::new(LicenseFile::new(environment.folders.license())),
            portal: Arc::new(Mutex::new(environment.portal())),
            folders: environment.folders.clone(),
            emit,
            session: Arc::default(),
        }
    }

    /// Returns the stored license.
    pub(super) fn license(&self) -> LicenseState {
        match self.store.registration() {
            Ok(None) => LicenseState::Unregistered,
            Ok(Some(registration)) => LicenseState::Registered(view(&registration)),
            Err(error) => LicenseState::Unreadable((&error).into()),
        }
    }

    /// Returns the permit that a cycle on hardware needs.
    pub(super) fn permit(&self) -> Result<HardwarePermit, GateRefusal> {
        let session = self.session.lock().unwrap_or_else(PoisonError::into_inner);
        let session = session.as_ref().ok_or(GateRefusal::Unregistered)?;
        session.permit(&Anchors::of_this_build(), now())
    }

    /// Returns the portal's address, without a slash at the end.
    pub(super) fn portal(&self) -> String {
        let portal = self.portal.lock().unwrap_or_else(PoisonError::into_inner);
        portal.trim_end_matches('/').to_owned()
    }

    /// Registers at a portal, and keeps its address if that succeeds.
    pub(super) fn register(&self, address: String, number: LicenseNumber, pin: Pin) {
        self.in_a_thread(move |licensing| {
            let registered = Portal::new(&address)
                .map_err(LicenseError::from)
                .and_then(|portal| {
                    let anchor = Anchors::of_this_build();
                    licensing
                        .store
                        .register(&portal, (number, &pin), &anchor, now())
                });
            if registered.is_ok() {
                // Without it, the app asks the portal that it was built for.
                if let Err(error) = files::keep_portal(&licensing.folders, &address) {
                    tracing::warn!(%error, "cannot keep the portal's address");
                }
                *licensing
                    .portal
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner) = address;
            }
            Event::Registered(licensing.enter(registered))
        });
    }

    pub(super) fn log_in(&self, pin: Pin) {
        self.in_a_thread(move |licensing| {
            let launched = licensing.enter(licensing.store.launch(&pin, now()));
            if let Err(Problem { retry_after, .. }) = launched {
                licensing.count_down(retry_after.unwrap_or(0));
            }
            Event::LoggedIn(launched)
        });
    }

    pub(super) fn change_pin(&self, current: Pin, new: Pin) {
        self.in_a_thread(move |licensing| {
            let session = licensing
                .session
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            let changed = match session.as_ref() {
                Some(session) => licensing.store.change_pin(session, (&current, &new), now()),
                None => Err(LicenseError::NotRegistered),
            };
            let changed = changed.map_err(|error| Problem::from(&error));
            if let Err(Problem { retry_after, .. }) = changed {
                licensing.count_down(retry_after.unwrap_or(0));
            }
            Event::PinChanged(changed)
        });
    }

    pub(super) fn refresh(&self) {
        self.in_a_thread(|licensing| {
            let refreshed = Portal::new(&licensing.portal())
                .map_err(LicenseError::from)
                .and_then(|portal| {
                    licensing
                        .store
                        .refresh(&portal, &Anchors::of_this_build(), now())
                });
            Event::LicenseRefreshed(match refreshed {
                Ok(registration) => {
                    licensing.renew(registration.clone());
                    Ok(view(&registration))
                }
                Err(error) => Err((licensing.license(), Problem::from(&error))),
            })
        });
    }

    fn enter(&self, session: Result<Launched, LicenseError>) -> Result<LicenseView, Problem> {
        let session = session.map_err(|error| Problem::from(&error))?;
        let shown = view(session.registration());
        *self.session.lock().unwrap_or_else(PoisonError::into_inner) = Some(session);
        Ok(shown)
    }

    /// Gives the session the fresh license, if the user has logged in.
    fn renew(&self, registration: Registration) {
        let mut session = self.session.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(session) = session.as_mut() {
            session.renew(registration);
        }
    }

    fn count_down(&self, seconds: u64) {
        let emit = Arc::clone(&self.emit);
        thread::spawn(move || {
            for _ in 0..seconds {
                thread::sleep(Duration::from_secs(1));
                emit(Event::Second);
            }
        });
    }

    fn in_a_thread(&self, work: impl FnOnce(&Self) -> Event + Send + 'static) {
        let licensing = self.clone();
        thread::spawn(move || {
            let event = work(&licensing);
            (licensing.emit)(event);
        });
    }
}

fn view(registration: &Registration) -> LicenseView {
    let problem = registration
        .decide(&Anchors::of_this_build(), now())
        .err()
        .map(|refusal| Problem::from(&refusal));
    match registration.claims() {
        Ok(claims) => LicenseView {
            number: claims.number.to_string(),
            holder: claims.holder.name().to_owned(),
            company: claims.holder.company().to_owned(),
            last_day: claims.expires.map(|day| day.to_string()),
            problem,
        },
        Err(refusal) => LicenseView {
            number: String::new(),
            holder: String::new(),
            company: String::new(),
            last_day: None,
            problem: Some(Problem::from(&refusal)).or(problem),
        },
    }
}
