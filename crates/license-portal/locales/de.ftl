# Die Texte der Seiten und E-Mails. Das Benutzerhandbuch verwendet dieselben Begriffe.

# Rahmen
skip-to-content = Zum Inhalt
language = Sprache
more-pages = Weitere Seiten
imprint = Impressum
privacy = Datenschutz
question = Haben Sie Fragen? Kontaktieren Sie uns:
date-and-time = { $day }.{ $month }.{ $year }, { $time } Uhr (UTC)

# Felder
email-address = E‑Mail-Adresse
license-number = Lizenznummer
pin-number = PIN‑Nummer
first-name = Vorname
last-name = Nachname
company-name = Firma
company-email = E‑Mail-Adresse der Firma
phone-number = Telefonnummer
address-line = Straße und Hausnummer
city = Ort
postcode = Postleitzahl
country = Land
choose = Bitte wählen
optional = Kann leer bleiben.
optional-company-email = Kann ohne Firma leer bleiben.
optional-postcode = Kann leer bleiben, wo es keine gibt.

# Probleme mit einem Formular
problem-title = Bitte prüfen Sie Ihre Angaben
form-stale-text = Das Formular war zu lange geöffnet, oder Ihr Browser lässt keine Cookies dieser Website zu. Ihre Angaben sind noch da, außer der PIN‑Nummer.

# Fehler in einem Feld
wrong-empty = Bitte füllen Sie dieses Feld aus.
wrong-text = Dieser Text ist zu lang oder enthält unzulässige Zeichen.
wrong-email = Das ist keine gültige E‑Mail-Adresse. Beispiel: john.doe@email.com
wrong-phone = Das ist keine gültige Telefonnummer. Beispiel: +49 30 5550 1234
wrong-country = Bitte wählen Sie ein Land.
wrong-pin-form = Die PIN‑Nummer hat 8 Ziffern.
wrong-license-form = Die Lizenznummer besteht aus 16 Buchstaben und Ziffern: XXXX‑XXXX‑XXXX‑XXXX
wrong-license-slip = Tippfehler in der Lizenznummer. Bitte vergleichen Sie sie Zeichen für Zeichen mit der E‑Mail.

# Lizenzaktivierung
activate-title = Lizenzaktivierung
thank-you = Vielen Dank für Ihren Kauf!
activate-lead = Aktivieren Sie Ihre Lizenz
activate-text = Bitte geben Sie die Lizenznummer und die PIN‑Nummer ein, die Sie von Ihrem KeyWriter-Partner erhalten haben.
activate = Aktivieren
no-license = Sie haben noch keine Lizenz?
activation-refused = E‑Mail-Adresse, Lizenznummer und PIN‑Nummer passen nicht zusammen. Bitte geben Sie sie genau so ein, wie sie in der E‑Mail stehen.

# Bestätigungs-E-Mail
verify-title = Bestätigungs-E‑Mail
verify-sent = Wir haben eine Bestätigungs-E‑Mail an { $email } gesendet.
verify-sent-again = Wir haben eine weitere E‑Mail an { $email } gesendet. Sie können den Link aus jeder unserer E‑Mails verwenden.
verify-next = Klicken Sie auf den Link in der E‑Mail und folgen Sie den Anweisungen, um die Aktivierung abzuschließen. Der Link gilt { $minutes } Minuten.
verify-nothing = Keine E‑Mail erhalten? Bitte sehen Sie zuerst im Spam-Ordner nach. Auch wenn wir eine weitere senden, bleibt der Link in der ersten gültig.
verify-again = E‑Mail erneut senden

