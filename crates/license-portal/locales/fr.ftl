# Les textes des pages et des e-mails. Le manuel d’utilisation emploie les mêmes termes.

# Cadre
skip-to-content = Aller au contenu
language = Langue
more-pages = Autres pages
imprint = Mentions légales
privacy = Confidentialité
question = Une question ? Contactez-nous :
date-and-time = { $day }/{ $month }/{ $year } à { $time } (UTC)

# Champs
email-address = Adresse e‑mail
license-number = Numéro de licence
pin-number = Code PIN
first-name = Prénom
last-name = Nom
company-name = Nom de l’entreprise
company-email = Adresse e‑mail de l’entreprise
phone-number = Numéro de téléphone
address-line = Adresse
city = Ville
postcode = Code postal
country = Pays
choose = Veuillez choisir
optional = Facultatif.
optional-company-email = Facultatif sans entreprise.
optional-postcode = Facultatif là où il n’en existe pas.

# Problèmes avec un formulaire
problem-title = Veuillez vérifier vos saisies
form-stale-text = Le formulaire est resté ouvert trop longtemps, ou votre navigateur n’accepte pas les cookies de ce site. Vos saisies sont conservées, sauf le code PIN.

# Erreurs dans un champ
wrong-empty = Veuillez renseigner ce champ.
wrong-text = Ce texte est trop long ou contient des caractères non autorisés.
wrong-email = Cette adresse e‑mail n’est pas valide. Exemple : john.doe@email.com
wrong-phone = Ce numéro de téléphone n’est pas valide. Exemple : +33 1 99 00 12 34
wrong-country = Veuillez choisir un pays.
wrong-pin-form = Le code PIN comporte 8 chiffres.
wrong-license-form = Le numéro de licence comporte 16 caractères : XXXX‑XXXX‑XXXX‑XXXX
wrong-license-slip = Faute de frappe dans le numéro de licence. Veuillez le comparer à celui de l’e‑mail, caractère par caractère.

# Activation de la licence
activate-title = Activation de la licence
thank-you = Merci pour votre achat !
activate-lead = Activez votre licence
activate-text = Veuillez saisir le numéro de licence et le code PIN que votre partenaire KeyWriter vous a fournis.
activate = Activer
no-license = Vous n’avez pas de licence ?
activation-refused = L’adresse e‑mail, le numéro de licence et le code PIN ne correspondent pas. Veuillez les saisir exactement comme dans l’e‑mail.

# E-mail de vérification
verify-title = E‑mail de vérification
verify-sent = Un e‑mail de vérification a été envoyé à { $email }.
verify-sent-again = Un autre e‑mail a été envoyé à { $email }. Vous pouvez utiliser le lien de n’importe lequel de nos e‑mails.
verify-next = Cliquez sur le lien contenu dans l’e‑mail, puis suivez les instructions pour terminer l’activation. Le lien est valable { $minutes } minutes.
verify-nothing = Aucun e‑mail reçu ? Vérifiez d’abord votre dossier de courrier indésirable. Si nous en envoyons un autre, le lien du premier reste valable.
verify-again = Renvoyer l’e‑mail

# Le lien de l’e-mail
link-title = Terminez l’activation
link-text = Votre adresse e‑mail est confirmée. Cliquez sur le bouton pour indiquer le titulaire de la licence.
link-button = Continuer
link-expires = Ce lien est valable jusqu’au { $expires }.
lapsed-title = Ce lien a expiré
lapsed-text = Pour votre sécurité, le lien n’était valable que peu de temps. Nous pouvons en envoyer un nouveau à la même adresse e‑mail. Ce que vous avez déjà saisi est conservé.
lapsed-button = Envoyer un nouveau lien
link-void-title = Ce lien n’est plus valable
link-void-text = Son adresse est incomplète, ou il ne peut plus être utilisé. Veuillez utiliser le lien de l’e‑mail le plus récent, ou saisir à nouveau votre numéro de licence et votre code PIN.
ticket-lapsed-title = Cette page a expiré
ticket-lapsed-text = Veuillez saisir à nouveau votre numéro de licence et votre code PIN.
revoked-title = Cette licence a été révoquée
revoked-text = Elle ne peut plus être activée ni enregistrée. Veuillez contacter notre service technique.

