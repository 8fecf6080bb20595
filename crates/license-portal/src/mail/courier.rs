//! Delivery of mails: to a folder and the console, or to a mail server.

use std::{
    io::{self, Write as _},
    net::IpAddr,
    path::PathBuf,
    time::Duration,
};

use async_trait::async_trait;
use lettre::{
    Message,
    message::{Body, Mailbox, MultiPart, SinglePart, header},
    transport::smtp::{
        self,
        authentication::{Credentials, DEFAULT_MECHANISMS},
        client::{AsyncSmtpConnection, TlsParameters},
        commands::{Data, Mail, Rcpt},
        extension::{ClientId, Extension, MailBodyParameter, MailParameter},
    },
};
use percent_encoding::percent_decode_str;
use plain_text::shown;
use url::Url;

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
    /// The same in HTML, if it has both.
    pub html: Option<&'a str>,
}

/// Why a mail was not delivered. It contains neither text nor recipient, since it is stored and logged.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CourierError {
    /// The mail could not be composed.
    #[error("cannot compose the mail: {0}")]
    Message(String),
    /// The mail server refused this mail for good: its recipient or its text (RFC 5321 § 4.2.1, a reply 5yz).
    #[error("the mail server refused the mail: {0}")]
    Refused(String),
    /// The mail server did not accept it now.
    #[error("the mail server did not accept the mail: {0}")]
    Server(String),
    /// The address of the mail server cannot be used.
    #[error("smtp: {0}")]
    Address(&'static str),
    /// The mail server did not answer in time.
    #[error("the mail server did not answer in time")]
    Slow,
    /// The file could not be written.
    #[error("cannot write to the outbox folder: {0}")]
    Folder(#[from] io::Error),
}

impl CourierError {
    /// Returns whether trying again would change nothing: the fault is in this mail.
    pub fn is_final(&self) -> bool {
        matches!(self, Self::Message(_) | Self::Refused(_))
    }
}

/// Delivers mails.
#[async_trait]
pub trait Courier: Send + Sync {
    /// Delivers one mail.
    async fn deliver(&self, parcel: &Parcel<'_>) -> Result<(), CourierError>;

    /// Returns whether it delivers to addresses with a local part in UTF-8 (RFC 6531).
    async fn takes_utf8(&self) -> Result<bool, CourierError>;
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
        let readable = |text: &str| {
            let lines = text.replace('\n', "\r\n").into_bytes();
            Body::dangerous_pre_encoded(lines, header::ContentTransferEncoding::EightBit)
        };
        let message = message(parcel, readable)?;
        let file = self.folder.join(format!("{:06}.eml", parcel.id));
        let mut options = tokio::fs::OpenOptions::new();
        options.write(true).create(true).truncate(true).mode(0o600);
        let mut file = options.open(file).await?;
        tokio::io::AsyncWriteExt::write_all(&mut file, &message.formatted()).await?;
        file.sync_all().await?;
        // The file counts; whether anyone reads the console does not.
        let _unread = writeln!(
            io::stdout(),
            "--- mail to {}\nSubject: {}\n\n{}---",
            shown(parcel.to),
            parcel.subject,
            parcel.text
        );
        Ok(())
    }

    async fn takes_utf8(&self) -> Result<bool, CourierError> {
        Ok(true)
    }
}

/// Hands mails to a mail server.
pub struct SmtpCourier {
    host: String,
    port: u16,
    tls: Tls,
    credentials: Option<Credentials>,
    time_limit: Duration,
}

/// How the connection to a mail server is protected.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Tls {
    /// From the first byte.
    Whole,
    /// From STARTTLS on.
    Required,
    /// From STARTTLS on, if the server offers it.
    Offered,
    None,
}

