#!/bin/sh
# Makes the TLS identities anew; see README.md. Needs the openssl command, 3.0 or later.
set -eu
cd "$(dirname "$0")"

key() {
    openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 2>/dev/null |
        openssl pkcs8 -topk8 -nocrypt -outform DER -out "$1.key.der"
}

# An authority, and certificates of it.
key authority
openssl req -new -x509 -key authority.key.der -keyform DER -days 36500 -subj '/O=Example/CN=Authority' -outform DER \
    -out authority.der

issue() {
    key "$1"
    printf 'subjectAltName = %s\nextendedKeyUsage = serverAuth, clientAuth\n' "$2" >extensions
    openssl req -new -key "$1.key.der" -keyform DER -subj "/O=Example/CN=$1" |
        openssl x509 -req -CA authority.der -CAkey authority.key.der -CAform DER -CAkeyform DER -set_serial "$3" \
            -days "$4" -extfile extensions -outform DER -out "$1.der" 2>/dev/null
    rm extensions
}
issue localhost 'DNS:localhost, IP:127.0.0.1' 1 36500
issue elsewhere 'DNS:elsewhere.example' 2 36500
issue expired 'DNS:localhost' 3 -1

# Self-signed, with nothing but a common name; the second is of version 1.
key named
openssl req -new -x509 -key named.key.der -keyform DER -days 36500 -subj '/CN=localhost' -outform DER -out named.der
key old
openssl req -new -key old.key.der -keyform DER -subj '/CN=localhost' |
    openssl x509 -req -signkey old.key.der -keyform DER -days 36500 -outform DER -out old.der 2>/dev/null

rm authority.key.der
