# The texts of pages and mails. The user manual uses the same words.

# Frame
skip-to-content = Skip to content
language = Language
more-pages = Other pages
imprint = Legal notice
privacy = Privacy
question = Have a question? Contact us at:
date-and-time = { $year }-{ $month }-{ $day }, { $time } UTC

# Fields
email-address = Email address
license-number = License number
pin-number = PIN number
first-name = First name
last-name = Last name
company-name = Company name
company-email = Company email address
phone-number = Phone number
address-line = Address line
city = City
postcode = Postcode
country = Country
choose = Please choose
optional = May stay empty.
optional-company-email = May stay empty if there is no company.
optional-postcode = May stay empty where addresses have none.

# What went wrong with a form
problem-title = Please check your entries
form-stale-text = The form was open for too long, or your browser does not accept cookies from this site. What you entered is still here, except for the PIN number.

# What is wrong with a field
wrong-empty = Please fill in this field.
wrong-text = This text is too long or contains characters that are not allowed.
wrong-email = This email address is not valid. Example: john.doe@email.com
wrong-phone = This is not a phone number. Example: +44 20 7946 0123
wrong-country = Please choose a country.
wrong-pin-form = The PIN number has 8 digits.
wrong-license-form = The license number has 16 letters and digits: XXXX‑XXXX‑XXXX‑XXXX
wrong-license-slip = The license number is mistyped. Please compare it with the email, character by character.

# License activation
activate-title = License activation
thank-you = Thank you for your purchase!
activate-lead = Activate your license
activate-text = Please enter the license number and the PIN number that your KeyWriter partner sent you.
activate = Activate
no-license = Don’t have a license?
activation-refused = Email address, license number and PIN number do not match. Please enter them exactly as in the email.

# Verification email
verify-title = Verification email
verify-sent = We have sent a verification email to { $email }.
verify-sent-again = We have sent another email to { $email }. You can use the link in any of our emails.
verify-next = Please click the link in the email and follow the instructions to complete the activation. The link is valid for { $minutes } minutes.
verify-nothing = No email received? Please check your spam folder first. If we send another one, the link in the first one stays valid, too.
verify-again = Send the email again

# The mailed link
link-title = Complete your activation
link-text = Your email address is confirmed. Click the button to enter the holder of the license.
link-button = Continue
link-expires = This link is valid until { $expires }.
lapsed-title = This link has expired
lapsed-text = For your security, the link was valid only for a short time. We can send a new one to the same email address. What you have already entered is kept.
lapsed-button = Send a new link
link-void-title = This link is no longer valid
link-void-text = Its address is incomplete, or it can no longer be used. Please use the link in the newest email, or enter your license number and PIN number again.
ticket-lapsed-title = This page has expired
ticket-lapsed-text = Please enter your license number and PIN number again.
revoked-title = This license has been revoked
revoked-text = It can no longer be activated or registered. Please contact our technical support.

# Complete your activation
complete-title = Complete your activation
complete-text = Who will hold the license? The KeyWriter app shows name and company.
confirm = Confirm

# Activation successful
success-title = Activation successful
success-text = Please follow these steps to get started.
success-step-download = Download and install the KeyWriter app.
success-step-authenticate = Authenticate your hardware security module (PIN of 7 to 15 digits) and connect it to your computer.
success-step-register = Register the app with your license number and your PIN number:
success-pin = in the email “{ $subject }”. Only you have it.
success-email = This license belongs to { $email }.
copy = Copy
copied = Copied
to-activation = Go to license activation

# Purchase
purchase-text = The KeyWriter app needs a license. You can buy it from our partners or directly from us.
purchase-partners = Our partners
purchase-direct = Directly from us
purchase-contact = Tell us how many licenses you need, and we will send you an offer.
purchase-then = After your purchase
purchase-mail = You will receive an email with your license number and PIN number.

