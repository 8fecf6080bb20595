//! Loopback connections, found and admitted by a file.
//!
//! The file is one line: the port, what a client says first, and what the listener answers; both are 128 random bits as
//! hexadecimal digits.

use std::{
    fmt::Write as _,
    fs,
    io::{self, Read, Write},
    net::{Ipv4Addr, SocketAddr, TcpListener},
    os::windows::io::{AsSocket, BorrowedSocket},
    path::Path,
    time::Duration,
};

/// A stream between two programs, or two threads.
pub use std::net::TcpStream as Stream;

/// Connects to who listens at a path. Nothing is sent to one that cannot know the file; waiting for it ends with the
/// patience.
pub fn connect(path: &Path, patience: Duration) -> io::Result<Stream> {
    let address = Address::read(path)?;
    let at = SocketAddr::from((Ipv4Addr::LOCALHOST, address.port));
    let mut stream = match Stream::connect_timeout(&at, patience) {
        // Some say so of a port where nobody listens.
        Err(error) if error.kind() == io::ErrorKind::ConnectionReset => {
            return Err(io::ErrorKind::ConnectionRefused.into());
        }
        connected => connected?,
    };
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(patience))?;
    stream.write_all(&address.client)?;
    expect(&mut stream, &address.listener)?;
    stream.set_read_timeout(None)?;
    Ok(stream)
}

/// Returns both ends of a new stream.
pub fn pair() -> io::Result<(Stream, Stream)> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let one = Stream::connect(listener.local_addr()?)?;
    loop {
        let (other, from) = listener.accept()?;
        // Another program may have found the port.
        if from == one.local_addr()? {
            one.set_nodelay(true)?;
            other.set_nodelay(true)?;
            return Ok((one, other));
        }
    }
}

/// Waits at a path for those who connect.
#[derive(Debug)]
pub struct Listener {
    listener: TcpListener,
    address: Address,
}

impl Listener {
    /// Begins to listen at a path, in place of a program that was killed and left its file there. Accepting does not
    /// wait: poll for it.
    pub fn bind(path: &Path) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        listener.set_nonblocking(true)?;
        let address = Address {
            port: listener.local_addr()?.port(),
            client: token()?,
            listener: token()?,
        };
        address.write(path)?;
        Ok(Self { listener, address })
    }

    /// Takes the next one who connected; [`io::ErrorKind::WouldBlock`] if there is none.
    pub fn accept(&self) -> io::Result<Accepted> {
        let (stream, _) = self.listener.accept()?;
        stream.set_nonblocking(false)?;
        Ok(Accepted {
            stream,
            address: self.address.clone(),
        })
    }
}

impl AsSocket for Listener {
    fn as_socket(&self) -> BorrowedSocket<'_> {
        self.listener.as_socket()
    }
}

/// One who connected.
#[derive(Debug)]
pub struct Accepted {
    stream: Stream,
    address: Address,
}

impl Accepted {
    /// Returns the stream. It may wait until the other end has said who it is: not for the thread that accepts.
    pub fn into_stream(self) -> io::Result<Stream> {
        let Self {
            mut stream,
            address,
        } = self;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(GREETING))?;
        expect(&mut stream, &address.client)?;
        stream.write_all(&address.listener)?;
        stream.set_read_timeout(None)?;
        Ok(stream)
    }
}

/// How long one who connected may take to say who it is.
const GREETING: Duration = Duration::from_secs(5);

/// 128 bits, as hexadecimal digits.
type Token = [u8; 32];

/// What the file says.
#[derive(Clone, Debug)]
struct Address {
    port: u16,
    client: Token,
    listener: Token,
}

impl Address {
    fn read(path: &Path) -> io::Result<Self> {
        let text = fs::read_to_string(path)?;
        Self::parse(&text).ok_or_else(|| {
            io::Error::new(
                io::ErrorKind::InvalidData,
                "the file does not name a port and its tokens",
            )
        })
    }

    fn parse(text: &str) -> Option<Self> {
        let mut words = text.strip_suffix('\n')?.split(' ');
        let address = Self {
            port: words.next()?.parse().ok()?,
            client: words.next()?.as_bytes().try_into().ok()?,
            listener: words.next()?.as_bytes().try_into().ok()?,
        };
        words.next().is_none().then_some(address)
    }

    /// Readers see the old file or the new one.
    fn write(&self, path: &Path) -> io::Result<()> {
        let text = format!(
            "{} {} {}\n",
            self.port,
            String::from_utf8_lossy(&self.client),
            String::from_utf8_lossy(&self.listener)
        );
        let beside = path.with_extension("new");
        fs::write(&beside, text)?;
        fs::rename(&beside, path)
    }
}

fn token() -> io::Result<Token> {
    let mut bytes = [0; size_of::<Token>() / 2];
    getrandom::fill(&mut bytes).map_err(io::Error::other)?;
    let mut digits = String::new();
    for byte in bytes {
        write!(digits, "{byte:02x}").map_err(io::Error::other)?;
    }
    digits
        .into_bytes()
        .try_into()
        .map_err(|_other_length| io::ErrorKind::Other.into())
}

/// Reads what the other end must know. The comparison takes as long wherever they differ.
fn expect(stream: &mut Stream, token: &Token) -> io::Result<()> {
    let mut said = [0; size_of::<Token>()];
    match stream.read_exact(&mut said) {
        // The listener ended in between.
        Err(error) if is_end(error.kind()) => return Err(io::ErrorKind::ConnectionRefused.into()),
        read => read?,
    }
    let differs = said
        .iter()
        .zip(token)
        .fold(0, |differs, (one, other)| differs | (one ^ other));
    if differs == 0 {
        Ok(())
    } else {
        let stranger = "the program at the other end is not the one that the file names";
        Err(io::Error::new(io::ErrorKind::PermissionDenied, stranger))
    }
}

fn is_end(kind: io::ErrorKind) -> bool {
    matches!(
        kind,
        io::ErrorKind::UnexpectedEof
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionAborted
    )
}
