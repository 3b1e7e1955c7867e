"""An AS2 partner on top of pyas2lib, for tests: it serves on a loopback port or sends one message.

Facts go to standard output, one JSON object a line; pyas2lib's own words go to standard error. `serve` ends when its
standard input is closed, so that it never outlives the test that started it.
"""

import argparse
import http.client
import http.server
import json
import logging
import os
import queue
import sys
import threading
import urllib.parse

from pyas2lib.as2 import Mdn, Message, Organization, Partner

HOST = "127.0.0.1"


def read(path):
    with open(path, "rb") as file:
        return file.read()


def tell(**facts):
    sys.stdout.write(json.dumps(facts) + "\n")
    sys.stdout.flush()


def text(value):
    return value.decode() if isinstance(value, bytes) else value


def raw(headers, body):
    """What pyas2lib parses: header lines as they came, an empty line, the body."""
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers)
    return lines.encode("utf-8", "surrogateescape") + b"\r\n" + body


def record(prefix, start, headers, body):
    """Keeps one side of an exchange: start line and header lines in PREFIX.head, the exact body in PREFIX.body."""
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers)
    with open(prefix + ".head", "wb") as file:
        file.write(f"{start}\r\n{lines}\r\n".encode("utf-8"))
    with open(prefix + ".body", "wb") as file:
        file.write(body)


def one_line(headers):
    """Header values without the folds that the email package puts in."""
    return [(name, " ".join(str(value).split())) for name, value in headers]


def post(url, headers, body):
    """POSTs and returns (status, reason, headers, body)."""
    parts = urllib.parse.urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname, parts.port or 80, timeout=60)
    target = (parts.path or "/") + ("?" + parts.query if parts.query else "")
    connection.request("POST", target, body=body, headers=dict(headers))
    response = connection.getresponse()
    answer = (response.status, response.reason, response.getheaders(), response.read())
    connection.close()
    return answer


def organization(options, mdn_url=None):
    pair = read(options.key) + b"\n" + read(options.cert)
    return Organization(
        as2_name=options.name, sign_key=pair, decrypt_key=pair, mdn_url=mdn_url, domain="pyas2.example"
    )


def partner(options, **settings):
    certificate = read(options.partner_cert)
    return Partner(
        as2_name=options.partner_name,
        verify_cert=certificate,
        encrypt_cert=certificate,
        validate_certs=False,
        sign_alg=options.signature,
        **settings,
    )


