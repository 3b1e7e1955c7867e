#!/bin/sh
# Makes authorities of every kind of key anew; see README.md. Needs the openssl command, 3.0 or later.
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
policy = any
default_md = sha256
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
[leaf]
keyUsage = critical, digitalSignature, keyEncipherment
CNF
now=20260101000000Z later=21260101000000Z

openssl genrsa -out "$work/leaf.key" 2048 2>/dev/null
openssl req -new -config "$work/ca.cnf" -key "$work/leaf.key" -subj /CN=Leaf -out "$work/leaf.csr"

# name, digest, signature options; the key is there
authority() {
    name=$1 digest=$2
    shift 2
    : >"$work/index"
    (cat "$work/ca.cnf"; echo '[any_ca]'; echo "database = $work/index") >"$work/one.cnf"
    ca() { openssl ca -config "$work/one.cnf" -batch -notext -keyfile "$work/$name.key" -md "$digest" "$@" ; }
    openssl req -new -config "$work/ca.cnf" -key "$work/$name.key" -subj "/CN=$name" -out "$work/$name.csr"
    ca -selfsign -in "$work/$name.csr" -extensions authority -startdate $now -enddate $later "$@" -out "$name.pem"
    ca -cert "$name.pem" -in "$work/leaf.csr" -extensions leaf -startdate $now -enddate $later "$@" -out "$name-leaf.pem"
    openssl ca -config "$work/one.cnf" -keyfile "$work/$name.key" -cert "$name.pem" -revoke "$name-leaf.pem" 2>/dev/null
    ca -cert "$name.pem" -gencrl -crl_lastupdate $now -crl_nextupdate $later "$@" -out "$name.crl.pem"
}
key() { openssl genpkey -out "$work/$1.key" -algorithm "$2" ${3:+-pkeyopt "$3"} ; }

key p256 EC ec_paramgen_curve:P-256
authority p256 sha256
key p384 EC ec_paramgen_curve:P-384
authority p384 sha384
key p521 EC ec_paramgen_curve:P-521
authority p521 sha512
# A key for everything that signs with RSASSA-PSS, and keys for that alone: for any digest, and for SHA-512 with its salt.
openssl genrsa -out "$work/pss.key" 2048 2>/dev/null
authority pss sha256 -sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:digest
key pss-only RSA-PSS rsa_keygen_bits:2048
authority pss-only sha384
openssl genpkey -out "$work/pss-sha512.key" -algorithm RSA-PSS -pkeyopt rsa_keygen_bits:2048 \
    -pkeyopt rsa_pss_keygen_md:sha512 -pkeyopt rsa_pss_keygen_mgf1_md:sha512 -pkeyopt rsa_pss_keygen_saltlen:64 2>/dev/null
authority pss-sha512 sha512 -sigopt rsa_pss_saltlen:64
# Digests that do not count, and a kind of key that is not supported.
cp "$work/p256.key" "$work/p256-sha1.key"
authority p256-sha1 sha1
cp "$work/pss.key" "$work/pss-sha1.key"
authority pss-sha1 sha1 -sigopt rsa_padding_mode:pss
openssl genpkey -out "$work/ed25519.key" -algorithm ED25519
authority ed25519 null
# Another authority of the same name.
key p256-other EC ec_paramgen_curve:P-256
authority p256-other sha256
openssl req -x509 -config "$work/ca.cnf" -key "$work/p256-other.key" -subj /CN=p256 -days 36500 -extensions authority \
    -out p256-impostor.pem
rm p256-other*
