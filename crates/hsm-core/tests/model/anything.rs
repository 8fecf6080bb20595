//! Deeds that need not make sense.

use crate::{
    deed::{Act, Garbage, Send, Sending},
    generate::{Generator, whole},
    host::Exchange,
    world::World,
};

impl Generator {
    /// Something that need not make sense.
    pub(crate) fn anything(&mut self, world: &World) -> Act {
        if world.models[self.favorite].exchange != Exchange::Closed && self.random.chance(50) {
            return Act::GetResponse;
        }
        match self.random.below(16) {
            0..=2 => self.noise(),
            3 | 4 => self.wait(),
            5 => Act::Garbage(self.random.pick(&Garbage::ALL)),
            6 => self.chain(),
            7 => self.master_command(),
            8 => self.secondary_command(),
            9 => self.parts(),
            10 => whole(self.random.pick(&[
                Send::Select,
                Send::Identity,
                Send::Certificate,
                Send::LastReceipt,
                Send::GenerateKey,
                Send::ReadCsr,
                Send::SelfTest { run: false },
                Send::SelfTest { run: true },
            ])),
            11 => whole(Send::Encipher {
                is_epoch_known: self.random.chance(60),
            }),
            12 => self.plugs().remove(0),
            13 => self.file_act(),
            14 => Act::Restore(self.restore()),
            _ => Act::PowerUp,
        }
    }

    fn chain(&mut self) -> Act {
        match self.random.below(3) {
            0 => Act::OpenChain,
            1 => Act::Send(Send::Identity, Sending::Links(2 + self.random.below(3))),
            _ => Act::Send(Send::Status, Sending::Links(2)),
        }
    }

    fn parts(&mut self) -> Act {
        let send = self.random.pick(&[
            Send::Identity,
            Send::Certificate,
            Send::LastReceipt,
            Send::Status,
            Send::Offer,
        ]);
        let size = self.random.pick(&[10, 100, 200, 255]);
        // An Offer is fetched whole: its nonce is public, and the search for leaks must know it.
        let parts = match send {
            Send::Offer => 500,
            _ => self.random.pick(&[1, 2, 500]),
        };
        Act::Send(send, Sending::Parts(size, parts))
    }

    /// Keys without a plan.
    fn noise(&mut self) -> Act {
        let mut text = String::new();
        for _ in 0..=self.random.below(6) {
            let digit = self.random.below(10);
            let other = (digit + 1 + self.random.below(9)) % 10;
            let word = match self.random.below(9) {
                0 => "KEY ".into(),
                1 => "SHIFT ".into(),
                2 => "SHIFT+KEY ".into(),
                3 => format!("KEY+{digit} "),
                4 => format!("{digit}+SHIFT "),
                5 => format!("{digit}+{other} "),
                6 => format!("{digit}:1.2s "),
                7 => format!("KEY+{digit}:1.2s "),
                _ => format!("{digit} "),
            };
            text.push_str(&word);
        }
        Act::Keys(text.trim_end().into())
    }
}
