//! The table of states and commands, as the document has it.

use hsm_protocol::{Status, command::ins};

/// The document with the table.
const DOCUMENT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/PROTOCOL.md");

const BEGIN: &str = "<!-- table: state-command -->";
const END: &str = "<!-- end -->";

/// The table.
pub(super) struct Table {
    pub(super) states: Vec<String>,
    pub(super) rows: Vec<Row>,
}

pub(super) struct Row {
    pub(super) name: String,
    pub(super) cla: u8,
    pub(super) ins: u8,
    /// Status words, a state each.
    pub(super) cells: Vec<u16>,
}

impl Table {
    pub(super) fn read() -> Self {
        let text = std::fs::read_to_string(DOCUMENT).unwrap();
        let (_, from) = text.split_once(BEGIN).expect("the table's beginning");
        let (table, _) = from.split_once(END).expect("the table's end");
        let mut lines = table
            .lines()
            .filter(|line| line.starts_with('|'))
            .map(cells);
        let heading = lines.next().expect("a heading");
        lines.next().expect("a rule below it");
        Self {
            states: heading[3..].to_vec(),
            rows: lines
                .map(|cells| Row::read(&cells, heading.len()))
                .collect(),
        }
    }
}

impl Row {
    fn read(cells: &[String], width: usize) -> Self {
        assert_eq!(cells.len(), width, "{cells:?}");
        Self {
            name: cells[0].clone(),
            cla: u8::from_str_radix(&cells[1], 16).unwrap(),
            ins: u8::from_str_radix(&cells[2], 16).unwrap(),
            cells: cells[3..]
                .iter()
                .map(|cell| match cell.as_str() {
                    "ok" => Status::Success.to_word(),
                    word => u16::from_str_radix(word, 16).unwrap(),
                })
                .collect(),
        }
    }

    /// The values of P1 that mean different things.
    pub(super) const fn parameters(&self) -> &'static [u8] {
        match self.ins {
            ins::CERTIFICATE
            | ins::SELF_TEST
            | ins::CIPHER
            | ins::FILE_BEGIN
            | ins::FILE_IDENTIFY
            | ins::REKEY
            | ins::FILE_RECIPIENT
            | ins::FILE_UNWRAP => &[0, 1],
            _ => &[0],
        }
    }
}

pub(super) fn cells(line: &str) -> Vec<String> {
    let inner = line.trim().trim_matches('|');
    inner
        .split('|')
        .map(|cell| cell.trim().trim_matches('`').to_string())
        .collect()
}