impl SmtpCourier {
    /// Takes a URL `smtps://user:password@host:465`, `smtp://user:password@host:587?tls=required` or
    /// `smtp://localhost:25`. A password for another machine is refused without TLS.
    pub fn new(url: &str, time_limit: Duration) -> Result<Self, CourierError> {
        // The text of an error must not contain the URL and its password.
        let url = Url::parse(url).map_err(|_form| CourierError::Address("malformed URL"))?;
        let tls = url.query_pairs().find(|(name, _)| name == "tls");
        let (tls, port) = match (url.scheme(), tls.as_ref().map(|(_, value)| &**value)) {
            ("smtps", _) => (Tls::Whole, 465),
            ("smtp", Some("required")) => (Tls::Required, 587),
            ("smtp", Some("opportunistic")) => (Tls::Offered, 587),
            ("smtp", None) => (Tls::None, 25),
            _ => return Err(CourierError::Address("not smtps: or smtp:, or unknown tls")),
        };
        let host = url.host_str().filter(|host| !host.is_empty());
        let host = host.ok_or(CourierError::Address("no host"))?;
        let decode = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
        let password = url.password().map(decode);
        let credentials =
            password.map(|password| Credentials::new(decode(url.username()), password));
        let host = host.trim_matches(['[', ']']).to_owned();
        if credentials.is_some() && matches!(tls, Tls::Offered | Tls::None) && !is_here(&host) {
            return Err(CourierError::Address(
                "the password would be sent unencrypted; use smtps:// or ?tls=required",
            ));
        }
        Ok(Self {
            port: url.port().unwrap_or(port),
            host,
            tls,
            credentials,
            time_limit,
        })
    }

    /// Connects, encrypts and logs in. No error of this is final: another mail would meet the same.
    async fn connect(&self) -> Result<AsyncSmtpConnection, CourierError> {
        let failed = |error: smtp::Error| unless_slow(&error, CourierError::Server);
        let parameters = || TlsParameters::new(self.host.clone()).map_err(failed);
        let hello = ClientId::default();
        let whole = (self.tls == Tls::Whole).then(parameters).transpose()?;
        let place = (self.host.as_str(), self.port);
        let mut connection =
            AsyncSmtpConnection::connect_tokio1(place, Some(self.time_limit), &hello, whole, None)
                .await
                .map_err(failed)?;
        if self.tls == Tls::Required || (self.tls == Tls::Offered && connection.can_starttls()) {
            connection
                .starttls(parameters()?, &hello)
                .await
                .map_err(failed)?;
        }
        if let Some(credentials) = &self.credentials {
            connection
                .auth(DEFAULT_MECHANISMS, credentials)
                .await
                .map_err(failed)?;
        }
        Ok(connection)
    }

    /// Does something with a connection. The time limit is for all of it: that of the connection restarts with every
    /// byte, and a slow server must not outlast the claim.
    async fn within<T>(
        &self,
        work: impl Future<Output = Result<T, CourierError>> + Send,
    ) -> Result<T, CourierError> {
        tokio::time::timeout(self.time_limit, work)
            .await
            .unwrap_or(Err(CourierError::Slow))
    }
}

/// Returns whether a host is this machine.
fn is_here(host: &str) -> bool {
    host == "localhost"
        || host
            .parse()
            .is_ok_and(|address: IpAddr| address.is_loopback())
}

#[async_trait]
impl Courier for SmtpCourier {
    async fn deliver(&self, parcel: &Parcel<'_>) -> Result<(), CourierError> {
        let message = message(parcel, |text| Body::new(text.to_owned()))?;
        self.within(async {
            let mut connection = self.connect().await?;
            let outcome = hand_over(&mut connection, &message).await;
            // How it says good-bye changes nothing.
            connection.abort().await;
            outcome
        })
        .await
    }

    async fn takes_utf8(&self) -> Result<bool, CourierError> {
        self.within(async {
            let mut connection = self.connect().await?;
            let server = connection.server_info();
            let takes = server.supports_feature(Extension::SmtpUtfEight);
            connection.abort().await;
            Ok(takes)
        })
        .await
    }
}

