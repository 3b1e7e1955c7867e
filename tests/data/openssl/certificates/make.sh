#!/bin/sh
# Makes the certificates of this directory. Keys are thrown away. Needs OpenSSL 3.0 or later.
set -eu
cd "$(dirname "$0")"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
request() { # name, options of openssl req
    name=$1
    shift
    openssl req -x509 -newkey rsa:2048 -nodes -keyout "$work/$name.key" -out "$name.pem" -days 3650 "$@"
}
request utf8 -utf8 -nameopt utf8 -subj "/C=DE/O=Müller GmbH/CN=Müller EDI" -set_serial 0x00ff00aa
request plain -subj "/C=US/O=Acme/OU=EDI/CN=Acme AS2" -set_serial 4711
# What the text of a name has to escape.
request comma -subj "/CN=Acme EDI, O=Acme"
request multi -subj "/O=Acme+CN=Acme EDI"
request special -subj '/O=a\+b/OU= c /CN=#"d";<e>\\'
# Version 1 has no extensions.
openssl req -new -newkey rsa:1024 -nodes -keyout "$work/v1.key" -subj "/CN=Old One" -out "$work/v1.csr"
openssl x509 -req -in "$work/v1.csr" -signkey "$work/v1.key" -days 3650 -set_serial 1 -out v1.pem
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$work/ec.key" -subj "/CN=Curve" -out ec.pem
openssl req -x509 -newkey rsa:8200 -nodes -keyout "$work/large.key" -subj "/CN=Large" -out large.pem
cat plain.pem utf8.pem > two.pem
