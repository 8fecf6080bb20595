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
                "digits, and `SHIFT+digit`, which is a separate symbol and takes one position",
                "Ziffern sowie `SHIFT+Ziffer`, ein eigenes Zeichen, das eine Stelle einnimmt",
                "chiffres, et `SHIFT+chiffre`, qui compte pour un caractère distinct",
            ]
            .map(str::to_owned),
        ],
        [
            ["refused", "abgelehnt", "refusé"].map(str::to_owned),
            [
                "the same digit throughout, such as 1111111; with or without SHIFT",
                "durchgehend dieselbe Ziffer, etwa 1111111; mit oder ohne SHIFT",
                "un seul et même chiffre, comme 1111111, avec ou sans SHIFT",
            ]
            .map(str::to_owned),
        ],
        [
            ["refused", "abgelehnt", "refusé"].map(str::to_owned),
            [
                "a sequence up or down throughout, such as 1234567, 7654321 or 78901234; with or without SHIFT. A PIN may contain a sequence among other digits",
                "durchgehend eine auf- oder absteigende Folge, etwa 1234567, 7654321 oder 78901234; mit oder ohne SHIFT. Neben anderen Ziffern darf eine PIN eine Folge enthalten",
                "une suite continue, croissante ou décroissante, comme 1234567, 7654321 ou 78901234, avec ou sans SHIFT. Un code PIN peut contenir une suite parmi d'autres chiffres",
            ]
            .map(str::to_owned),
        ],
        [
            ["entry", "Eingabe", "saisie"].map(str::to_owned),
            [
                "a new PIN is typed twice; if the two entries differ, the old PIN remains",
                "eine neue PIN wird zweimal eingegeben; unterscheiden sich die Eingaben, bleibt die alte PIN gültig",
                "un nouveau code PIN est saisi deux fois ; si les deux saisies diffèrent, l'ancien reste valable",
            ]
            .map(str::to_owned),
        ],
        [
            ["difference", "Unterschied", "différence"].map(str::to_owned),
            [
                "a PIN that the Administrator sets must differ from every other PIN of the module; a PIN that the User sets must differ from the Self-Destruct PIN",
                "eine vom Administrator festgelegte PIN muss sich von jeder anderen PIN des Moduls unterscheiden, eine vom Benutzer festgelegte von der Selbstzerstörungs-PIN",
                "un code PIN défini par l'administrateur doit différer de tous les autres codes PIN du module ; un code PIN défini par l'utilisateur doit différer du code PIN à destruction automatique",
            ]
            .map(str::to_owned),
        ],
    ];
    let heading = [["rule", "Regel", "règle"], ["content", "Inhalt", "contenu"]];
    table(language, &heading, &rows)
}

pub(crate) fn attempts(language: usize) -> Table {
    let [first, second, _] = ADMIN_STEPS;
    let (more, last) = (second - first, ADMIN_LIMIT - second);
    let code = std::str::from_utf8(&UNBLOCK_CODE).expect("digits");
    let admin = ["Admin PIN", "Administrator-PIN", "code PIN administrateur"].map(str::to_owned);
    let unblock = |given| {
        [
            format!("blocked; `{code}` `KEY` allows {given} more attempts"),
            format!("blockiert; `{code}` `KEY` ermöglicht {given} weitere Versuche"),
            format!("bloqué ; `{code}` `KEY` accorde {given} tentatives supplémentaires"),
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
                "the User PIN is deleted; keys and other PINs remain",
                "die Benutzer-PIN wird gelöscht; Schlüssel und andere PINs bleiben erhalten",
                "le code PIN utilisateur est supprimé ; les clés et les autres codes PIN sont conservés",
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
                "the Recovery PIN is deleted; keys and other PINs remain",
                "die Wiederherstellungs-PIN wird gelöscht; Schlüssel und andere PINs bleiben erhalten",
                "le code PIN de récupération est supprimé ; les clés et les autres codes PIN sont conservés",
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
                "a key that is down for this long counts as *held*",
                "eine so lange gedrückte Taste gilt als *gehalten*",
                "une touche enfoncée pendant ce temps est considérée comme *maintenue*",
            ],
        ),
        (
            time::ENTRY_PAUSE,
            [
                "pause between two keys of an entry: the entry is canceled, nothing is changed",
                "Pause zwischen zwei Tasten einer Eingabe: Die Eingabe wird abgebrochen, nichts wird geändert",
                "pause entre deux touches d'une saisie : la saisie est annulée, rien n'est modifié",
            ],
        ),
        (
            time::ADMIN_MODE,
            [
                "in Admin mode, no key pressed: the module locks",
                "im Administratormodus ohne Tastendruck: Das Modul wird gesperrt",
                "en mode administrateur sans appui sur une touche : le module se verrouille",
            ],
        ),
        (
            time::UNPLUGGED,
            [
                "unlocked and not plugged in: the module locks. Unplugging it locks it immediately",
                "entsperrt und nicht eingesteckt: Das Modul wird gesperrt. Durch Abziehen wird es sofort gesperrt",
                "déverrouillé et non branché : le module se verrouille. Le débrancher le verrouille immédiatement",
            ],
        ),
        (
            time::STANDBY,
            [
                "in Standby, no key pressed and not plugged in: the module goes to sleep",
                "im Standby ohne Tastendruck und nicht eingesteckt: Das Modul schläft ein",
                "en attente sans appui sur une touche et non branché : le module se met en veille",
            ],
        ),
        (
            time::RUN,
            [
                "during cloning, nothing received from the computer: cloning is canceled, nothing is changed",
                "beim Klonen wird nichts mehr vom Computer empfangen: Das Klonen wird abgebrochen, nichts wird geändert",
                "pendant le clonage, plus rien n'est reçu de l'ordinateur : le clonage est annulé, rien n'est modifié",
            ],
        ),
        (
            time::ASKS,
            [
                "the computer asks and nobody holds the keys that allow it: nothing is changed",
                "der Computer bittet um Erlaubnis, und niemand hält die Tasten dafür: Nichts wird geändert",
                "l'ordinateur demande une autorisation et personne ne maintient les touches : rien n'est modifié",
            ],
        ),
        (
            time::FLASH,
            [
                "*refused* and *stored* are shown for this long, or until the next key",
                "so lange wird *abgelehnt* oder *gespeichert* angezeigt, längstens bis zur nächsten Taste",
                "durée d'affichage de *refusé* et *enregistré*, au plus jusqu'à la touche suivante",
            ],
        ),
    ];
    let rows = rows.map(|(milliseconds, text)| {
        let times = [0, 1, 2].map(|language| seconds(milliseconds, language));
        [times, text.map(str::to_owned)]
    });
    let heading = [["time", "Zeit", "durée"], ["effect", "Wirkung", "effet"]];
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
