#!/bin/sh
# Makes certificates of authorities and their revocation lists anew; see README.md. Needs the openssl command, 3.0 or later.
set -eu
cd "$(dirname "$0")"
rm -f ./*.pem
work=$(mktemp -d)
trap 'rm -r "$work"' EXIT
cat >"$work/ca.cnf" <<CNF
[ca]
default_ca = any_ca
[any_ca]
new_certs_dir = $work
rand_serial = yes
default_md = sha256
policy = any
unique_subject = no
copy_extensions = none
[any]
commonName = supplied
[req]
distinguished_name = name
[name]
[authority]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
[last_authority]
basicConstraints = critical, CA:TRUE, pathlen:0
keyUsage = critical, keyCertSign, cRLSign
[constrained]
basicConstraints = critical, CA:TRUE
nameConstraints = critical, permitted;DNS:example.com
[no_authority]
keyUsage = critical, digitalSignature
[not_for_certificates]
basicConstraints = critical, CA:TRUE
keyUsage = critical, digitalSignature
[leaf]
keyUsage = critical, digitalSignature, keyEncipherment
subjectAltName = DNS:edi.acme.example, email:edi@acme.example
[encryption_leaf]
keyUsage = critical, keyEncipherment
[code_leaf]
extendedKeyUsage = codeSigning
[tls_leaf]
keyUsage = digitalSignature
extendedKeyUsage = serverAuth
CNF

key() { [ -f "$work/$1.key" ] || openssl genrsa -out "$work/$1.key" 2048 2>/dev/null; }
request() { # key, common name
    key "$1"
    openssl req -new -config "$work/ca.cnf" -key "$work/$1.key" -subj "/CN=$2" -out "$work/request.pem"
}
# name, key, common name, issuer's name (or self), extensions, start, end, digest
issue() {
    request "$2" "$3"
    database="$work/${4}.index"
    [ -f "$database" ] || : >"$database"
    if [ "$4" = self ]; then by="-selfsign -keyfile $work/$2.key"; else by="-cert $4.pem -keyfile $work/$4.key"; fi
    # shellcheck disable=SC2086
    (cat "$work/ca.cnf"; echo '[any_ca]'; echo "database = $database") >"$work/one.cnf"
    openssl ca -config "$work/one.cnf" -batch -notext $by -in "$work/request.pem" -extensions "$5" \
        -startdate "$6" -enddate "$7" -md "${8:-sha256}" -out "$1.pem" 2>/dev/null
    [ -f "$work/$1.key" ] || cp "$work/$2.key" "$work/$1.key"
}
now=20260101000000Z later=21260101000000Z gone=20260601000000Z

issue root root Root self authority $now $later
issue between between Between root authority $now $later
issue last last Last root last_authority $now $later
issue leaf leaf Acme between leaf $now $later
issue sibling sibling Sibling between leaf $now $later
issue renewed renewed Acme between leaf $now $later
cp "$work/renewed.key" renewed.key.pem
issue revoked revoked Revoked between leaf $now $later
issue encryption encryption Encryption between encryption_leaf $now $later
issue code code Code between code_leaf $now $later
issue tls tls Tls between tls_leaf $now $later

# What is wrong with an authority, each with a leaf under it.
under() { issue "under-$1" "under-$1" "Under $1" "$1" leaf $now $later; }
issue expired expired Expired root authority $now $gone; under expired
issue no-authority no-authority 'No authority' root no_authority $now $later; under no-authority
issue not-for-certificates not-for-certificates 'Not for certificates' root not_for_certificates $now $later
under not-for-certificates
issue constrained constrained Constrained root constrained $now $later; under constrained
issue sha1 sha1 Sha1 root authority $now $later sha1; under sha1
issue too-long too-long 'Too long' last authority $now $later; under too-long
under last
# An authority that calls itself as another one does.
issue impostor impostor Between self authority $now $later; under impostor
openssl req -x509 -config "$work/ca.cnf" -newkey rsa:2048 -nodes -keyout "$work/version1.key" -subj /CN=Version1 \
    -days 36500 -out "$work/version3.pem" 2>/dev/null
openssl req -new -config "$work/ca.cnf" -key "$work/version1.key" -subj /CN=Version1 -out "$work/request.pem"
openssl x509 -req -in "$work/request.pem" -signkey "$work/version1.key" -days 36500 -out version1.pem 2>/dev/null
under version1

# Revocation lists.
list() { # out, issuer, last update, next update, options
    (cat "$work/ca.cnf"; echo '[any_ca]'; echo "database = $work/$5.index") >"$work/one.cnf"
    openssl ca -config "$work/one.cnf" -gencrl -cert "$2.pem" -keyfile "$work/$2.key" -crl_lastupdate "$3" \
        -crl_nextupdate "$4" -out "$1.crl.pem" 2>/dev/null
}
(cat "$work/ca.cnf"; echo '[any_ca]'; echo "database = $work/between.index") >"$work/one.cnf"
cp "$work/between.index" "$work/before.index"
openssl ca -config "$work/one.cnf" -revoke revoked.pem -cert between.pem -keyfile "$work/between.key" 2>/dev/null
list between between $now $later between
list between-before between $now $later before
list between-old between $now $gone between
list between-impostor impostor $now $later before
(cat "$work/ca.cnf"; echo '[any_ca]'; echo "database = $work/root.index") >"$work/one.cnf"
openssl ca -config "$work/one.cnf" -revoke last.pem -cert root.pem -keyfile "$work/root.key" 2>/dev/null
list root root $now $later root
openssl crl -in between.crl.pem -outform DER -out between.crl
(cat "$work/ca.cnf"; echo '[any_ca]'; echo "database = $work/between.index"
    printf '[part]\nissuingDistributionPoint = critical, @point\n[point]\nonlyCA = TRUE\n') >"$work/one.cnf"
openssl ca -config "$work/one.cnf" -gencrl -crlexts part -cert between.pem -keyfile "$work/between.key" -crl_lastupdate $now \
    -crl_nextupdate $later -out part.crl.pem 2>/dev/null
