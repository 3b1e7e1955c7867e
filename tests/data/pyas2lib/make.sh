#!/usr/bin/env bash
# Makes every file of this directory anew, keys included. Takes the interpreter of tests/peers/setup from
# EDIINT_PYAS2_PYTHON or makes it.
set -euo pipefail
cd "$(dirname "$0")"
python=${EDIINT_PYAS2_PYTHON:-$(../../peers/setup)}

peer() {
    "$python" -W ignore ../../peers/pyas2_peer.py "$@" 2>/dev/null
}

rm -f ./*.pem ./*.head ./*.body ./*.mic ./*.edi
for name in pyas2 receiver; do
    openssl req -x509 -newkey rsa:2048 -sha256 -nodes -days 36500 -subj "/O=ediint tests/CN=$name" \
        -keyout "$name-key.pem" -out "$name-cert.pem" 2>/dev/null
done
# Every line ends in CRLF, as EDI in lines does; no octet outside ASCII, so that pyas2lib labels it 7bit.
printf "UNA:+.? '\r\nUNB+UNOA:1+PYAS2+RECEIVER+261124:0300+1'\r\nUNZ+0+1'\r\n" >invoice.edi

# No line of it is one, and Python has no encoding for it.
for octet in $(seq 255 -1 0); do
    printf "\\x$(printf %02x "$octet")"
done >binary

# The receiver that answers is pyas2lib too. It demands what its arguments say, and ends when its standard input does.
serve() {
    scratch=$(mktemp -d)
    mkfifo "$scratch/stdin"
    peer serve --name receiver --key receiver-key.pem --cert receiver-cert.pem \
        --partner-name pyas2 --partner-cert pyas2-cert.pem --directory "$scratch" "$@" \
        <"$scratch/stdin" >"$scratch/facts" &
    exec {stop}>"$scratch/stdin"
    until grep -q listening "$scratch/facts"; do sleep 0.1; done
    url=$(sed -n 's/.*"url": "\([^"]*\)".*/\1/p' "$scratch/facts")
}

stop() {
    exec {stop}>&-
    wait
    rm -rf "$scratch"
}

# Records one exchange; the last options win.
send() {
    local name=$1
    shift
    peer send --url "$url" --name pyas2 --key pyas2-key.pem --cert pyas2-cert.pem --partner-name receiver \
        --partner-cert receiver-cert.pem --payload invoice.edi --content-type application/edifact \
        --filename invoice.edi --message-id "$name" --record "$name" "$@"
}

# An exchange whose MDN says that all is well; ends with an error otherwise.
exchange() {
    send "$@" | grep -q '"status": "processed"'
}

# An exchange whose message is refused; it is the MDN that is of interest.
refused() {
    local name=$1 status=$2
    shift 2
    send "$name" --record-mdn "$name-mdn" "$@" | grep -q "\"disposition\": \"[^\"]*; $status\""
    rm "$name".head "$name".body "$name".mic
}

trap 'rm -rf "${scratch:-}"' EXIT
serve
exchange plain --record-mdn plain-mdn
exchange compressed --compress
exchange signed --sign sha256 --mdn-sign sha256 --record-mdn signed-mdn
exchange signed-sha1 --sign sha1 --mdn-sign sha1
exchange signed-sha512-binary --sign sha512 --payload binary --filename binary --content-type application/octet-stream \
    --mdn async --mdn-sign sha512 --record-mdn signed-sha512-binary-mdn
exchange signed-pss --sign sha256 --signature rsassa_pss
exchange encrypted --encrypt aes_256_cbc --record-mdn encrypted-mdn
exchange encrypted-3des --encrypt tripledes_192_cbc
exchange signed-encrypted --sign sha256 --encrypt aes_256_cbc --record-mdn signed-encrypted-mdn
exchange compressed-encrypted --compress --encrypt aes_192_cbc
exchange compressed-signed --compress --sign sha256 --mdn async --record-mdn compressed-signed-mdn
exchange compressed-signed-encrypted --compress --sign sha256 --encrypt aes_128_cbc --mdn-sign sha256
refused undecryptable 'processed/Error: decryption-failed' --encrypt aes_256_cbc --partner-cert pyas2-cert.pem
refused forged 'processed/Error: authentication-failed' --sign sha256 --key receiver-key.pem --cert receiver-cert.pem
refused stranger 'processed/Error: unknown-trading-partner' --name stranger
stop
serve --require-signature --require-encryption
refused unencrypted 'processed/Error: insufficient-message-security' --mdn-sign sha256
stop