# Der Link aus der E-Mail
link-title = Schließen Sie Ihre Aktivierung ab
link-text = Ihre E‑Mail-Adresse ist bestätigt. Klicken Sie auf die Schaltfläche, um den Lizenzinhaber einzutragen.
link-button = Fortfahren
link-expires = Dieser Link gilt bis { $expires }.
lapsed-title = Dieser Link ist abgelaufen
lapsed-text = Zu Ihrer Sicherheit war der Link nur kurze Zeit gültig. Wir können einen neuen Link an dieselbe E‑Mail-Adresse senden. Was Sie schon eingegeben haben, bleibt erhalten.
lapsed-button = Neuen Link senden
link-void-title = Dieser Link ist nicht mehr gültig
link-void-text = Seine Adresse ist unvollständig, oder er kann nicht mehr verwendet werden. Bitte verwenden Sie den Link in der neuesten E‑Mail oder geben Sie Lizenznummer und PIN‑Nummer erneut ein.
ticket-lapsed-title = Diese Seite ist abgelaufen
ticket-lapsed-text = Bitte geben Sie Lizenznummer und PIN‑Nummer erneut ein.
revoked-title = Diese Lizenz wurde widerrufen
revoked-text = Sie kann nicht mehr aktiviert oder registriert werden. Bitte wenden Sie sich an unseren technischen Support.

# Aktivierung abschließen
complete-title = Schließen Sie Ihre Aktivierung ab
complete-text = Wem gehört die Lizenz? Die KeyWriter-App zeigt Namen und Firma an.
confirm = Bestätigen

# Aktivierung erfolgreich
success-title = Aktivierung erfolgreich
success-text = So geht es weiter:
success-step-download = Laden Sie die KeyWriter-App herunter und installieren Sie sie.
success-step-authenticate = Authentifizieren Sie Ihr Hardware-Sicherheitsmodul (7- bis 15-stellige PIN) und verbinden Sie es mit Ihrem Computer.
success-step-register = Registrieren Sie die App mit Ihrer Lizenznummer und Ihrer PIN‑Nummer:
success-pin = in der E‑Mail „{ $subject }“. Nur Sie kennen sie.
success-email = Diese Lizenz gehört zu { $email }.
copy = Kopieren
copied = Kopiert
to-activation = Zur Lizenzaktivierung

# Kauf
purchase-text = Für die KeyWriter-App ist eine Lizenz nötig. Sie erhalten sie bei unseren Partnern oder direkt bei uns.
purchase-partners = Unsere Partner
purchase-direct = Direkt bei uns
purchase-contact = Schreiben Sie uns, wie viele Lizenzen Sie benötigen. Wir senden Ihnen ein Angebot.
purchase-then = Nach dem Kauf
purchase-mail = Sie erhalten eine E‑Mail mit Ihrer Lizenznummer und Ihrer PIN‑Nummer.

# Herunterladen
download = Herunterladen
download-title = KeyWriter-App herunterladen
download-text = Vergleichen Sie vor der Installation den SHA-256-Wert des Pakets und prüfen Sie die Signatur.
download-none = Noch sind keine Pakete verfügbar. Bitte wenden Sie sich an unseren technischen Support.
download-signature = Signatur
download-unsigned = nicht signiert
download-yours = für Ihren Computer
product-app = KeyWriter-App
product-virtual = Virtuelle Module zum Ausprobieren
product-portal = Lizenzportal, für Betreiber
system-debian = Debian und Ubuntu
system-fedora = Fedora, openSUSE und Red Hat
system-linux = Linux
system-mac = macOS
system-windows = Windows
processor-intel = Intel und AMD, 64 Bit
processor-arm = ARM, 64 Bit
size-bytes = { $size } B
size-kilobytes = { $size } kB
size-megabytes = { $size } MB

# Offline-Registrierung
offline-title = Offline-Registrierung
offline-text = Für einen Computer ohne Internetverbindung: Die KeyWriter-App zeigt einen Anfragecode an. Geben Sie ihn hier zusammen mit Ihrer PIN‑Nummer ein. Sie erhalten den Antwortcode für die App.
offline-request = Anfragecode
offline-button = Antwortcode anzeigen
offline-response = Antwortcode
offline-type = Geben Sie diese Zeilen in der KeyWriter-App ein. Sie gelten nur für die App, die den Anfragecode angezeigt hat.
offline-refused = Anfragecode und PIN‑Nummer passen nicht zusammen, oder die Lizenz ist nicht aktiv. Bitte geben Sie die PIN‑Nummer genau so ein, wie sie in der E‑Mail steht.
offline-full = Diese Lizenz ist bereits auf { $most } Computern registriert. Mehr sind nicht möglich. Bitte lassen Sie einen davon durch Ihren Partner oder unseren Support freigeben.
wrong-code-slip = Tippfehler in Zeile { $line } des Codes.
wrong-code-form = Der Anfragecode besteht aus { $lines } Zeilen mit je 16 Buchstaben und Ziffern.
wrong-code-mixed = Die Zeilen stammen nicht aus demselben Code.

