//! Every sequence of keys: where it is typed, what it does, and what the LEDs show in the end.

use crate::tables::{Table, Text, own};

/// Where a sequence is typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    Fresh,
    Idle,
    Standby,
    Blocked,
    AdminMode,
    User,
    /// Unlocked as Administrator, and a computer asks.
    Asks,
    /// Unlocked by its Administrator, and a host asks whether the journal's table may be cleared.
    AsksToClear,
    /// Unlocked by its Administrator, and a host asks whether the group may be re-keyed.
    AsksToRekey,
    /// Unlocked by its Administrator, and a host asks whether the group may get another policy.
    AsksForPolicy,
    /// Unlocked by its Administrator, and a host asks whether a ticket may be ended.
    AsksToWithdraw,
}

/// A sequence. Its words are keys as the hub reads them, or stand for what a person chooses: [`word`].
pub(crate) struct Sequence {
    pub(crate) place: Place,
    pub(crate) keys: &'static str,
    pub(crate) does: Text,
    /// The name of the pattern that it ends on.
    pub(crate) shows: &'static str,
}

/// What a word of a sequence is called, and what the tests type for it; `None` for a key.
pub(crate) fn word(word: &str) -> Option<(Text, &'static str)> {
    Some(match word {
        "ADMIN" => (
            ["Admin PIN", "Administrator-PIN", "code PIN administrateur"],
            "24681357",
        ),
        "USER" => (
            ["User PIN", "Benutzer-PIN", "code PIN utilisateur"],
            "13572468",
        ),
        "RECOVERY" => (
            [
                "Recovery PIN",
                "Wiederherstellungs-PIN",
                "code PIN de récupération",
            ],
            "11223344",
        ),
        "NEW" => (
            ["new PIN", "neue PIN", "nouveau code PIN"],
            "9753 SHIFT+1 864",
        ),
        "MM" => (["MM"; 3], "05"),
        "LLS" => (["LLS"; 3], "081"),
        "NN" => (["NN"; 3], "07"),
        "1|0" => (["1 or 0", "1 oder 0", "1 ou 0"], "1"),
        "1|2" => (["1 or 2", "1 oder 2", "1 ou 2"], "2"),
        _ => return None,
    })
}

impl Sequence {
    /// As a person of that language reads it.
    fn written(&self, language: usize) -> String {
        let words: Vec<String> = self
            .keys
            .split(' ')
            .map(|text| match word(text) {
                Some((name, _)) => name[language].to_owned(),
                None => format!("`{text}`"),
            })
            .collect();
        words.join(" ")
    }

    /// As the hub reads it.
    pub(crate) fn typed(&self) -> String {
        let words: Vec<&str> = self
            .keys
            .split(' ')
            .map(|text| word(text).map_or(text, |(_, typed)| typed))
            .collect();
        words.join(" ")
    }
}

const fn place(place: Place) -> Text {
    match place {
        Place::Fresh => [
            "Shipment State, Reset",
            "Auslieferungszustand, zurückgesetzt",
            "état de livraison, réinitialisé",
        ],
        Place::Idle => ["Idle", "Ruhezustand", "repos"],
        Place::Standby => ["Standby", "Standby", "attente"],
        Place::Blocked => [
            "Standby, Admin PIN blocked",
            "Standby, Administrator-PIN blockiert",
            "attente, code PIN administrateur bloqué",
        ],
        Place::AdminMode => ["Admin mode", "Administratormodus", "mode administrateur"],
        Place::User => [
            "unlocked as User",
            "als Benutzer entsperrt",
            "déverrouillé en tant qu'utilisateur",
        ],
        Place::Asks => [
            "unlocked as Administrator, while the computer asks to clone to it",
            "als Administrator entsperrt, während der Computer auf das Gerät klonen will",
            "déverrouillé en tant qu'administrateur, pendant que l'ordinateur demande à cloner vers lui",
        ],
        Place::AsksToClear => [
            "unlocked as Administrator, while the computer asks to clear its table",
            "als Administrator entsperrt, während der Computer seine Tabelle leeren will",
            "déverrouillé en tant qu'administrateur, pendant que l'ordinateur demande à vider son tableau",
        ],
        Place::AsksToRekey => [
            "unlocked as Administrator, while the computer asks to re-key its team",
            "als Administrator entsperrt, während der Computer dem Team neue Schlüssel geben will",
            "déverrouillé en tant qu'administrateur, pendant que l'ordinateur demande à changer les clés de l'équipe",
        ],
        Place::AsksForPolicy => [
            "unlocked as Administrator, while the computer asks to change its team's policy",
            "als Administrator entsperrt, während der Computer die Treuhänder des Teams ändern will",
            "déverrouillé en tant qu'administrateur, pendant que l'ordinateur demande à changer les dépositaires de l'équipe",
        ],
        Place::AsksToWithdraw => [
            "unlocked as Administrator, while the computer asks to end a ticket",
            "als Administrator entsperrt, während der Computer ein Ticket beenden will",
            "déverrouillé en tant qu'administrateur, pendant que l'ordinateur demande à mettre fin à un ticket",
        ],
    }
}

