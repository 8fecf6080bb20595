//! In a guest: hands the devices of a server (`system_tests::usb::server`) to Linux's virtual USB host controller, and again
//! whenever one comes back. Usage: `vhci ADDRESS NUMBER-OF-DEVICES`.

use std::{
    env, fs,
    io::{self, Read, Write},
    net::TcpStream,
    os::fd::AsRawFd,
    path::Path,
    thread,
    time::Duration,
};

fn main() {
    let arguments: Vec<String> = env::args().collect();
    let (Some(server), Some(count)) = (
        arguments.get(1),
        arguments.get(2).and_then(|count| count.parse().ok()),
    ) else {
        panic!("usage: vhci ADDRESS NUMBER-OF-DEVICES");
    };
    serve(server, count);
}

/// Hands over so many devices, each in a thread of its own.
fn serve(server: &str, count: u8) {
    thread::scope(|scope| {
        for device in 0..count {
            scope.spawn(move || {
                loop {
                    if let Err(error) = carry(server, device) {
                        eprintln!("device {device}: {error}");
                        thread::sleep(PAUSE);
                    }
                }
            });
        }
    });
}

/// Waits for the device, and gives it a port until it goes.
fn carry(server: &str, device: u8) -> io::Result<()> {
    let mut connection = TcpStream::connect(server)?;
    connection.set_nodelay(true)?;
    connection.write_all(&[device])?;
    connection.read_exact(&mut [0])?;
    let controller = Path::new("/sys/devices/platform/vhci_hcd.0");
    let number = 0x1_0000 + u32::from(device) + 1;
    let (port, descriptor) = (device, connection.as_raw_fd());
    let order = format!("{port} {descriptor} {number} {FULL_SPEED}");
    fs::write(controller.join("attach"), order)?;
    // The controller has it now; this end of it only keeps it from being closed too late.
    drop(connection);
    while in_use(&fs::read_to_string(controller.join("status"))?, port) {
        thread::sleep(PAUSE);
    }
    Ok(())
}

/// Reads the table of ports: `hs 0000 006 002 00010001 000003 1-1`, where the third word is the port's state.
fn in_use(table: &str, port: u8) -> bool {
    table.lines().any(|line| {
        let words: Vec<&str> = line.split_whitespace().collect();
        matches!(&words[..], ["hs", number, state, ..]
            if number.parse() == Ok(port) && *state != FREE)
    })
}

const FREE: &str = "004";
const FULL_SPEED: u8 = 2;
const PAUSE: Duration = Duration::from_millis(200);