# Ein Ticket auf einem zweiten Bildschirm
ticket-title = Ticket für Treuhänder
ticket-lead = Lesen Sie hier, was ein KeyWriter-Ticket erlaubt, bevor Sie ihm zustimmen. Das Ticket bleibt in diesem Browser: Nichts davon wird gesendet.
ticket-file = Datei mit dem Ticket
ticket-no-script = Diese Seite braucht JavaScript. Das Ticket wird nur auf diesem Gerät gelesen.
ticket-wrong = Kein Ticket zu zeigen
ticket-malformed = Was geöffnet wurde, ist kein vollständiges Ticket oder wurde unterwegs verändert. Lassen Sie es noch einmal schicken, oder scannen Sie den QR-Code noch einmal.
ticket-no-code = Dieser Browser kann den Code nicht bilden. Nehmen Sie einen neueren, und öffnen Sie diese Seite mit https.
ticket-says = Was es erlaubt
ticket-code = Code zum Eingeben
ticket-type = Wenn Sie zustimmen, und nur dann, geben Sie diese 16 Ziffern am Tastenfeld Ihres Geräts ein, danach KEY. Steht hier etwas anderes, als man Ihnen gesagt hat, geben Sie nichts ein.
ticket-certificates = Diese Seite kennt Ihre Geräte nicht: Master-Gerät und Treuhänder stehen hier mit dem Anfang des Hashwerts ihres Zertifikats. „keywriter team list“ zeigt ihn.
ticket-allows = Erlaubt
ticket-choices = Auswahl
ticket-master = Master-Gerät
ticket-team = Team
ticket-number = Ticket
ticket-clone = Klonen auf %to%
ticket-letter = Klonen per Brief auf %to%
ticket-named = %serials%, jedes einmal
ticket-any = %count% beliebige Geräte
ticket-any-one = ein beliebiges Gerät
ticket-rekey = Dem Team neue Schlüssel geben und %serials% endgültig ausschließen
ticket-rekey-nobody = Dem Team neue Schlüssel geben und niemanden ausschließen
ticket-drops = Die älteste von sechzehn Epochen darf wegfallen: Deren Dateien liest dann niemand mehr.
ticket-policy = Von jetzt an %quorum% dieser Treuhänder entscheiden lassen: %custodians%
ticket-ask-nobody = Keine Treuhänder mehr fragen
ticket-certificate = Zertifikat %hash%...
ticket-group = %group%, Epoche %epoch%
ticket-none = keine
ticket-auto-lock = Automatische Sperre
ticket-pin-policy = Benutzer-PIN-Richtlinie
ticket-disable-master = Master-Gerät deaktivieren

