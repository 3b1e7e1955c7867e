#!/bin/sh
# Makes the fixtures of the past anew; see README.md. Needs the openssl command, 3.0 or later, with its legacy provider, and
# what ../cms/make.sh and ../signatures/make.sh made.
set -eu
cd "$(dirname "$0")"

cms=../cms
md5=../signatures/md5.der
sign="openssl cms -sign -binary -in $cms/content.bin -signer $cms/alice.pem -inkey $cms/alice.key.der -keyform DER"
encrypt="openssl cms -encrypt -binary -outform DER -provider legacy -provider default"

# With -rc2-cbc there is one in ../cms.
for cipher in rc2-40 rc2-64 des; do
    $encrypt "-$cipher-cbc" -in $cms/content.bin -out "enveloped-$cipher.der" $cms/bob.pem
done
$encrypt -rc2-40-cbc -stream -in $cms/content.bin -out enveloped-rc2-40-stream.ber $cms/bob.pem

$sign -md md5 -outform DER -noattr -out md5-without-attributes.der
$sign -md md5 -outform DER -nodetach -out md5-encapsulated.der
# rsaEncryption becomes md5WithRSAEncryption, which is as long, in the signer: the last one that there is.
at=$(openssl asn1parse -inform DER -in $md5 | sed -n 's/^ *\([0-9]*\):.*:rsaEncryption$/\1/p' | tail -n 1)
cp $md5 md5-with-rsa.der
printf '\004' | dd of=md5-with-rsa.der bs=1 seek=$((at + 10)) conv=notrunc 2>/dev/null

# Whole messages from alice to bob: the body of an application/pkcs7-mime.
$sign -md md5 -out signed.eml
for cipher in rc2-40 rc2-64 des; do
    $encrypt "-$cipher-cbc" -in signed.eml -out "md5-$cipher.p7m" $cms/bob.pem
done
$encrypt -rc2-cbc -in signed.eml -out md5-rc2-128.p7m $cms/bob.pem
# With one of the two alone.
$encrypt -aes256 -in signed.eml -out md5-aes256.p7m $cms/bob.pem
$sign -md sha256 -out signed.eml
$encrypt -rc2-cbc -in signed.eml -out sha256-rc2-128.p7m $cms/bob.pem
rm signed.eml

# A certificate that alice's key signs over MD5.
openssl req -new -newkey rsa:2048 -nodes -subj '/O=Example/CN=eve' -keyout eve.key -out eve.csr 2>/dev/null
openssl x509 -req -in eve.csr -md5 -days 36500 -CA $cms/alice.pem -CAkey $cms/alice.key.der -CAkeyform DER \
    -set_serial 1 -out certificate-md5.pem 2>/dev/null
rm eve.key eve.csr
