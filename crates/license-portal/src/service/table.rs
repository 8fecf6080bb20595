//! Tables (CSV, RFC 4180): orders in, licenses out.

use csv::{ReaderBuilder, StringRecord, Terminator, Trim, WriterBuilder};
use license_token::Holder as TokenHolder;

use super::{LicenseReport, Order, OrderLine, operation::SEATS};
use crate::{
    email::EmailAddress,
    language::{Key, Language},
    model::Placed,
    portal::{Portal, Refusal},
};

/// What is wrong with a table: the first line that is, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WrongLine {
    /// The line, from 1.
    pub line: u64,
    /// What is wrong with it.
    pub why: Key,
}

impl WrongLine {
    /// Returns it in a language. `most`: how many licenses the order may have.
    pub fn text(&self, language: Language, most: u32) -> String {
        let why = language.say_with(self.why.0, &[("most", &most.to_string())]);
        let line = match self.column() {
            Some(column) => format!("{}, {column}", self.line),
            None => self.line.to_string(),
        };
        let values = [("line", &*line), ("why", &*why)];
        language.say_with("wrong-line", &values)
    }

    /// Returns the column that is wrong, if it is one.
    fn column(self) -> Option<&'static str> {
        match self.reason() {
            "email" | "no-smtputf8" => Some("email"),
            "count" | "too-many" => Some("count"),
            "no-holder" => Some("holder"),
            column @ ("seats" | "language") => Some(column),
            _ => None,
        }
    }

    /// Returns why it is wrong, in a word for programs.
    pub(crate) fn reason(self) -> &'static str {
        self.why.0.strip_prefix("wrong-").unwrap_or(self.why.0)
    }
}

/// Why a table was not ordered.
#[derive(Debug)]
pub enum NotImported {
    /// A line is wrong.
    Line(WrongLine),
    /// The portal refuses the order.
    Refused(Refusal),
}

impl Portal {
    /// Places the order that a table has, or none of it.
    pub async fn import(
        &self,
        table: &[u8],
        most: u32,
        sold_by: Option<String>,
        key: Option<String>,
    ) -> Result<Placed, NotImported> {
        let table = String::from_utf8_lossy(table);
        let (numbers, lines): (Vec<_>, Vec<_>) = read(&table, most)
            .map_err(NotImported::Line)?
            .into_iter()
            .unzip();
        let order = Order {
            lines,
            sold_by,
            key,
        };
        self.issue(&order).await.map_err(|refusal| {
            let needs_utf8 = |line: &OrderLine| {
                EmailAddress::parse(&line.email).is_ok_and(|email| email.needs_utf8())
            };
            let first = order.lines.iter().position(needs_utf8);
            match (refusal, first.and_then(|first| numbers.get(first))) {
                (Refusal::NoUtf8, Some(line)) => NotImported::Line(WrongLine {
                    line: *line,
                    why: Key("wrong-no-smtputf8"),
                }),
                (refusal, _) => NotImported::Refused(refusal),
            }
        })
    }
}

/// Reads an order: a first line that names the columns, and a line for licenses that are alike. Spreadsheets separate
/// columns by commas, semicolons or tabs, and may begin with a byte order mark. Returns the lines with their numbers.
fn read(text: &str, most: u32) -> Result<Vec<(u64, OrderLine)>, WrongLine> {
    // Lines are counted by their last character.
    let text = text
        .trim_start_matches('\u{feff}')
        .replace("\r\n", "\n")
        .replace('\r', "\n");
    let separator = separator(text.lines().next().unwrap_or_default());
    let mut reader = ReaderBuilder::new()
        .delimiter(separator)
        .trim(Trim::All)
        .has_headers(false)
        .flexible(true)
        .from_reader(text.as_bytes());
    let mut records = reader.records();
    let wrong = |line, why| {
        Err(WrongLine {
            line,
            why: Key(why),
        })
    };
    let Some(Ok(names)) = records.next() else {
        return wrong(1, "wrong-columns");
    };
    let columns: Option<Vec<Column>> = names.iter().map(Column::named).collect();
    let columns = columns.filter(|columns| columns.contains(&Column::Email));
    let Some(columns) = columns else {
        return wrong(1, "wrong-columns");
    };
    let (mut lines, mut count) = (Vec::new(), 0_u32);
    for record in records {
        let Ok(record) = record else {
            return wrong(1, "wrong-encoding");
        };
        // Spreadsheets write lines that have only separators.
        if record.iter().all(str::is_empty) {
            continue;
        }
        // It counts from the beginning, so for no more lines than an order has licenses.
        let number = number(&text, &record);
        if record.len() != columns.len() {
            return wrong(number, "wrong-fields");
        }
        let line = line(&columns, &record, most);
        let line = line.map_err(|why| WrongLine { line: number, why })?;
        count = count.saturating_add(line.count);
        if count > most {
            return wrong(number, "wrong-too-many");
        }
        lines.push((number, line));
    }
    if lines.is_empty() {
        return wrong(2, "wrong-no-line");
    }
    Ok(lines)
}