# Seiten für Betreiber
operator-nav = Seiten für Betreiber
operator-title = Lizenzen
operator-log = Protokoll
operator-order = Neue Bestellung
operator-order-text = Alle Lizenzen einer Bestellung gehen zusammen in einer E‑Mail an den Käufer, jede mit ihrer PIN‑Nummer.
operator-order-button = Bestellung aufgeben
operator-other-order = Mit diesem Formular wurde bereits eine andere Bestellung aufgegeben. Senden Sie es noch einmal, um auch diese aufzugeben.
operator-of-order = Bestellung { $order }
operator-show-order = Lizenzen anzeigen
operator-buyer = E‑Mail-Adresse des Käufers
operator-count = Anzahl der Lizenzen (1 bis 100)
operator-mail-language = Sprache der E‑Mails
operator-seats = Computer pro Lizenz
optional-seats = Kann leer bleiben: die übliche Anzahl.
optional-holder = Wenn Sie einen Inhaber angeben, ist die Lizenz sofort aktiv und muss nicht aktiviert werden.
operator-import = Bestellung importieren
operator-import-text = Viele Käufer auf einmal: Fügen Sie die Zeilen einer Tabelle oder den Text einer CSV-Datei ein. Ist eine Zeile falsch, wird nichts bestellt. Die erste Zeile nennt die Spalten; nur die erste davon muss vorhanden sein:
operator-file = CSV-Datei
operator-table = Zeilen der Bestellung
operator-as-table = Als Tabelle speichern (CSV)
operator-hooks = Webhooks
operator-hooks-text = Adressen anderer Programme, die erfahren, wenn eine Lizenz verkauft, aktiviert, widerrufen, wiederhergestellt oder übertragen wird. Sie werden auf der Befehlszeile hinzugefügt:
operator-hook-told = Gemeldet: { $told } · wartet: { $waiting } · aufgegeben: { $failed }
wrong-line = Zeile { $line }: { $why }
wrong-columns = Die erste Zeile muss die Spalten nennen, und eine davon muss email sein.
wrong-fields = Diese Zeile hat eine andere Anzahl von Spalten als die erste.
wrong-no-line = Es gibt keine Zeile mit einer Bestellung.
wrong-too-many = Zusammen sind das mehr als { $most } Lizenzen: Teilen Sie die Bestellung auf.
wrong-language = Die Sprache muss en, de oder fr sein.
wrong-encoding = Einige Zeichen sind unlesbar. Speichern Sie die Datei als „CSV UTF-8“.
wrong-count = Bitte geben Sie eine Zahl von 1 bis { $most } ein.
wrong-seats = Bitte geben Sie eine Zahl von 1 bis 10000 ein.
wrong-no-holder = Zu einer Firma gehört auch ein Inhaber.
operator-sign-in = Anmeldung für Betreiber
operator-sign-in-text = Für alle, die Lizenzen verkaufen und deren Inhabern helfen. Ihr Schlüssel beginnt mit „kwop_“.
operator-key = Betreiberschlüssel
operator-sign-in-button = Anmelden
operator-wrong-key = Dieser Schlüssel ist ungültig oder abgelaufen.
operator-ended = Sie sind nicht mehr angemeldet. Vielleicht ist Ihr Schlüssel abgelaufen oder wurde entfernt.
operator-sign-out = Abmelden
operator-words = Name, Firma, E‑Mail-Adresse oder Nummer
operator-show = Anzeigen
operator-show-all = Alle
operator-show-undelivered = E‑Mail nicht zugestellt
operator-search = Suchen
operator-none = Keine Lizenz gefunden.
operator-next = Nächste Seite
operator-command-line = Kommandozeile
operator-installations = Computer
operator-seats-used = Registriert auf { $count } von { $most } möglichen Computern.
operator-registered = Registriert am { $first }, zuletzt benutzt am { $last }
operator-forget = Entfernen
operator-help = Dem Inhaber helfen
operator-resend = Neue PIN‑Nummer senden
operator-resend-text = Der Inhaber erhält eine E‑Mail mit der Lizenznummer und einer neuen PIN‑Nummer. Die alte PIN‑Nummer gilt dann nicht mehr.
operator-revoke = Diese Lizenz widerrufen
operator-revoke-text = Keine App kann sich mehr mit dieser Lizenz registrieren oder sie erneuern.
operator-restore = Widerruf aufheben
operator-restore-text = Die Lizenz ist wieder so wie vor dem Widerruf, auf denselben Computern.
operator-correct = E‑Mail-Adresse berichtigen
operator-correct-text = Für einen Tippfehler in der Adresse desselben Inhabers. Die neue Adresse erhält eine neue PIN‑Nummer, die alte eine Mitteilung. Die Lizenz bleibt auf ihren Computern registriert.
operator-transfer = An jemand anderen übertragen
operator-transfer-text = Der neue Inhaber erhält eine E‑Mail mit der Lizenznummer und einer neuen PIN‑Nummer und aktiviert die Lizenz neu. Die alte Adresse erhält eine Mitteilung. Die Apps des alten Inhabers können die Lizenz nicht mehr erneuern.
operator-reseat = Anzahl der Computer ändern
operator-reseat-text = Auf wie vielen Computern die Lizenz registriert werden kann. Bereits registrierte Computer bleiben.
operator-new-email = Neue E‑Mail-Adresse
operator-same-email = Die Lizenz hat diese Adresse schon.
wrong-no-smtputf8 = Der Mailserver stellt an diese Adresse nicht zu.
operator-person = Personenbezogene Daten
operator-export = Personenbezogene Daten exportieren
operator-export-text = Eine Datei mit allem, was das Portal über diese Lizenz und ihren Inhaber weiß (JSON).
operator-erase = Personenbezogene Daten löschen
operator-erase-text = Widerruft die Lizenz und löscht Adresse, Inhaber, Computer und E‑Mails endgültig. Die Nummer bleibt, damit sie nie wieder vergeben wird. In Sicherungen bleiben die Daten, bis Sie diese löschen.
state-issued = Verkauft
state-verifying = In Aktivierung
state-active = Aktiv
state-revoked = Widerrufen
mail-waiting = E‑Mail wartet
mail-delivered = E‑Mail zugestellt
mail-failed = E‑Mail nicht zugestellt
fact-sold = Verkauft am
fact-sold-by = Verkauft durch
fact-activated = Aktiviert am
fact-mail = Letzte E‑Mail
fact-holder = Inhaber
fact-address = Anschrift
done-resent = Eine neue PIN‑Nummer ist unterwegs.
done-revoked = Die Lizenz ist widerrufen.
done-restored = Die Lizenz ist wieder so wie vor dem Widerruf.
done-corrected = Die Adresse ist berichtigt. E‑Mails an beide Adressen sind unterwegs.
done-transferred = Die Lizenz ist übertragen. E‑Mails an beide Adressen sind unterwegs.
done-erased = Die personenbezogenen Daten sind gelöscht.
done-unregistered = Der Computer wurde entfernt.
done-reseated = Die Anzahl der Computer ist geändert.
done-ordered = Bestellung { $order } ist aufgegeben. Die E‑Mail mit Lizenznummern und PIN‑Nummern ist unterwegs.
deed-signed-in = Angemeldet
deed-sold = Verkauft
deed-resent = Neue PIN‑Nummer gesendet
deed-revoked = Widerrufen
deed-restored = Widerruf aufgehoben
deed-corrected = E‑Mail-Adresse berichtigt
deed-transferred = Übertragen
deed-exported = Personenbezogene Daten exportiert
deed-erased = Personenbezogene Daten gelöscht
deed-unregistered = Computer entfernt
deed-reseated = Anzahl der Computer geändert
deed-key-added = Betreiberschlüssel hinzugefügt
deed-key-removed = Betreiberschlüssel entfernt
deed-hook-added = Webhook hinzugefügt
deed-hook-removed = Webhook entfernt
no-such-license-title = Lizenz nicht gefunden
no-such-license-text = Es gibt keine Lizenz mit dieser Nummer, oder Sie dürfen sie mit Ihrem Schlüssel nicht sehen.
not-permitted-title = Nicht erlaubt
not-permitted-text = Ihr Betreiberschlüssel erlaubt das nicht.
changed-title = Inzwischen geändert
changed-text = Diese Lizenz wurde geändert, während Sie die Seite geöffnet hatten, oder sie ist widerrufen. Bitte prüfen Sie, was jetzt angezeigt wird, und versuchen Sie es noch einmal.