# Terminez l’activation
complete-title = Terminez l’activation
complete-text = Qui est le titulaire de la licence ? L’appli KeyWriter affiche le nom et l’entreprise.
confirm = Confirmer

# Activation réussie
success-title = Activation réussie
success-text = Suivez ces étapes pour commencer.
success-step-download = Téléchargez et installez l’appli KeyWriter.
success-step-authenticate = Authentifiez votre module de sécurité matériel (code PIN de 7 à 15 chiffres) et connectez-le à votre ordinateur.
success-step-register = Enregistrez l’appli avec votre numéro de licence et votre code PIN :
success-pin = dans l’e‑mail « { $subject } ». Vous êtes seul à le connaître.
success-email = Cette licence appartient à { $email }.
copy = Copier
copied = Copié
to-activation = Aller à l’activation de la licence

# Achat
purchase-text = L’appli KeyWriter nécessite une licence. Vous pouvez l’acheter auprès de nos partenaires ou directement chez nous.
purchase-partners = Nos partenaires
purchase-direct = Directement chez nous
purchase-contact = Indiquez-nous le nombre de licences souhaité, et nous vous enverrons une offre.
purchase-then = Après votre achat
purchase-mail = Vous recevrez un e‑mail contenant votre numéro de licence et votre code PIN.

# Télécharger
download = Télécharger
download-title = Télécharger l’appli KeyWriter
download-text = Avant d’installer un paquet, comparez sa valeur SHA-256 et vérifiez sa signature.
download-none = Aucun paquet n’est encore disponible. Veuillez contacter notre service technique.
download-signature = Signature
download-unsigned = non signé
download-yours = pour votre ordinateur
product-app = Appli KeyWriter
product-virtual = Modules virtuels, pour évaluation
product-portal = Portail de licences, pour les exploitants
system-debian = Debian et Ubuntu
system-fedora = Fedora, openSUSE et Red Hat
system-linux = Linux
system-mac = macOS
system-windows = Windows
processor-intel = Intel et AMD, 64 bits
processor-arm = ARM, 64 bits
size-bytes = { $size } o
size-kilobytes = { $size } ko
size-megabytes = { $size } Mo

# Enregistrement hors ligne
offline-title = Enregistrement hors ligne
offline-text = Pour un ordinateur sans connexion Internet : l’appli KeyWriter affiche un code de demande. Saisissez-le ici avec votre code PIN pour obtenir le code de réponse de l’appli.
offline-request = Code de demande
offline-button = Afficher le code de réponse
offline-response = Code de réponse
offline-type = Saisissez ces lignes dans l’appli KeyWriter. Elles ne sont valables que pour l’appli qui a affiché le code de demande.
offline-refused = Le code de demande et le code PIN ne correspondent pas, ou la licence n’est pas active. Veuillez saisir le code PIN exactement comme dans l’e‑mail.
offline-full = Cette licence est déjà enregistrée sur { $most } ordinateurs, le maximum autorisé. Veuillez demander à votre partenaire ou à notre service technique d’en libérer un.
wrong-code-slip = Faute de frappe dans la ligne { $line } du code.
wrong-code-form = Le code de demande comporte { $lines } lignes de 16 caractères.
wrong-code-mixed = Les lignes ne proviennent pas du même code.

