//! A file manager from which files are dragged onto a window: the source's side of XDND version 5.

use super::dialogs::uri;
use std::path::Path;
use system_tests::screen::Screen;
use x11rb::{
    CURRENT_TIME,
    connection::Connection as _,
    protocol::{
        Event,
        xproto::{
            ClientMessageEvent, ConnectionExt as _, CreateWindowAux, EventMask, PropMode,
            SELECTION_NOTIFY_EVENT, SelectionNotifyEvent, SelectionRequestEvent, WindowClass,
        },
    },
    rust_connection::RustConnection,
    wrapper::ConnectionExt as _,
};

/// Drops files on the window with that title, and waits until it has taken them.
pub(crate) fn drop_files(screen: &Screen, title: &str, files: &[&Path]) {
    let list: String = files.iter().map(|file| uri(file) + "\r\n").collect();
    let source = Source::new(screen);
    let target = screen.window(title);
    let own = source.window;
    let (version, list_type) = (5 << 24, source.atom("text/uri-list"));
    let copy = source.atom("XdndActionCopy");
    source.send(target, "XdndEnter", [own, version, list_type, 0, 0]);
    source.send(target, "XdndPosition", [own, 0, PLACE, CURRENT_TIME, copy]);
    source.serve(&list, "XdndStatus");
    source.send(target, "XdndDrop", [own, 0, CURRENT_TIME, 0, 0]);
    source.serve(&list, "XdndFinished");
}

/// Where the files are dropped: 300 from the left, 300 from the top.
const PLACE: u32 = 0x012C_012C;

struct Source {
    connection: RustConnection,
    window: u32,
}

impl Source {
    fn new(screen: &Screen) -> Self {
        let (connection, number) = x11rb::connect(Some(screen.display())).expect("a display");
        let window = connection.generate_id().expect("an id");
        let root = connection.setup().roots[number].root;
        connection
            .create_window(
                0,
                window,
                root,
                0,
                0,
                1,
                1,
                0,
                WindowClass::INPUT_OUTPUT,
                0,
                &CreateWindowAux::new(),
            )
            .expect("a window");
        let source = Self { connection, window };
        let selection = source.atom("XdndSelection");
        source
            .connection
            .set_selection_owner(window, selection, CURRENT_TIME)
            .expect("a selection");
        source
    }

    fn atom(&self, name: &str) -> u32 {
        let asked = self.connection.intern_atom(false, name.as_bytes());
        asked.expect("sent").reply().expect("an atom").atom
    }

    fn send(&self, target: u32, kind: &str, data: [u32; 5]) {
        let event = ClientMessageEvent::new(32, target, self.atom(kind), data);
        self.connection
            .send_event(false, target, EventMask::NO_EVENT, event)
            .expect("sent");
        self.connection.flush().expect("sent");
    }

    /// Hands out the list until that message comes.
    fn serve(&self, list: &str, until: &str) {
        let until = self.atom(until);
        loop {
            match self.connection.wait_for_event().expect("an event") {
                Event::SelectionRequest(request) => self.answer(&request, list),
                Event::ClientMessage(message) if message.type_ == until => return,
                _ => {}
            }
        }
    }

    fn answer(&self, request: &SelectionRequestEvent, list: &str) {
        self.connection
            .change_property8(
                PropMode::REPLACE,
                request.requestor,
                request.property,
                request.target,
                list.as_bytes(),
            )
            .expect("sent");
        let event = SelectionNotifyEvent {
            response_type: SELECTION_NOTIFY_EVENT,
            sequence: 0,
            time: request.time,
            requestor: request.requestor,
            selection: request.selection,
            target: request.target,
            property: request.property,
        };
        self.connection
            .send_event(false, request.requestor, EventMask::NO_EVENT, event)
            .expect("sent");
        self.connection.flush().expect("sent");
    }
}
