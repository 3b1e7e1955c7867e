#!/bin/sh
# Makes the CMS fixtures anew; see README.md. Needs the openssl command, 3.0 or later.
set -eu
cd "$(dirname "$0")"

for party in alice bob carol; do
    openssl req -x509 -newkey rsa:2048 -nodes -sha256 -days 36500 -subj "/O=Example/CN=$party" \
        -addext subjectKeyIdentifier=hash -keyout "$party.key.pem" -out "$party.pem" 2>/dev/null
    openssl pkcs8 -topk8 -nocrypt -in "$party.key.pem" -outform DER -out "$party.key.der"
    openssl x509 -in "$party.pem" -outform DER -out "$party.der"
done

{
    printf 'Content-Type: application/edifact\r\n\r\n'
    i=0
    while [ $i -lt 400 ]; do
        printf "LIN+%d++4000862141404:SRS'\r\n" $i
        i=$((i + 1))
    done
} > content.bin

sign="openssl cms -sign -binary -in content.bin -signer alice.pem -inkey alice.key.pem -md sha256 -outform DER"
$sign -out signed-detached.der
$sign -nodetach -out signed.der
$sign -nodetach -stream -out signed-stream.ber
$sign -nodetach -nocerts -out signed-nocerts.der

encrypt="openssl cms -encrypt -binary -in content.bin -outform DER"
for cipher in aes128 aes192 aes256 des3; do
    $encrypt "-$cipher" -out "enveloped-$cipher.der" bob.pem
    $encrypt "-$cipher" -stream -out "enveloped-$cipher-stream.ber" bob.pem
done
$encrypt -aes256 -keyid -out enveloped-keyid.der bob.pem
$encrypt -aes256 -out enveloped-three.der carol.pem alice.pem bob.pem
$encrypt -aes256 -secretkey 000102030405060708090a0b0c0d0e0f -secretkeyid 4142 -recip bob.pem -out enveloped-kek.der
$encrypt -aes256 -recip bob.pem -keyopt rsa_padding_mode:oaep -out enveloped-oaep.der
$encrypt -rc2 -provider legacy -provider default -out enveloped-rc2.der bob.pem
$encrypt -aes-256-gcm -out auth-enveloped.der bob.pem

rm -- *.key.pem
