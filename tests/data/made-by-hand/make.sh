#!/usr/bin/env bash
# Makes the receipts anew; see README.md. Needs the openssl command, 3.0 or later.
set -euo pipefail
cd "$(dirname "$0")"
work=$(mktemp -d)
trap 'rm -r "$work"' EXIT

openssl req -x509 -newkey rsa:2048 -nodes -sha256 -days 36500 -subj "/O=ediint test/CN=partner" \
    -keyout "$work/key.pem" -out partner.pem 2>/dev/null

sha256='ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0='
sha1='qZk+NkcGgWq6PiVxeFDCbJzQ2J0='

# Lines on standard input, to a file in CRLF.
crlf() { sed 's/$/\r/' >"$1"; }

# sign REPORT SIGNATURE OPTIONS: signs the octets of REPORT as they are, and checks the signature.
sign() {
    local report=$1 signature=$2
    shift 2
    openssl cms -sign -binary -in "$report" -signer partner.pem -inkey "$work/key.pem" -outform DER -out "$signature" "$@"
    openssl cms -verify -binary -inform DER -in "$signature" -content "$report" -CAfile partner.pem \
        -certfile partner.pem -out /dev/null
}

# indefinite DER BER: gives ContentInfo, SignedData and EncapsulatedContentInfo indefinite lengths, as BouncyCastle does.
indefinite() {
    python3 - "$1" "$2" <<'END'
import sys

def values(der):
    while der:
        length, start = der[1], 2
        if length & 0x80:
            start += length & 0x7f
            length = int.from_bytes(der[2:start], "big")
        yield der[:1], der[start:start + length], der[:start + length]
        der = der[start + length:]

def open_ended(tag, *pieces):
    return tag + b"\x80" + b"".join(pieces) + b"\0\0"

[(tag, content, _)] = values(open(sys.argv[1], "rb").read())
(_, _, oid), (explicit, signed, _) = values(content)
[(sequence, signed, _)] = values(signed)
version, digests, (_, encapsulated, _), *rest = values(signed)
signed = open_ended(sequence, version[2], digests[2], open_ended(sequence, encapsulated), *(value[2] for value in rest))
open(sys.argv[2], "wb").write(open_ended(tag, oid, open_ended(explicit, signed)))
END
}

# signed NAME BOUNDARY PREAMBLE SIGNATURE-HEAD: puts the report and the signature together.
signed() {
    local name=$1 boundary=$2 preamble=$3 head=$4
    {
        printf '%s' "$preamble"
        printf -- '--%s\r\n' "$boundary"
        cat "$work/report"
        printf '\r\n--%s\r\n%s\r\n\r\n' "$boundary" "$head"
        cat "$work/signature"
        printf '\r\n--%s--\r\n' "$boundary"
    } >"$name.body"
}

# --- OpenAS2

crlf openas2-signed.head <<'END'
HTTP/1.1 200 OK
From: edi@partner.example
Message-ID: <OPENAS2-24112026101502+0000-4711@Partner AS2_My Company>
Mime-Version: 1.0
Content-Type: multipart/signed; protocol="application/pkcs7-signature"; micalg=sha-256; boundary="----=_Part_7_1175259874.1795515302101"
AS2-To: My Company
AS2-From: Partner AS2
Subject: Message Disposition Notification
AS2-Version: 1.1
Server: OpenAS2 v4.9.0

END
crlf "$work/report" <<'END'
Content-Type: multipart/report; report-type=disposition-notification; boundary="----=_Part_5_1734161410.1795515302088"

------=_Part_5_1734161410.1795515302088
Content-Type: text/plain
Content-Transfer-Encoding: 7bit

The message sent to Recipient Partner AS2 on Tue, 24 Nov 2026 10:15:00 GMT with Subject Invoices has been received, the EDI Interchange was successfully decrypted and its integrity was verified.
------=_Part_5_1734161410.1795515302088
Content-Type: message/disposition-notification
Content-Transfer-Encoding: 7bit

