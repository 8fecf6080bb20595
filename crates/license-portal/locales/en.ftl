# Every text of the pages and mails. The words are those of the user manual.

# Frame
skip-to-content = Skip to content
language = Language
more-pages = More pages
question = Have a question? Contact us at:
date-and-time = { $year }-{ $month }-{ $day }, { $time } UTC

# Fields
email = Email
pin = PIN
license = License
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

# What is wrong with a field
wrong-empty = Please fill in this field.
wrong-text = This text is too long, or holds characters that do not belong in it.
wrong-email = This is not an email address. Example: john.doe@email.com
wrong-phone = This is not a phone number. Example: +44 20 7946 0123
wrong-country = Please choose a country.
wrong-pin-form = The PIN number has 8 digits.
wrong-license-form = The license number has 16 letters and digits: XXXX-XXXX-XXXX-XXXX
wrong-license-slip = There is a typing error in the license number. Please compare it with the email, character by character.

# License activation
activate-title = License activation
thank-you = Thank you for your purchase!
activate-lead = Activate your license
activate-text = Please enter the license and PIN number that was provided by your preferred KeyWriter partner.
activate = Activate
no-license = Don't have a license?
activation-refused = Email address, license number and PIN number do not belong together. Please enter them precisely as received.

# Verification email
verify-title = Verification email
verify-sent = We have sent a verification email to { $email }.
verify-next = Please click on the link provided in the email and follow the instructions to complete the activation process. The link is valid for { $minutes } minutes.
verify-nothing = Nothing received? Please look into your spam folder first. A new link replaces the one before.
verify-again = Send the email again

# Behind the link
link-title = Complete your activation
link-text = Your email address is confirmed. Click the button to enter the holder of the license.
link-button = Continue
link-expires = This link is valid until { $expires }.
lapsed-title = This link has expired
lapsed-text = For your security the link was valid for a short time only. We can send a new one to the same email address.
lapsed-button = Send a new link
link-void-title = This link is no longer valid
link-void-text = It was used already, or a newer email has replaced it. Please use the link in the newest email, or enter your license number and PIN number again.
ticket-lapsed-title = This page has expired
ticket-lapsed-text = Please enter your license number and PIN number again.
revoked-title = This license was revoked
revoked-text = It can no longer be activated or registered. Please contact our technical support.

# Complete your activation
complete-title = Complete your activation
complete-text = Please complete all the fields.
confirm = Confirm

# Activation successful
success-title = Activation successful
success-text = Please follow the steps below to get started.
success-step-download = Download and install the KeyWriter app.
success-step-authenticate = Authenticate your hardware security module (7-15 digit PIN) and connect it to your computer.
success-step-register = Register and login using the information below:
success-pin = The PIN number is in the email that you received with the license number.
to-activation = To the license activation

# Purchase
purchase-text = The KeyWriter app needs a license. You receive it from our partners or directly from us.
purchase-partners = Our partners
purchase-direct = Directly from us
purchase-contact = Tell us how many licenses you need; we send you an offer.
purchase-then = After your purchase
purchase-mail = You receive an email with your license number and PIN number.

# Download
download = Download
download-title = Download the KeyWriter app
download-text = Before you install a package, compare its SHA-256 value and check its signature.
download-none = There are no packages here yet. Please contact our technical support.
download-signature = Signature
download-unsigned = without signature

# Offline registration
offline-title = Offline registration
offline-text = For a computer without a network: the KeyWriter app shows a request code. Enter it here with your PIN number; you receive a response code for the app.
offline-request = Request code
offline-button = Show the response code
offline-response = Response code
offline-type = Enter these lines in the KeyWriter app. They fit only the installation that showed the request code.
offline-refused = Request code and PIN number do not belong together, or the license is not active. Please enter the PIN number precisely as received.
offline-full = This license is registered on { $most } computers already, as many as it allows. Please contact your partner or support to free one.
wrong-code-slip = There is a typing error in line { $line } of the code.
wrong-code-form = The request code has { $lines } lines of 16 letters and digits.
wrong-code-mixed = The lines of the code do not belong together.

# When something is in the way
form-expired-title = Please send the form again
form-expired-text = This form was open for too long, or it came from another website. Go back, reload the page and send it again. Cookies of this page must be allowed.
form-malformed-title = The form was not understood
form-malformed-text = Something is missing in the form, or it is too large. Go back, reload the page and fill it in again.
not-found-title = There is no such page
not-found-text = Please check the address.
wrong-method-title = This page cannot be called like that
wrong-method-text = Please start again from the license activation.
slow-down-title = Too many attempts
slow-down-text = For your security we allow only a few attempts in a row. Please try again in { $minutes } min.
unavailable-title = Unavailable at the moment
unavailable-text = Nothing was lost or changed. Please try again in a few minutes.

# Mails
mail-license-subject = Your KeyWriter license
mail-license-body =
    Thank you for your purchase!

    License number: { $license }
    PIN number: { $pin }

    Activate your license here:
    { $url }/

    After the activation you register the KeyWriter app with the license number
    and the PIN number. You need the PIN each time you launch the app. Keep this
    email in a safe place: we do not know your PIN.

    Have a question? { $email }, { $phone }
mail-license-active-body =
    Thank you for your purchase!

    License number: { $license }
    PIN number: { $pin }

    Your license is active. Download the KeyWriter app and register it with the
    license number and the PIN number:
    { $url }/download

    You need the PIN each time you launch the app. Keep this email in a safe
    place: we do not know your PIN.

    Have a question? { $email }, { $phone }
mail-verification-subject = Complete the activation of your KeyWriter license
mail-verification-body =
    Please click on the link to complete the activation of your license:

    { $link }

    The link is valid until { $expires } and can be used once.

    If you did not enter a license number, you need not do anything: without
    the link nothing is activated.

    Have a question? { $email }, { $phone }