# Un ticket sur un second écran
ticket-title = Ticket pour dépositaires
ticket-lead = Lisez ici ce que permet un ticket KeyWriter avant de l’approuver. Le ticket reste dans ce navigateur : rien n’en est envoyé.
ticket-file = Fichier du ticket
ticket-no-script = Cette page a besoin de JavaScript. Le ticket n’est lu que sur cet appareil.
ticket-wrong = Aucun ticket à montrer
ticket-malformed = Ce qui a été ouvert n’est pas un ticket complet, ou a été modifié en chemin. Faites-le renvoyer, ou scannez de nouveau le code QR.
ticket-no-code = Ce navigateur ne peut pas former le code. Prenez-en un plus récent, et ouvrez cette page avec https.
ticket-says = Ce qu’il permet
ticket-code = Code à saisir
ticket-type = Si vous êtes d’accord, et seulement dans ce cas, saisissez ces 16 chiffres sur le clavier de votre appareil, puis KEY. Si le texte dit autre chose que ce qui vous a été annoncé, ne saisissez rien.
ticket-certificates = Cette page ne connaît pas vos appareils : l’appareil maître et les dépositaires y figurent par le début de l’empreinte de leur certificat. « keywriter team list » la montre.
ticket-allows = Permet
ticket-choices = Choix
ticket-master = Appareil maître
ticket-team = Équipe
ticket-number = Ticket
ticket-clone = De cloner vers %to%
ticket-letter = De cloner par lettre vers %to%
ticket-named = %serials%, chacun une fois
ticket-any = %count% appareils quelconques
ticket-any-one = un appareil quelconque
ticket-rekey = De donner de nouvelles clés à l’équipe, et d’en exclure %serials% pour toujours
ticket-rekey-nobody = De donner de nouvelles clés à l’équipe, sans exclure personne
ticket-drops = La plus ancienne de seize époques peut être abandonnée : plus personne ne lira ses fichiers.
ticket-policy = De laisser désormais décider %quorum% de ces dépositaires : %custodians%
ticket-ask-nobody = De ne plus demander de dépositaires
ticket-certificate = certificat %hash%...
ticket-group = %group%, époque %epoch%
ticket-none = aucun
ticket-auto-lock = Verrouillage automatique
ticket-pin-policy = Règle de code PIN utilisateur
ticket-disable-master = Désactiver l’appareil maître

