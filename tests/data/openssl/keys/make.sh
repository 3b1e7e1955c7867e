#!/bin/sh
# Makes the key files anew; see README.md. Needs the openssl command, 3.0 or later.
set -eu
cd "$(dirname "$0")"

bob=../cms/bob.key.der
openssl pkey -inform DER -in $bob -out pkcs8.pem
openssl rsa -inform DER -in $bob -traditional -out pkcs1.pem 2>/dev/null
openssl rsa -inform DER -in $bob -traditional -outform DER -out pkcs1.der 2>/dev/null
# Protected by the password "secret".
openssl pkcs8 -topk8 -inform DER -in $bob -passout pass:secret -out encrypted.pem
openssl pkcs8 -topk8 -inform DER -in $bob -passout pass:secret -outform DER -out encrypted.der
openssl rsa -inform DER -in $bob -traditional -aes128 -passout pass:secret -out encrypted-traditional.pem 2>/dev/null
# A renewed certificate of the same key.
openssl req -x509 -key pkcs8.pem -days 36500 -subj '/O=Example/CN=bob' -out renewed.pem
# Certificate and key in one file, as many tools keep them, then an issuer.
cat ../cms/bob.pem pkcs8.pem ../cms/carol.pem > bundle.pem

# Keys of other sizes and kinds.
openssl req -x509 -newkey rsa:1024 -nodes -days 36500 -subj '/CN=short' -keyout rsa1024.key.pem -out rsa1024.pem 2>/dev/null
openssl req -x509 -newkey rsa:3072 -nodes -days 36500 -subj '/CN=long' -keyout rsa3072.key.pem -out rsa3072.pem 2>/dev/null
openssl genrsa -primes 3 -out three-primes.pem 2048 2>/dev/null
openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out ec.pem
openssl ec -in ec.pem -out sec1.pem 2>/dev/null
