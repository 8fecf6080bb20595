//! The vectors of vectors/license, valid and invalid.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use license_token::{
    Anchor, CodeError, Day, Installation, LicenseNumber, LicenseToken, NumberError, RequestCode,
    ResponseCode, Standing, VerifyError,
};
use std::{fs, path::Path};

/// A vector: lines `name: value`, an empty line, and the text that is read.
struct Vector {
    head: Vec<(String, String)>,
    text: String,
}

impl Vector {
    fn parse(file: &str) -> Self {
        let (head, text) = file.split_once("\n\n").unwrap();
        let field = |line: &str| {
            let (name, value) = line.split_once(": ").unwrap();
            (name.to_owned(), value.to_owned())
        };
        Self {
            head: head.lines().map(field).collect(),
            text: text.to_owned(),
        }
    }

    fn field(&self, name: &str) -> &str {
        let found = self.head.iter().find(|(known, _)| known == name);
        &found.unwrap().1
    }

    fn outcome(&self) -> String {
        match self.field("kind") {
            "number" => match LicenseNumber::parse(&self.text) {
                Ok(number) => number.to_string(),
                Err(NumberError::Slip) => "slip".to_owned(),
                Err(NumberError::Malformed) => "malformed".to_owned(),
            },
            "token" => self.token(),
            "request" => match RequestCode::parse(&self.text) {
                Ok(code) => format!("{} {}", code.number, code.installation),
                Err(error) => code_error(error),
            },
            "standing" => {
                let token = LicenseToken::parse(&self.text).unwrap();
                let license = token.verify(&Anchor::development()).unwrap();
                let day = Day::new(self.field("day").parse().unwrap());
                let standing = match license.standing(day) {
                    Standing::NotYet => "not-yet",
                    Standing::Current => "current",
                    Standing::Lapsed => "expired",
                };
                standing.to_owned()
            }
            "response" => match ResponseCode::parse(&self.text) {
                Ok(code) => {
                    let request = RequestCode {
                        number: self.field("number").parse().unwrap(),
                        installation: Installation::parse(self.field("installation")).unwrap(),
                    };
                    verify(code.complete(&request, Anchor::development().id()))
                }
                Err(error) => code_error(error),
            },
            other => panic!("a vector of kind {other}"),
        }
    }

    fn token(&self) -> String {
        // A byte that the text form cannot show is given in hexadecimal.
        let token = match self.text.strip_prefix("hex ") {
            Some(hex) => LicenseToken::decode(&hex::decode(hex.trim()).unwrap()),
            None => LicenseToken::parse(&self.text),
        };
        token.map_or_else(|_| "malformed".to_owned(), verify)
    }
}

fn verify(token: LicenseToken) -> String {
    match token.verify(&Anchor::development()) {
        Ok(license) => {
            let claims = license.claims();
            let expires = claims
                .expires
                .map_or("never".to_owned(), |day| day.to_string());
            format!("verified {} {} to {expires}", claims.number, claims.issued)
        }
        Err(VerifyError::BadSignature) => "bad-signature".to_owned(),
        Err(VerifyError::OtherKey { .. }) => "other-key".to_owned(),
        Err(other) => other.to_string(),
    }
}

fn code_error(error: CodeError) -> String {
    match error {
        CodeError::Slip(line) => format!("slip {line}"),
        CodeError::Malformed { .. } => "malformed".to_owned(),
        CodeError::Mixed => "mixed".to_owned(),
    }
}

#[test]
fn every_vector_is_read_as_it_says() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../vectors/license");
    let mut count = 0;
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let vector = Vector::parse(&fs::read_to_string(&path).unwrap());
        assert_eq!(
            vector.outcome(),
            vector.field("expect"),
            "{}",
            path.display()
        );
        assert!(!vector.field("section").is_empty());
        count += 1;
    }
    assert!(count >= 20, "{count} vectors");
}
