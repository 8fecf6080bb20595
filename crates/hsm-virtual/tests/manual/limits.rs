//! Rules for PINs, limits of attempts, time-outs.

use crate::tables::{Table, own, seconds};
use hsm_core::{
    attempt::{ADMIN_LIMIT, ADMIN_STEPS, RECOVERY_LIMIT, USER_LIMIT},
    pin::{MAX_LENGTH, MIN_LENGTH, UNBLOCK_CODE},
    time,
};

pub(crate) fn pin_rules(language: usize) -> Table {
    let rows = [
        [
            ["length", "Länge", "longueur"].map(str::to_owned),
            [
                format!("{MIN_LENGTH} to {MAX_LENGTH} positions"),
                format!("{MIN_LENGTH} bis {MAX_LENGTH} Stellen"),
                format!("{MIN_LENGTH} à {MAX_LENGTH} caractères"),
            ],
        ],
        [
            ["symbols", "Zeichen", "caractères"].map(str::to_owned),
            [
                "digits, and `SHIFT+digit`, which is a symbol of its own and takes one position",
                "Ziffern sowie `SHIFT+Ziffer`, ein eigenes Zeichen, das eine Stelle einnimmt",
                "chiffres, et `SHIFT+chiffre`, qui est un caractère à part entière et occupe une position",
            ]
            .map(str::to_owned),
        ],
        [
            ["refused", "abgelehnt", "refusé"].map(str::to_owned),
            [
                "one digit only, such as 1111111; with or without SHIFT",
                "nur eine einzige Ziffer, etwa 1111111; mit oder ohne SHIFT",
                "un seul et même chiffre, comme 1111111, avec ou sans SHIFT",
            ]
            .map(str::to_owned),
        ],
        [
            ["refused", "abgelehnt", "refusé"].map(str::to_owned),
            [
                "one run up or down, such as 1234567, 7654321 or 78901234; with or without SHIFT. A PIN that only contains a run is good",
                "eine durchgehende Folge auf- oder abwärts, etwa 1234567, 7654321 oder 78901234; mit oder ohne SHIFT. Eine PIN, die eine Folge nur enthält, ist erlaubt",
                "une suite continue, croissante ou décroissante, comme 1234567, 7654321 ou 78901234, avec ou sans SHIFT. Un code PIN qui ne fait que contenir une suite est accepté",
            ]
            .map(str::to_owned),
        ],
        [
            ["entry", "Eingabe", "saisie"].map(str::to_owned),
            [
                "a new PIN is typed twice; if the two differ, the old one stays",
                "eine neue PIN wird zweimal eingegeben; unterscheiden sich die Eingaben, bleibt die alte",
                "un nouveau code PIN est saisi deux fois ; si les deux saisies diffèrent, l'ancien reste",
            ]
            .map(str::to_owned),
        ],
        [
            ["difference", "Unterschied", "différence"].map(str::to_owned),
            [
                "a PIN that the Administrator sets must differ from every other PIN of the module; one that the User sets, from the Self-Destruct PIN",
                "eine PIN, die der Administrator festlegt, muss sich von jeder anderen PIN des Moduls unterscheiden; eine, die der Benutzer festlegt, von der Selbstzerstörungs-PIN",
                "un code PIN défini par l'administrateur doit différer de tous les autres codes PIN du module ; celui que l'utilisateur définit, du code PIN à destruction automatique",
            ]
            .map(str::to_owned),
        ],
    ];
    let heading = [
        ["rule", "Regel", "règle"],
        ["what it says", "Inhalt", "contenu"],
    ];
    table(language, &heading, &rows)
}

