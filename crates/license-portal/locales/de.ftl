# Alle Texte der Seiten und E-Mails. Die Wörter sind die des Benutzerhandbuchs.

# Rahmen
skip-to-content = Zum Inhalt
language = Sprache
more-pages = Weitere Seiten
question = Haben Sie Fragen? Kontaktieren Sie uns:
date-and-time = { $day }.{ $month }.{ $year }, { $time } Uhr (UTC)

# Felder
email = E-Mail
pin = PIN
license = Lizenz
email-address = E-Mail-Adresse
license-number = Lizenznummer
pin-number = PIN Nummer
first-name = Vorname
last-name = Nachname
company-name = Firmenname
company-email = E-Mail-Adresse der Firma
phone-number = Telefonnummer
address-line = Adresszeile
city = Stadt
postcode = Postleitzahl
country = Land
choose = Bitte wählen

# Was an einem Feld nicht stimmt
wrong-empty = Bitte füllen Sie dieses Feld aus.
wrong-text = Dieser Text ist zu lang oder enthält Zeichen, die nicht hineingehören.
wrong-email = Das ist keine E-Mail-Adresse. Beispiel: john.doe@email.com
wrong-phone = Das ist keine Telefonnummer. Beispiel: +49 30 5550 1234
wrong-country = Bitte wählen Sie ein Land.
wrong-pin-form = Die PIN Nummer hat 8 Ziffern.
wrong-license-form = Die Lizenznummer hat 16 Buchstaben und Ziffern: XXXX-XXXX-XXXX-XXXX
wrong-license-slip = In der Lizenznummer ist ein Tippfehler. Bitte vergleichen Sie sie Zeichen für Zeichen mit der E-Mail.

# Lizenzaktivierung
activate-title = Lizenzaktivierung
thank-you = Vielen Dank für Ihren Kauf!
activate-lead = Aktivieren Sie Ihre Lizenz
activate-text = Bitte geben Sie die Lizenznummer und die PIN Nummer ein, die Sie von Ihrem KeyWriter-Partner erhalten haben.
activate = Aktivieren
no-license = Sie haben noch keine Lizenz?
activation-refused = E-Mail-Adresse, Lizenznummer und PIN Nummer gehören nicht zusammen. Bitte geben Sie sie genau wie erhalten ein.

# Bestätigungs-E-Mail
verify-title = Bestätigungs-E-Mail
verify-sent = Wir haben eine Bestätigungs-E-Mail an { $email } gesendet.
verify-next = Klicken Sie auf den Link in der E-Mail und befolgen Sie die Anweisungen, um den Aktivierungsvorgang abzuschließen. Der Link gilt { $minutes } Minuten.
verify-nothing = Nichts erhalten? Bitte sehen Sie zuerst im Spam-Ordner nach. Ein neuer Link ersetzt den vorigen.
verify-again = E-Mail noch einmal senden

# Hinter dem Link
link-title = Schließen Sie Ihre Aktivierung ab
link-text = Ihre E-Mail-Adresse ist bestätigt. Klicken Sie auf die Schaltfläche, um den Inhaber der Lizenz einzutragen.
link-button = Fortfahren
link-expires = Dieser Link gilt bis { $expires }.
lapsed-title = Dieser Link ist abgelaufen
lapsed-text = Zu Ihrer Sicherheit galt der Link nur kurze Zeit. Wir können einen neuen an dieselbe E-Mail-Adresse senden.
lapsed-button = Neuen Link senden
link-void-title = Dieser Link gilt nicht mehr
link-void-text = Er wurde schon benutzt oder durch eine neuere E-Mail ersetzt. Bitte verwenden Sie den Link in der neuesten E-Mail, oder geben Sie Lizenznummer und PIN Nummer noch einmal ein.
ticket-lapsed-title = Diese Seite ist abgelaufen
ticket-lapsed-text = Bitte geben Sie Lizenznummer und PIN Nummer noch einmal ein.
revoked-title = Diese Lizenz wurde widerrufen
revoked-text = Sie kann nicht mehr aktiviert oder registriert werden. Bitte wenden Sie sich an unseren technischen Support.

# Aktivierung abschließen
complete-title = Schließen Sie Ihre Aktivierung ab
complete-text = Bitte füllen Sie alle Felder aus.
confirm = Bestätigen

# Aktivierung erfolgreich
success-title = Aktivierung erfolgreich
success-text = Bitte befolgen Sie diese Schritte, um zu beginnen.
success-step-download = Laden Sie die KeyWriter-App herunter und installieren Sie sie.
success-step-authenticate = Authentifizieren Sie Ihr Hardwaresicherheitsmodul (7-15 stellige PIN) und verbinden Sie es mit Ihrem Computer.
success-step-register = Registrieren Sie sich und melden Sie sich mit diesen Angaben an:
success-pin = Die PIN Nummer steht in der E-Mail, die Sie mit der Lizenznummer erhalten haben.
to-activation = Zur Lizenzaktivierung

