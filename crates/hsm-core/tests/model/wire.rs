//! APDUs to a module and its model, whole, in links or with an answer in parts; what belongs to a chain that is open.

use crate::{
    command::Raw,
    deed::{Garbage, Send, Sending},
    host::Exchange,
    world::{World, same},
};
use hsm_protocol::{Status, apdu::encode_extended, command::ins};

impl World {
    pub(crate) fn send(
        &mut self,
        index: usize,
        send: Send,
        sending: Sending,
    ) -> Result<(), String> {
        let Some((command, raw)) = self.command(index, send) else {
            // Nothing of that kind was sent yet.
            return Ok(());
        };
        let now = self.benches[index].now.0;
        self.models[index].tick(now);
        if self.models[index].exchange == Exchange::Collecting {
            self.models[index].exchange = Exchange::Closed;
            let (_, status) = self.exchange(index, raw.header, &raw.data, None);
            return same("in an open chain", &status, &Status::ChainBroken);
        }
        self.models[index].exchange = Exchange::Closed;
        let expected = self.models[index].command(&command, now);
        let (bytes, status) = match sending {
            Sending::Whole => self.exchange(index, raw.header, &raw.data, None),
            Sending::Links(links) => self.in_links(index, &raw, links)?,
            Sending::Parts(size, parts) => {
                let (bytes, status) = self.in_parts(index, &raw, size, parts)?;
                if let Status::More(_) = status {
                    self.models[index].exchange = Exchange::Answering;
                    return same("whether there is an answer", &expected.is_ok(), &true);
                }
                (bytes, status)
            }
        };
        self.totals.comparisons += 1;
        self.totals.see(format!("{status:?}"));
        if self.benches[index].flash.was_cut() {
            return same("status after a power cut", &status, &Status::MemoryFailure);
        }
        match expected {
            Err(refusal) if refusal.contains(&status) => Ok(()),
            Err(refusal) => Err(format!("{command:?}: {status:?}, the model {refusal:?}")),
            Ok(_) if status != Status::Success => Err(format!("{command:?}: {status:?}")),
            Ok(content) => self.answered(index, content, &raw, bytes),
        }
    }

    fn in_links(
        &mut self,
        index: usize,
        raw: &Raw,
        links: usize,
    ) -> Result<(Vec<u8>, Status), String> {
        let [cla, rest @ ..] = raw.header;
        let size = raw.data.len().div_ceil(links).max(1);
        let mut data = raw.data.as_slice();
        for _ in 1..links {
            let (link, later) = data.split_at(size.min(data.len()));
            let header = [cla | 0x10, rest[0], rest[1], rest[2]];
            let (_, status) = self.exchange(index, header, link, None);
            same("a link", &status, &Status::Success)?;
            data = later;
        }
        Ok(self.exchange(index, raw.header, data, None))
    }

    fn in_parts(
        &mut self,
        index: usize,
        raw: &Raw,
        size: u8,
        parts: usize,
    ) -> Result<(Vec<u8>, Status), String> {
        let (mut bytes, mut status) = self.exchange(index, raw.header, &raw.data, Some(size));
        for _ in 1..parts {
            let Status::More(_) = status else { break };
            same("a part's size", &(bytes.len() % usize::from(size)), &0)?;
            let (part, next) = self.exchange(index, [0, ins::GET_RESPONSE, 0, 0], &[], Some(size));
            bytes.extend(part);
            status = next;
        }
        Ok((bytes, status))
    }

    pub(crate) fn open_chain(&mut self, index: usize) -> Result<(), String> {
        let now = self.benches[index].now.0;
        self.models[index].tick(now);
        self.models[index].exchange = Exchange::Collecting;
        let (_, status) = self.exchange(index, [0x90, 0x99, 0, 0], &[7; 20], None);
        same("a first link", &status, &Status::Success)
    }

    pub(crate) fn get_response(&mut self, index: usize) -> Result<(), String> {
        let now = self.benches[index].now.0;
        let model = &mut self.models[index];
        model.tick(now);
        let before = std::mem::replace(&mut model.exchange, Exchange::Closed);
        let (_, status) = self.exchange(index, [0, ins::GET_RESPONSE, 0, 0], &[], Some(200));
        match (before, status) {
            (Exchange::Answering, Status::Success)
            | (Exchange::Closed, Status::OutOfOrder)
            | (Exchange::Collecting, Status::ChainBroken) => Ok(()),
            (Exchange::Answering, Status::More(_)) => {
                self.models[index].exchange = before;
                Ok(())
            }
            other => Err(format!("GET RESPONSE: {other:?}")),
        }
    }

    pub(crate) fn garbage(&mut self, index: usize, garbage: Garbage) -> Result<(), String> {
        let now = self.benches[index].now.0;
        self.models[index].tick(now);
        let open = self.models[index].exchange;
        let (apdu, status): (&[u8], _) = match garbage {
            Garbage::Shape => (&[0x80, 0x30, 0x00, 0x00, 0x05, 0x01], Status::WrongLength),
            Garbage::Class => (&[0xA0, 0x30, 0x00, 0x00], Status::UnknownClass),
            Garbage::Instruction => (&[0x80, 0x31, 0x00, 0x00], Status::UnknownInstruction),
            Garbage::Parameters => (&[0x80, 0x30, 0x00, 0x01], Status::WrongParameters),
            Garbage::Length => (&[0x80, 0x30, 0x00, 0x00, 0x01, 0xAA], Status::WrongLength),
            Garbage::FetchParameters => (&[0x00, 0xC0, 0x01, 0x00], Status::WrongParameters),
        };
        let keeps_chain = matches!(garbage, Garbage::Shape | Garbage::FetchParameters);
        let expected = match open {
            Exchange::Collecting if !keeps_chain => Status::ChainBroken,
            _ => status,
        };
        if !keeps_chain {
            self.models[index].exchange = Exchange::Closed;
        }
        let answer = self.benches[index].raw(apdu);
        let expected = expected.to_word().to_be_bytes().to_vec();
        same(&format!("{garbage:?}"), &answer, &expected)
    }

    /// STATUS, where it disturbs nothing: who unlocked the module, if anybody, and all that it tells.
    pub(crate) fn poll(&mut self, index: usize) -> Result<(), String> {
        if self.models[index].exchange == Exchange::Closed {
            self.send(index, Send::Status, Sending::Whole)
        } else {
            Ok(())
        }
    }

    fn exchange(
        &mut self,
        index: usize,
        header: [u8; 4],
        data: &[u8],
        expected: Option<u8>,
    ) -> (Vec<u8>, Status) {
        let mut apdu = vec![0; data.len() + 12];
        let len = match expected {
            None => encode_extended(header, data, &mut apdu).expect("fits"),
            Some(size) => {
                apdu = header.to_vec();
                if !data.is_empty() {
                    apdu.push(u8::try_from(data.len()).expect("short"));
                    apdu.extend_from_slice(data);
                }
                apdu.push(size);
                apdu.len()
            }
        };
        let answer = self.benches[index].raw(&apdu[..len]);
        let (bytes, word) = answer.split_last_chunk::<2>().expect("a status word");
        let status = Status::from_word(u16::from_be_bytes(*word)).expect("a known status");
        (bytes.to_vec(), status)
    }
}