/// Returns the number of the line where a record begins. Its position is before empty lines.
fn number(text: &str, record: &StringRecord) -> u64 {
    let start = record.position().map_or(0, csv::Position::byte);
    let start = usize::try_from(start).unwrap_or(usize::MAX);
    let (before, after) = text.split_at_checked(start).unwrap_or((text, ""));
    let empty = after.len() - after.trim_start_matches('\n').len();
    let line = 1 + before.matches('\n').count() + empty;
    line.try_into().unwrap_or(u64::MAX)
}

/// A column of an order.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Column {
    Email,
    Count,
    Language,
    Seats,
    Holder,
    Company,
}

impl Column {
    fn named(name: &str) -> Option<Self> {
        Some(match name.to_ascii_lowercase().as_str() {
            "email" => Self::Email,
            "count" => Self::Count,
            "language" => Self::Language,
            "seats" => Self::Seats,
            "holder" => Self::Holder,
            "company" => Self::Company,
            _ => return None,
        })
    }
}

/// The columns of an order, as its first line names them.
pub const COLUMNS: &str = "email,count,language,seats,holder,company";

/// Returns the separator that a line has most often.
fn separator(line: &str) -> u8 {
    let count = |separator: &u8| line.bytes().filter(|byte| byte == separator).count();
    // The last of equals is taken.
    [b'\t', b';', b',']
        .into_iter()
        .max_by_key(count)
        .unwrap_or(b',')
}

fn line(columns: &[Column], record: &StringRecord, most: u32) -> Result<OrderLine, Key> {
    let field = |wanted: Column| {
        let mut fields = columns.iter().zip(record.iter());
        let found = fields.find(|(column, _)| **column == wanted);
        found.map_or("", |(_, text)| text)
    };
    if record.iter().any(|text| text.contains('\u{fffd}')) {
        return Err(Key("wrong-encoding"));
    }
    let email = EmailAddress::parse(field(Column::Email)).map_err(|_form| Key("wrong-email"))?;
    let number = |column, range: &std::ops::RangeInclusive<u32>| match field(column) {
        "" => Ok(None),
        text => text
            .parse()
            .ok()
            .filter(|number| range.contains(number))
            .map(Some)
            .ok_or(()),
    };
    let count = number(Column::Count, &(1..=most)).map_err(|()| Key("wrong-count"))?;
    let seats = number(Column::Seats, &SEATS).map_err(|()| Key("wrong-seats"))?;
    let language = match field(Column::Language).to_ascii_lowercase().as_str() {
        "" => Some(Language::En),
        code => Language::parse(code),
    };
    let language = language.ok_or(Key("wrong-language"))?;
    let (name, company) = (field(Column::Holder), field(Column::Company));
    if name.is_empty() && !company.is_empty() {
        return Err(Key("wrong-no-holder"));
    }
    if TokenHolder::new(name, company).is_err() {
        return Err(Key("wrong-text"));
    }
    Ok(OrderLine {
        email: email.to_string(),
        count: count.unwrap_or(1),
        is_activated: !name.is_empty(),
        holder: (!name.is_empty()).then(|| (name.to_owned(), company.to_owned())),
        language,
        seats,
    })
}

/// Writes licenses as lines of a table, for a spreadsheet in a language; the first lines name the columns.
pub(crate) fn write(
    language: Option<Language>,
    is_first: bool,
    licenses: &[LicenseReport],
) -> Vec<u8> {
    let separator = match language {
        Some(Language::De | Language::Fr) => b';',
        Some(Language::En) | None => b',',
    };
    let mut writer = WriterBuilder::new()
        .delimiter(separator)
        .terminator(Terminator::CRLF)
        .from_writer(Vec::new());
    // A vector takes all that is written.
    let mut put = |fields: [&str; 12]| drop(writer.write_record(fields.map(plain)));
    if is_first {
        put(NAMES);
    }
    for license in licenses {
        let [holder, company] = &license.held_by;
        let text = |number: Option<String>| number.unwrap_or_default();
        let delivery = license.mail.as_ref();
        put([
            &license.license,
            &license.email,
            license.state.as_str(),
            license.language.as_str(),
            &license.issued_at.to_string(),
            &text(license.activated_at.map(|time| time.to_string())),
            license.sold_by().unwrap_or_default(),
            &text(license.order.map(|order| order.to_string())),
            &text(license.seats.map(|seats| seats.to_string())),
            holder,
            company,
            delivery.map_or("", |delivery| delivery.state.as_str()),
        ]);
    }
    let lines = writer.into_inner().unwrap_or_default();
    // Spreadsheets tell by it that the text is UTF-8.
    let mark: &[u8] = if is_first && language.is_some() {
        "\u{feff}".as_bytes()
    } else {
        b""
    };
    [mark, &lines].concat()
}