# Kauf
purchase-text = Die KeyWriter-App braucht eine Lizenz. Sie erhalten sie bei unseren Partnern oder direkt bei uns.
purchase-partners = Unsere Partner
purchase-direct = Direkt bei uns
purchase-contact = Schreiben Sie uns, wie viele Lizenzen Sie brauchen; wir senden Ihnen ein Angebot.
purchase-then = Nach dem Kauf
purchase-mail = Sie erhalten eine E-Mail mit Ihrer Lizenznummer und der PIN Nummer.

# Herunterladen
download = Herunterladen
download-title = KeyWriter-App herunterladen
download-text = Vergleichen Sie vor der Installation den SHA-256-Wert des Pakets und prüfen Sie seine Signatur.
download-none = Hier gibt es noch keine Pakete. Bitte wenden Sie sich an unseren technischen Support.
download-signature = Signatur
download-unsigned = ohne Signatur

# Offline-Registrierung
offline-title = Offline-Registrierung
offline-text = Für einen Computer ohne Netz: Die KeyWriter-App zeigt einen Anfragecode. Geben Sie ihn hier mit Ihrer PIN Nummer ein; Sie erhalten einen Antwortcode für die App.
offline-request = Anfragecode
offline-button = Antwortcode anzeigen
offline-response = Antwortcode
offline-type = Geben Sie diese Zeilen in der KeyWriter-App ein. Sie passen nur zu der Installation, die den Anfragecode gezeigt hat.
offline-refused = Anfragecode und PIN Nummer gehören nicht zusammen, oder die Lizenz ist nicht aktiv. Bitte geben Sie die PIN Nummer genau wie erhalten ein.
offline-full = Diese Lizenz ist bereits auf { $most } Computern registriert, auf mehr lässt sie sich nicht registrieren. Bitte wenden Sie sich an Ihren Partner oder den Support, um einen davon freizugeben.
wrong-code-slip = In Zeile { $line } des Codes ist ein Tippfehler.
wrong-code-form = Der Anfragecode hat { $lines } Zeilen aus 16 Buchstaben und Ziffern.
wrong-code-mixed = Die Zeilen des Codes gehören nicht zusammen.

# Wenn etwas im Weg steht
form-expired-title = Bitte senden Sie das Formular noch einmal
form-expired-text = Dieses Formular war zu lange offen, oder es kam von einer anderen Website. Gehen Sie zurück, laden Sie die Seite neu und senden Sie es noch einmal. Cookies dieser Seite müssen erlaubt sein.
form-malformed-title = Das Formular wurde nicht verstanden
form-malformed-text = In dem Formular fehlt etwas, oder es ist zu groß. Gehen Sie zurück, laden Sie die Seite neu und füllen Sie es noch einmal aus.
not-found-title = Diese Seite gibt es nicht
not-found-text = Bitte prüfen Sie die Adresse.
wrong-method-title = So lässt sich diese Seite nicht aufrufen
wrong-method-text = Bitte beginnen Sie noch einmal bei der Lizenzaktivierung.
slow-down-title = Zu viele Versuche
slow-down-text = Zu Ihrer Sicherheit erlauben wir nur wenige Versuche nacheinander. Bitte versuchen Sie es in { $minutes } min noch einmal.
unavailable-title = Zurzeit nicht verfügbar
unavailable-text = Nichts ist verloren oder verändert. Bitte versuchen Sie es in einigen Minuten noch einmal.

# E-Mails
mail-license-subject = Ihre KeyWriter-Lizenz
mail-license-body =
    Vielen Dank für Ihren Kauf!

    Lizenznummer: { $license }
    PIN Nummer: { $pin }

    Aktivieren Sie Ihre Lizenz hier:
    { $url }/

    Nach der Aktivierung registrieren Sie die KeyWriter-App mit der Lizenznummer
    und der PIN Nummer. Sie brauchen die PIN bei jedem Start der App. Bewahren
    Sie diese E-Mail sicher auf: Wir kennen Ihre PIN nicht.

    Haben Sie Fragen? { $email }, { $phone }
mail-license-active-body =
    Vielen Dank für Ihren Kauf!

    Lizenznummer: { $license }
    PIN Nummer: { $pin }

    Ihre Lizenz ist aktiv. Laden Sie die KeyWriter-App herunter und registrieren
    Sie sie mit der Lizenznummer und der PIN Nummer:
    { $url }/download

    Sie brauchen die PIN bei jedem Start der App. Bewahren Sie diese E-Mail
    sicher auf: Wir kennen Ihre PIN nicht.

    Haben Sie Fragen? { $email }, { $phone }
mail-verification-subject = Schließen Sie die Aktivierung Ihrer KeyWriter-Lizenz ab
mail-verification-body =
    Bitte klicken Sie auf den Link, um die Aktivierung Ihrer Lizenz abzuschließen:

    { $link }

    Der Link gilt bis { $expires } und nur einmal.

    Wenn Sie keine Lizenznummer eingegeben haben, brauchen Sie nichts zu tun:
    Ohne den Link wird nichts aktiviert.

    Haben Sie Fragen? { $email }, { $phone }
