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

# The receiver that answers is pyas2lib too.
scratch=$(mktemp -d)
mkfifo "$scratch/stdin"
peer serve --name receiver --key receiver-key.pem --cert receiver-cert.pem \
    --partner-name pyas2 --partner-cert pyas2-cert.pem --directory "$scratch" \
    <"$scratch/stdin" >"$scratch/facts" &
exec 3>"$scratch/stdin"
trap 'exec 3>&-; rm -rf "$scratch"' EXIT
until grep -q listening "$scratch/facts"; do sleep 0.1; done
url=$(sed -n 's/.*"url": "\([^"]*\)".*/\1/p' "$scratch/facts")

# Records one exchange; what follows the name are options of the sender. It ends unless the MDN says that all is well.
exchange() {
    local name=$1
    shift
    peer send --url "$url" --name pyas2 --key pyas2-key.pem --cert pyas2-cert.pem --partner-name receiver \
        --partner-cert receiver-cert.pem --payload invoice.edi --content-type application/edifact \
        --filename invoice.edi --message-id "$name" --record "$name" "$@" | tee -a "$scratch/sent" |
        grep -q '"status": "processed"'
}

exchange signed --sign sha256 --mdn-sign sha256 --record-mdn signed-mdn
exchange signed-sha1 --sign sha1 --mdn-sign sha1
exchange signed-pss --sign sha256 --signature rsassa_pss
exchange encrypted --encrypt aes_256_cbc --record-mdn encrypted-mdn
exchange encrypted-3des --encrypt tripledes_192_cbc
exchange signed-encrypted --sign sha256 --encrypt aes_256_cbc --record-mdn signed-encrypted-mdn
exchange compressed-signed-encrypted --compress --sign sha256 --encrypt aes_128_cbc --mdn-sign sha256