# Probleme
form-expired-title = Bitte senden Sie das Formular erneut
form-expired-text = Das Formular war zu lange geöffnet oder wurde von einer anderen Website gesendet. Gehen Sie zurück, laden Sie die Seite neu und senden Sie das Formular erneut. Ihr Browser muss Cookies dieser Website zulassen.
form-malformed-title = Das Formular konnte nicht gelesen werden
form-malformed-text = Eine Angabe fehlt oder ist zu lang. Gehen Sie zurück, laden Sie die Seite neu und füllen Sie das Formular erneut aus.
not-found-title = Seite nicht gefunden
not-found-text = Bitte prüfen Sie die Adresse.
wrong-method-title = So lässt sich diese Seite nicht öffnen
wrong-method-text = Bitte beginnen Sie erneut mit der Lizenzaktivierung.
slow-down-title = Zu viele Versuche
slow-down-text = Zu Ihrer Sicherheit sind nur wenige Versuche nacheinander möglich. Bitte versuchen Sie es in { $minutes } min erneut.
unavailable-title = Vorübergehend nicht verfügbar
unavailable-text = Es ist nichts verloren gegangen und nichts geändert worden. Bitte versuchen Sie es in einigen Minuten erneut.

# E-Mails
mail-license-subject = Ihre KeyWriter-Lizenz
mail-license-body =
    Vielen Dank für Ihren Kauf!

    Lizenznummer: { $license }
    PIN-Nummer: { $pin }

    Aktivieren Sie Ihre Lizenz hier:
    { $url }/

    Registrieren Sie danach die KeyWriter-App mit der Lizenznummer und der
    PIN-Nummer. Lizenzportal, wie die App es anzeigt:
    { $url }

    Die App fragt bei jedem Start nach der PIN. Bewahren Sie diese E-Mail sicher
    auf: Wir kennen Ihre PIN nicht.

    Haben Sie Fragen? { $email }, { $phone }
