//! What the LEDs show.

use crate::tables::{Table, Text, own};
use hsm_core::leds::{Led, Pattern};

pub(crate) fn table(language: usize) -> Table {
    let heading = [
        ["RED", "ROT", "ROUGE"],
        ["GREEN", "GRÜN", "VERT"],
        ["BLUE", "BLAU", "BLEU"],
        ["what it means", "Bedeutung", "signification"],
    ];
    let rows = Pattern::ALL.map(|pattern| {
        let mut cells = pattern
            .leds()
            .map(|led| light(led)[0][language].to_owned())
            .to_vec();
        cells.push(own(&meaning(pattern), language));
        cells
    });
    Table {
        heading: heading.map(|text| own(&text, language)).to_vec(),
        rows: rows.to_vec(),
    }
}

pub(crate) fn lights(language: usize) -> Table {
    let heading = [
        ["LED", "LED", "voyant"],
        ["how it is lit", "so leuchtet sie", "comment il s'allume"],
    ];
    let lights = [
        Led::Off,
        Led::On,
        Led::Blink,
        Led::Fast,
        Led::Pulse,
        Led::Alternate,
        Led::Count,
    ];
    Table {
        heading: heading.map(|text| own(&text, language)).to_vec(),
        rows: lights
            .map(|led| light(led).map(|text| own(&text, language)).to_vec())
            .to_vec(),
    }
}

/// The word, and what it stands for.
const fn light(led: Led) -> [Text; 2] {
    match led {
        Led::Off => [["off", "aus", "éteint"], ["dark", "dunkel", "pas allumé"]],
        Led::On => [
            ["on", "an", "fixe"],
            ["all the time", "dauernd", "en continu"],
        ],
        Led::Blink => [
            ["blinks", "blinkt", "clignote"],
            [
                "once a second, together with every other LED that blinks",
                "einmal je Sekunde, zugleich mit jeder anderen blinkenden LED",
                "une fois par seconde, en même temps que tout autre voyant qui clignote",
            ],
        ],
        Led::Fast => [
            ["blinks fast", "blinkt schnell", "clignote vite"],
            [
                "five times a second",
                "fünfmal je Sekunde",
                "cinq fois par seconde",
            ],
        ],
        Led::Pulse => [
            ["pulses", "pulsiert", "pulse"],
            [
                "brighter for one second, darker for one second",
                "eine Sekunde lang heller, eine Sekunde lang dunkler",
                "plus fort pendant une seconde, plus faible pendant une seconde",
            ],
        ],
        Led::Alternate => [
            ["alternates", "wechselt", "alterne"],
            [
                "RED and BLUE for half a second, then GREEN for half a second",
                "ROT und BLAU eine halbe Sekunde, dann GRÜN eine halbe Sekunde",
                "ROUGE et BLEU pendant une demi-seconde, puis VERT pendant une demi-seconde",
            ],
        ],
        Led::Count => [
            ["counts", "zählt", "compte"],
            [
                "all three flash; then RED blinks the tens, GREEN the units, BLUE once for a flag; then all three flash",
                "alle drei blitzen auf; dann blinkt ROT die Zehner, GRÜN die Einer, BLAU einmal für ein Kennzeichen; dann blitzen alle drei auf",
                "les trois s'allument brièvement ; puis ROUGE clignote les dizaines, VERT les unités, BLEU une fois pour un indicateur ; puis les trois s'allument brièvement",
            ],
        ],
    }
}