Reporting-UA: OpenAS2 v4.9.0@partner.example:10080
Original-Recipient: rfc822; Partner AS2
Final-Recipient: rfc822; Partner AS2
Original-Message-ID: <MYCOMPANY 24112026101500 0001>
Disposition: automatic-action/MDN-sent-automatically; processed
END
printf 'Received-Content-MIC: %s, sha-256\r\n\r\n------=_Part_5_1734161410.1795515302088--\r\n' "$sha256" >>"$work/report"
sign "$work/report" "$work/signature.der" -md sha256 -nocerts
indefinite "$work/signature.der" "$work/signature"
openssl cms -verify -binary -inform DER -in "$work/signature" -content "$work/report" -CAfile partner.pem \
    -certfile partner.pem -out /dev/null
signed openas2-signed '----=_Part_7_1175259874.1795515302101' \
    $'Content-Type: multipart/signed; protocol="application/pkcs7-signature"; micalg=sha-256; boundary="----=_Part_7_1175259874.1795515302101"\r\n\r\n' \
    $'Content-Type: application/pkcs7-signature; name=smime.p7s; smime-type=signed-data\r\nContent-Disposition: attachment; filename="smime.p7s"\r\nContent-Description: S/MIME Cryptographic Signature'

# openas2_error NAME REASON
openas2_error() {
    crlf "$1.head" <<'END'
HTTP/1.1 200 OK
Message-ID: <OPENAS2-24112026101502+0000-4712@Partner AS2_My Company>
Mime-Version: 1.0
Content-Type: multipart/report; report-type=disposition-notification; boundary="----=_Part_9_1.2"
AS2-To: My Company
AS2-From: Partner AS2
AS2-Version: 1.1
Server: OpenAS2 v4.9.0

END
    crlf "$1.body" <<END
Content-Type: multipart/report; report-type=disposition-notification; boundary="----=_Part_9_1.2"

------=_Part_9_1.2
Content-Type: text/plain
Content-Transfer-Encoding: 7bit

The message could not be processed.
------=_Part_9_1.2
Content-Type: message/disposition-notification
Content-Transfer-Encoding: 7bit

Reporting-UA: OpenAS2 v4.9.0@partner.example:10080
Original-Recipient: rfc822; Partner AS2
Final-Recipient: rfc822; Partner AS2
Original-Message-ID: <MYCOMPANY 24112026101500 0001>
Disposition: automatic-action/MDN-sent-automatically; processed/Error:$2

------=_Part_9_1.2--
END
}
openas2_error openas2-decompression decompresion-failed
openas2_error openas2-unsigned signed-message-required
openas2_error openas2-storing 'Error storing transaction'

# --- mendelson

crlf mendelson-signed.head <<'END'
HTTP/1.1 200 OK
server: mendelson opensource AS2 2.0 build 7
as2-version: 1.2
mime-version: 1.0
message-id: <mendelson_opensource_AS2-1795515302088-1@PARTNER_MYCOMPANY>
as2-from: PARTNER
as2-to: MYCOMPANY
ediint-features: multiple-attachments, CEM
content-type: multipart/signed; protocol="application/pkcs7-signature"; micalg="sha256"; boundary="----=_Part_2_1.3"

END
crlf "$work/report" <<'END'
Content-Type: multipart/report; report-type=disposition-notification; 
	boundary="----=_Part_0_1.1"

------=_Part_0_1.1
Content-Type: text/plain
Content-Transfer-Encoding: 7bit

The AS2 message has been received and processed.
------=_Part_0_1.1
Content-Type: message/disposition-notification
Content-Transfer-Encoding: 7bit

Reporting-UA: mendelson opensource AS2
Original-Recipient: rfc822; PARTNER
Final-Recipient: rfc822; PARTNER
Original-Message-ID: <1@mycompany.example>
Disposition: automatic-action/MDN-sent-automatically; processed
END
printf 'Received-Content-MIC: %s, sha1\r\n\r\n------=_Part_0_1.1--\r\n' "$sha1" >>"$work/report"
sign "$work/report" "$work/signature.der" -md sha256
openssl base64 -in "$work/signature.der" | crlf "$work/signature"
signed mendelson-signed '----=_Part_2_1.3' $'Date: Tue, 24 Nov 2026 10:15:02 GMT\r\n' \
    $'Content-Type: application/pkcs7-signature; name=smime.p7s; smime-type=signed-data\r\nContent-Transfer-Encoding: base64\r\nContent-Disposition: attachment; filename="smime.p7s"'

