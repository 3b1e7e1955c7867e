#!/bin/sh
# Makes the certificates of this directory anew; see README.md. Needs keytool (Java 17) and openssl, which turns the key
# stores into PEM.
set -eu
cd "$(dirname "$0")"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
password=changeit

# alias, distinguished name, more options of keytool -genkeypair
pair() {
    name=$1
    subject=$2
    shift 2
    keytool -genkeypair -keystore "$work/$name.p12" -storetype PKCS12 -storepass $password -alias "$name" \
        -dname "$subject" -validity 36500 "$@"
    openssl pkcs12 -in "$work/$name.p12" -passin pass:$password -nodes -nocerts |
        openssl pkcs8 -topk8 -nocrypt -out "$name.key"
    keytool -exportcert -rfc -keystore "$work/$name.p12" -storepass $password -alias "$name" -file "$name.pem"
    keytool -list -v -keystore "$work/$name.p12" -storepass $password | sed -n 's/^.*SHA256: //p' >"$name.sha256"
}

pair java-server 'CN=localhost, O=Acme' -keyalg RSA -keysize 2048
pair java-ec 'CN=localhost, O=Acme' -keyalg EC -groupname secp256r1 -ext 'san=dns:localhost'
pair java-ca-leaf 'CN=localhost, O=Acme' -keyalg RSA -keysize 2048 -ext bc:critical=ca:true -ext 'san=dns:localhost'
pair java-client 'CN=Acme AS2, O=Acme' -keyalg RSA -keysize 2048