# Pages des opérateurs
operator-nav = Pages des opérateurs
operator-title = Licences
operator-log = Journal
operator-order = Nouvelle commande
operator-order-text = Toutes les licences d’une commande sont envoyées à l’acheteur dans un seul e‑mail, chacune avec son code PIN.
operator-order-button = Passer la commande
operator-other-order = Une autre commande a déjà été passée avec ce formulaire. Envoyez-le à nouveau pour passer aussi celle-ci.
operator-of-order = Commande { $order }
operator-show-order = Afficher ses licences
operator-buyer = Adresse e‑mail de l’acheteur
operator-count = Nombre de licences (1 à 100)
operator-mail-language = Langue des e‑mails
operator-seats = Ordinateurs par licence
optional-seats = Facultatif : le nombre habituel.
optional-holder = Si vous indiquez un titulaire, la licence est vendue active et n’a pas besoin d’être activée.
operator-import = Importer une commande
operator-import-text = Plusieurs acheteurs à la fois : collez les lignes d’un tableur ou le texte d’un fichier CSV. Si une ligne est incorrecte, rien n’est commandé. La première ligne nomme les colonnes ; seule la première de celles-ci est obligatoire :
operator-file = Fichier CSV
operator-table = Lignes de la commande
operator-as-table = Enregistrer comme tableau (CSV)
operator-hooks = Webhooks
operator-hooks-text = Adresses d’autres programmes informés lorsqu’une licence est vendue, activée, révoquée, rétablie ou transférée. Ajoutez-en une en ligne de commande :
operator-hook-told = Signalés : { $told } · en attente : { $waiting } · abandonnés : { $failed }
wrong-line = Ligne { $line } : { $why }
wrong-columns = La première ligne doit nommer les colonnes, dont email.
wrong-fields = Cette ligne n’a pas le même nombre de colonnes que la première.
wrong-no-line = Aucune ligne ne contient de commande.
wrong-too-many = Ensemble, cela fait plus de { $most } licences : répartissez-les sur plusieurs commandes.
wrong-language = La langue doit être en, de ou fr.
wrong-encoding = Certains caractères sont illisibles. Enregistrez le fichier au format « CSV UTF-8 ».
wrong-count = Veuillez saisir un nombre de 1 à { $most }.
wrong-seats = Veuillez saisir un nombre de 1 à 10000.
wrong-no-holder = Une entreprise doit aussi avoir un titulaire.
operator-sign-in = Connexion des opérateurs
operator-sign-in-text = Pour les personnes qui vendent des licences et aident leurs titulaires. Votre clé commence par « kwop_ ».
operator-key = Clé d’opérateur
operator-sign-in-button = Se connecter
operator-wrong-key = Cette clé n’est pas valable ou a expiré.
operator-ended = Vous n’êtes plus connecté. Votre clé a peut-être expiré ou été supprimée.
operator-sign-out = Se déconnecter
operator-words = Nom, entreprise, adresse e‑mail ou numéro
operator-show = Afficher
operator-show-all = Toutes
operator-show-undelivered = E‑mail non distribué
operator-search = Rechercher
operator-none = Aucune licence trouvée.
operator-next = Page suivante
operator-command-line = Ligne de commande
operator-installations = Ordinateurs
operator-seats-used = Ordinateurs enregistrés : { $count } sur { $most }.
operator-registered = Enregistré le { $first }, dernière utilisation le { $last }
operator-forget = Retirer
operator-help = Aider le titulaire
operator-resend = Envoyer un nouveau code PIN
operator-resend-text = Le titulaire reçoit un e‑mail avec le numéro de licence et un nouveau code PIN. L’ancien code PIN n’est alors plus valable.
operator-revoke = Révoquer cette licence
operator-revoke-text = Aucune appli ne pourra plus s’enregistrer avec cette licence ni la renouveler.
operator-restore = Annuler la révocation
operator-restore-text = La licence redevient ce qu’elle était avant sa révocation, sur les mêmes ordinateurs.
operator-correct = Corriger l’adresse e‑mail
operator-correct-text = Pour une faute de frappe dans l’adresse du même titulaire. Un nouveau code PIN est envoyé à la nouvelle adresse et un avis à l’ancienne. La licence reste enregistrée sur ses ordinateurs.
operator-transfer = Transférer à quelqu’un d’autre
operator-transfer-text = Le nouveau titulaire reçoit un e‑mail avec le numéro de licence et un nouveau code PIN, puis active la licence à nouveau. L’ancienne adresse reçoit un avis. Les applis de l’ancien titulaire ne peuvent plus renouveler la licence.
operator-reseat = Modifier le nombre d’ordinateurs
operator-reseat-text = Le nombre d’ordinateurs sur lesquels la licence peut être enregistrée. Les ordinateurs déjà enregistrés le restent.
operator-new-email = Nouvelle adresse e‑mail
operator-same-email = La licence a déjà cette adresse.
wrong-no-smtputf8 = Le serveur de messagerie ne distribue pas le courrier à cette adresse.
operator-person = Données personnelles
operator-export = Exporter les données personnelles
operator-export-text = Un fichier avec tout ce que le portail sait de cette licence et de son titulaire (JSON).
operator-erase = Effacer les données personnelles
operator-erase-text = Révoque la licence et efface définitivement l’adresse, le titulaire, les ordinateurs et les e‑mails. Le numéro reste, afin de ne jamais être attribué à nouveau. Les sauvegardes gardent les données jusqu’à ce que vous les supprimiez.
state-issued = Vendue
state-verifying = En cours d’activation
state-active = Active
state-revoked = Révoquée
mail-waiting = E‑mail en attente
mail-delivered = E‑mail distribué
mail-failed = E‑mail non distribué
fact-sold = Vendue le
fact-sold-by = Vendue par
fact-activated = Activée le
fact-mail = Dernier e‑mail
fact-holder = Titulaire
fact-address = Adresse
done-resent = Un nouveau code PIN est en route.
done-revoked = La licence est révoquée.
done-restored = La licence est redevenue ce qu’elle était avant sa révocation.
done-corrected = L’adresse est corrigée. Des e‑mails aux deux adresses sont en route.
done-transferred = La licence est transférée. Des e‑mails aux deux adresses sont en route.
done-erased = Les données personnelles sont effacées.
done-unregistered = L’ordinateur a été retiré.
done-reseated = Le nombre d’ordinateurs est modifié.
done-ordered = La commande { $order } est passée. L’e‑mail contenant les numéros de licence et les codes PIN est en route.
deed-signed-in = Connexion
deed-sold = Vente
deed-resent = Nouveau code PIN envoyé
deed-revoked = Révocation
deed-restored = Révocation annulée
deed-corrected = Adresse e‑mail corrigée
deed-transferred = Transfert
deed-exported = Données personnelles exportées
deed-erased = Données personnelles effacées
deed-unregistered = Ordinateur retiré
deed-reseated = Nombre d’ordinateurs modifié
deed-key-added = Clé d’opérateur ajoutée
deed-key-removed = Clé d’opérateur supprimée
deed-hook-added = Webhook ajouté
deed-hook-removed = Webhook supprimé
no-such-license-title = Licence introuvable
no-such-license-text = Aucune licence ne porte ce numéro, ou votre clé ne vous permet pas de la voir.
not-permitted-title = Action non autorisée
not-permitted-text = Votre clé d’opérateur ne permet pas cette action.
changed-title = Modifiée entre-temps
changed-text = Cette licence a été modifiée pendant que la page était ouverte, ou elle est révoquée. Veuillez vérifier ce qui est affiché maintenant et réessayer.