# mendelson_error NAME REASON TEXT
mendelson_error() {
    crlf "$1.head" <<'END'
HTTP/1.1 200 OK
server: mendelson opensource AS2 2.0 build 7
as2-version: 1.2
message-id: <mendelson_opensource_AS2-1795515302088-2@PARTNER_MYCOMPANY>
as2-from: PARTNER
as2-to: MYCOMPANY
content-type: multipart/report; report-type=disposition-notification; boundary="----=_Part_4_1.5"

END
    crlf "$1.body" <<END
Date: Tue, 24 Nov 2026 10:15:02 GMT
------=_Part_4_1.5
Content-Type: text/plain
Content-Transfer-Encoding: 7bit

$3
------=_Part_4_1.5
Content-Type: message/disposition-notification
Content-Transfer-Encoding: 7bit

Reporting-UA: mendelson opensource AS2
Original-Recipient: rfc822; PARTNER
Final-Recipient: rfc822; PARTNER
Original-Message-ID: <1@mycompany.example>
Disposition: automatic-action/MDN-sent-automatically; processed/error: $2

------=_Part_4_1.5--
END
}
mendelson_error mendelson-unknown-partner unknown-trading-partner 'Sender AS2 id MYCOMPANY is unknown.'
mendelson_error mendelson-duplicate unexpected-processing-error 'An AS2 message with the message id 1@mycompany.example has been already processed by the system.'

# --- phase2

# phase2_error NAME REASON
phase2_error() {
    crlf "$1.head" <<'END'
HTTP/1.1 200 OK
From: as2@partner.example
Message-ID: <phase2-20261124101502+0000-0042@PARTNER_MYCOMPANY>
Mime-Version: 1.0
Content-Type: multipart/report; report-type=disposition-notification; 	boundary="----=_Part_1_6.7"
AS2-To: MYCOMPANY
AS2-From: PARTNER
AS2-Version: 1.1
Server: ph-OpenAS2/unknown

END
    crlf "$1.body" <<END
------=_Part_1_6.7
Content-Type: text/plain
Content-Transfer-Encoding: 7bit

$3
------=_Part_1_6.7
Content-Type: message/disposition-notification
Content-Transfer-Encoding: 7bit

Reporting-UA: ph-OpenAS2/unknown@partner.example
Original-Recipient: rfc822; PARTNER
Final-Recipient: rfc822; PARTNER
Original-Message-ID: <1@mycompany.example>
Disposition: automatic-action/MDN-sent-automatically; processed/error: $2

------=_Part_1_6.7--
END
}
phase2_error phase2-unknown-partnership authentication-failed 'The partnership is unknown.'
phase2_error phase2-decompression unexpected-processing-error 'The content could not be decompressed.'

# --- libas2

crlf libas2-decryption.head <<'END'
HTTP/1.1 200 OK
AS2-Version: 1.0
AS2-From: PARTNER
AS2-To: MYCOMPANY
Message-ID: <ABCDEF0123456789@libas2.node>
Content-Type: multipart/report; report-type="disposition-notification"; boundary="--LibAs2rp1FzLKUQfHSXJ1WQ"

END
crlf libas2-decryption.body <<'END'
----LibAs2rp1FzLKUQfHSXJ1WQ
Content-Type: text/plain

The message could not be decrypted.
----LibAs2rp1FzLKUQfHSXJ1WQ
Content-Type: message/disposition-notification

Reporting-UA: libas2
Original-Recipient: rfc822;PARTNER
Final-Recipient: rfc822;PARTNER
Original-Message-ID: 1@mycompany.example
Disposition: automatic-action/MDN-sent-automatically; failed/failure=decryption-failed
----LibAs2rp1FzLKUQfHSXJ1WQ--
END

# --- BizTalk

crlf biztalk-signed.head <<'END'
HTTP/1.1 200 OK
Message-ID: <PARTNER_5D1A7C3E-4B0F-4C7D-9F3E-1C2B3A4D5E6F>
AS2-From: PARTNER
AS2-To: MYCOMPANY
AS2-Version: 1.2
EDIINT-Features: multiple-attachments
MIME-Version: 1.0
Content-Type: multipart/signed; protocol="application/pkcs7-signature"; micalg=sha1; boundary="_3FE8E9A6-0C35-4B1D-8D4C-2B1A0F9E8D7C_"

