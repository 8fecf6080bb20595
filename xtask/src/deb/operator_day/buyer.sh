# The first customer: reads the mails that Postfix delivered, and activates the license on the portal's pages; then the
# app registers.
site=https://licenses.example.com
jar=$(mktemp)

page() {
    curl --silent --show-error --fail --location --cacert fullchain.pem --cookie "$jar" --cookie-jar "$jar" "$@"
}

# Prints what follows a word in the mail, when it has come: first in its text, which is before the HTML.
mailed() {
    for _try in $(seq 50); do
        # A line that ends in `=` goes on in the next one.
        found=$(sed -n -e ':join' -e '/=$/{N;s/=\n//;b join' -e '}' -e "s|^.*$1\(.*\)|\1|p" /var/mail/you 2>/dev/null |
            sed -n 1p)
        [ -z "$found" ] || break
        sleep 0.2
    done
    [ -n "$found" ] || exit 1
    echo "$found"
}

# Sends the form of the page that was read last.
send() {
    token=$(sed -n 's/.*name="token" value="\([^"]*\)".*/\1/p' page.html | head -n 1)
    path=$1
    shift
    page --data-urlencode "token=$token" "$@" "$site$path" >page.html
}

number=$(mailed 'License number: ')
pin=$(mailed 'PIN number: ')
: >/var/mail/you
page "$site/" >page.html
send / --data-urlencode email=you@licenses.example.com --data-urlencode "license=$number" --data-urlencode "pin=$pin"
link=/activation/$(mailed "$site/activation/")
: >/var/mail/you
page "$site$link" >page.html
send "$link/open"
send "$link" -d first_name=John -d last_name=Doe -d company= -d company_email= -d city=London -d country=GB \
    --data-urlencode 'phone=+44 20 7946 0123' --data-urlencode 'address=1 Main Street' \
    --data-urlencode 'postcode=N1 9GU'
grep -q '<h1>Activation successful</h1>' page.html
page --data "{\"license\":\"$number\",\"pin\":\"$pin\",\"installation\":\"$(openssl rand -hex 16)\"}" \
    "$site/api/v1/register" | grep -q '"token"'
# Nothing of it may stop at the proxy or in the program's log.
if grep -E 'WARN|ERROR' /var/log/license-portal.log; then exit 1; fi
echo "$number is active and registered"
