//! What people type and programs receive about licenses: nothing panics, what is read prints as it was, and only what
//! the key signed verifies.

use license_token::{
    Anchor, CodeError, LicenseNumber, LicenseToken, NumberError, RequestCode, ResponseCode,
    SigningKey,
};

/// The first byte is the kind, then comes the text, or the token's bytes.
pub fn run(data: &[u8]) {
    let Some((kind, rest)) = data.split_first() else {
        return;
    };
    if *kind == TOKEN_BYTES {
        return token_bytes(rest);
    }
    let Ok(text) = std::str::from_utf8(rest) else {
        return;
    };
    match *kind {
        NUMBER => number(text),
        TOKEN => token(text),
        REQUEST => request(text),
        RESPONSE => response(text),
        _ => {}
    }
}

fn number(text: &str) {
    match LicenseNumber::parse(text) {
        Ok(number) => {
            let printed = number.to_string();
            assert_eq!(LicenseNumber::parse(&printed), Ok(number));
            // The check character finds one wrong character.
            for place in (0..printed.len()).filter(|place| place % 5 != 4) {
                let mut bytes = printed.clone().into_bytes();
                bytes[place] = if bytes[place] == b'7' { b'8' } else { b'7' };
                let other = String::from_utf8(bytes).expect("digits");
                assert_eq!(LicenseNumber::parse(&other), Err(NumberError::Slip));
            }
        }
        Err(NumberError::Slip | NumberError::Malformed) => {}
    }
}

fn token(text: &str) {
    if let Ok(token) = LicenseToken::parse(text) {
        let printed = token.to_string();
        assert_eq!(printed.trim(), text.trim().replace("\r\n", "\n"));
        token_bytes(&token.encode());
    }
}

fn token_bytes(bytes: &[u8]) {
    let Ok(token) = LicenseToken::decode(bytes) else {
        return;
    };
    assert_eq!(token.encode(), bytes);
    assert_eq!(LicenseToken::parse(&token.to_string()), Ok(token.clone()));
    let claims = token.unverified().clone();
    let signed = SigningKey::development().sign(claims.clone());
    // Ed25519 is deterministic: there is only one valid signature.
    if let Ok(license) = token.clone().verify(&Anchor::development()) {
        assert_eq!((license.claims(), &token), (&claims, &signed));
    }
    assert!(signed.clone().verify(&Anchor::development()).is_ok());
    if claims.holder.is_unnamed() {
        let code = ResponseCode::of(&signed).expect("no holder is named");
        let request = RequestCode {
            number: claims.number,
            installation: claims.installation,
        };
        let typed = ResponseCode::parse(&code.to_string()).expect("reads what it prints");
        assert_eq!(typed.complete(&request, signed.key()), signed);
    }
}

fn request(text: &str) {
    match RequestCode::parse(text) {
        Ok(code) => assert_eq!(RequestCode::parse(&code.to_string()), Ok(code)),
        Err(CodeError::Slip(line)) => {
            assert!((1..=license_token::offline::REQUEST_LINES).contains(&line));
        }
        Err(CodeError::Malformed { .. } | CodeError::Mixed) => {}
    }
}

fn response(text: &str) {
    match ResponseCode::parse(text) {
        Ok(code) => {
            let again = ResponseCode::parse(&code.to_string());
            assert!(again.is_ok_and(|again| again == code));
        }
        Err(CodeError::Slip(line)) => {
            assert!((1..=license_token::offline::RESPONSE_LINES).contains(&line));
        }
        Err(CodeError::Malformed { .. } | CodeError::Mixed) => {}
    }
}

/// A license number as typed.
pub const NUMBER: u8 = b'n';
/// A token as text.
pub const TOKEN: u8 = b't';
/// A token as bytes.
pub const TOKEN_BYTES: u8 = b'b';
/// A request code as typed.
pub const REQUEST: u8 = b'q';
/// A response code as typed.
pub const RESPONSE: u8 = b'r';
