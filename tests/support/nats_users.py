"""Users of a NATS server as its operator mode knows them: keys (Ed25519), and what each has signed of the next (JWT), by openssl."""

import base64
import json
import pathlib
import subprocess

OPERATOR, ACCOUNT, USER = 14 << 3, 0, 20 << 3  # first byte of a key: "O", "A", "U"
SEED = 18 << 3
NO_LIMITS = {name: -1 for name in ("subs", "data", "payload", "imports", "exports", "conn", "leaf", "mem_storage", "disk_storage", "streams", "consumer")}


def with_checksum(data):
    """As NATS writes keys: base32, with a CRC-16 (XMODEM) behind."""
    crc = 0
    for byte in data:
        crc ^= byte << 8
        for _ in range(8):
            crc = (crc << 1 ^ 0x1021 if crc & 0x8000 else crc << 1) & 0xFFFF
    return base64.b32encode(data + crc.to_bytes(2, "little")).decode().rstrip("=")


def base64url(data):
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


class Key:
    def __init__(self, folder, name, prefix):
        self.name, self.file = name, folder / f"{name}.key"
        self.openssl("genpkey", "-algorithm", "ed25519", "-out", self.file)
        seed = self.openssl("pkey", "-in", self.file, "-outform", "DER")[-32:]
        self.public = with_checksum(bytes([prefix]) + self.openssl("pkey", "-in", self.file, "-pubout", "-outform", "DER")[-32:])
        self.seed = with_checksum(bytes([SEED | prefix >> 5, (prefix & 31) << 3]) + seed)

    @staticmethod
    def openssl(*args):
        return subprocess.run(["openssl", *map(str, args)], check=True, capture_output=True, timeout=60).stdout

    def sign(self, text):
        signed = self.file.with_suffix(".signed")
        signed.write_bytes(text.encode())
        return base64url(self.openssl("pkeyutl", "-sign", "-rawin", "-inkey", self.file, "-in", signed))

    def vouch_for(self, other, **claims):
        """A JWT for the other key, signed by this one."""
        body = {"jti": other.name, "iat": 1_700_000_000, "iss": self.public, "sub": other.public, "name": other.name, "nats": {"version": 2, **claims}}
        text = ".".join(base64url(json.dumps(part).encode()) for part in ({"typ": "JWT", "alg": "ed25519-nkey"}, body))
        return f"{text}.{self.sign(text)}"


class Users:
    """`options` of a server, `credentials` of a user it lets in, `stranger` of one it does not, and login() for a client of the test's own."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder) / "users"
        self.folder.mkdir()
        operator, system, account = Key(self.folder, "operator", OPERATOR), Key(self.folder, "system", ACCOUNT), Key(self.folder, "account", ACCOUNT)
        self.user, stranger = Key(self.folder, "user", USER), Key(self.folder, "stranger", USER)
        self.jwt = account.vouch_for(self.user, type="user", subs=-1, data=-1, payload=-1)
        accounts = {key.public: operator.vouch_for(key, type="account", limits={**limits, "wildcards": True})
                    for key, limits in ((account, NO_LIMITS), (system, NO_LIMITS | {"mem_storage": 0, "disk_storage": 0}))}
        config = self.folder / "nats.conf"
        config.write_text(f'operator: {operator.vouch_for(operator, type="operator")}\nsystem_account: {system.public}\nresolver: MEMORY\n'
                          f"resolver_preload: {{\n" + "".join(f"  {public}: {jwt}\n" for public, jwt in accounts.items()) + "}\n")
        self.options = ["-c", str(config)]
        self.credentials = self.write("user.creds", self.jwt, self.user)
        self.stranger = self.write("stranger.creds", self.jwt, stranger)  # whose key is another

    def write(self, name, jwt, key):
        path = self.folder / name
        path.write_text(f"-----BEGIN NATS USER JWT-----\n{jwt}\n------END NATS USER JWT------\n\n"
                        f"-----BEGIN USER NKEY SEED-----\n{key.seed}\n------END USER NKEY SEED------\n")
        return path

    def login(self, nonce):
        """What a client says for itself, having been given the nonce to sign."""
        return {"jwt": self.jwt, "sig": self.user.sign(nonce)}