class Handler(http.server.BaseHTTPRequestHandler):
    """Hands a POSTed body to `self.server.take` and answers with what that returns."""

    protocol_version = "HTTP/1.1"

    def do_POST(self):  # pylint: disable=invalid-name
        if self.headers.get("Transfer-Encoding", "").lower() == "chunked":
            body = self.read_chunks()
        else:
            body = self.rfile.read(int(self.headers["Content-Length"]))
        status, headers, answer, afterwards = self.server.take(self.headers.items(), body)
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)
        self.wfile.flush()
        if afterwards:
            afterwards()

    def read_chunks(self):
        body = b""
        while size := int(self.rfile.readline().split(b";")[0], 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        while self.rfile.readline().strip():
            pass
        return body

    def log_message(self, format, *args):  # pylint: disable=redefined-builtin
        pass


def listen(port, take):
    server = http.server.ThreadingHTTPServer((HOST, port), Handler)
    server.daemon_threads = True
    server.take = take
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server, f"http://{HOST}:{server.server_address[1]}/"


def serve(options):
    me = organization(options)
    them = partner(options, sign=options.require_signature, encrypt=options.require_encryption)
    lock = threading.Lock()
    count = 0

    def deliver(mdn, message_id):
        try:
            status = post(mdn.mdn_url, one_line(mdn.headers.items()), mdn.content)[0]
            tell(event="mdn-posted", original_message_id=message_id, url=mdn.mdn_url, http_status=status)
        except OSError as error:
            tell(event="mdn-not-posted", original_message_id=message_id, url=mdn.mdn_url, error=str(error))

    def take(headers, body):
        nonlocal count
        message = Message()
        status, (error, _), mdn = message.parse(
            raw(headers, body),
            find_org_cb=lambda name: me if name == me.as2_name else None,
            find_partner_cb=lambda name: them if name == them.as2_name else None,
        )
        payload_file = None
        if status == "processed":
            with lock:
                count += 1
                payload_file = os.path.join(options.directory, f"payload-{count}")
            with open(payload_file, "wb") as file:
                file.write(message.content)
        asynchronous = mdn is not None and mdn.mdn_mode == "ASYNC"
        tell(
            event="message",
            message_id=message.message_id,
            status=status,
            error=None if error is None else f"{type(error).__name__}: {error}",
            signed=message.signed,
            digest_alg=message.digest_alg,
            encrypted=message.encrypted,
            compressed=message.compressed,
            mic=text(message.mic),
            payload_file=payload_file,
            content_type=message.payload.get_content_type(),
            filename=message.payload.get_filename(),
            parts=parts_of(message.payload) if status == "processed" else [],
            mdn=None if mdn is None else "async" if asynchronous else "sync",
            headers=headers,
        )
        if mdn is None:
            return 200, [], b"", None
        if asynchronous:
            return 200, [], b"", lambda: deliver(mdn, message.message_id)
        return 200, one_line(mdn.headers.items()), mdn.content, None

    _, url = listen(options.port, take)
    tell(event="listening", url=url)
    while sys.stdin.buffer.read(4096):
        pass


def send(options):
    received = queue.Queue()
    mdn_url = None
    if options.mdn == "async":

        def take(headers, body):
            received.put((headers, body))
            return 200, [], b"", None

        mdn_url = options.mdn_url
        _, own_url = listen(options.port, take)
        mdn_url = mdn_url or own_url

    me = organization(options, mdn_url)
    them = partner(
        options,
        compress=options.compress,
        sign=options.sign is not None,
        digest_alg=options.sign or "sha256",
        encrypt=options.encrypt is not None,
        enc_alg=options.encrypt or "aes_256_cbc",
        mdn_mode=None if options.mdn == "none" else options.mdn.upper(),
        mdn_digest_alg=options.mdn_sign,
    )
    message = Message(me, them)
    message.build(
        read(options.payload),
        filename=options.filename,
        content_type=options.content_type,
        message_id=options.message_id,
        additional_headers=dict(line.split(": ", 1) for line in options.header),
    )
    headers, body = one_line(message.headers.items()), message.content
    status, reason, answer_headers, answer = post(options.url, headers, body)
    if options.record:
        path = urllib.parse.urlsplit(options.url).path or "/"
        host = ("Host", "receiver.example")
        length = ("Content-Length", str(len(body)))
        record(options.record, f"POST {path} HTTP/1.1", [host, length, *headers], body)
        with open(options.record + ".mic", "w", encoding="ascii") as file:
            file.write(f"{text(message.mic)}, {message.digest_alg}\n" if message.mic else "")

    facts = {"present": False}
    start = f"HTTP/1.1 {status} {reason}"
    if options.mdn == "async" and status < 300:
        start = "POST / HTTP/1.1"
        try:
            answer_headers, answer = received.get(timeout=options.timeout)
        except queue.Empty:
            answer = b""
    if options.mdn != "none" and answer:
        if options.record_mdn:
            record(options.record_mdn, start, answer_headers, answer)
        mdn = Mdn()
        mdn_status, detail = mdn.parse(raw(answer_headers, answer), lambda _id, _recipient: message)
        report = report_of(mdn)
        mic = report.get("Received-Content-MIC")
        facts = {
            "present": True,
            "status": mdn_status,
            "detailed_status": detail,
            "signed_with": mdn.digest_alg,
            "message_id": mdn.message_id,
            "original_message_id": mdn.orig_message_id,
            "disposition": report.get("Disposition"),
            "received_content_mic": mic,
            "mic_matches": None if mic is None or message.mic is None else mic.split(",")[0] == text(message.mic),
        }
    tell(
        event="sent",
        message_id=message.message_id,
        mic=text(message.mic),
        http_status=status,
        http_headers=answer_headers,
        mdn=facts,
    )


def parts_of(payload):
    """The parts of a multipart: type, file name, identifier, content without line ends around it."""
    if payload is None or not payload.is_multipart():
        return []
    return [
        {
            "content_type": part.get_content_type(),
            "filename": part.get_filename(),
            "content_id": part["Content-ID"],
            "content": (part.get_payload(decode=True) or b"").decode("utf-8", "replace"),
        }
        for part in payload.get_payload()
    ]


def report_of(mdn):
    """The fields of the disposition-notification, as an email message; empty where there is none."""
    if mdn.payload is not None:
        for part in mdn.payload.walk():
            if part.get_content_type() == "message/disposition-notification":
                fields = part.get_payload()
                return fields[-1] if isinstance(fields, list) else {}
    return {}


def main():
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--name", required=True, help="own AS2 name")
    common.add_argument("--key", required=True, help="own private key, PEM")
    common.add_argument("--cert", required=True, help="own certificate, PEM")
    common.add_argument("--partner-name", required=True)
    common.add_argument("--partner-cert", required=True, help="the partner's certificate, PEM")
    common.add_argument("--port", type=int, default=0, help="to listen on; 0 picks a free one")
    common.add_argument(
        "--signature",
        choices=["rsassa_pkcs1v15", "rsassa_pss"],
        default="rsassa_pkcs1v15",
        help="scheme of the signatures made, on messages and on MDNs",
    )

    parser = argparse.ArgumentParser(description=__doc__)
    commands = parser.add_subparsers(required=True)

    server = commands.add_parser("serve", parents=[common], help="receive messages until standard input is closed")
    server.add_argument("--directory", required=True, help="where payloads go: payload-1, payload-2, ...")
    server.add_argument("--require-signature", action="store_true")
    server.add_argument("--require-encryption", action="store_true")
    server.set_defaults(run=serve)

    client = commands.add_parser("send", parents=[common], help="send one message and wait for its MDN")
    client.add_argument("--url", required=True)
    client.add_argument("--payload", required=True, help="file")
    client.add_argument("--content-type", default="application/edi-consent")
    client.add_argument("--filename")
    client.add_argument("--message-id", help="left of the @")
    client.add_argument("--header", action="append", default=[], metavar="NAME: VALUE")
    client.add_argument("--sign", metavar="DIGEST", help="md5, sha1, sha224, sha256, sha384, sha512")
    client.add_argument("--encrypt", metavar="CIPHER", help="aes_256_cbc, aes_192_cbc, aes_128_cbc, tripledes_192_cbc, rc2_128_cbc")
    client.add_argument("--compress", action="store_true")
    client.add_argument("--mdn", choices=["none", "sync", "async"], default="sync")
    client.add_argument("--mdn-sign", metavar="DIGEST", help="asks for a signed MDN")
    client.add_argument("--mdn-url", help="asks for asynchronous MDNs there instead of on a port of its own")
    client.add_argument("--timeout", type=float, default=30, help="seconds to wait for an asynchronous MDN")
    client.add_argument("--record", metavar="PREFIX", help="keep the request: PREFIX.head, PREFIX.body, PREFIX.mic")
    client.add_argument("--record-mdn", metavar="PREFIX", help="keep the MDN: PREFIX.head, PREFIX.body")
    client.set_defaults(run=send)

    options = parser.parse_args()
    logging.basicConfig(stream=sys.stderr, level=logging.INFO)
    options.run(options)


if __name__ == "__main__":
    main()
