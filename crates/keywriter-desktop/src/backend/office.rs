//! The license and the app's PIN. Each question has a thread of its own: hashes and networks take their time.

use super::{Emit, Surroundings, now};
use crate::model::{Event, LicenseState, LicenseView, Trouble};
use keywriter::license::{
    Anchor, GateRefusal, HardwarePermit, LicenseError, LicenseNumber, Pin, Portal, Registration,
    Session, Store,
};
use std::{
    sync::{Arc, Mutex, PoisonError},
    thread,
    time::Duration,
};

/// What all threads share.
#[derive(Clone)]
pub(super) struct Office {
    store: Arc<Store>,
    portal: Arc<str>,
    emit: Emit,
    session: Arc<Mutex<Option<Session>>>,
}

impl Office {
    pub(super) fn new(surroundings: &Surroundings, emit: Emit) -> Self {
        Self {
            store: Arc::new(Store::new(surroundings.folders.license())),
            portal: surroundings.portal.as_str().into(),
            emit,
            session: Arc::default(),
        }
    }

    /// The license that is stored.
    pub(super) fn license(&self) -> LicenseState {
        match self.store.registration() {
            Ok(None) => LicenseState::Unregistered,
            Ok(Some(registration)) => LicenseState::Registered(view(&registration)),
            Err(error) => LicenseState::Unreadable((&error).into()),
        }
    }

    /// What a cycle on hardware needs.
    pub(super) fn permit(&self) -> Result<HardwarePermit, GateRefusal> {
        let session = self.session.lock().unwrap_or_else(PoisonError::into_inner);
        let session = session.as_ref().ok_or(GateRefusal::Unregistered)?;
        session.permit(&Anchor::of_this_build(), now())
    }

    pub(super) fn register(&self, number: LicenseNumber, pin: Pin) {
        self.in_a_thread(move |office| {
            let registered = Portal::new(&office.portal)
                .map_err(LicenseError::from)
                .and_then(|portal| {
                    let anchor = Anchor::of_this_build();
                    office
                        .store
                        .register(&portal, (number, &pin), &anchor, now())
                });
            Event::Registered(office.enter(registered))
        });
    }

    pub(super) fn log_in(&self, pin: Pin) {
        self.in_a_thread(move |office| {
            let launched = office.enter(office.store.launch(&pin, now()));
            if let Err(Trouble { seconds, .. }) = launched {
                office.count_down(seconds);
            }
            Event::LoggedIn(launched)
        });
    }

    pub(super) fn change_pin(&self, current: Pin, new: Pin) {
        self.in_a_thread(move |office| {
            let session = office
                .session
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            let changed = match session.as_ref() {
                Some(session) => office.store.change_pin(session, (&current, &new), now()),
                None => Err(LicenseError::NotRegistered),
            };
            Event::PinChanged(changed.map_err(|error| Trouble::from(&error)))
        });
    }

    pub(super) fn refresh(&self) {
        self.in_a_thread(|office| {
            let refreshed = Portal::new(&office.portal)
                .map_err(LicenseError::from)
                .and_then(|portal| {
                    office
                        .store
                        .refresh(&portal, &Anchor::of_this_build(), now())
                });
            Event::LicenseRefreshed(match refreshed {
                Ok(registration) => {
                    office.renew(registration.clone());
                    Ok(view(&registration))
                }
                Err(error) => Err((office.license(), Trouble::from(&error))),
            })
        });
    }

    fn enter(&self, session: Result<Session, LicenseError>) -> Result<LicenseView, Trouble> {
        let session = session.map_err(|error| Trouble::from(&error))?;
        let shown = view(session.registration());
        *self.session.lock().unwrap_or_else(PoisonError::into_inner) = Some(session);
        Ok(shown)
    }

    /// Whoever launched the app with its PIN has the fresh license too.
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
        let office = self.clone();
        thread::spawn(move || {
            let event = work(&office);
            (office.emit)(event);
        });
    }
}

fn view(registration: &Registration) -> LicenseView {
    let problem = registration
        .judge(&Anchor::of_this_build(), now())
        .err()
        .map(Trouble::from);
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
            problem: Some(Trouble::from(refusal)).or(problem),
        },
    }
}
