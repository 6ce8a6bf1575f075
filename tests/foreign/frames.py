"""The bytes of stream-frame(7), and the key groups of stream-snapshot(5)."""

import struct
import time

import xxhash

OPEN, DATA, BARRIER, WATERMARK, END, CREDIT, CLOSED = range(1, 8)
NEVER, ALWAYS = -2**63, 2**63 - 1  # watermarks: none yet; the input has ended
HEADER = struct.Struct("<IHBB16sIIQqqIIQQ")
MAGIC = 0x314D5453
ROWS_MAX = 4096


class Frame:
    def __init__(self, kind, body=b"", rows=0, watermark=NEVER, epoch=0, consumed=0, flags=0):
        self.kind, self.body, self.rows, self.watermark = kind, body, rows, watermark
        self.epoch, self.consumed, self.flags = epoch, consumed, flags

    def size(self):
        return HEADER.size + len(self.body)

    def packed(self, run, attempt, channel, sequence):
        return HEADER.pack(MAGIC, 1, self.kind, self.flags, run, attempt, channel, sequence, self.watermark,
                           time.time_ns() // 1000, self.rows, len(self.body), self.epoch, self.consumed) + self.body


def unpack(message, run, attempt, channel):
    """The frame and its sequence number; None for a frame of another run, attempt or channel."""
    if len(message) < HEADER.size:
        raise ValueError("a frame is cut short")
    magic, version, kind, flags, of_run, of_attempt, of_channel, sequence, watermark, _, rows, size, epoch, consumed = (
        HEADER.unpack_from(message))
    if magic != MAGIC or version != 1 or size != len(message) - HEADER.size:
        raise ValueError("not a frame")
    if (of_run, of_attempt, of_channel) != (run, attempt, channel):
        return None
    return Frame(kind, message[HEADER.size:], rows, watermark, epoch, consumed, flags), sequence


# --- batches
def _buffer(body, at):
    begin, size = struct.unpack_from("<II", body, 8 * at)
    if begin + size > len(body):
        raise ValueError("a buffer lies outside its frame")
    return body[begin:begin + size]


def row_kinds(frame):
    return _buffer(frame.body, 0) or bytes(frame.rows)


def column(frame, index, kind):
    """The values of a BIGINT or VARCHAR column, None for NULL."""
    validity, values, offsets = (_buffer(frame.body, 1 + 3 * index + part) for part in range(3))
    if kind == "BIGINT":
        out = list(struct.unpack(f"<{frame.rows}q", values))
    else:
        ends = struct.unpack(f"<{frame.rows + 1}i", offsets)
        out = [values[begin:end].decode() for begin, end in zip(ends, ends[1:])]
    if validity:
        out = [value if validity[i // 8] >> i % 8 & 1 else None for i, value in enumerate(out)]
    return out


def bitmap(values):
    """Of what is not NULL; empty where all is."""
    if None not in values:
        return b""
    bits = bytearray((len(values) + 7) // 8)
    for i, value in enumerate(values):
        bits[i // 8] |= (value is not None) << i % 8
    return bytes(bits)


def parts_of(values, kind):
    """Validity, values, offsets of a column."""
    if kind == "BIGINT":
        return bitmap(values), struct.pack(f"<{len(values)}q", *(value or 0 for value in values)), b""
    texts = [(value or "").encode() for value in values]
    ends = [0]
    for text in texts:
        ends.append(ends[-1] + len(text))
    return bitmap(values), b"".join(texts), struct.pack(f"<{len(ends)}i", *ends)


def batch(kinds, rows, types):
    """The body of a data frame."""
    buffers = [bytes(kinds) if any(kinds) else b""]
    for i, kind in enumerate(types):
        buffers += parts_of([row[i] for row in rows], kind)
    directory, body = b"", b""
    begin = 8 * len(buffers)
    for buffer in buffers:
        directory += struct.pack("<II", begin + len(body), len(buffer))
        body += buffer + bytes(-len(buffer) % 8)
    return directory + body


# --- key groups
def encoded(values, types):
    out = b""
    for value, kind in zip(values, types):
        if value is None:
            out += b"\0"
        elif kind == "BIGINT":
            out += b"\1" + struct.pack("<q", value)
        else:
            text = value.encode()
            out += b"\1" + struct.pack("<I", len(text)) + text
    return out


def key_group(values, types, key_groups):
    return (xxhash.xxh3_64_intdigest(encoded(values, types)) >> 32) * key_groups >> 32


def owned(index, count, key_groups):
    """Groups of instance `index` of `count`."""
    return range(-(-index * key_groups // count), -(-(index + 1) * key_groups // count))


def owner(group, count, key_groups):
    return next(index for index in range(count) if group in owned(index, count, key_groups))
