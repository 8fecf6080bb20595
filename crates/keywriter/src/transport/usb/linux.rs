//! The pipes of a device, through Linux's usbfs.

use super::{Pipes, Plugged, Unopened, ccid::MESSAGE};
use hsm_protocol::usb::{MANUFACTURER, PRODUCT};
use nusb::{
    Device, DeviceInfo, Endpoint, ErrorKind, MaybeFuture,
    descriptors::TransferType,
    transfer::{Buffer, Bulk, Completion, Direction, In, Out, TransferError},
};
use std::{io, time::Duration};

/// The devices that say to be modules.
fn modules() -> impl Iterator<Item = (String, DeviceInfo)> {
    let devices = nusb::list_devices().wait();
    let devices = devices.inspect_err(|error| tracing::debug!(%error, "no list of USB devices"));
    devices.into_iter().flatten().filter_map(|device| {
        let is_ours = device.manufacturer_string() == Some(MANUFACTURER)
            && device.product_string() == Some(PRODUCT);
        let port = device.sysfs_path().file_name()?.to_str()?.to_owned();
        is_ours.then_some((port, device))
    })
}

pub(super) fn list() -> Vec<Plugged> {
    modules()
        .map(|(port, device)| Plugged {
            port,
            serial: device.serial_number().unwrap_or_default().to_owned(),
        })
        .collect()
}

pub(super) fn open(port: &str) -> Result<Box<dyn Pipes>, Unopened> {
    let mut modules = modules();
    let (_, info) = modules
        .find(|(name, _)| name == port)
        .ok_or(Unopened::Absent)?;
    let number = info
        .interfaces()
        .find(|interface| interface.class() == SMART_CARD)
        .ok_or(Unopened::Absent)?
        .interface_number();
    let device = info.open().wait()?;
    let pipes = BulkPipes::of(&device, number)?;
    Ok(Box::new(pipes))
}

/// Both bulk pipes. The interface is left when they are dropped.
struct BulkPipes {
    to: Endpoint<Bulk, Out>,
    from: Endpoint<Bulk, In>,
}

impl BulkPipes {
    fn of(device: &Device, number: u8) -> Result<Self, Unopened> {
        let interface = device.claim_interface(number).wait()?;
        let descriptor = interface.descriptor().ok_or(Unopened::Absent)?;
        let address = |direction| {
            let mut endpoints = descriptor.endpoints();
            let bulk = endpoints.find(|endpoint| {
                endpoint.transfer_type() == TransferType::Bulk && endpoint.direction() == direction
            });
            bulk.map(|endpoint| endpoint.address())
                .ok_or(Unopened::Absent)
        };
        let (to, from) = (address(Direction::Out)?, address(Direction::In)?);
        Ok(Self {
            to: interface.endpoint(to)?,
            from: interface.endpoint(from)?,
        })
    }
}

impl Pipes for BulkPipes {
    fn send(&mut self, message: &[u8], time: Duration) -> io::Result<()> {
        let done = self.to.transfer_blocking(message.to_vec().into(), time);
        outcome(done).map(|_| ())
    }

    fn receive(&mut self, room: usize, time: Duration) -> io::Result<Vec<u8>> {
        let packet = self.from.max_packet_size().max(1);
        let room = room.min(MESSAGE).next_multiple_of(packet);
        // A full packet may be followed by an empty one, which ends a message.
        let buffer = Buffer::new(room);
        let received = outcome(self.from.transfer_blocking(buffer, time))?;
        Ok(received)
    }
}

fn outcome(done: Completion) -> io::Result<Vec<u8>> {
    match done.status {
        Ok(()) => {
            let mut bytes = done.buffer.into_vec();
            bytes.truncate(done.actual_len);
            Ok(bytes)
        }
        Err(TransferError::Cancelled) => Err(io::ErrorKind::TimedOut.into()),
        Err(TransferError::Disconnected) => Err(io::ErrorKind::NotConnected.into()),
        Err(error) => Err(io::Error::other(error)),
    }
}

impl From<nusb::Error> for Unopened {
    fn from(error: nusb::Error) -> Self {
        match error.kind() {
            ErrorKind::Busy => Self::InUse,
            ErrorKind::Disconnected | ErrorKind::NotFound => Self::Absent,
            ErrorKind::PermissionDenied => Self::Io(io::ErrorKind::PermissionDenied.into()),
            _ => Self::Io(error.into()),
        }
    }
}

/// `bInterfaceClass` of a smart-card reader.
const SMART_CARD: u8 = 0x0B;