pub(crate) fn table(language: usize) -> Table {
    let heading = [
        ["keys", "Tasten", "touches"],
        ["state", "Zustand", "état"],
        ["effect", "Wirkung", "effet"],
    ];
    let row = |sequence: &Sequence| {
        vec![
            sequence.written(language),
            own(&place(sequence.place), language),
            own(&sequence.does, language),
        ]
    };
    Table {
        heading: heading.map(|text| own(&text, language)).to_vec(),
        rows: SEQUENCES.iter().map(row).collect(),
    }
}

const fn sequence(place: Place, keys: &'static str, shows: &'static str, does: Text) -> Sequence {
    Sequence {
        place,
        keys,
        does,
        shows,
    }
}

pub(crate) const SEQUENCES: [Sequence; 34] = [
    sequence(
        Place::Fresh,
        "SHIFT+1 NEW KEY NEW KEY",
        "admin-pin-stored",
        [
            "set the Admin PIN; the module is then in Admin mode",
            "Administrator-PIN festlegen; danach ist das Modul im Administratormodus",
            "définir le code PIN administrateur ; le module passe en mode administrateur",
        ],
    ),
    sequence(
        Place::Idle,
        "SHIFT:1s",
        "standby",
        ["wake the module", "Modul wecken", "réveiller le module"],
    ),
    sequence(
        Place::Standby,
        "SHIFT+KEY USER KEY",
        "unlocked",
        [
            "unlock as User",
            "als Benutzer entsperren",
            "déverrouiller en tant qu'utilisateur",
        ],
    ),
    sequence(
        Place::Standby,
        "KEY ADMIN KEY",
        "unlocked",
        [
            "unlock as Administrator",
            "als Administrator entsperren",
            "déverrouiller en tant qu'administrateur",
        ],
    ),
    sequence(
        Place::Standby,
        "KEY+1 ADMIN KEY",
        "admin-mode",
        [
            "enter Admin mode",
            "in den Administratormodus wechseln",
            "passer en mode administrateur",
        ],
    ),
    sequence(
        Place::Standby,
        "KEY+4 RECOVERY KEY NEW KEY NEW KEY",
        "stored",
        [
            "set a new User PIN with the Recovery PIN, which is used up",
            "mit der Wiederherstellungs-PIN eine neue Benutzer-PIN festlegen; sie ist damit verbraucht",
            "définir un nouveau code PIN utilisateur avec le code PIN de récupération, qui est alors consommé",
        ],
    ),
    sequence(
        Place::Standby,
        "0:1s 2+7",
        "reset",
        [
            "complete reset: **erases everything**, asks for no PIN",
            "vollständiges Zurücksetzen: **löscht alles**, fragt nach keiner PIN",
            "réinitialisation complète : **efface tout**, ne demande aucun code PIN",
        ],
    ),
    sequence(
        Place::Blocked,
        "47867243 KEY",
        "standby",
        [
            "unblock code: more attempts for the Admin PIN",
            "Freigabecode: weitere Versuche mit der Administrator-PIN",
            "code de déblocage : tentatives supplémentaires pour le code PIN administrateur",
        ],
    ),
    sequence(
        Place::User,
        "KEY+4 NEW KEY NEW KEY",
        "stored",
        [
            "change the User PIN",
            "Benutzer-PIN ändern",
            "modifier le code PIN utilisateur",
        ],
    ),
    sequence(
        Place::Asks,
        "KEY+1:1s",
        "confirmed",
        [
            "allow the computer to replace keys, PINs and settings with those of the Master device",
            "dem Computer erlauben, Schlüssel, PINs und Einstellungen durch die des Master-Geräts zu ersetzen",
            "autoriser l'ordinateur à remplacer clés, codes PIN et paramètres par ceux de l'appareil maître",
        ],
    ),
    sequence(
        Place::AsksToRekey,
        "KEY+2:1s",
        "confirmed",
        [
            "allow the computer to give the team new keys, and to retire devices that were lost",
            "dem Computer erlauben, dem Team neue Schlüssel zu geben und verlorene Geräte auszuschließen",
            "autoriser l'ordinateur à changer les clés de l'équipe et à exclure les appareils perdus",
        ],
    ),
    sequence(
        Place::AsksForPolicy,
        "KEY+3:1s",
        "confirmed",
        [
            "allow the computer to change who must agree before keys go to another device",
            "dem Computer erlauben, festzulegen, wer zustimmen muss, bevor Schlüssel auf ein weiteres Gerät gelangen",
            "autoriser l'ordinateur à changer qui doit donner son accord avant que des clés n'aillent vers un autre appareil",
        ],
    ),
    sequence(
        Place::AsksToClear,
        "KEY+4:1s",
        "confirmed",
        [
            "allow the computer to clear the table of the devices that were cloned to",
            "dem Computer erlauben, die Tabelle der geklonten Geräte zu leeren",
            "autoriser l'ordinateur à vider le tableau des appareils clonés",
        ],
    ),
    sequence(
        Place::AsksToWithdraw,
        "KEY+5:1s",
        "confirmed",
        [
            "allow the computer to end a ticket",
            "dem Computer erlauben, ein Ticket zu beenden",
            "autoriser l'ordinateur à mettre fin à un ticket",
        ],
    ),
    sequence(
        Place::AdminMode,
        "SHIFT:1s",
        "standby",
        [
            "leave Admin mode; the module locks",
            "Administratormodus verlassen; das Modul wird gesperrt",
            "quitter le mode administrateur ; le module se verrouille",
        ],
    ),
    sequence(
        Place::AdminMode,
        "KEY+2 NEW KEY NEW KEY",
        "admin-pin-stored",
        [
            "change the Admin PIN",
            "Administrator-PIN ändern",
            "modifier le code PIN administrateur",
        ],
    ),
    sequence(
        Place::AdminMode,
        "KEY+3 NEW KEY NEW KEY",
        "stored",
        [
            "add or change the User PIN",
            "Benutzer-PIN hinzufügen oder ändern",
            "ajouter ou modifier le code PIN utilisateur",
        ],
    ),
    sequence(
        Place::AdminMode,
        "SHIFT+3 SHIFT+3",
        "stored",
        [
            "delete the User PIN",
            "Benutzer-PIN löschen",
            "supprimer le code PIN utilisateur",
        ],
    ),
    sequence(
        Place::AdminMode,
        "KEY+4 NEW KEY NEW KEY",
        "stored",
        [
            "set the Recovery PIN",
            "Wiederherstellungs-PIN festlegen",
            "définir le code PIN de récupération",
        ],
    ),
    sequence(
        Place::AdminMode,
        "SHIFT+4 SHIFT+4",
        "stored",
        [
            "delete the Recovery PIN",
            "Wiederherstellungs-PIN löschen",
            "supprimer le code PIN de récupération",
        ],
    ),
    sequence(
        Place::AdminMode,
        "KEY+6 NEW KEY NEW KEY",
        "stored",
        [
            "set the Self-Destruct PIN",
            "Selbstzerstörungs-PIN festlegen",
            "définir le code PIN à destruction automatique",
        ],
    ),
    sequence(
        Place::AdminMode,
        "SHIFT+6 SHIFT+6",
        "stored",
        [
            "delete the Self-Destruct PIN",
            "Selbstzerstörungs-PIN löschen",
            "supprimer le code PIN à destruction automatique",
        ],
    ),
    sequence(
        Place::AdminMode,
        "KEY+5 MM SHIFT",
        "stored",
        [
            "set Auto-Lock, in minutes",
            "automatische Sperre einstellen, in Minuten",
            "définir le verrouillage automatique, en minutes",
        ],
    ),
    sequence(
        Place::AdminMode,
        "SHIFT+5 KEY",
        "read-out",
        [
            "read out Auto-Lock",
            "automatische Sperre auslesen",
            "lire le verrouillage automatique",
        ],
    ),
    sequence(
        Place::AdminMode,
        "KEY+7 LLS SHIFT",
        "stored",
        [
            "set the User PIN Policy; **deletes the User PIN**",
            "Benutzer-PIN-Richtlinie festlegen; **löscht die Benutzer-PIN**",
            "définir la règle de code PIN utilisateur ; **supprime le code PIN utilisateur**",
        ],
    ),
    sequence(
        Place::AdminMode,
        "SHIFT+7 KEY",
        "read-out",
        [
            "read out the User PIN Policy",
            "Benutzer-PIN-Richtlinie auslesen",
            "lire la règle de code PIN utilisateur",
        ],
    ),
    sequence(
        Place::AdminMode,
        "KEY+8 1|0 SHIFT",
        "stored",
        [
            "enable or disable KeyWriter cloning",
            "KeyWriter-Klonen aktivieren oder deaktivieren",
            "activer ou désactiver le clonage KeyWriter",
        ],
    ),
    sequence(
        Place::AdminMode,
        "SHIFT+8 KEY",
        "read-out",
        [
            "read out whether cloning is enabled",
            "auslesen, ob das Klonen aktiviert ist",
            "lire si le clonage est activé",
        ],
    ),
    sequence(
        Place::AdminMode,
        "KEY+9 1|2 SHIFT",
        "stored",
        [
            "set the Encryption Mode: 1 AES-XTS, 2 AES-ECB",
            "Verschlüsselungsmodus einstellen: 1 AES-XTS, 2 AES-ECB",
            "définir le mode de chiffrement : 1 AES-XTS, 2 AES-ECB",
        ],
    ),
    sequence(
        Place::AdminMode,
        "SHIFT+9 KEY",
        "read-out",
        [
            "read out the Encryption Mode",
            "Verschlüsselungsmodus auslesen",
            "lire le mode de chiffrement",
        ],
    ),
    sequence(
        Place::AdminMode,
        "7+0 NN SHIFT",
        "stored",
        [
            "set the User attempt limit",
            "zulässige Versuche mit der Benutzer-PIN einstellen",
            "définir le nombre de tentatives de code PIN utilisateur",
        ],
    ),
    sequence(
        Place::AdminMode,
        "2+0 KEY",
        "read-out",
        [
            "read out the User attempt limit",
            "zulässige Versuche mit der Benutzer-PIN auslesen",
            "lire le nombre de tentatives de code PIN utilisateur",
        ],
    ),
    sequence(
        Place::AdminMode,
        "9+0 1|0 SHIFT",
        "stored",
        [
            "release the keys of files (1), or keep them in the module (0)",
            "Dateischlüssel herausgeben (1) oder im Modul behalten (0)",
            "communiquer les clés de fichiers (1) ou les garder dans le module (0)",
        ],
    ),
    sequence(
        Place::AdminMode,
        "4+0 KEY",
        "read-out",
        [
            "read out whether the keys of files are released",
            "auslesen, ob Dateischlüssel herausgegeben werden",
            "lire si les clés de fichiers sont communiquées",
        ],
    ),
];
