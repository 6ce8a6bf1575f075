"""Certificates of a test's own, made by openssl: an authority, a server on loopback, a client, and a stranger's authority."""

import pathlib
import subprocess


class Certificates:
    """Paths: authority, server and server_key, client and client_key; and stranger, an authority that signed nothing here."""

    def __init__(self, folder, names="IP:127.0.0.1"):
        self.folder = pathlib.Path(folder) / "certificates"
        self.folder.mkdir()
        self.authority, authority_key = self.make_authority("authority")
        self.stranger, _ = self.make_authority("stranger")
        self.server, self.server_key = self.make("server", self.authority, authority_key, names)
        self.client, self.client_key = self.make("client", self.authority, authority_key, "DNS:client")

    def openssl(self, *args):
        subprocess.run(["openssl", *map(str, args)], cwd=self.folder, check=True, capture_output=True, timeout=60)

    def make_authority(self, name):
        certificate, key = self.folder / f"{name}.pem", self.folder / f"{name}.key"
        self.openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", certificate, "-days", 2, "-subj", f"/CN={name}")
        return certificate, key

    def make(self, name, authority, authority_key, names):
        certificate, key, request, extension = (self.folder / f"{name}.{end}" for end in ("pem", "key", "csr", "ext"))
        self.openssl("req", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", request, "-subj", f"/CN={name}")
        extension.write_text(f"subjectAltName={names}\n")
        self.openssl("x509", "-req", "-in", request, "-CA", authority, "-CAkey", authority_key, "-CAcreateserial", "-days", 2, "-extfile", extension,
                     "-out", certificate)
        return certificate, key
