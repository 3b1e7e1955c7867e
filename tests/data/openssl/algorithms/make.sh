#!/bin/sh
# Makes the fixtures anew; see README.md. Needs the openssl command, 3.0 or later.
set -eu
cd "$(dirname "$0")"

content=content.bin
bob=../cms/bob.pem

{
    printf 'Content-Type: application/edifact\r\n\r\n'
    for i in 1 2 3 4 5 6 7; do
        printf "LIN+%d++4000862141404:SRS'\r\n" $i
    done
} > content.bin

# Parties with other keys than RSA of 2048 bits for everything.
party() {
    name=$1
    shift
    openssl req -x509 -nodes -sha256 -days 36500 -subj "/O=Example/CN=$name" -addext subjectKeyIdentifier=hash \
        -newkey "$@" -keyout "$name.key.pem" -out "$name.pem" 2>/dev/null
}
party p256 ec -pkeyopt ec_paramgen_curve:P-256
party p384 ec -pkeyopt ec_paramgen_curve:P-384
party p521 ec -pkeyopt ec_paramgen_curve:P-521
party pss rsa-pss -pkeyopt rsa_keygen_bits:2048
party pss-sha256 rsa-pss -pkeyopt rsa_keygen_bits:2048 -pkeyopt rsa_pss_keygen_md:sha256 \
    -pkeyopt rsa_pss_keygen_mgf1_md:sha256 -pkeyopt rsa_pss_keygen_saltlen:32
for curve in p256 p384; do
    openssl ec -in "$curve.key.pem" -out "$curve.sec1.pem" 2>/dev/null
done

oaep() {
    name=$1
    shift
    openssl cms -encrypt -binary -in "$content" -outform DER -aes256 -recip "$bob" \
        -keyopt rsa_padding_mode:oaep "$@" -out "oaep-$name.der"
}
oaep default
oaep label -keyopt rsa_oaep_label:656469696e74
for md in sha1 sha224 sha256 sha384 sha512; do
    oaep "$md" -keyopt "rsa_oaep_md:$md" -keyopt "rsa_mgf1_md:$md"
done
oaep sha256-mgf1-sha1 -keyopt rsa_oaep_md:sha256 -keyopt rsa_mgf1_md:sha1
oaep sha1-mgf1-sha512 -keyopt rsa_oaep_md:sha1 -keyopt rsa_mgf1_md:sha512
oaep sha3 -keyopt rsa_oaep_md:sha3-256

# signed NAME MD SIGNER ...
signed() {
    name=$1
    md=$2
    signer=$3
    shift 3
    openssl cms -sign -binary -in "$content" -md "$md" -outform DER -signer "$signer.pem" "$@" -out "signed-$name.der"
}
for md in sha1 sha224 sha256 sha384 sha512; do
    signed "pss-$md" "$md" ../cms/alice -inkey ../cms/alice.key.der -keyform DER -keyopt rsa_padding_mode:pss
    signed "p256-$md" "$md" p256 -inkey p256.key.pem
    signed "p384-$md" "$md" p384 -inkey p384.key.pem
done
signed pss-salt20 sha256 ../cms/alice -inkey ../cms/alice.key.der -keyform DER -keyopt rsa_padding_mode:pss \
    -keyopt rsa_pss_saltlen:20
signed pss-mgf1-sha1 sha256 ../cms/alice -inkey ../cms/alice.key.der -keyform DER -keyopt rsa_padding_mode:pss \
    -keyopt rsa_mgf1_md:sha1
signed pss-noattr sha256 ../cms/alice -inkey ../cms/alice.key.der -keyform DER -keyopt rsa_padding_mode:pss -noattr
signed p256-noattr sha256 p256 -inkey p256.key.pem -noattr
signed pss-key-sha512 sha512 pss -inkey pss.key.pem -keyopt rsa_padding_mode:pss
signed pss-key-sha256 sha256 pss-sha256 -inkey pss-sha256.key.pem -keyopt rsa_padding_mode:pss

encrypted() {
    name=$1
    shift
    openssl cms -encrypt -binary -in "$content" -outform DER "$@" -out "$name"
}
for bits in 128 192 256; do
    encrypted "gcm-$bits.der" "-aes-$bits-gcm" -recip "$bob"
done
encrypted gcm-stream.ber -stream -aes-256-gcm -recip "$bob"

for curve in p256 p384 p521; do
    for md in sha1 sha224 sha256 sha384 sha512; do
        encrypted "ecdh-$curve-$md.der" -aes128 -recip "$curve.pem" -keyopt "ecdh_kdf_md:$md"
    done
    encrypted "ecdh-$curve-aes192.der" -aes192 -recip "$curve.pem"
    encrypted "ecdh-$curve-aes256.der" -aes256 -recip "$curve.pem"
done
encrypted ecdh-cofactor.der -aes128 -recip p256.pem -keyopt ecdh_cofactor_mode:1
encrypted ecdh-3des.der -des3 -recip p256.pem
encrypted ecdh-wrap256-aes128.der -aes128 -wrap aes256-wrap -recip p256.pem
encrypted ecdh-keyid.der -aes256 -keyid -recip p256.pem
encrypted ecdh-gcm.der -aes-256-gcm -recip p384.pem
encrypted mixed.der -aes256 -recip "$bob" -recip p256.pem -recip p384.pem
