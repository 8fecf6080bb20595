//! Orders: licenses that are sold together.

use license_token::{Holder as TokenHolder, LicenseNumber};
use serde::Serialize;

use super::operation::SEATS;
use crate::{
    email::EmailAddress,
    keys::random,
    language::Language,
    model::{Holder, License, LicenseState, NewOrder, Placed, Placing, Repeat, Sale},
    portal::{Portal, Refusal},
    store::StoreError,
};

/// Licenses to issue together, or not at all.
#[derive(Clone, Debug)]
pub struct Order {
    /// What is ordered.
    pub lines: Vec<OrderLine>,
    /// The operator whose key sells them; `None`: the command line.
    pub sold_by: Option<String>,
    /// A name that the operator gives the order: who places it again gets the same licenses, for 30 days.
    pub key: Option<String>,
}

/// Licenses of an order that are alike. All of an order for one address are mailed together.
#[derive(Clone, Debug, Serialize)]
pub struct OrderLine {
    /// The email address of the buyer.
    pub email: String,
    /// How many licenses.
    pub count: u32,
    /// Whether they are sold active, so that they need no activation.
    pub is_activated: bool,
    /// Name and company of the holder, for licenses that are sold active. Otherwise the holder fills in the form.
    pub holder: Option<(String, String)>,
    /// The language of the mails.
    pub language: Language,
    /// On how many computers each can be registered; `None`: on as many as the portal is set to.
    pub seats: Option<u32>,
}

impl OrderLine {
    /// Returns a line with one license for a buyer, to be activated, in English.
    pub fn to(email: impl Into<String>) -> Self {
        Self {
            email: email.into(),
            count: 1,
            is_activated: false,
            holder: None,
            language: Language::En,
            seats: None,
        }
    }
}

impl From<OrderLine> for Order {
    /// An order of one line, placed on the command line.
    fn from(line: OrderLine) -> Self {
        Self {
            lines: vec![line],
            sold_by: None,
            key: None,
        }
    }
}

impl Portal {
    /// Issues licenses and queues their mails; once, however often an order with a key is placed.
    pub async fn issue(&self, order: &Order) -> Result<Placed, Refusal> {
        self.require_mail()?;
        let mut lines = Vec::new();
        for line in &order.lines {
            lines.push(self.check(line).await?);
        }
        let repeat = order.key.as_ref().map(|key| {
            let seller = order.sold_by.as_deref().unwrap_or_default();
            // Lines have only strings and numbers, so this does not fail.
            let body = serde_json::to_string(&lines).unwrap_or_default();
            Repeat {
                key: self.keys.bucket("order", &format!("{seller}\0{key}")),
                body: self.keys.bucket("body", &body),
            }
        });
        if let Some(repeat) = &repeat
            && let Some(before) = self.store.placed(repeat).await?
        {
            return before.done();
        }
        loop {
            let mut sales = Vec::new();
            for line in &lines {
                for _ in 0..line.count {
                    sales.push(self.draw(line, order.sold_by.as_ref()).await?);
                }
            }
            let new = NewOrder {
                repeat: repeat.clone(),
                sales,
            };
            match self.store.issue(&new, self.seconds()).await {
                // A number is taken: draws others. With 75 random bits this does not happen in practice.
                Err(StoreError::Exists) => {}
                Err(error) => return Err(error.into()),
                Ok(placing) => {
                    self.bell.notify_one();
                    return placing.done();
                }
            }
        }
    }

    /// Checks a line, and returns it with the address as the portal writes it.
    async fn check(&self, line: &OrderLine) -> Result<OrderLine, Refusal> {
        let email = EmailAddress::parse(&line.email)?;
        if email.needs_utf8() {
            self.require_utf8().await?;
        }
        let is_named = line.holder.as_ref().is_none_or(|(name, company)| {
            line.is_activated && !name.is_empty() && TokenHolder::new(name, company).is_ok()
        });
        if !is_named {
            return Err(Refusal::NoHolder);
        }
        if line.seats.is_some_and(|seats| !SEATS.contains(&seats)) {
            return Err(Refusal::Seats);
        }
        Ok(OrderLine {
            email: email.to_string(),
            ..line.clone()
        })
    }

    /// Draws a license with its PIN, and writes its mail.
    async fn draw(&self, line: &OrderLine, sold_by: Option<&String>) -> Result<Sale, Refusal> {
        let number = LicenseNumber::generate(random()?);
        let (pin_hash, mail) = self
            .new_pin(number, &line.email, line.language, line.is_activated)
            .await?;
        let now = self.seconds();
        let license = License {
            number,
            email: line.email.clone(),
            language: line.language,
            state: if line.is_activated {
                LicenseState::Active
            } else {
                LicenseState::Issued
            },
            pin_hash,
            issued_at: now,
            changed_at: now,
            activated_at: line.is_activated.then_some(now),
            sold_by: sold_by.cloned(),
            order: None,
            seats: line.seats,
        };
        // The form asks for more, an order does not.
        let holder = line.holder.clone().map(|(first_name, company)| Holder {
            first_name,
            company,
            ..Holder::default()
        });
        Ok(Sale {
            license,
            holder,
            mail,
        })
    }
}

impl Placing {
    fn done(self) -> Result<Placed, Refusal> {
        match self {
            Self::Done(placed) => Ok(placed),
            Self::OtherBody => Err(Refusal::OtherOrder),
        }
    }
}

/// Returns whether a text can name an order: 1 to 128 visible characters of ASCII.
pub fn is_order_key(text: &str) -> bool {
    (1..=128).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic())
}
