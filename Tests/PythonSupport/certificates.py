"""Certificates for tests."""

import ssl
import subprocess


def make_certificate(directory, name="localhost"):
    """Makes a certificate for 127.0.0.1 that signs itself: `cert.pem` and `key.pem` in a folder; returns its bytes."""
    subprocess.run(
        [
            "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
            "-days", "1", "-subj", f"/CN={name}", "-addext", "subjectAltName=IP:127.0.0.1",
            "-keyout", "key.pem", "-out", "cert.pem",
        ],
        cwd=directory, check=True, capture_output=True,
    )
    return ssl.PEM_cert_to_DER_cert((directory / "cert.pem").read_text())