# Download
download = Download
download-title = Download the KeyWriter app
download-text = Before you install a package, compare its SHA-256 value and check its signature.
download-none = No packages are available yet. Please contact our technical support.
download-signature = Signature
download-unsigned = not signed
download-yours = for your computer
product-app = KeyWriter app
product-virtual = Virtual modules, for evaluation
product-portal = License portal, for operators
system-debian = Debian and Ubuntu
system-fedora = Fedora, openSUSE and Red Hat
system-linux = Linux
system-mac = macOS
system-windows = Windows
processor-intel = Intel and AMD, 64-bit
processor-arm = ARM, 64-bit
size-bytes = { $size } B
size-kilobytes = { $size } kB
size-megabytes = { $size } MB

# Offline registration
offline-title = Offline registration
offline-text = For a computer without an internet connection: the KeyWriter app shows a request code. Enter it here with your PIN number to get the response code for the app.
offline-request = Request code
offline-button = Show the response code
offline-response = Response code
offline-type = Enter these lines in the KeyWriter app. They are valid only for the app that showed the request code.
offline-refused = Request code and PIN number do not match, or the license is not active. Please enter the PIN number exactly as in the email.
offline-full = This license is already registered on { $most } computers, as many as it allows. Please ask your partner or our support to free one of them.
wrong-code-slip = Line { $line } of the code is mistyped.
wrong-code-form = The request code has { $lines } lines of 16 letters and digits.
wrong-code-mixed = The lines are not from the same code.

# A ticket on a second screen
ticket-title = Ticket for custodians
ticket-lead = Read here what a KeyWriter ticket allows before you approve it. The ticket stays in this browser: nothing of it is sent.
ticket-file = Ticket file
ticket-no-script = This page needs JavaScript. It is read on this device only.
ticket-wrong = No ticket to show
ticket-malformed = What was opened is not a whole ticket, or was changed on its way. Have it sent again, or scan the QR code again.
ticket-no-code = This browser cannot make the code. Use a newer one, and open this page with https.
ticket-says = What it allows
ticket-code = Code to type
ticket-type = If you agree, and only then, type these 16 digits on the keypad of your device, then KEY. If it says anything else than you were told, type nothing.
ticket-certificates = This page does not know your devices: Master device and custodians are named by the beginning of their certificate’s hash. “keywriter team list” shows it.
ticket-allows = Allows
ticket-choices = Choices
ticket-master = Master device
ticket-team = Team
ticket-number = Ticket
ticket-clone = Clone to %to%
ticket-letter = Clone by letter to %to%
ticket-named = %serials%, each once
ticket-any = %count% devices, whichever they are
ticket-any-one = one device, whichever it is
ticket-rekey = Give the team new keys, and leave out %serials% for good
ticket-rekey-nobody = Give the team new keys, and leave out nobody
ticket-drops = The oldest of sixteen epochs may be dropped: nobody reads its files then.
ticket-policy = Let %quorum% of these custodians decide from now on: %custodians%
ticket-ask-nobody = Ask no custodians any more
ticket-certificate = certificate %hash%...
ticket-group = %group%, epoch %epoch%
ticket-none = none
ticket-auto-lock = Auto-Lock
ticket-pin-policy = User PIN Policy
ticket-disable-master = Disable Master Device

