//! All sockets of a hub: one thread accepts connections, and each connection has a thread that answers.

use crate::{
    control::{self, Reply, Request},
    hub::{Hub, HubError, STATE_FOLDER},
    keys,
    port::Port,
};
use hsm_core::keypad::{Key, KeyEvent};
use hsm_protocol::Serial;
use local_socket::{Accepted, Listener, Stream};
use rustix::event::{PollFd, PollFlags, poll};
use std::{
    collections::BTreeMap,
    fs,
    io::{self, Read, Write},
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};
use zeroize::Zeroizing;

/// A hub that answers on its sockets.
#[derive(Debug)]
pub struct Server {
    hub: Arc<Hub>,
    listeners: Mutex<BTreeMap<Serial, Arc<Listener>>>,
    control: Listener,
    wake: Mutex<Stream>,
    woken: Stream,
    is_stopped: AtomicBool,
}

impl Server {
    /// Binds the control socket. A second hub in the same folder is refused.
    pub fn bind(hub: Arc<Hub>) -> Result<Arc<Self>, HubError> {
        let path = control_socket(&hub.folder);
        let file = |error| HubError::File(path.clone(), error);
        if local_socket::connect(&path, control::PATIENCE).is_ok() {
            return Err(file(io::Error::new(
                io::ErrorKind::AddrInUse,
                "a hub is already running in this folder",
            )));
        }
        let control = Listener::bind(&path).map_err(file)?;
        let (wake, woken) = local_socket::pair().map_err(file)?;
        wake.set_nonblocking(true)
            .and_then(|()| woken.set_nonblocking(true))
            .map_err(file)?;
        Ok(Arc::new(Self {
            hub,
            listeners: Mutex::default(),
            control,
            wake: Mutex::new(wake),
            woken,
            is_stopped: AtomicBool::new(false),
        }))
    }

    /// Plugs a module in, and creates its socket.
    pub fn plug(&self, serial: Serial) -> Result<(), HubError> {
        let port = self.hub.port(serial)?;
        if port.is_plugged() {
            return Ok(());
        }
        let path = self.hub.socket(serial);
        port.plug(&self.hub.clock);
        let listener = Listener::bind(&path).map_err(|error| HubError::File(path, error))?;
        self.listeners().insert(serial, Arc::new(listener));
        self.wake();
        Ok(())
    }

    /// Unplugs a module: removes its socket and ends its connections.
    pub fn unplug(&self, serial: Serial) -> Result<(), HubError> {
        let port = self.hub.port(serial)?;
        let path = self.hub.socket(serial);
        if self.listeners().remove(&serial).is_some() {
            fs::remove_file(&path).map_err(|error| HubError::File(path, error))?;
        }
        port.unplug(&self.hub.clock);
        self.wake();
        Ok(())
    }

    /// Answers until [`Self::stop`].
    pub fn run(self: &Arc<Self>) -> io::Result<()> {
        let server = Arc::clone(self);
        if matches!(self.hub.clock, crate::clock::Clock::Real(_)) {
            spawn(move || server.hub.keep_ticking(|| server.is_stopped()))?;
        }
        while !self.is_stopped() {
            self.accept_some()?;
        }
        Ok(())
    }

    /// Ends [`Self::run`], and unplugs every module.
    pub fn stop(&self) {
        self.is_stopped.store(true, Ordering::SeqCst);
        let serials: Vec<Serial> = self.hub.ports().map(|port| port.serial).collect();
        for serial in serials {
            if let Err(error) = self.unplug(serial) {
                tracing::warn!(%serial, %error, "cannot unplug the module");
            }
        }
        if let Err(error) = fs::remove_file(control_socket(&self.hub.folder)) {
            tracing::debug!(%error, "the control socket was already gone");
        }
        self.wake();
    }

    fn is_stopped(&self) -> bool {
        self.is_stopped.load(Ordering::SeqCst)
    }

