#!/bin/sh
# Makes the files anew; see README.md. Needs keytool of a JDK, 17 or later.
set -eu
cd "$(dirname "$0")"
rm -f ./*.p12 ./*.jks ./*.cer ./*.p7b ./*.pem
make() { # file type
    keytool -genkeypair -alias as2 -keyalg RSA -keysize 2048 -sigalg SHA256withRSA -validity 36500 \
        -dname 'CN=keytool, O=Example' -storetype "$2" -keystore "$1" -storepass secret1 -keypass secret1
}
make station.p12 PKCS12
make station.jks JKS 2>/dev/null
make legacy.p12 PKCS12 2>/dev/null
rm legacy.p12
keytool -J-Dkeystore.pkcs12.legacy -genkeypair -alias as2 -keyalg RSA -keysize 2048 -validity 36500 \
    -dname 'CN=keytool legacy, O=Example' -storetype PKCS12 -keystore legacy.p12 -storepass secret1
# Two private keys in one store, and a store of trusted certificates.
cp station.p12 two.p12
keytool -genkeypair -alias other -keyalg RSA -keysize 2048 -validity 36500 -dname 'CN=other' -storetype PKCS12 \
    -keystore two.p12 -storepass secret1
keytool -exportcert -alias as2 -keystore station.p12 -storepass secret1 -file station.cer
keytool -exportcert -rfc -alias as2 -keystore station.p12 -storepass secret1 -file station.pem
keytool -importcert -noprompt -alias partner -file station.cer -storetype PKCS12 -keystore trusted.p12 -storepass secret1
keytool -genkeypair -alias ec -keyalg EC -groupname secp256r1 -validity 36500 -dname 'CN=keytool ec' -storetype PKCS12 \
    -keystore ec.p12 -storepass secret1
