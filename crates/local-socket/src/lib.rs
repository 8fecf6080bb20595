//! How programs of one user on one computer find each other and talk.
//!
//! A stream has a path. On Unix that is a Unix socket. Elsewhere it is a small file in the user's profile, which other
//! users cannot read: it names a port of the loopback interface and two tokens. Each end says the one that only a reader
//! of the file can know, so neither another user nor a program that took over the port of one that ended gets a byte.
//!
//! Nothing here is secret, and nothing here knows what the streams carry; programs of both sides of the wall use it.

#![forbid(unsafe_code)]

mod folders;
mod limit;
#[cfg(unix)]
#[path = "unix.rs"]
mod system;
#[cfg(windows)]
#[path = "windows.rs"]
mod system;

pub use folders::{NO_STATE_FOLDER, hub_folder, state_folder};
pub use limit::{TooFewFiles, allow_files};
pub use system::{Accepted, Listener, Stream, connect, pair};

#[cfg(test)]
mod tests {
    use super::*;
    use std::{
        fs,
        io::{self, Read, Write},
        path::Path,
        thread,
        time::Duration,
    };

    const PATIENCE: Duration = Duration::from_secs(5);

    /// Waits for the next one that connects.
    fn accepted(listener: &Listener) -> io::Result<Stream> {
        loop {
            match listener.accept() {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => thread::yield_now(),
                accepted => return accepted?.into_stream(),
            }
        }
    }

    #[test]
    fn bytes_go_both_ways() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("A.sock");
        let listener = Listener::bind(&path).unwrap();
        let client = thread::spawn(move || {
            let mut stream = connect(&path, PATIENCE).unwrap();
            stream.write_all(b"ping").unwrap();
            let mut answer = [0; 4];
            stream.read_exact(&mut answer).unwrap();
            answer
        });
        let mut stream = accepted(&listener).unwrap();
        let mut asked = [0; 4];
        stream.read_exact(&mut asked).unwrap();
        assert_eq!(&asked, b"ping");
        stream.write_all(b"pong").unwrap();
        assert_eq!(&client.join().unwrap(), b"pong");
    }

    fn refused(path: &Path) -> io::ErrorKind {
        connect(path, PATIENCE).unwrap_err().kind()
    }

    #[test]
    fn who_ended_leaves_a_path_where_nobody_answers_and_the_next_one_takes_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("A.sock");
        assert_eq!(refused(&path), io::ErrorKind::NotFound);
        drop(Listener::bind(&path).unwrap());
        assert!(fs::symlink_metadata(&path).is_ok());
        assert_eq!(refused(&path), io::ErrorKind::ConnectionRefused);
        let listener = Listener::bind(&path).unwrap();
        connect_and_accept(&path, &listener);
    }

    fn connect_and_accept(path: &Path, listener: &Listener) {
        thread::scope(|scope| {
            let client = scope.spawn(|| connect(path, PATIENCE));
            accepted(listener).unwrap();
            client.join().unwrap().unwrap();
        });
    }

    #[test]
    fn a_pair_hangs_up_when_one_end_is_dropped() {
        let (mut one, other) = pair().unwrap();
        drop(other);
        assert_eq!(one.read(&mut [0]).unwrap(), 0);
    }

    /// Another user's program may find the port, and take it once its owner has ended.
    #[cfg(windows)]
    mod strangers {
        use super::*;
        use std::net::{Ipv4Addr, TcpListener, TcpStream};

        #[test]
        fn one_that_does_not_know_the_token_is_turned_away() {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("A.sock");
            let listener = Listener::bind(&path).unwrap();
            let text = fs::read_to_string(&path).unwrap();
            let port: u16 = text.split(' ').next().unwrap().parse().unwrap();
            let mut stranger = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).unwrap();
            stranger.write_all(&[b'0'; 200]).unwrap();
            let error = accepted(&listener).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::PermissionDenied);
        }

        #[test]
        fn one_that_took_the_port_over_gets_nothing() {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("A.sock");
            let listener = Listener::bind(&path).unwrap();
            let text = fs::read_to_string(&path).unwrap();
            drop(listener);
            let impostor = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
            let port = impostor.local_addr().unwrap().port();
            let (_, tokens) = text.split_once(' ').unwrap();
            fs::write(&path, format!("{port} {tokens}")).unwrap();
            let answering = thread::spawn(move || {
                let (mut stream, _) = impostor.accept().unwrap();
                stream.write_all(&[b'0'; 200]).unwrap();
                let mut heard = Vec::new();
                stream.read_to_end(&mut heard).unwrap_or_default();
                heard.len()
            });
            assert_eq!(refused(&path), io::ErrorKind::PermissionDenied);
            // The token that is worth nothing without its listener.
            assert!(answering.join().unwrap() <= 32);
        }
    }
}
