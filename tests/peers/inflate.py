"""Takes CompressedData (RFC 3274) from standard input apart and writes its content, inflated by zlib, to standard output.

Anything but DER ends it with an error: it reads definite, minimal lengths only, and nothing may be left over.
"""

import sys
import zlib

COMPRESSED_DATA = bytes.fromhex("2a864886f70d0109100109")
DATA = bytes.fromhex("2a864886f70d010701")
ZLIB = bytes.fromhex("2a864886f70d0109100308")
SEQUENCE, INTEGER, OCTET_STRING, OBJECT_IDENTIFIER, EXPLICIT = 0x30, 0x02, 0x04, 0x06, 0xA0


def take(octets, tag):
    """The content of the first element, which has to have this tag, and what follows it."""
    assert octets[0] == tag, f"tag {octets[0]:#x}, not {tag:#x}"
    length, start = octets[1], 2
    if length & 0x80:
        count = length & 0x7F
        start += count
        length = int.from_bytes(octets[2:start], "big")
        assert count and octets[2] and length > 0x7F, "not the shortest definite length"
    assert start + length <= len(octets), "an element is cut off"
    return octets[start : start + length], octets[start + length :]


def last(octets, tag):
    content, rest = take(octets, tag)
    assert not rest, f"{len(rest)} octets too many"
    return content


def identifier(octets, expected):
    """What follows this identifier."""
    content, rest = take(octets, OBJECT_IDENTIFIER)
    assert content == expected, content.hex()
    return rest


def main():
    content_info = last(sys.stdin.buffer.read(), SEQUENCE)
    compressed = last(last(identifier(content_info, COMPRESSED_DATA), EXPLICIT), SEQUENCE)
    version, rest = take(compressed, INTEGER)
    assert version == b"\0", version
    algorithm, encapsulated = take(rest, SEQUENCE)
    assert not identifier(algorithm, ZLIB), "zlib has no parameters"
    octets = last(last(identifier(last(encapsulated, SEQUENCE), DATA), EXPLICIT), OCTET_STRING)
    inflate = zlib.decompressobj()
    content = inflate.decompress(octets)
    assert inflate.eof and not inflate.unused_data, "the zlib stream does not end where its octets do"
    sys.stdout.buffer.write(content)


main()
