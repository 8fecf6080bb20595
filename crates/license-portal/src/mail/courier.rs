//! The ways out: a folder with the console, or a mail server.

use std::{path::PathBuf, time::Duration};

use async_trait::async_trait;
use lettre::{
    AsyncSmtpTransport, AsyncTransport as _, Message, Tokio1Executor,
    message::{Body, Mailbox, SinglePart, header},
};

/// A mail on its way.
pub struct Parcel<'a> {
    /// Its number in the outbox: the same at every try, as is its Message-ID.
    pub id: i64,
    /// The license that it is about, in its Message-ID only by way of a hash.
    pub reference: &'a str,
    /// From whom.
    pub from: &'a str,
    /// To whom.
    pub to: &'a str,
    /// Its subject.
    pub subject: &'a str,
    /// Its text.
    pub text: &'a str,
}

/// Why a mail was not delivered; without its text or recipient, since it is stored and logged.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CourierError {
    /// It could not be put together.
    #[error("the mail could not be put together: {0}")]
    Message(String),
    /// The mail server did not take it.
    #[error("the mail server did not take it: {0}")]
    Server(String),
    /// The mail server was too slow.
    #[error("the mail server did not answer in time")]
    Slow,
    /// The folder failed.
    #[error("the outbox folder failed: {0}")]
    Folder(#[from] std::io::Error),
}

/// Takes mails away.
#[async_trait]
pub trait Courier: Send + Sync {
    /// Delivers one mail.
    async fn deliver(&self, parcel: &Parcel<'_>) -> Result<(), CourierError>;
}

/// Writes mails as files, and on the console: for development.
pub struct FolderCourier {
    folder: PathBuf,
}

impl FolderCourier {
    /// Makes the folder, for its owner alone: the mails hold PINs.
    pub fn new(folder: PathBuf) -> std::io::Result<Self> {
        use std::os::unix::fs::DirBuilderExt as _;
        std::fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&folder)?;
        Ok(Self { folder })
    }
}

#[async_trait]
impl Courier for FolderCourier {
    async fn deliver(&self, parcel: &Parcel<'_>) -> Result<(), CourierError> {
        // As people read it: nobody sends this file on.
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
    patience: Duration,
}

impl SmtpCourier {
    /// Of a URL `smtps://user:password@host:465`, `smtp://user:password@host:587?tls=required` or `smtp://localhost:25`.
    pub fn new(url: &str, patience: Duration) -> Result<Self, CourierError> {
        let builder = AsyncSmtpTransport::<Tokio1Executor>::from_url(url)
            // Not the error's text: it may quote the URL, and so the password.
            .map_err(|_form| CourierError::Server("its URL is malformed".into()))?;
        Ok(Self {
            transport: builder.timeout(Some(patience)).build(),
            patience,
        })
    }
}

#[async_trait]
impl Courier for SmtpCourier {
    async fn deliver(&self, parcel: &Parcel<'_>) -> Result<(), CourierError> {
        let message = message(parcel, Body::new(parcel.text.to_owned()))?;
        // The transport's timeout counts from byte to byte; a server that drips must not outlast the claim.
        match tokio::time::timeout(self.patience, self.transport.send(message)).await {
            Err(_elapsed) => Err(CourierError::Slow),
            Ok(Err(error)) if error.is_timeout() => Err(CourierError::Slow),
            // A permanent refusal may quote the recipient, not the text.
            Ok(Err(error)) => Err(CourierError::Server(describe(&error))),
            Ok(Ok(_response)) => Ok(()),
        }
    }
}

fn describe(error: &lettre::transport::smtp::Error) -> String {
    match error.status() {
        Some(code) => format!("status {code}"),
        None if error.is_response() => "it did not speak SMTP".into(),
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
        // The same at every try, so that a server which took it and was cut off can tell.
        .message_id(Some(format!(
            "<{}.{}@{domain}>",
            parcel.id, parcel.reference
        )))
        // RFC 3834 § 5: out-of-office robots do not answer.
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
