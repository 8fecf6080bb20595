# Tous les textes des pages et des e-mails. Les mots sont ceux du manuel d'utilisation.

# Cadre
skip-to-content = Aller au contenu
language = Langue
more-pages = Autres pages
question = Une question ? Contactez-nous :
date-and-time = { $day }/{ $month }/{ $year } à { $time } (UTC)

# Champs
email = E-mail
pin = PIN
license = Licence
email-address = Adresse e-mail
license-number = Numéro de licence
pin-number = Code PIN
first-name = Prénom
last-name = Nom
company-name = Nom de l'entreprise
company-email = Adresse e-mail de l'entreprise
phone-number = Numéro de téléphone
address-line = Adresse
city = Ville
postcode = Code postal
country = Pays
choose = Veuillez choisir

# Ce qui ne va pas dans un champ
wrong-empty = Veuillez renseigner ce champ.
wrong-text = Ce texte est trop long ou contient des caractères qui n'ont pas leur place ici.
wrong-email = Ce n'est pas une adresse e-mail. Exemple : john.doe@email.com
wrong-phone = Ce n'est pas un numéro de téléphone. Exemple : +33 1 99 00 12 34
wrong-country = Veuillez choisir un pays.
wrong-pin-form = Le code PIN comporte 8 chiffres.
wrong-license-form = Le numéro de licence comporte 16 lettres et chiffres : XXXX-XXXX-XXXX-XXXX
wrong-license-slip = Le numéro de licence contient une faute de frappe. Veuillez le comparer à l'e-mail, caractère par caractère.

# Activation de la licence
activate-title = Activation de la licence
thank-you = Merci pour votre achat !
activate-lead = Activez votre licence
activate-text = Veuillez saisir le numéro de licence et le code PIN fournis par votre partenaire KeyWriter.
activate = Activer
no-license = Vous n'avez pas de licence ?
activation-refused = L'adresse e-mail, le numéro de licence et le code PIN ne vont pas ensemble. Veuillez les saisir exactement tels qu'ils vous ont été communiqués.

# E-mail de vérification
verify-title = E-mail de vérification
verify-sent = Un e-mail de vérification a été envoyé à { $email }.
verify-next = Cliquez sur le lien inclus dans l'e-mail, puis suivez les instructions afin d'achever le processus d'activation. Le lien est valable { $minutes } minutes.
verify-nothing = Rien reçu ? Veuillez d'abord regarder dans vos courriers indésirables. Un nouveau lien remplace le précédent.
verify-again = Renvoyer l'e-mail

# Derrière le lien
link-title = Terminez l'activation
link-text = Votre adresse e-mail est confirmée. Cliquez sur le bouton pour indiquer le titulaire de la licence.
link-button = Continuer
link-expires = Ce lien est valable jusqu'au { $expires }.
lapsed-title = Ce lien a expiré
lapsed-text = Pour votre sécurité, le lien n'était valable que peu de temps. Nous pouvons en envoyer un nouveau à la même adresse e-mail.
lapsed-button = Envoyer un nouveau lien
link-void-title = Ce lien n'est plus valable
link-void-text = Il a déjà été utilisé, ou un e-mail plus récent l'a remplacé. Veuillez utiliser le lien de l'e-mail le plus récent, ou saisir à nouveau votre numéro de licence et votre code PIN.
ticket-lapsed-title = Cette page a expiré
ticket-lapsed-text = Veuillez saisir à nouveau votre numéro de licence et votre code PIN.
revoked-title = Cette licence a été révoquée
revoked-text = Elle ne peut plus être activée ni enregistrée. Veuillez contacter notre service technique.

# Terminez l'activation
complete-title = Terminez l'activation
complete-text = Veuillez renseigner tous les champs.
confirm = Confirmer

# Activation réussie
success-title = Activation réussie
success-text = Veuillez suivre les étapes ci-dessous pour commencer.
success-step-download = Téléchargez et installez l'appli KeyWriter.
success-step-authenticate = Authentifiez votre module de sécurité matériel (code PIN de 7 à 15 caractères) et connectez-le à votre ordinateur.
success-step-register = Enregistrez-vous et connectez-vous à l'aide des informations ci-dessous :
success-pin = Le code PIN se trouve dans l'e-mail que vous avez reçu avec le numéro de licence.
to-activation = Vers l'activation de la licence

