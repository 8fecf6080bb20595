//! What a second screen shows of a ticket (PROTOCOL § 6.3): the code, and a QR code that leads to a page of the portal.

use super::{TicketError, TicketFacts};
use crate::genuine::P384;
use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use hsm_protocol::{
    Malformed,
    ticket::{self, CODE_HALF},
};
use qrcode::{Color, EcLevel, QrCode};

/// A QR code: rows of squares, without the margin of [`Self::MARGIN`] light ones that it needs on every side.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Qr {
    /// How many squares a row has, and how many rows there are.
    pub width: usize,
    dark: Vec<bool>,
}

impl Qr {
    /// The light squares that a reader needs on every side (ISO/IEC 18004).
    pub const MARGIN: usize = 4;

    fn of(text: &str) -> Result<Self, TicketError> {
        // On a screen nothing of it is worn off; a smaller one is read from farther away.
        let code = QrCode::with_error_correction_level(text, EcLevel::L)
            .map_err(|_long| TicketError::AddressTooLong)?;
        Ok(Self {
            width: code.width(),
            dark: code
                .into_colors()
                .into_iter()
                .map(|color| color == Color::Dark)
                .collect(),
        })
    }

    /// Returns whether a square is dark; one outside is not.
    pub fn is_dark(&self, row: usize, column: usize) -> bool {
        let is_inside = column < self.width;
        let at = row.checked_mul(self.width).map(|begin| begin + column);
        is_inside
            && at
                .and_then(|at| self.dark.get(at))
                .is_some_and(|dark| *dark)
    }

    /// Returns lines of text, two rows in each, with the margin. Dark squares are drawn, light ones are spaces.
    pub fn lines(&self) -> Vec<String> {
        let side = self.width + 2 * Self::MARGIN;
        let is_dark = |row: usize, column: usize| {
            let inside = row
                .checked_sub(Self::MARGIN)
                .zip(column.checked_sub(Self::MARGIN));
            inside.is_some_and(|(row, column)| self.is_dark(row, column))
        };
        let square =
            |row: usize, column: usize| match (is_dark(row, column), is_dark(row + 1, column)) {
                (true, true) => '█',
                (true, false) => '▀',
                (false, true) => '▄',
                (false, false) => ' ',
            };
        let line = |row| (0..side).map(|column| square(row, column)).collect();
        (0..side).step_by(2).map(line).collect()
    }
}

impl TicketFacts {
    /// Returns the code that a custodian types to agree to it: 16 digits, another one each time. It is for a second screen:
    /// on the computer that the custodian's module is plugged into, it proves nothing.
    pub fn code(&self) -> Result<String, TicketError> {
        let mut random = [0; 8];
        getrandom::fill(&mut random).map_err(TicketError::Random)?;
        let drawn = format!("{:08}", u64::from_be_bytes(random) % DRAWN_FROM);
        let drawn: &[u8; CODE_HALF] = drawn.as_bytes().as_array().ok_or(Malformed)?;
        let follows = ticket::code::<P384>(drawn, &self.hash());
        Ok([drawn, &follows]
            .map(|half| String::from_utf8_lossy(half).into_owned())
            .concat())
    }

    /// Returns the address of the portal's page that shows this ticket and its code. The ticket follows the `#`, which a
    /// browser sends to nobody.
    pub fn address(&self, portal: &str) -> String {
        let portal = portal.trim_end_matches('/');
        let ticket = BASE64_URL_SAFE_NO_PAD.encode(self.as_bytes());
        format!("{portal}/ticket#{ticket}")
    }

    /// Returns a QR code of that address.
    pub fn qr(&self, portal: &str) -> Result<Qr, TicketError> {
        Qr::of(&self.address(portal))
    }
}

/// How many codes a second screen draws from.
const DRAWN_FROM: u64 = 100_000_000;