    fn accept_some(self: &Arc<Self>) -> io::Result<()> {
        let listeners: Vec<(Serial, Arc<Listener>)> = self
            .listeners()
            .iter()
            .map(|(serial, listener)| (*serial, Arc::clone(listener)))
            .collect();
        let mut ready = vec![
            PollFd::new(&self.woken, PollFlags::IN),
            PollFd::new(&self.control, PollFlags::IN),
        ];
        ready.extend(
            listeners
                .iter()
                .map(|(_, listener)| PollFd::new(listener.as_ref(), PollFlags::IN)),
        );
        match poll(&mut ready, None) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        let is_ready: Vec<bool> = ready.iter().map(|fd| !fd.revents().is_empty()).collect();
        let [is_woken, is_control, is_module @ ..] = is_ready.as_slice() else {
            return Ok(());
        };
        if *is_woken {
            drain(&self.woken)?;
        }
        if *is_control {
            self.accept_control()?;
        }
        for ((serial, listener), is_ready) in listeners.iter().zip(is_module) {
            if *is_ready {
                self.accept_host(*serial, listener)?;
            }
        }
        Ok(())
    }

    fn accept_host(&self, serial: Serial, listener: &Listener) -> io::Result<()> {
        let Some(accepted) = accepted(listener)? else {
            return Ok(());
        };
        let hub = Arc::clone(&self.hub);
        let Ok(port) = hub.port(serial).map(Arc::clone) else {
            return Ok(());
        };
        spawn(move || {
            let served = accepted
                .into_stream()
                .and_then(|stream| Port::serve(&port, stream, &hub.clock));
            if let Err(error) = served {
                tracing::debug!(%serial, %error, "a connection ended");
            }
        })
    }

    fn accept_control(self: &Arc<Self>) -> io::Result<()> {
        let Some(accepted) = accepted(&self.control)? else {
            return Ok(());
        };
        let server = Arc::clone(self);
        spawn(move || {
            let mut held = HeldKeys::default();
            let answered = accepted.into_stream().and_then(|stream| {
                control::answer(&stream, |request| {
                    // A stopped hub hangs up: its modules are unplugged.
                    (!server.is_stopped()).then(|| server.control(&mut held, request))
                })
            });
            if let Err(error) = answered {
                tracing::debug!(%error, "a control connection ended");
            }
            server.release(held);
        })
    }

    /// Releases the keys that a connection held: a key that stays down would turn the next press into a chord.
    fn release(&self, held: HeldKeys) {
        for (serial, key) in held.0 {
            if let Err(error) = self.hub.key(serial, KeyEvent::Up(key)) {
                tracing::debug!(%error, "cannot release a key");
            }
        }
    }

    fn control(&self, held: &mut HeldKeys, request: Request) -> Reply {
        match self.act(held, request) {
            Ok(reply) => reply,
            Err(error) => Reply::Refused {
                why: error.to_string(),
            },
        }
    }

    fn act(
        &self,
        held: &mut HeldKeys,
        request: Request,
    ) -> Result<Reply, Box<dyn std::error::Error>> {
        let hub = &self.hub;
        Ok(match request {
            Request::List => Reply::Modules {
                clock: control::ClockLine::of(&hub.clock),
                modules: hub
                    .ports()
                    .map(|port| control::ModuleLine::of(port, &hub.clock))
                    .collect(),
            },
            Request::Press { serial, keys } => {
                let keys = Zeroizing::new(keys);
                Reply::leds(hub.press(serial.parse()?, &keys::parse(&keys)?)?)
            }
            Request::Down { serial, key } => {
                let (serial, key) = (serial.parse()?, keys::key(&Zeroizing::new(key))?);
                let shown = hub.key(serial, KeyEvent::Down(key))?;
                held.press(serial, key);
                Reply::leds(shown)
            }
            Request::Up { serial, key } => {
                let (serial, key) = (serial.parse()?, keys::key(&Zeroizing::new(key))?);
                held.release(serial, key);
                Reply::leds(hub.key(serial, KeyEvent::Up(key))?)
            }
            Request::Leds { serial } => Reply::leds(hub.port(serial.parse()?)?.leds(&hub.clock)),
            Request::Plug { serial } => {
                self.plug(serial.parse()?)?;
                Reply::Done
            }
            Request::Unplug { serial } => {
                self.unplug(serial.parse()?)?;
                Reply::Done
            }
            Request::Wait { seconds } => {
                let time = std::time::Duration::try_from_secs_f64(seconds)?;
                hub.pass(u64::try_from(time.as_millis())?);
                Reply::Done
            }
        })
    }