# Achat
purchase-text = L'appli KeyWriter nécessite une licence. Vous l'obtenez auprès de nos partenaires ou directement auprès de nous.
purchase-partners = Nos partenaires
purchase-direct = Directement auprès de nous
purchase-contact = Indiquez-nous le nombre de licences souhaité ; nous vous enverrons une offre.
purchase-then = Après votre achat
purchase-mail = Vous recevrez un e-mail contenant votre numéro de licence et votre code PIN.

# Télécharger
download = Télécharger
download-title = Télécharger l'appli KeyWriter
download-text = Avant d'installer un paquet, comparez sa valeur SHA-256 et vérifiez sa signature.
download-none = Il n'y a pas encore de paquet ici. Veuillez contacter notre service technique.
download-signature = Signature
download-unsigned = sans signature

# Enregistrement hors ligne
offline-title = Enregistrement hors ligne
offline-text = Pour un ordinateur sans réseau : l'appli KeyWriter affiche un code de demande. Saisissez-le ici avec votre code PIN ; vous recevrez un code de réponse pour l'appli.
offline-request = Code de demande
offline-button = Afficher le code de réponse
offline-response = Code de réponse
offline-type = Saisissez ces lignes dans l'appli KeyWriter. Elles ne conviennent qu'à l'installation qui a affiché le code de demande.
offline-refused = Le code de demande et le code PIN ne vont pas ensemble, ou la licence n'est pas active. Veuillez saisir le code PIN exactement tel qu'il vous a été communiqué.
offline-full = Cette licence est déjà enregistrée sur { $most } ordinateurs, le maximum qu'elle autorise. Veuillez contacter votre partenaire ou le support pour en libérer un.
wrong-code-slip = La ligne { $line } du code contient une faute de frappe.
wrong-code-form = Le code de demande comporte { $lines } lignes de 16 lettres et chiffres.
wrong-code-mixed = Les lignes du code ne vont pas ensemble.

# Quand quelque chose fait obstacle
form-expired-title = Veuillez renvoyer le formulaire
form-expired-text = Ce formulaire est resté ouvert trop longtemps, ou il venait d'un autre site. Revenez en arrière, rechargez la page et renvoyez-le. Les cookies de cette page doivent être autorisés.
form-malformed-title = Le formulaire n'a pas été compris
form-malformed-text = Il manque quelque chose dans le formulaire, ou il est trop grand. Revenez en arrière, rechargez la page et remplissez-le à nouveau.
not-found-title = Cette page n'existe pas
not-found-text = Veuillez vérifier l'adresse.
wrong-method-title = Cette page ne peut pas être appelée ainsi
wrong-method-text = Veuillez recommencer à partir de l'activation de la licence.
slow-down-title = Trop de tentatives
slow-down-text = Pour votre sécurité, nous n'autorisons que quelques tentatives de suite. Veuillez réessayer dans { $minutes } min.
unavailable-title = Indisponible pour le moment
unavailable-text = Rien n'a été perdu ni modifié. Veuillez réessayer dans quelques minutes.

# E-mails
mail-license-subject = Votre licence KeyWriter
mail-license-body =
    Merci pour votre achat !

    Numéro de licence : { $license }
    Code PIN : { $pin }

    Activez votre licence ici :
    { $url }/

    Après l'activation, enregistrez l'appli KeyWriter avec le numéro de licence
    et le code PIN. Le code PIN vous est demandé à chaque lancement de l'appli.
    Conservez cet e-mail en lieu sûr : nous ne connaissons pas votre code PIN.

    Une question ? { $email }, { $phone }
mail-license-active-body =
    Merci pour votre achat !

    Numéro de licence : { $license }
    Code PIN : { $pin }

    Votre licence est active. Téléchargez l'appli KeyWriter et enregistrez-la
    avec le numéro de licence et le code PIN :
    { $url }/download

    Le code PIN vous est demandé à chaque lancement de l'appli. Conservez cet
    e-mail en lieu sûr : nous ne connaissons pas votre code PIN.

    Une question ? { $email }, { $phone }
mail-verification-subject = Terminez l'activation de votre licence KeyWriter
mail-verification-body =
    Cliquez sur le lien pour terminer l'activation de votre licence :

    { $link }

    Le lien est valable jusqu'au { $expires } et une seule fois.

    Si vous n'avez saisi aucun numéro de licence, vous n'avez rien à faire :
    sans le lien, rien n'est activé.

    Une question ? { $email }, { $phone }