const fn meaning(pattern: Pattern) -> Text {
    match pattern {
        Pattern::Idle => [
            "Idle: asleep and locked. Hold SHIFT for one second to wake it.",
            "Ruhezustand: schläft und ist gesperrt. Halten Sie SHIFT eine Sekunde lang, um es zu wecken.",
            "Repos : en veille et verrouillé. Maintenez SHIFT une seconde pour le réveiller.",
        ],
        Pattern::Standby => [
            "Standby: awake and locked.",
            "Standby: wach und gesperrt.",
            "Attente : réveillé et verrouillé.",
        ],
        Pattern::Shipment => [
            "Shipment State: no Admin PIN was ever set.",
            "Auslieferungszustand: Es wurde noch nie eine Administrator-PIN festgelegt.",
            "État de livraison : aucun code PIN administrateur n'a jamais été défini.",
        ],
        Pattern::Reset => [
            "Reset: there is no Admin PIN any more, and everything secret is erased.",
            "Zurückgesetzt: Es gibt keine Administrator-PIN mehr, und alles Geheime ist gelöscht.",
            "Réinitialisé : il n'y a plus de code PIN administrateur et tout ce qui est secret est effacé.",
        ],
        Pattern::Unlocked => ["Unlocked.", "Entsperrt.", "Déverrouillé."],
        Pattern::AdminMode => [
            "Admin mode: the module is configured on its keypad. For the computer it is locked.",
            "Administratormodus: Das Modul wird an seiner Tastatur konfiguriert. Für den Computer ist es gesperrt.",
            "Mode administrateur : le module se configure sur son clavier. Pour l'ordinateur, il est verrouillé.",
        ],
        Pattern::AwaitingAdminPin => [
            "Waiting for the Admin PIN, or for the rest of the unblock code.",
            "Wartet auf die Administrator-PIN oder auf den Rest des Freigabecodes.",
            "Attend le code PIN administrateur, ou la suite du code de déblocage.",
        ],
        Pattern::AwaitingUserPin => [
            "Waiting for the User PIN.",
            "Wartet auf die Benutzer-PIN.",
            "Attend le code PIN utilisateur.",
        ],
        Pattern::AwaitingRecoveryPin => [
            "Waiting for the Recovery PIN.",
            "Wartet auf die Wiederherstellungs-PIN.",
            "Attend le code PIN de récupération.",
        ],
        Pattern::AwaitingNew => [
            "Waiting for a new PIN, the first or the second time, or for a setting's value.",
            "Wartet auf eine neue PIN, zum ersten oder zweiten Mal, oder auf den Wert einer Einstellung.",
            "Attend un nouveau code PIN, la première ou la deuxième fois, ou la valeur d'un paramètre.",
        ],
        Pattern::DeleteArmed => [
            "Press the same keys again to delete the PIN; any other key keeps it.",
            "Drücken Sie dieselben Tasten noch einmal, um die PIN zu löschen; jede andere Taste behält sie.",
            "Appuyez de nouveau sur les mêmes touches pour supprimer le code PIN ; toute autre touche le conserve.",
        ],
        Pattern::ResetArmed => [
            "`2+7` erases everything; any other key keeps it.",
            "`2+7` löscht alles; jede andere Taste behält es.",
            "`2+7` efface tout ; toute autre touche conserve tout.",
        ],
        Pattern::ReadOut(_) => [
            "A setting's value: count the blinks.",
            "Der Wert einer Einstellung: Zählen Sie, wie oft es blinkt.",
            "La valeur d'un paramètre : comptez les clignotements.",
        ],
        Pattern::Stored => [
            "Stored: a PIN other than the Admin PIN, a deletion or a setting.",
            "Gespeichert: eine andere PIN als die Administrator-PIN, eine Löschung oder eine Einstellung.",
            "Enregistré : un code PIN autre que celui de l'administrateur, une suppression ou un paramètre.",
        ],
        Pattern::AdminPinStored => [
            "A new Admin PIN is stored.",
            "Eine neue Administrator-PIN ist gespeichert.",
            "Un nouveau code PIN administrateur est enregistré.",
        ],
        Pattern::Refused => [
            "Refused: wrong PIN, broken rule or unknown keys. What was set stays as it was.",
            "Abgelehnt: falsche PIN, verletzte Regel oder unbekannte Tasten. Was eingestellt war, bleibt.",
            "Refusé : code PIN erroné, règle non respectée ou touches inconnues. Ce qui était défini ne change pas.",
        ],
        Pattern::AdminBlocked => [
            "The Admin PIN is blocked for the first time.",
            "Die Administrator-PIN ist zum ersten Mal blockiert.",
            "Le code PIN administrateur est bloqué pour la première fois.",
        ],
        Pattern::AdminBlockedAgain => [
            "The Admin PIN is blocked for the second time.",
            "Die Administrator-PIN ist zum zweiten Mal blockiert.",
            "Le code PIN administrateur est bloqué pour la deuxième fois.",
        ],
        Pattern::Cloning => [
            "Cloning is under way.",
            "Das Klonen läuft.",
            "Le clonage est en cours.",
        ],
        Pattern::Fault => [
            "The memory cannot be trusted. See Troubleshooting.",
            "Dem Speicher ist nicht zu trauen. Siehe Fehlerbehebung.",
            "La mémoire n'est pas fiable. Voir Dépannage.",
        ],
    }
}