pub(crate) fn attempts(language: usize) -> Table {
    let [first, second, _] = ADMIN_STEPS;
    let (more, last) = (second - first, ADMIN_LIMIT - second);
    let code = std::str::from_utf8(&UNBLOCK_CODE).expect("digits");
    let admin = ["Admin PIN", "Administrator-PIN", "code PIN administrateur"].map(str::to_owned);
    let unblock = |given| {
        [
            format!("blocked; `{code}` `KEY` gives {given} more attempts"),
            format!("blockiert; `{code}` `KEY` gibt {given} weitere Versuche"),
            format!("bloqué ; `{code}` `KEY` accorde {given} tentatives de plus"),
        ]
    };
    let count = |count: u8| [(); 3].map(|()| count.to_string());
    let rows = [
        [admin.clone(), count(first), unblock(more)],
        [admin.clone(), count(second), unblock(last)],
        [
            admin,
            count(ADMIN_LIMIT),
            [
                "**everything is erased**, keys and all PINs; the module is in the Reset state",
                "**alles wird gelöscht**, Schlüssel und alle PINs; das Modul ist zurückgesetzt",
                "**tout est effacé**, clés et tous les codes PIN ; le module est réinitialisé",
            ]
            .map(str::to_owned),
        ],
        [
            ["User PIN", "Benutzer-PIN", "code PIN utilisateur"].map(str::to_owned),
            [
                format!("{USER_LIMIT}, or as set"),
                format!("{USER_LIMIT} oder wie eingestellt"),
                format!("{USER_LIMIT}, ou selon le paramètre"),
            ],
            [
                "the User PIN is deleted; keys and other PINs stay",
                "die Benutzer-PIN wird gelöscht; Schlüssel und andere PINs bleiben",
                "le code PIN utilisateur est supprimé ; les clés et les autres codes PIN restent",
            ]
            .map(str::to_owned),
        ],
        [
            [
                "Recovery PIN",
                "Wiederherstellungs-PIN",
                "code PIN de récupération",
            ]
            .map(str::to_owned),
            count(RECOVERY_LIMIT),
            [
                "the Recovery PIN is deleted; keys and other PINs stay",
                "die Wiederherstellungs-PIN wird gelöscht; Schlüssel und andere PINs bleiben",
                "le code PIN de récupération est supprimé ; les clés et les autres codes PIN restent",
            ]
            .map(str::to_owned),
        ],
    ];
    let heading = [
        ["PIN", "PIN", "code PIN"],
        ["wrong entries", "falsche Eingaben", "saisies erronées"],
        ["then", "dann", "ensuite"],
    ];
    table(language, &heading, &rows)
}

pub(crate) fn time_outs(language: usize) -> Table {
    let rows = [
        (
            time::HOLD,
            [
                "a key held so long is *held*, not pressed",
                "so lange gedrückt ist eine Taste *gehalten*",
                "une touche enfoncée aussi longtemps est *maintenue*",
            ],
        ),
        (
            time::ENTRY_PAUSE,
            [
                "pause between two keys of an entry: the entry is broken off, nothing changes",
                "Pause zwischen zwei Tasten einer Eingabe: Die Eingabe wird abgebrochen, nichts ändert sich",
                "pause entre deux touches d'une saisie : la saisie est abandonnée, rien ne change",
            ],
        ),
        (
            time::ADMIN_MODE,
            [
                "in Admin mode without a key: the module locks",
                "im Administratormodus ohne Tastendruck: Das Modul wird gesperrt",
                "en mode administrateur sans appui sur une touche : le module se verrouille",
            ],
        ),
        (
            time::UNPLUGGED,
            [
                "unlocked and not plugged in: the module locks. Pulling it out locks it at once",
                "entsperrt und nicht eingesteckt: Das Modul wird gesperrt. Abziehen sperrt es sofort",
                "déverrouillé et non branché : le module se verrouille. Le débrancher le verrouille aussitôt",
            ],
        ),
        (
            time::STANDBY,
            [
                "in Standby without a key and not plugged in: the module falls asleep",
                "im Standby ohne Tastendruck und nicht eingesteckt: Das Modul schläft ein",
                "en attente sans appui sur une touche et non branché : le module se met en veille",
            ],
        ),
        (
            time::RUN,
            [
                "cloning under way and nothing comes from the computer: this cloning ends, nothing changes",
                "beim Klonen kommt nichts mehr vom Computer: Dieses Klonen endet, nichts ändert sich",
                "clonage en cours et plus rien ne vient de l'ordinateur : ce clonage s'arrête, rien ne change",
            ],
        ),
        (
            time::FLASH,
            [
                "*refused* and *stored* are shown so long, or until the next key",
                "so lange wird *abgelehnt* oder *gespeichert* angezeigt, oder bis zur nächsten Taste",
                "*refusé* et *enregistré* s'affichent aussi longtemps, ou jusqu'à la touche suivante",
            ],
        ),
    ];
    let rows = rows.map(|(milliseconds, text)| {
        let times = [0, 1, 2].map(|language| seconds(milliseconds, language));
        [times, text.map(str::to_owned)]
    });
    let heading = [
        ["time", "Zeit", "durée"],
        ["what happens", "was geschieht", "ce qui se passe"],
    ];
    table(language, &heading, &rows)
}

fn table<const N: usize>(
    language: usize,
    heading: &[[&str; 3]; N],
    rows: &[[[String; 3]; N]],
) -> Table {
    Table {
        heading: heading.iter().map(|text| own(text, language)).collect(),
        rows: rows
            .iter()
            .map(|row| row.iter().map(|text| text[language].clone()).collect())
            .collect(),
    }
}