# Problèmes
form-expired-title = Veuillez renvoyer le formulaire
form-expired-text = Le formulaire est resté ouvert trop longtemps, ou il a été envoyé depuis un autre site. Revenez en arrière, rechargez la page et renvoyez le formulaire. Votre navigateur doit accepter les cookies de ce site.
form-malformed-title = Le formulaire n’a pas pu être lu
form-malformed-text = Une indication manque ou est trop longue. Revenez en arrière, rechargez la page et remplissez à nouveau le formulaire.
not-found-title = Page introuvable
not-found-text = Veuillez vérifier l’adresse.
wrong-method-title = Cette page ne peut pas être ouverte ainsi
wrong-method-text = Veuillez recommencer à partir de l’activation de la licence.
slow-down-title = Trop de tentatives
slow-down-text = Pour votre sécurité, seules quelques tentatives de suite sont autorisées. Veuillez réessayer dans { $minutes } min.
unavailable-title = Momentanément indisponible
unavailable-text = Rien n’a été perdu ni modifié. Veuillez réessayer dans quelques minutes.

# E-mails
mail-license-subject = Votre licence KeyWriter
mail-license-body =
    Merci pour votre achat !

    Numéro de licence : { $license }
    Code PIN : { $pin }

    Activez votre licence ici :
    { $url }/

    Enregistrez ensuite l’appli KeyWriter avec le numéro de licence et le code
    PIN. Portail de licences, tel que l’appli l’affiche :
    { $url }

    L’appli demande le code PIN à chaque lancement. Conservez cet e-mail en lieu
    sûr : nous ne connaissons pas votre code PIN.

    Une question ? { $email }, { $phone }
mail-license-active-body =
    Merci pour votre achat !

    Numéro de licence : { $license }
    Code PIN : { $pin }

    Votre licence est active. Téléchargez l’appli KeyWriter et enregistrez-la
    avec le numéro de licence et le code PIN :
    { $url }/download

    Portail de licences, tel que l’appli l’affiche :
    { $url }

    L’appli demande le code PIN à chaque lancement. Conservez cet e-mail en lieu
    sûr : nous ne connaissons pas votre code PIN.

    Une question ? { $email }, { $phone }
mail-order-subject = Vos licences KeyWriter
mail-order-body =
    Merci pour votre achat !

    Vos licences, chacune avec son code PIN :

    { $licenses }

    Activez chaque licence ici :
    { $url }/

    Enregistrez ensuite une appli KeyWriter avec le numéro de licence et son code
    PIN. Portail de licences, tel que l’appli l’affiche :
    { $url }

    L’appli demande le code PIN à chaque lancement. Conservez cet e-mail en lieu
    sûr : nous ne connaissons pas vos codes PIN.

    Une question ? { $email }, { $phone }
mail-order-active-body =
    Merci pour votre achat !

    Vos licences sont actives. Chacune avec son code PIN :

    { $licenses }

    Téléchargez l’appli KeyWriter et enregistrez-la avec un numéro de licence et
    son code PIN :
    { $url }/download

    Portail de licences, tel que l’appli l’affiche :
    { $url }

    L’appli demande le code PIN à chaque lancement. Conservez cet e-mail en lieu
    sûr : nous ne connaissons pas vos codes PIN.

    Une question ? { $email }, { $phone }
mail-verification-subject = Terminez l’activation de votre licence KeyWriter
mail-verification-body =
    Cliquez sur le lien pour terminer l’activation de votre licence :

    { $link }

    Le lien est valable jusqu’au { $expires } et utilisable une seule fois.

    Si vous n’avez pas saisi de numéro de licence, ignorez cet e-mail : sans le
    lien, rien n’est activé.

    Une question ? { $email }, { $phone }
mail-moved-subject = Votre adresse e‑mail a été retirée d’une licence KeyWriter
mail-moved-body =
    Cette adresse e‑mail n’appartient plus à la licence KeyWriter dont le numéro
    commence par { $start }. Notre assistance en a enregistré une autre.

    Le code PIN de nos e‑mails précédents n’est plus valable.

    Vous ne vous y attendiez pas ? Contactez-nous : { $email }, { $phone }