    fn listeners(&self) -> std::sync::MutexGuard<'_, BTreeMap<Serial, Arc<Listener>>> {
        self.listeners
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn wake(&self) {
        let mut wake = self.wake.lock().unwrap_or_else(PoisonError::into_inner);
        // If the pipe is full, the server is being woken already.
        if let Err(error) = wake.write_all(&[0]) {
            tracing::trace!(%error, "the server is awake already");
        }
    }
}

/// The keys that a connection holds down.
#[derive(Default)]
struct HeldKeys(Vec<(Serial, Key)>);

impl HeldKeys {
    fn press(&mut self, serial: Serial, key: Key) {
        if !self.0.contains(&(serial, key)) {
            self.0.push((serial, key));
        }
    }

    fn release(&mut self, serial: Serial, key: Key) {
        self.0.retain(|held| *held != (serial, key));
    }
}

/// Returns the path of the hub's control socket. It carries PINs, so only the owner may open its folder.
pub fn control_socket(folder: &Path) -> PathBuf {
    folder.join(STATE_FOLDER).join("control.sock")
}

fn accepted(listener: &Listener) -> io::Result<Option<Accepted>> {
    match listener.accept() {
        Ok(accepted) => Ok(Some(accepted)),
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(None),
        Err(error) if error.raw_os_error() == Some(rustix::io::Errno::MFILE.raw_os_error()) => {
            tracing::error!("too many open files: cannot accept another connection");
            thread::sleep(std::time::Duration::from_millis(crate::clock::STEP));
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

fn drain(mut woken: &Stream) -> io::Result<()> {
    let mut bytes = [0; 64];
    loop {
        match woken.read(&mut bytes) {
            Ok(0) => return Ok(()),
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
            Err(error) => return Err(error),
        }
    }
}

/// Starts a thread with a stack that is large enough for the core: a store image, messages and keys.
fn spawn(work: impl FnOnce() + Send + 'static) -> io::Result<()> {
    thread::Builder::new()
        .stack_size(STACK)
        .spawn(work)
        .map(|_detached| ())
}

const STACK: usize = 512 * 1024;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{clock::Clock, control::LedsLine, hub::HubOptions, port::Delays};

    fn server(folder: &Path) -> Arc<Server> {
        let options = HubOptions {
            modules: 1,
            pin_cost: 1_000,
            delays: Delays::default(),
            clock: Clock::manual(),
            pose_as_hardware: false,
        };
        Server::bind(Arc::new(Hub::open(folder, options).unwrap())).unwrap()
    }

    fn shown(reply: Reply) -> String {
        match reply {
            Reply::Leds(LedsLine { pattern, .. }) => pattern,
            other => panic!("{other:?}"),
        }
    }

    fn down(key: &str) -> Request {
        let (serial, key) = ("VM0001".into(), key.into());
        Request::Down { serial, key }
    }

    fn up(key: &str) -> Request {
        let (serial, key) = ("VM0001".into(), key.into());
        Request::Up { serial, key }
    }

    #[test]
    fn keys_that_are_down_together_are_a_chord() {
        let folder = tempfile::tempdir().unwrap();
        let (server, mut held) = (server(folder.path()), HeldKeys::default());
        assert_eq!(shown(server.control(&mut held, down("SHIFT"))), "shipment");
        assert_eq!(shown(server.control(&mut held, down("1"))), "awaiting-new");
        assert_eq!(shown(server.control(&mut held, up("1"))), "awaiting-new");
        assert_eq!(
            shown(server.control(&mut held, up("SHIFT"))),
            "awaiting-new"
        );
        assert!(held.0.is_empty());
    }

    #[test]
    fn what_a_connection_held_is_released_when_it_ends() {
        let folder = tempfile::tempdir().unwrap();
        let (server, mut held) = (server(folder.path()), HeldKeys::default());
        server.control(&mut held, down("SHIFT"));
        server.release(held);
        let mut next = HeldKeys::default();
        // SHIFT alone is refused when it comes up; if it stayed down, the next key would make a chord.
        assert_ne!(shown(server.control(&mut next, down("1"))), "awaiting-new");
        assert_eq!(shown(server.control(&mut next, up("1"))), "refused");
    }

    #[test]
    fn a_chord_is_not_a_key_and_holds_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let (server, mut held) = (server(folder.path()), HeldKeys::default());
        let reply = server.control(&mut held, down("KEY+8"));
        assert!(matches!(reply, Reply::Refused { .. }), "{reply:?}");
        assert!(held.0.is_empty());
    }
}