mail-license-active-body =
    Vielen Dank für Ihren Kauf!

    Lizenznummer: { $license }
    PIN-Nummer: { $pin }

    Ihre Lizenz ist aktiv. Laden Sie die KeyWriter-App herunter und registrieren
    Sie sie mit der Lizenznummer und der PIN-Nummer:
    { $url }/download

    Lizenzportal, wie die App es anzeigt:
    { $url }

    Die App fragt bei jedem Start nach der PIN. Bewahren Sie diese E-Mail sicher
    auf: Wir kennen Ihre PIN nicht.

    Haben Sie Fragen? { $email }, { $phone }
mail-order-subject = Ihre KeyWriter-Lizenzen
mail-order-body =
    Vielen Dank für Ihren Kauf!

    Ihre Lizenzen, jede mit ihrer PIN‑Nummer:

    { $licenses }

    Aktivieren Sie jede Lizenz hier:
    { $url }/

    Registrieren Sie danach je eine KeyWriter-App mit der Lizenznummer und ihrer
    PIN‑Nummer. Lizenzportal, wie die App es anzeigt:
    { $url }

    Die App fragt bei jedem Start nach der PIN. Bewahren Sie diese E-Mail sicher
    auf: Wir kennen Ihre PINs nicht.

    Haben Sie Fragen? { $email }, { $phone }
mail-order-active-body =
    Vielen Dank für Ihren Kauf!

    Ihre Lizenzen sind aktiv. Jede mit ihrer PIN‑Nummer:

    { $licenses }

    Laden Sie die KeyWriter-App herunter, und registrieren Sie sie mit einer
    Lizenznummer und deren PIN‑Nummer:
    { $url }/download

    Lizenzportal, wie die App es anzeigt:
    { $url }

    Die App fragt bei jedem Start nach der PIN. Bewahren Sie diese E-Mail sicher
    auf: Wir kennen Ihre PINs nicht.

    Haben Sie Fragen? { $email }, { $phone }
mail-verification-subject = Schließen Sie die Aktivierung Ihrer KeyWriter-Lizenz ab
mail-verification-body =
    Bitte klicken Sie auf den Link, um die Aktivierung Ihrer Lizenz abzuschließen:

    { $link }

    Der Link gilt bis { $expires } und kann einmal verwendet werden.

    Wenn Sie keine Lizenznummer eingegeben haben, können Sie diese E-Mail
    ignorieren: Ohne den Link wird nichts aktiviert.

    Haben Sie Fragen? { $email }, { $phone }
mail-moved-subject = Ihre E‑Mail-Adresse wurde aus einer KeyWriter-Lizenz entfernt
mail-moved-body =
    Diese E‑Mail-Adresse gehört nicht mehr zu der KeyWriter-Lizenz, deren Nummer
    mit { $start } beginnt. Unser Support hat eine andere Adresse eingetragen.

    Die PIN‑Nummer aus unseren früheren E‑Mails gilt nicht mehr.

    Das haben Sie nicht erwartet? Bitte kontaktieren Sie uns: { $email }, { $phone }