# Operators' pages
operator-nav = Pages for operators
operator-title = Licenses
operator-log = Log
operator-order = New order
operator-order-text = All licenses of an order are mailed to the buyer together, each with its PIN number.
operator-order-button = Place the order
operator-other-order = Another order was already placed with this form. Send it again to place this one, too.
operator-of-order = Order { $order }
operator-show-order = Show its licenses
operator-buyer = Email address of the buyer
operator-count = Number of licenses (1 to 100)
operator-mail-language = Language of the emails
operator-seats = Computers per license
optional-seats = May stay empty: the usual number.
optional-holder = If you enter a holder, the license is sold active and needs no activation.
operator-import = Import an order
operator-import-text = Many buyers at once: paste the lines of a spreadsheet, or the text of a CSV file. If one line is wrong, nothing is ordered. The first line names the columns; only the first of these must be there:
operator-file = CSV file
operator-table = Lines of the order
operator-as-table = Save as a table (CSV)
operator-hooks = Webhooks
operator-hooks-text = Addresses of other programs that are told when a license is sold, activated, revoked, restored or transferred. Add one on the command line:
operator-hook-told = Told: { $told } · waiting: { $waiting } · given up: { $failed }
wrong-line = Line { $line }: { $why }
wrong-columns = The first line must name the columns, and one of them must be email.
wrong-fields = This line has another number of columns than the first one.
wrong-no-line = There is no line with an order.
wrong-too-many = Together, these are more than { $most } licenses: split the order.
wrong-language = The language must be en, de or fr.
wrong-encoding = Some characters cannot be read. Save the file as “CSV UTF-8”.
wrong-count = Please enter a number from 1 to { $most }.
wrong-seats = Please enter a number from 1 to 10000.
wrong-no-holder = A company needs a holder, too.
operator-sign-in = Operator sign-in
operator-sign-in-text = For those who sell licenses and help their holders. Your key begins with “kwop_”.
operator-key = Operator key
operator-sign-in-button = Sign in
operator-wrong-key = This key is not valid, or has expired.
operator-ended = You are no longer signed in. Your key may have expired or been removed.
operator-sign-out = Sign out
operator-words = Name, company, email address or number
operator-show = Show
operator-show-all = All
operator-show-undelivered = Email not delivered
operator-search = Search
operator-none = No license found.
operator-next = Next page
operator-command-line = Command line
operator-installations = Computers
operator-seats-used = Registered on { $count } of { $most } possible computers.
operator-registered = Registered { $first }, last used { $last }
operator-forget = Remove
operator-help = Help the holder
operator-resend = Mail a new PIN number
operator-resend-text = The holder receives an email with license number and a new PIN number. The old PIN number is no longer valid.
operator-revoke = Revoke this license
operator-revoke-text = No app can register with this license or renew it any more.
operator-restore = Undo the revocation
operator-restore-text = The license is again as it was before it was revoked, on the same computers.
operator-correct = Correct the email address
operator-correct-text = For a mistyped address of the same holder. A new PIN number is mailed to the new address, and a notice to the old one. The license stays registered on its computers.
operator-transfer = Transfer to someone else
operator-transfer-text = The new holder receives an email with license number and a new PIN number, and activates the license again. The old address receives a notice. The apps of the old holder can no longer renew the license.
operator-reseat = Change the number of computers
operator-reseat-text = On how many computers the license can be registered. Computers that are already registered stay.
operator-new-email = New email address
operator-same-email = The license already has this address.
wrong-no-smtputf8 = The mail server does not deliver to this address.
operator-person = Personal data
operator-export = Export personal data
operator-export-text = A file with everything that the portal knows of this license and its holder (JSON).
operator-erase = Erase personal data
operator-erase-text = Revokes the license, and erases address, holder, computers and emails for good. The number stays, so that it is never given again. Backups keep the data until you delete them.
state-issued = Sold
state-verifying = Being activated
state-active = Active
state-revoked = Revoked
mail-waiting = Email is waiting
mail-delivered = Email delivered
mail-failed = Email not delivered
fact-sold = Sold on
fact-sold-by = Sold by
fact-activated = Activated on
fact-mail = Last email
fact-holder = Holder
fact-address = Address
done-resent = A new PIN number is on its way.
done-revoked = The license is revoked.
done-restored = The license is as it was before it was revoked.
done-corrected = The address is corrected. Emails to both addresses are on their way.
done-transferred = The license is transferred. Emails to both addresses are on their way.
done-erased = The personal data is erased.
done-unregistered = The computer was removed.
done-reseated = The number of computers is changed.
done-ordered = Order { $order } is placed. The email with license numbers and PIN numbers is on its way.
deed-signed-in = Signed in
deed-sold = Sold
deed-resent = New PIN number mailed
deed-revoked = Revoked
deed-restored = Revocation undone
deed-corrected = Email address corrected
deed-transferred = Transferred
deed-exported = Personal data exported
deed-erased = Personal data erased
deed-unregistered = Computer removed
deed-reseated = Number of computers changed
deed-key-added = Operator key added
deed-key-removed = Operator key removed
deed-hook-added = Webhook added
deed-hook-removed = Webhook removed
no-such-license-title = License not found
no-such-license-text = There is no license with this number, or your key does not permit you to see it.
not-permitted-title = Not permitted
not-permitted-text = Your operator key does not permit this.
changed-title = Changed in the meantime
changed-text = This license was changed while you had the page open, or is revoked. Please check what is shown now, and try again.