/// Hands a mail over, as RFC 5321 § 3.3 says.
async fn hand_over(
    connection: &mut AsyncSmtpConnection,
    message: &Message,
) -> Result<(), CourierError> {
    let (envelope, text) = (message.envelope(), message.formatted());
    let mut addresses = envelope.from().into_iter().chain(envelope.to());
    let mut needs = Vec::new();
    if !addresses.all(|address| AsRef::<str>::as_ref(address).is_ascii()) {
        needs.push((Extension::SmtpUtfEight, MailParameter::SmtpUtfEight));
    }
    if !text.is_ascii() {
        let parameter = MailParameter::Body(MailBodyParameter::EightBitMime);
        needs.push((Extension::EightBitMime, parameter));
    }
    let server = connection.server_info();
    if !needs
        .iter()
        .all(|(extension, _)| server.supports_feature(*extension))
    {
        let missing = "it does not offer what the mail needs";
        return Err(CourierError::Refused(missing.into()));
    }
    let parameters = needs.into_iter().map(|(_, parameter)| parameter);
    let begin = Mail::new(envelope.from().cloned(), parameters.collect());
    // Every mail has this sender: a refusal says nothing about this one.
    let sender = |error: smtp::Error| unless_slow(&error, CourierError::Server);
    connection.command(begin).await.map_err(sender)?;
    let mail = |error: smtp::Error| unless_slow(&error, judged(&error));
    for recipient in envelope.to() {
        let recipient = Rcpt::new(recipient.clone(), Vec::new());
        connection.command(recipient).await.map_err(mail)?;
    }
    connection.command(Data).await.map_err(mail)?;
    connection.message(&text).await.map_err(mail)?;
    Ok(())
}

/// Returns what a refusal of a recipient or a text means. A server that first wants a log-in or encryption (530,
/// RFC 4954 § 6 and RFC 3207 § 4) has not looked at the mail.
fn judged(error: &smtp::Error) -> fn(String) -> CourierError {
    let wants_more = error.status().is_some_and(|code| u16::from(code) == 530);
    if error.is_permanent() && !wants_more {
        CourierError::Refused
    } else {
        CourierError::Server
    }
}

fn unless_slow(error: &smtp::Error, kind: fn(String) -> CourierError) -> CourierError {
    if error.is_timeout() {
        return CourierError::Slow;
    }
    // The text of the error may contain the recipient.
    kind(match error.status() {
        Some(code) => format!("status {code}"),
        None if error.is_client() => {
            "it offers no encryption, or no way to log in that the portal knows".into()
        }
        None if error.is_response() => "not an SMTP response".into(),
        None if error.is_tls() => "no encrypted connection".into(),
        None => "no connection".into(),
    })
}

fn message(parcel: &Parcel<'_>, encode: impl Fn(&str) -> Body) -> Result<Message, CourierError> {
    let failed = |error: &dyn std::fmt::Display| CourierError::Message(error.to_string());
    let from: Mailbox = parcel
        .from
        .parse()
        .map_err(|error: lettre::address::AddressError| failed(&error))?;
    let to = parcel.to.parse().map(|address| Mailbox::new(None, address));
    let to = to.map_err(|error: lettre::address::AddressError| failed(&error))?;
    let domain = from.email.domain().to_owned();
    let part = |kind, text| SinglePart::builder().header(kind).body(encode(text));
    let plain = part(header::ContentType::TEXT_PLAIN, parcel.text);
    let message = Message::builder()
        .from(from)
        .to(to)
        .subject(parcel.subject)
        // The same at every attempt, so that a server can recognize a mail that it already has.
        .message_id(Some(format!(
            "<{}.{}@{domain}>",
            parcel.id, parcel.reference
        )))
        // RFC 3834 § 5: no automatic replies.
        .header(AutoSubmitted);
    let message = match parcel.html {
        None => message.singlepart(plain),
        // The last one is the best (RFC 2046 § 5.1.4).
        Some(html) => message.multipart(
            MultiPart::alternative()
                .singlepart(plain)
                .singlepart(part(header::ContentType::TEXT_HTML, html)),
        ),
    };
    message.map_err(|error| failed(&error))
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
