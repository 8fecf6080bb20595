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
        ["how it is lit", "so leuchtet sie", "allumage"],
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

/// Returns the word for a light, and its explanation.
const fn light(led: Led) -> [Text; 2] {
    match led {
        Led::Off => [["off", "aus", "éteint"], ["dark", "dunkel", "éteint"]],
        Led::On => [
            ["on", "an", "fixe"],
            ["all the time", "dauernd", "en continu"],
        ],
        Led::Blink => [
            ["blinks", "blinkt", "clignote"],
            [
                "once per second, together with every other LED that blinks",
                "einmal pro Sekunde, gleichzeitig mit jeder anderen blinkenden LED",
                "une fois par seconde, en même temps que les autres voyants qui clignotent",
            ],
        ],
        Led::Fast => [
            ["blinks fast", "blinkt schnell", "clignote vite"],
            [
                "five times per second",
                "fünfmal pro Sekunde",
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
                "ROT und BLAU eine halbe Sekunde lang, dann GRÜN eine halbe Sekunde lang",
                "ROUGE et BLEU pendant une demi-seconde, puis VERT pendant une demi-seconde",
            ],
        ],
        Led::Count => [
            ["counts", "zählt", "compte"],
            [
                "all three flash; then RED shows the tens by blinking, GREEN the units, and BLUE blinks once if a SHIFT symbol is required, cloning is enabled or file keys are released; then all three flash",
                "alle drei blitzen auf; dann zeigt ROT blinkend die Zehner, GRÜN die Einer, und BLAU blinkt einmal, wenn ein SHIFT-Zeichen nötig ist, das Klonen aktiviert ist oder Dateischlüssel herausgegeben werden; dann blitzen alle drei auf",
                "les trois s'allument brièvement ; puis ROUGE indique les dizaines en clignotant, VERT les unités, et BLEU clignote une fois si un caractère SHIFT est exigé, si le clonage est activé ou si les clés de fichiers sont communiquées ; puis les trois s'allument brièvement",
            ],
        ],
    }
}

#[expect(clippy::too_many_lines, reason = "a paragraph for each pattern")]
const fn meaning(pattern: Pattern) -> Text {
    match pattern {
        Pattern::Idle => [
            "Idle: asleep and locked. Hold SHIFT for one second to wake the module.",
            "Ruhezustand: Das Modul schläft und ist gesperrt. Halten Sie SHIFT eine Sekunde lang, um es zu wecken.",
            "Repos : le module est en veille et verrouillé. Maintenez SHIFT une seconde pour le réveiller.",
        ],
        Pattern::Standby => [
            "Standby: awake and locked.",
            "Standby: wach und gesperrt.",
            "Attente : réveillé et verrouillé.",
        ],
        Pattern::Shipment => [
            "Shipment State: no Admin PIN has ever been set.",
            "Auslieferungszustand: Es wurde noch nie eine Administrator-PIN festgelegt.",
            "État de livraison : aucun code PIN administrateur n'a jamais été défini.",
        ],
        Pattern::Reset => [
            "Reset: keys and PINs are erased; there is no Admin PIN.",
            "Zurückgesetzt: Schlüssel und PINs sind gelöscht; es gibt keine Administrator-PIN.",
            "Réinitialisé : les clés et les codes PIN sont effacés ; il n'y a pas de code PIN administrateur.",
        ],
        Pattern::Unlocked => ["Unlocked.", "Entsperrt.", "Déverrouillé."],
        Pattern::AdminMode => [
            "Admin mode: the module is configured on its keypad. For the computer it is locked.",
            "Administratormodus: Das Modul wird auf seinem Tastenfeld konfiguriert. Für den Computer ist es gesperrt.",
            "Mode administrateur : le module est configuré sur son clavier. Pour l'ordinateur, il est verrouillé.",
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
            "Waiting for a new PIN, for the same PIN again, or for the value of a setting.",
            "Wartet auf eine neue PIN, auf deren Wiederholung oder auf den Wert einer Einstellung.",
            "Attend un nouveau code PIN, sa confirmation, ou la valeur d'un paramètre.",
        ],
        Pattern::DeleteArmed => [
            "Press the same keys again to delete the PIN; any other key keeps it.",
            "Drücken Sie dieselben Tasten noch einmal, um die PIN zu löschen; bei jeder anderen Taste bleibt sie erhalten.",
            "Appuyez de nouveau sur les mêmes touches pour supprimer le code PIN ; toute autre touche le conserve.",
        ],
        Pattern::ResetArmed => [
            "`2+7` erases everything; any other key cancels.",
            "`2+7` löscht alles; jede andere Taste bricht ab.",
            "`2+7` efface tout ; toute autre touche annule.",
        ],
        Pattern::ReadOut(_) => [
            "A setting's value: count the blinks.",
            "Der Wert einer Einstellung: Zählen Sie, wie oft es blinkt.",
            "La valeur d'un paramètre : comptez les clignotements.",
        ],
        Pattern::Stored => [
            "Stored: a PIN other than the Admin PIN, the deletion of a PIN, or a setting.",
            "Gespeichert: eine andere PIN als die Administrator-PIN, das Löschen einer PIN oder eine Einstellung.",
            "Enregistré : un code PIN autre que celui de l'administrateur, la suppression d'un code PIN ou un paramètre.",
        ],
        Pattern::AdminPinStored => [
            "A new Admin PIN is stored.",
            "Eine neue Administrator-PIN ist gespeichert.",
            "Un nouveau code PIN administrateur est enregistré.",
        ],
        Pattern::Refused => [
            "Refused: wrong PIN, broken rule or unknown keys. Nothing was changed.",
            "Abgelehnt: falsche PIN, verletzte Regel oder unbekannte Tasten. Nichts wurde geändert.",
            "Refusé : code PIN erroné, règle non respectée ou touches inconnues. Rien n'a été modifié.",
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
            "Cloning is in progress.",
            "Das Klonen läuft.",
            "Le clonage est en cours.",
        ],
        Pattern::Asks => [
            "The computer asks for something that a person must allow. Holding `KEY+1` for one second lets it replace keys, PINs and settings, `KEY+2` lets it give the team new keys, `KEY+4` lets it clear the table of cloned devices; any other key refuses.",
            "Der Computer bittet um Erlaubnis. `KEY+1` eine Sekunde lang halten: Schlüssel, PINs und Einstellungen ersetzen; `KEY+2`: dem Team neue Schlüssel geben; `KEY+4`: die Tabelle der geklonten Geräte leeren. Jede andere Taste lehnt ab.",
            "L'ordinateur demande une autorisation. Maintenir `KEY+1` pendant une seconde : remplacer clés, codes PIN et paramètres ; `KEY+2` : changer les clés de l'équipe ; `KEY+4` : vider le tableau des appareils clonés. Toute autre touche refuse.",
        ],
        Pattern::Confirmed => [
            "Allowed, once: the computer goes on.",
            "Einmalig erlaubt: Der Computer fährt fort.",
            "Autorisé une seule fois : l'ordinateur continue.",
        ],
        Pattern::Fault => [
            "Memory error, or a failed self-test. See Troubleshooting.",
            "Speicherfehler oder fehlgeschlagener Selbsttest. Siehe Fehlerbehebung.",
            "Défaillance de la mémoire ou échec d'un autotest. Voir Dépannage.",
        ],
    }
}