# Problems
form-expired-title = Please send the form again
form-expired-text = The form was open for too long, or was sent from another website. Please go back, reload the page and send the form again. Your browser must accept cookies from this site.
form-malformed-title = The form could not be read
form-malformed-text = Something is missing, or too long. Please go back, reload the page and fill in the form again.
not-found-title = Page not found
not-found-text = Please check the address.
wrong-method-title = This page cannot be opened like this
wrong-method-text = Please start again with the license activation.
slow-down-title = Too many attempts
slow-down-text = For your security, we allow only a few attempts in a row. Please try again in { $minutes } min.
unavailable-title = Temporarily unavailable
unavailable-text = Nothing was lost or changed. Please try again in a few minutes.

# Mails
mail-license-subject = Your KeyWriter license
mail-license-body =
    Thank you for your purchase!

    License number: { $license }
    PIN number: { $pin }

    Activate your license here:
    { $url }/

    Then register the KeyWriter app with the license number and the PIN number.
    License portal, as the app shows it:
    { $url }

    The app asks for the PIN each time you launch it. Keep this email in a safe
    place: we do not know your PIN.

    Have a question? { $email }, { $phone }
mail-license-active-body =
    Thank you for your purchase!

    License number: { $license }
    PIN number: { $pin }

    Your license is active. Download the KeyWriter app, and register it with the
    license number and the PIN number:
    { $url }/download

    License portal, as the app shows it:
    { $url }

    The app asks for the PIN each time you launch it. Keep this email in a safe
    place: we do not know your PIN.

    Have a question? { $email }, { $phone }
mail-order-subject = Your KeyWriter licenses
mail-order-body =
    Thank you for your purchase!

    Your licenses, each with its PIN number:

    { $licenses }

    Activate each license here:
    { $url }/

    Then register a KeyWriter app with the license number and its PIN number.
    License portal, as the app shows it:
    { $url }

    The app asks for the PIN each time you launch it. Keep this email in a safe
    place: we do not know your PINs.

    Have a question? { $email }, { $phone }
mail-order-active-body =
    Thank you for your purchase!

    Your licenses are active. Each with its PIN number:

    { $licenses }

    Download the KeyWriter app, and register it with a license number and its
    PIN number:
    { $url }/download

    License portal, as the app shows it:
    { $url }

    The app asks for the PIN each time you launch it. Keep this email in a safe
    place: we do not know your PINs.

    Have a question? { $email }, { $phone }
mail-verification-subject = Complete the activation of your KeyWriter license
mail-verification-body =
    Please click the link to complete the activation of your license:

    { $link }

    The link is valid until { $expires } and can be used once.

    If you did not enter a license number, you can ignore this email: nothing is
    activated without the link.

    Have a question? { $email }, { $phone }
mail-moved-subject = Your email address was removed from a KeyWriter license
mail-moved-body =
    This email address no longer belongs to the KeyWriter license whose number
    begins with { $start }. Our support has entered another address for it.

    The PIN number in our earlier emails is no longer valid.

    You did not expect this? Please contact us: { $email }, { $phone }