/// Returns a code in groups of four digits, as a person reads them.
pub fn grouped(code: &str) -> String {
    let digits: Vec<char> = code.chars().collect();
    let groups = digits.chunks(4).map(String::from_iter);
    groups.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use hsm_protocol::{
        EpochName, limits,
        ticket::{Act, Copies, Receivers, Ticket},
        writer::Writer,
    };

    const PORTAL: &str = "https://licenses.keywriter.example";

    fn ticket(act: Act<'_>) -> TicketFacts {
        let ticket = Ticket {
            number: [7; 16],
            group: [1; 16],
            epoch: EpochName {
                number: 3,
                check: [5; 8],
            },
            master: [9; 48],
            ledger: [2; 16],
            act,
        };
        let mut bytes = vec![0; limits::TICKET];
        let mut writer = Writer::new(&mut bytes);
        ticket.write(&mut writer).unwrap();
        let len = writer.written().len();
        bytes.truncate(len);
        TicketFacts::read(bytes).unwrap()
    }

    fn any() -> TicketFacts {
        let options = hsm_protocol::cloning::Options::default();
        let to = Receivers::Any(3);
        ticket(Act::Clone(Copies { options, to }))
    }

    /// The largest that there is: a re-key that retires as many as fit.
    fn largest() -> TicketFacts {
        let room = (limits::TICKET - any().as_bytes().len() + 2) / 16;
        let retired = (0..room).flat_map(|place| {
            let mut serial = format!("KW-{place:04}").into_bytes();
            serial.resize(16, 0);
            serial
        });
        let retired: Vec<u8> = retired.collect();
        let rekey = hsm_protocol::rekey::Rekey::parse(false, &retired).unwrap();
        ticket(Act::Rekey(rekey))
    }

    /// Reads a QR code as a camera sees it: eight pixels for each square.
    fn read(qr: &Qr) -> String {
        let side = (qr.width + 2 * Qr::MARGIN) * 8;
        let mut seen = rqrr::PreparedImage::prepare_from_greyscale(side, side, |x, y| {
            let inside = (y / 8)
                .checked_sub(Qr::MARGIN)
                .zip((x / 8).checked_sub(Qr::MARGIN));
            let is_dark = inside.is_some_and(|(row, column)| qr.is_dark(row, column));
            if is_dark { 0 } else { 255 }
        });
        let grids = seen.detect_grids();
        grids.first().unwrap().decode().unwrap().1
    }

    #[test]
    fn a_camera_reads_the_address_of_every_ticket() {
        assert!(largest().as_bytes().len() > limits::TICKET - 16);
        for (ticket, most) in [(any(), 64), (largest(), 129)] {
            let qr = ticket.qr(PORTAL).unwrap();
            assert!(qr.width <= most, "{}", qr.width);
            let address = read(&qr);
            assert_eq!(address, ticket.address(PORTAL));
            let (page, fragment) = address.split_once('#').unwrap();
            assert_eq!(page, format!("{PORTAL}/ticket"));
            let bytes = BASE64_URL_SAFE_NO_PAD.decode(fragment).unwrap();
            assert_eq!(TicketFacts::read(bytes).unwrap(), ticket);
        }
    }

    #[test]
    fn lines_of_text_show_the_same_squares() {
        let qr = any().qr(PORTAL).unwrap();
        let lines = qr.lines();
        let side = qr.width + 2 * Qr::MARGIN;
        assert_eq!(lines.len(), side.div_ceil(2));
        for (place, line) in lines.iter().enumerate() {
            let squares: Vec<char> = line.chars().collect();
            assert_eq!(squares.len(), side);
            for (column, square) in squares.iter().enumerate() {
                let is_dark = |row: usize| {
                    let inside = row
                        .checked_sub(Qr::MARGIN)
                        .zip(column.checked_sub(Qr::MARGIN));
                    inside.is_some_and(|(row, column)| qr.is_dark(row, column))
                };
                let (upper, lower) = ("█▀".contains(*square), "█▄".contains(*square));
                assert_eq!((upper, lower), (is_dark(2 * place), is_dark(2 * place + 1)));
            }
        }
        assert!(!qr.is_dark(0, qr.width) && !qr.is_dark(qr.width, 0));
    }

    #[test]
    fn an_address_that_no_qr_code_holds_is_refused() {
        let portal = format!("https://{}.example", "a".repeat(3000));
        let refused = any().qr(&portal);
        assert!(matches!(refused, Err(TicketError::AddressTooLong)));
    }

    #[test]
    fn a_code_is_another_one_each_time_and_is_read_in_groups() {
        let facts = any();
        let code = facts.code().unwrap();
        assert_eq!(code.len(), 16);
        assert_ne!(code, facts.code().unwrap());
        let (drawn, follows) = code.split_at(8);
        let drawn: &[u8; 8] = drawn.as_bytes().try_into().unwrap();
        let again = ticket::code::<P384>(drawn, &facts.hash());
        assert_eq!(follows.as_bytes(), again);
        assert_eq!(grouped("1234567890123456"), "1234 5678 9012 3456");
    }
}
