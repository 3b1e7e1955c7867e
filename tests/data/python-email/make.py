#!/usr/bin/env python3
"""Makes the files anew; see README.md. Needs Python 3.9 or later alone."""

import pathlib
from email.mime.application import MIMEApplication
from email.mime.image import MIMEImage
from email.mime.multipart import MIMEMultipart
from email.mime.text import MIMEText

HERE = pathlib.Path(__file__).parent


def part(entity, identifier, filename):
    entity["Content-ID"] = f"<{identifier}>"
    entity.add_header("Content-Disposition", "attachment", filename=filename)
    return entity


whole = MIMEMultipart("related", boundary="===============7318==", type="text/xml", start="<order@python.example>")
whole.attach(part(MIMEImage(bytes(range(256)), "tiff"), "scan@python.example", "scan.tiff"))
whole.attach(part(MIMEText("<Bestellung>Schrauben für Zürich</Bestellung>\n", "xml", "utf-8"), "order@python.example", ("utf-8", "", "Bestellung Zürich.xml")))
whole.attach(part(MIMEApplication(b"%PDF-1.4\n" + b"x" * 100, "pdf"), "drawing@python.example", "drawing.pdf"))
nested = MIMEMultipart("mixed", boundary="===============0001==")
nested.attach(MIMEText("within\n"))
whole.attach(part(nested, "notes@python.example", "notes"))

octets = whole.as_bytes().replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
(HERE / "related.mime").write_bytes(octets)
