#!/bin/sh
# Makes the S/MIME messages anew; see README.md. Needs the openssl command, 3.0 or later, and what ../cms/make.sh made.
set -eu
cd "$(dirname "$0")"

cms=../cms
sign="openssl cms -sign -signer $cms/alice.pem -inkey $cms/alice.key.der -keyform DER -md sha256"

# A text part whose lines end in LF. Without -binary openssl signs its canonical form, in which they end in CR LF.
printf 'Content-Type: text/plain\nContent-Transfer-Encoding: 7bit\n\nfirst line\nsecond line\n' > text.entity
$sign -in text.entity -outform DER -out text-canonical.p7s

# As openssl writes S/MIME: with a preamble, and framing whose lines end in LF.
$sign -binary -in $cms/content.bin -out signed.eml

# The same within EnvelopedData.
openssl cms -encrypt -binary -aes256 -in signed.eml -outform DER -out signed-encrypted.p7m $cms/bob.pem

# The encrypted message as openssl writes S/MIME: the body repeats the MIME headers before the base64.
openssl cms -encrypt -binary -aes128 -in $cms/content.bin -out encrypted.eml $cms/bob.pem
