#!/bin/sh
# Makes the fixtures of signatures anew; see README.md. Needs the openssl command, 3.0 or later.
set -eu
cd "$(dirname "$0")"

content=../cms/content.bin
for party in alice bob; do
    cp "../cms/$party.pem" "$party.pem"
    openssl pkey -inform DER -in "../cms/$party.key.der" -out "$party.key.pem"
done

# Another key whose certificate has alice's issuer and serial number.
serial=$(openssl x509 -in alice.pem -noout -serial)
openssl req -x509 -newkey rsa:2048 -nodes -days 36500 -subj '/O=Example/CN=alice' -set_serial "0x${serial#serial=}" \
    -keyout lookalike.key.pem -out lookalike.pem 2>/dev/null
# An elliptic curve key.
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 36500 -subj '/O=Example/CN=dora' \
    -keyout dora.key.pem -out dora.pem 2>/dev/null
for party in lookalike dora; do
    openssl x509 -in "$party.pem" -outform DER -out "$party.der"
done

sign() {
    name=$1 signer=$2
    shift 2
    openssl cms -sign -binary -in "$content" -outform DER -signer "$signer.pem" -inkey "$signer.key.pem" "$@" -out "$name.der"
}

for digest in sha1 sha224 sha256 sha384 sha512; do
    sign "$digest" alice -md "$digest"
    # The signature is over the bare digest of the content.
    sign "$digest-without-attributes" alice -md "$digest" -noattr
done
# The signer is named by subject key identifier.
sign keyid alice -keyid
# bob signs too, and is first.
sign two bob -signer alice.pem -inkey alice.key.pem
# The certificate that comes along is not alice's, but has her issuer and serial number.
sign by-lookalike lookalike
# With the signingCertificateV2 attribute.
sign signing-certificate alice -cades
# What is not supported.
sign md5 alice -md md5
sign sha3 alice -md sha3-256
sign pss alice -keyopt rsa_padding_mode:pss
sign ecdsa dora
# The content is typed as id-signedData.
openssl cms -sign -binary -nodetach -in "$content" -outform DER -signer alice.pem -inkey alice.key.pem \
    -econtent_type pkcs7-signedData -out other-content-type.der

rm -- *.pem
