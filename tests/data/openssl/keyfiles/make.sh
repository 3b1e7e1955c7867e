#!/bin/sh
# Makes the files anew; see README.md. Needs the openssl command, 3.0 or later, with its legacy provider.
set -eu
cd "$(dirname "$0")"
key=../keys/pkcs8.pem cert=../cms/bob.pem issuer=../cms/carol.pem

# PKCS#12: today's encryption, that of before 2021, and what is unusual.
p12() { out=$1; shift; openssl pkcs12 -export -name bob -passout pass:secret -out "$out" "$@"; }
p12 modern.p12 -inkey $key -in $cert -certfile $issuer
p12 legacy.p12 -inkey $key -in $cert -certfile $issuer -legacy
p12 certificates-only.p12 -nokeys -in $cert
openssl pkcs12 -export -inkey $key -in $cert -passout pass: -out no-password.p12
openssl ecparam -name prime256v1 -genkey -noout -out ec.sec1.pem
openssl pkcs8 -topk8 -nocrypt -in ec.sec1.pem -out ec.pkcs8.pem
openssl req -x509 -key ec.pkcs8.pem -days 36500 -subj /CN=ec -out ec.pem
openssl ec -in ec.sec1.pem -outform DER -out ec.sec1.der 2>/dev/null
p12 ec.p12 -inkey ec.pkcs8.pem -in ec.pem

# PKCS#7 with certificates only.
openssl crl2pkcs7 -nocrl -certfile $cert -certfile $issuer -out bundle.p7b
openssl crl2pkcs7 -nocrl -certfile $cert -certfile $issuer -outform DER -out bundle.der.p7b

# PKCS#8 under a password, by PBES2 with what products choose, and by PBES1.
pbes2() { out=$1; shift; openssl pkcs8 -topk8 -in $key -passout pass:secret -out "$out" "$@"; }
pbes2 aes256-sha256.pem -v2 aes-256-cbc
pbes2 aes128-sha1.pem -v2 aes-128-cbc -v2prf hmacWithSHA1
pbes2 des3.pem -v2 des3
pbes2 scrypt.pem -scrypt
pbes2 aes256-sha256.der -v2 aes-256-cbc -outform DER
pbes2 pbes1.pem -v1 PBE-SHA1-3DES

# Two keys in one file, a key that is too long, and what is no key.
cat $key ../keys/rsa3072.key.pem > two-keys.pem
openssl req -new -key $key -subj /CN=bob -out request.pem
openssl pkey -in $key -pubout -out public.pem
openssl req -x509 -newkey rsa:9216 -nodes -days 36500 -subj /CN=huge -keyout huge.key.pem -out huge.pem 2>/dev/null
