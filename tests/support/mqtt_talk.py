"""What an MQTT 3.1.1 client and its broker say to each other, packet by packet."""

NAMES = {1: "CONNECT", 2: "CONNACK", 3: "PUBLISH", 4: "PUBACK", 5: "PUBREC", 6: "PUBREL", 7: "PUBCOMP"}


def packets(pending):
    """Takes whole packets from the beginning of a bytearray: (name, flags, packet id, payload of a PUBLISH)."""
    while True:
        size, at = 0, 1
        while at < len(pending) and pending[at] & 128:
            size |= (pending[at] & 127) << 7 * (at - 1)
            at += 1
        if at >= len(pending):
            return
        size |= (pending[at] & 127) << 7 * (at - 1)
        at += 1
        if len(pending) < at + size:
            return
        head, body = pending[0], bytes(pending[at:at + size])
        del pending[:at + size]
        name = NAMES.get(head >> 4, "other")
        topic = 2 + int.from_bytes(body[:2], "big") if name == "PUBLISH" else 0
        has_id = name in ("PUBACK", "PUBREC", "PUBREL", "PUBCOMP") or name == "PUBLISH" and head & 6
        number = int.from_bytes(body[topic:topic + 2], "big") if has_id else 0
        yield name, head & 15, number, body[topic + 2 if has_id else topic:] if name == "PUBLISH" else b""
