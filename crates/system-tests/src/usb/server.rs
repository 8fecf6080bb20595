//! Devices for a host elsewhere: the part of USB/IP that Linux's virtual host controller (vhci) speaks once a connection is
//! handed to it (`Documentation/usb/usbip_protocol.rst`). Numbers are big-endian.

use super::{
    board::{Board, Event, Inner},
    device::Urb,
};
use std::{
    io::{self, Read, Write},
    net::{Shutdown, SocketAddr, TcpListener, TcpStream},
    sync::Arc,
    thread,
};

/// A listening server. A connection begins with a byte that says which board it wants; once that is plugged in and free,
/// the server answers with a byte, and what follows is vhci's.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
}

impl Server {
    /// Starts serving these boards on the loopback interface, for as long as the process runs.
    pub fn start(boards: &[&Board]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        let boards: Vec<_> = boards.iter().map(|board| board.inner()).collect();
        thread::spawn(move || {
            for connection in listener.incoming() {
                let (connection, boards) = (connection.expect("a connection"), boards.clone());
                // It ends when the guest hangs up, or the board is pulled.
                thread::spawn(move || drop(serve(connection, &boards)));
            }
        });
        Self { address }
    }

    /// Its port.
    pub const fn port(&self) -> u16 {
        self.address.port()
    }
}

fn serve(mut connection: TcpStream, boards: &[Arc<Inner>]) -> io::Result<()> {
    connection.set_nodelay(true)?;
    let mut number = [0];
    connection.read_exact(&mut number)?;
    let board = boards.get(usize::from(number[0]));
    let board = board.ok_or(io::ErrorKind::NotFound)?;
    let mut answers = connection.try_clone()?;
    board.attach(Box::new(move |event| tell(&mut answers, event)));
    let mut requests = connection.try_clone()?;
    let ended = connection
        .write_all(&[1])
        .and_then(|()| take(&mut requests, board));
    board.detach();
    ended
}

/// Takes requests until there are none.
fn take(connection: &mut TcpStream, board: &Inner) -> io::Result<()> {
    loop {
        let mut header = [0; HEADER];
        connection.read_exact(&mut header)?;
        let field = |number: usize| {
            let bytes = header[4 * number..][..4].try_into();
            u32::from_be_bytes(bytes.expect("four bytes"))
        };
        let (seq, is_in) = (field(1), field(3) == 1);
        match field(0) {
            SUBMIT => {
                let len = usize::try_from(field(6)).map_err(io::Error::other)?;
                let mut data = vec![0; if is_in { 0 } else { len }];
                connection.read_exact(&mut data)?;
                board.submit(Urb {
                    seq,
                    endpoint: u8::try_from(field(4)).map_err(io::Error::other)?,
                    is_in,
                    setup: header[40..].try_into().expect("eight bytes"),
                    data,
                    room: len,
                });
            }
            UNLINK => board.unlink(seq, field(5)),
            _ => return Err(io::ErrorKind::InvalidData.into()),
        }
    }
}

fn tell(connection: &mut TcpStream, event: Event) -> io::Result<()> {
    match event {
        Event::Done(done) => {
            let actual = done.data.len().max(done.sent);
            let actual = u32::try_from(actual).map_err(io::Error::other)?;
            let status = done.status.cast_unsigned();
            let mut answer = header([SUBMITTED, done.seq, 0, 0, 0, status, actual]);
            answer.extend(done.data);
            connection.write_all(&answer)
        }
        Event::Unlinked { seq, was_under_way } => {
            let status = if was_under_way { FORGOTTEN } else { 0 };
            let status = status.cast_unsigned();
            connection.write_all(&header([UNLINKED, seq, 0, 0, 0, status, 0]))
        }
        Event::Gone => connection.shutdown(Shutdown::Both),
    }
}

/// Returns a header that begins with these fields, and whose others are zero.
fn header(fields: [u32; 7]) -> Vec<u8> {
    let mut bytes: Vec<u8> = fields
        .iter()
        .flat_map(|field| field.to_be_bytes())
        .collect();
    bytes.resize(HEADER, 0);
    bytes
}

/// Every message begins with so many bytes.
const HEADER: usize = 48;

const SUBMIT: u32 = 1;
const UNLINK: u32 = 2;
const SUBMITTED: u32 = 3;
const UNLINKED: u32 = 4;

/// `-ECONNRESET`: it was under way, and is forgotten.
const FORGOTTEN: i32 = -104;
