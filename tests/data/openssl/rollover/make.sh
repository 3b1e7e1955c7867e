#!/bin/sh
# Makes the certificates of a rollover anew; see README.md. Needs the openssl command, 3.0 or later.
set -eu
cd "$(dirname "$0")"
work=$(mktemp -d)
trap 'rm -r "$work"' EXIT
cat >"$work/ca.cnf" <<CNF
[ca]
default_ca = self
[self]
database = $work/index.txt
new_certs_dir = $work
rand_serial = yes
default_md = sha256
policy = any
unique_subject = no
[any]
commonName = supplied
organizationName = optional
[req]
distinguished_name = name
[name]
CNF
: >"$work/index.txt"
make() { # name subject start end
    openssl req -config "$work/ca.cnf" -newkey rsa:2048 -nodes -keyout "$1.key.pem" -subj "$2" -out "$work/$1.csr" 2>/dev/null
    openssl ca -config "$work/ca.cnf" -batch -notext -selfsign -keyfile "$1.key.pem" -in "$work/$1.csr" \
        -startdate "$3" -enddate "$4" -out "$1.pem" 2>/dev/null
}
# Two that overlap for two days, of the same name.
make old /O=Example/CN=rollover 20260101000000Z 20260111000000Z
make new /O=Example/CN=rollover 20260109000000Z 20260119000000Z