/// Returns a text that no spreadsheet takes for a formula.
fn plain(text: &str) -> String {
    // Some spreadsheets take the full-width ones of Asian keyboards, too.
    let formulas = ['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠'];
    if text.starts_with(formulas) {
        format!("'{text}")
    } else {
        text.to_owned()
    }
}

const NAMES: [&str; 12] = [
    "license",
    "email",
    "state",
    "language",
    "sold",
    "activated",
    "sold_by",
    "order",
    "seats",
    "holder",
    "company",
    "mail",
];

#[cfg(test)]
mod tests {
    use super::*;

    fn wrong(text: &str) -> (u64, &'static str) {
        let wrong = read(text, 100).unwrap_err();
        (wrong.line, wrong.why.0)
    }

    #[test]
    fn tables_of_every_spreadsheet_are_read() {
        for text in [
            "email,count,holder\na@b.example,3,\"Doe, \"\"Zoë\"\"\"\n",
            "\u{feff}Email;Count;Holder\r\na@b.example;3;\"Doe, \"\"Zoë\"\"\"\r\n;;\r\n",
            "holder\temail\tcount\n\"Doe, \"\"Zoë\"\"\"\t a@b.example \t3",
        ] {
            let lines = read(text, 100).unwrap();
            let [(2, line)] = lines.as_slice() else {
                panic!("{text}: {lines:?}")
            };
            assert_eq!(
                (line.email.as_str(), line.count, line.is_activated),
                ("a@b.example", 3, true)
            );
            assert_eq!(line.holder.as_ref().unwrap().0, "Doe, \"Zoë\"");
        }
        for end in ["\n", "\r\n", "\r"] {
            let text = ["email", "a@b.example", "", "c@d.example", ""].join(end);
            let lines = read(&text, 100).unwrap();
            assert!(lines[1].0 == 4 && lines[1].1.count == 1 && !lines[1].1.is_activated);
        }
    }

    #[test]
    fn the_first_wrong_line_is_named_with_its_fault() {
        for (text, fault) in [
            ("", (1, "wrong-columns")),
            ("count\n1\n", (1, "wrong-columns")),
            ("email,price\na@b.example,1\n", (1, "wrong-columns")),
            ("email\n", (2, "wrong-no-line")),
            ("email,count\na@b.example,1\nx,2\n", (3, "wrong-email")),
            ("email,count\na@b.example\n", (2, "wrong-fields")),
            ("email,count\na@b.example,1,2\n", (2, "wrong-fields")),
            ("email,count\na@b.example,0\n", (2, "wrong-count")),
            ("email,count\na@b.example,=1\n", (2, "wrong-count")),
            (
                "email,count\na@b.example,60\nc@d.example,41\n",
                (3, "wrong-too-many"),
            ),
            ("email,seats\na@b.example,10001\n", (2, "wrong-seats")),
            ("email,language\na@b.example,it\n", (2, "wrong-language")),
            ("email,company\na@b.example,Firm\n", (2, "wrong-no-holder")),
            (
                "email,holder\na@b.example,\"A\nBcc: x@y.example\"\n",
                (2, "wrong-text"),
            ),
            (
                "email,holder\n\"a@b.example\nBcc: x@y.example\",A\n",
                (2, "wrong-email"),
            ),
            (
                "email,holder\na@b.example,M\u{fffd}ller\n",
                (2, "wrong-encoding"),
            ),
            ("email\n\"a@b.example\nc@d.example\n", (2, "wrong-email")),
        ] {
            assert_eq!(wrong(text), fault, "{text}");
        }
    }

    #[test]
    fn no_text_is_taken_for_a_formula() {
        for text in [
            "=1+1",
            "+1",
            "-1",
            "@SUM(A1)",
            "\t=1",
            "\r=1",
            "\n=1",
            "＝1+1",
            "＠SUM(A1)",
        ] {
            assert_eq!(plain(text), format!("'{text}"));
        }
        assert_eq!(plain("a=1"), "a=1");
    }
}
