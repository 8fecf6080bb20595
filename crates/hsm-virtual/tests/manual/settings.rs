//! What an Administrator sets to a value, and reads out.

use crate::tables::{Table, own};
use hsm_core::{
    attempt::USER_LIMIT,
    configure::AUTO_LOCK,
    pin::{MAX_LENGTH, MIN_LENGTH},
};

pub(crate) fn table(language: usize) -> Table {
    let (least, most) = (AUTO_LOCK.start(), AUTO_LOCK.end());
    let rows = [
        (
            [
                "Auto-Lock",
                "Automatische Sperre",
                "Verrouillage automatique",
            ],
            "`KEY+5` MM `SHIFT`",
            [
                format!("MM: {least:02} to {most:02} minutes; 00: off"),
                format!("MM: {least:02} bis {most:02} Minuten; 00: aus"),
                format!("MM : {least:02} à {most:02} minutes ; 00 : désactivé"),
            ],
            ["off", "aus", "désactivé"],
            "`SHIFT+5` `KEY`",
        ),
        (
            [
                "User PIN Policy",
                "Benutzer-PIN-Richtlinie",
                "Règle de code PIN utilisateur",
            ],
            "`KEY+7` LLS `SHIFT`",
            [
                format!(
                    "LL: minimum length, {MIN_LENGTH:02} to {MAX_LENGTH:02}; S: 1 if a SHIFT symbol is required, otherwise 0; {MIN_LENGTH:02}0: no policy"
                ),
                format!(
                    "LL: Mindestlänge, {MIN_LENGTH:02} bis {MAX_LENGTH:02}; S: 1, wenn ein SHIFT-Zeichen nötig ist, sonst 0; {MIN_LENGTH:02}0: keine Richtlinie"
                ),
                format!(
                    "LL : longueur minimale, {MIN_LENGTH:02} à {MAX_LENGTH:02} ; S : 1 si un caractère SHIFT est exigé, sinon 0 ; {MIN_LENGTH:02}0 : aucune règle"
                ),
            ],
            ["none", "keine", "aucune"],
            "`SHIFT+7` `KEY`",
        ),
        (
            ["KeyWriter cloning", "KeyWriter-Klonen", "Clonage KeyWriter"],
            "`KEY+8` N `SHIFT`",
            [
                "N: 1 enabled, 0 disabled".into(),
                "N: 1 aktiviert, 0 deaktiviert".into(),
                "N : 1 activé, 0 désactivé".into(),
            ],
            ["disabled", "deaktiviert", "désactivé"],
            "`SHIFT+8` `KEY`",
        ),
        (
            [
                "Encryption Mode",
                "Verschlüsselungsmodus",
                "Mode de chiffrement",
            ],
            "`KEY+9` N `SHIFT`",
            [
                "1: AES-XTS, 2: AES-ECB".into(),
                "1: AES-XTS, 2: AES-ECB".into(),
                "1 : AES-XTS, 2 : AES-ECB".into(),
            ],
            ["AES-XTS", "AES-XTS", "AES-XTS"],
            "`SHIFT+9` `KEY`",
        ),
        user_limit(),
        file_keys(),
    ];
    let heading = [
        ["setting", "Einstellung", "paramètre"],
        ["set", "festlegen", "définir"],
        ["values", "Werte", "valeurs"],
        ["default", "Standard", "par défaut"],
        ["read out", "auslesen", "lire"],
    ];
    Table {
        heading: heading.map(|text| own(&text, language)).to_vec(),
        rows: rows
            .into_iter()
            .map(|(name, set, values, default, read)| {
                let name = own(&name, language);
                let default = own(&default, language);
                let values = values[language].clone();
                vec![name, set.into(), values, default, read.into()]
            })
            .collect(),
    }
}

/// Name, keys that set it, values, default, and keys that read it out.
type Row = (
    [&'static str; 3],
    &'static str,
    [String; 3],
    [&'static str; 3],
    &'static str,
);

fn user_limit() -> Row {
    const { assert!(USER_LIMIT == 10, "its default") };
    (
        [
            "User attempt limit",
            "Versuche mit der Benutzer-PIN",
            "Tentatives de code PIN utilisateur",
        ],
        "`7+0` NN `SHIFT`",
        [
            format!("NN: 01 to {USER_LIMIT:02}"),
            format!("NN: 01 bis {USER_LIMIT:02}"),
            format!("NN : 01 à {USER_LIMIT:02}"),
        ],
        ["10"; 3],
        "`2+0` `KEY`",
    )
}

fn file_keys() -> Row {
    (
        [
            "Release of file keys",
            "Herausgabe von Dateischlüsseln",
            "Communication des clés de fichiers",
        ],
        "`9+0` N `SHIFT`",
        [
            "0: keep, 1: release".into(),
            "0: behalten, 1: herausgeben".into(),
            "0 : garder, 1 : communiquer".into(),
        ],
        ["release", "herausgeben", "communiquer"],
        "`4+0` `KEY`",
    )
}
