//! Command lines whose errors show arguments as they may be shown.

use crate::shown;
use clap::{
    Error, Parser,
    error::{ContextKind, ContextValue},
};

/// Reads this program's arguments. If they are wrong, prints why and ends the program.
pub fn parse<P: Parser>() -> P {
    P::try_parse().unwrap_or_else(|error| safe(error).exit())
}

fn safe(mut error: Error) -> Error {
    let context: Vec<(ContextKind, ContextValue)> = error
        .context()
        .map(|(kind, value)| (kind, value.clone()))
        .collect();
    for (kind, value) in context {
        let value = match value {
            ContextValue::String(text) => ContextValue::String(shown(&text)),
            ContextValue::Strings(texts) => {
                ContextValue::Strings(texts.iter().map(|text| shown(text)).collect())
            }
            other => other,
        };
        error.insert(kind, value);
    }
    error
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::acts;

    #[derive(Debug, Parser)]
    struct Arguments {
        #[arg(long)]
        number: Option<u16>,
    }

    #[test]
    fn an_error_shows_arguments_harmlessly() {
        for argument in ["--no\u{1b}[2J", "x\u{202e}y", "--number=\u{9b}1"] {
            let error = Arguments::try_parse_from(["program", argument]).unwrap_err();
            let text = safe(error).to_string();
            assert!(!text.replace('\n', "").contains(acts), "{text:?}");
        }
    }
}