END
crlf "$work/report" <<'END'
Content-Type: multipart/report; report-type=disposition-notification; boundary="_A1B2C3D4-0C35-4B1D-8D4C-2B1A0F9E8D7C_"

--_A1B2C3D4-0C35-4B1D-8D4C-2B1A0F9E8D7C_
Content-Type: text/plain; charset="utf-8"
Content-Transfer-Encoding: base64

VGhlIG1lc3NhZ2Ugd2FzIHByb2Nlc3NlZC4=
--_A1B2C3D4-0C35-4B1D-8D4C-2B1A0F9E8D7C_
Content-Type: message/disposition-notification
Content-Transfer-Encoding: 7bit

Final-Recipient: rfc822; PARTNER
Original-Message-ID: <1@mycompany.example>
Disposition: automatic-action/MDN-sent-automatically; processed
END
printf 'Received-content-MIC: %s, sha1\r\n\r\n--_A1B2C3D4-0C35-4B1D-8D4C-2B1A0F9E8D7C_--\r\n' "$sha1" >>"$work/report"
sign "$work/report" "$work/signature.der" -md sha1
openssl base64 -in "$work/signature.der" | crlf "$work/signature"
signed biztalk-signed '_3FE8E9A6-0C35-4B1D-8D4C-2B1A0F9E8D7C_' '' \
    $'Content-Type: application/pkcs7-signature; name="smime.p7s"\r\nContent-Transfer-Encoding: base64'

# --- IBM Sterling

crlf sterling-signed.head <<'END'
HTTP/1.1 200 OK
Date: Tue, 24 Nov 2026 10:15:02 GMT
AS2-Version: 1.1
AS2-From: PARTNER
AS2-To: MYCOMPANY
Message-ID: <1795515302088.0@partner.example>
Content-Type: multipart/signed;boundary="_=9876543210Sterling";protocol="application/pkcs7-signature";micalg=sha-256

END
crlf "$work/report" <<'END'
Content-Type: multipart/report;report-type=disposition-notification;boundary="_=0123456789Sterling"

--_=0123456789Sterling

Your message was successfully received and processed.

--_=0123456789Sterling
Content-Type: message/disposition-notification

Reporting-UA:IBM Sterling B2B Integrator
Original-Recipient:rfc822;PARTNER
Final-Recipient:rfc822;PARTNER
Original-Message-ID:<1@mycompany.example>
END
printf 'Received-Content-MIC:%s,sha-256\r\nDisposition:automatic-action/MDN-sent-automatically;processed\r\n\r\n--_=0123456789Sterling--\r\n' "$sha256" >>"$work/report"
sign "$work/report" "$work/signature" -md sha256 -noattr
signed sterling-signed '_=9876543210Sterling' '' 'Content-Type: application/pkcs7-signature;name=smime.p7s'

# --- nobody's: what MIME allows

crlf encoded.head <<'END'
HTTP/1.1 200 OK
AS2-Version: 1.2
AS2-From: PARTNER
AS2-To: MYCOMPANY
Message-ID: <2@partner.example>
Content-Type: multipart/report; boundary="outer boundary"

END
crlf encoded.body <<END
A preamble is for readers without MIME.
--outer boundary
Content-Type: multipart/alternative; boundary=inner

--inner
Content-Type: text/plain; charset=utf-8
Content-Transfer-Encoding: quoted-printable

Ihre Nachricht wurde verarbeitet, zu 100=25, =
M=C3=BCller.
--inner
Content-Type: text/html

<p>Ihre Nachricht wurde verarbeitet.</p>
--inner--

--outer boundary   
content-type: Message/Disposition-Notification; name=report
content-transfer-encoding: BASE64

$(printf 'disposition: automatic-action/MDN-sent-automatically;\r\n\tprocessed\r\nreceived-content-mic: %s\r\n %s\r\nFINAL-RECIPIENT: PARTNER\r\noriginal-message-id: <1@mycompany.example>\r\nX-Trace: 17\r\n' \
    "${sha256:0:20}" "${sha256:20}" | openssl base64)
--outer boundary
Content-Type: message/disposition-notification

Disposition: automatic-action/MDN-sent-automatically; processed/error: second notification
--outer boundary
Content-Type: message/rfc822-headers

Message-ID: <1@mycompany.example>
--outer boundary--
An epilogue is for nobody.
END
