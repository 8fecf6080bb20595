//! Delivery of mails: to a folder and the console, or to a mail server.

use std::{io, path::PathBuf, time::Duration};

use async_trait::async_trait;
use lettre::{
    AsyncSmtpTransport, AsyncTransport as _, Message, Tokio1Executor,
    message::{Body, Mailbox, SinglePart, header},
};

use crate::files::create_private_folder;

/// A mail to be delivered.
pub struct Parcel<'a> {
    /// Its number in the outbox. It stays the same when delivery is tried again, and so does the Message-ID.
    pub id: i64,
    /// A hash of the license number, for the Message-ID.
    pub reference: &'a str,
    /// Its sender.
    pub from: &'a str,
    /// Its recipient.
    pub to: &'a str,
    /// Its subject.
    pub subject: &'a str,
    /// Its text.
    pub text: &'a str,
}

/// Why a mail was not delivered. It contains neither text nor recipient, since it is stored and logged.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CourierError {
    /// The mail could not be composed.
    #[error("cannot compose the mail: {0}")]
    Message(String),
    /// The mail server did not accept it.
    #[error("the mail server did not accept the mail: {0}")]
    Server(String),
    /// The mail server did not answer in time.
    #[error("the mail server did not answer in time")]
    Slow,
    /// The file could not be written.
    #[error("cannot write to the outbox folder: {0}")]
    Folder(#[from] io::Error),
}

/// Delivers mails.
#[async_trait]
pub trait Courier: Send + Sync {
    /// Delivers one mail.
    async fn deliver(&self, parcel: &Parcel<'_>) -> Result<(), CourierError>;
}

/// Writes mails to files and to the console, for development.
pub struct FolderCourier {
    folder: PathBuf,
}

impl FolderCourier {
    /// Creates the folder, readable by its owner only: the mails contain PINs.
    pub fn new(folder: PathBuf) -> io::Result<Self> {
        create_private_folder(&folder)?;
        Ok(Self { folder })
    }
}

#[async_trait]
impl Courier for FolderCourier {
    async fn deliver(&self, parcel: &Parcel<'_>) -> Result<(), CourierError> {
        // Not encoded for transport: people read this file.
        let lines = parcel.text.replace('\n', "\r\n").into_bytes();
        let body = Body::dangerous_pre_encoded(lines, header::ContentTransferEncoding::EightBit);
        let message = message(parcel, body)?;
        let file = self.folder.join(format!("{:06}.eml", parcel.id));
        let mut options = tokio::fs::OpenOptions::new();
        options.write(true).create(true).truncate(true).mode(0o600);
        let mut file = options.open(file).await?;
        tokio::io::AsyncWriteExt::write_all(&mut file, &message.formatted()).await?;
        file.sync_all().await?;
        println!(
            "--- mail to {}\nSubject: {}\n\n{}---",
            parcel.to, parcel.subject, parcel.text
        );
        Ok(())
    }
}

/// Hands mails to a mail server.
pub struct SmtpCourier {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    time_limit: Duration,
}

impl SmtpCourier {
    /// Takes a URL `smtps://user:password@host:465`, `smtp://user:password@host:587?tls=required` or
    /// `smtp://localhost:25`.
    pub fn new(url: &str, time_limit: Duration) -> Result<Self, CourierError> {
        let builder = AsyncSmtpTransport::<Tokio1Executor>::from_url(url)
            // The text of the error may contain the URL and its password.
            .map_err(|_form| CourierError::Server("its URL is malformed".into()))?;
        Ok(Self {
            transport: builder.timeout(Some(time_limit)).build(),
            time_limit,
        })
    }
}

#[async_trait]
impl Courier for SmtpCourier {
    async fn deliver(&self, parcel: &Parcel<'_>) -> Result<(), CourierError> {
        let message = message(parcel, Body::new(parcel.text.to_owned()))?;
        // The timeout of the transport restarts with every byte; a slow server must not outlast the claim.
        match tokio::time::timeout(self.time_limit, self.transport.send(message)).await {
            Err(_elapsed) => Err(CourierError::Slow),
            Ok(Err(error)) if error.is_timeout() => Err(CourierError::Slow),
            // The text of the error may contain the recipient.
            Ok(Err(error)) => Err(CourierError::Server(describe(&error))),
            Ok(Ok(_response)) => Ok(()),
        }
    }
}

fn describe(error: &lettre::transport::smtp::Error) -> String {
    match error.status() {
        Some(code) => format!("status {code}"),
        None if error.is_response() => "not an SMTP response".into(),
        None => "no connection".into(),
    }
}

fn message(parcel: &Parcel<'_>, body: Body) -> Result<Message, CourierError> {
    let failed = |error: &dyn std::fmt::Display| CourierError::Message(error.to_string());
    let from: Mailbox = parcel
        .from
        .parse()
        .map_err(|error: lettre::address::AddressError| failed(&error))?;
    let to: Mailbox = parcel
        .to
        .parse()
        .map_err(|error: lettre::address::AddressError| failed(&error))?;
    let domain = from.email.domain().to_owned();
    let body = SinglePart::builder()
        .header(header::ContentType::TEXT_PLAIN)
        .body(body);
    Message::builder()
        .from(from)
        .to(to)
        .subject(parcel.subject)
        // The same at every attempt, so that a server can recognize a mail that it already has.
        .message_id(Some(format!(
            "<{}.{}@{domain}>",
            parcel.id, parcel.reference
        )))
        // RFC 3834 § 5: no automatic replies.
        .header(AutoSubmitted)
        .singlepart(body)
        .map_err(|error| failed(&error))
}

#[derive(Clone)]
struct AutoSubmitted;

impl header::Header for AutoSubmitted {
    fn name() -> header::HeaderName {
        header::HeaderName::new_from_ascii_str("Auto-Submitted")
    }

    fn parse(_text: &str) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        Ok(Self)
    }

    fn display(&self) -> header::HeaderValue {
        header::HeaderValue::new(Self::name(), "auto-generated".into())
    }
}
