#!/bin/sh
# Makes the TLS certificates of this directory anew; see README.md. Needs the openssl command, 3.0 or later.
set -eu
cd "$(dirname "$0")"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
printf '[req]\ndistinguished_name=dn\n[dn]\n' >"$work/empty.cnf"
san='subjectAltName=DNS:localhost'

# name, common name, extensions
self_signed() {
    openssl req -x509 -newkey rsa:2048 -nodes -sha256 -days 36500 -subj "/CN=$2" -config "$work/empty.cnf" \
        ${3:+-addext "$3"} ${4:+-addext "$4"} -keyout "$1.key" -out "$1.pem" 2>/dev/null
}

# name, options of openssl x509: a certificate for localhost
from_request() {
    name=$1
    shift
    openssl req -newkey rsa:2048 -nodes -subj /CN=localhost -config "$work/empty.cnf" \
        -keyout "$name.key" -out "$work/request" 2>/dev/null
    openssl x509 -req -sha256 -in "$work/request" -set_serial "0x$(openssl rand -hex 8)" -out "$name.pem" "$@" 2>/dev/null
}

self_signed server localhost "$san"
self_signed other localhost "$san"
self_signed elsewhere elsewhere.example 'subjectAltName=DNS:elsewhere.example'
self_signed no-san localhost basicConstraints=CA:FALSE
self_signed ca-leaf localhost "$san" 'basicConstraints=critical,CA:TRUE'
self_signed client 'AS2 client' extendedKeyUsage=clientAuth
self_signed stranger 'AS2 client' extendedKeyUsage=clientAuth
self_signed address 'AS2 server' 'subjectAltName=IP:127.0.0.1,IP:::1'
self_signed authority authority 'basicConstraints=critical,CA:TRUE' 'keyUsage=critical,keyCertSign,cRLSign'
authority_key=authority.key
printf '%s\n' "$san" >"$work/san"
from_request issued -CA authority.pem -CAkey $authority_key -days 36500 -extfile "$work/san"
from_request issued-too -CA authority.pem -CAkey $authority_key -days 36500 -extfile "$work/san"
from_request version1 -signkey version1.key -days 36500
from_request expired -signkey expired.key -days -1 -extfile "$work/san"
rm $authority_key
