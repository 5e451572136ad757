"""What the system says about the net: whom to trust, and through which proxy to go."""

from __future__ import annotations

import os
import ssl
import sys
import urllib.request
from functools import cache
from pathlib import Path

from loading.web.messages import Origin

_BUNDLES = (
    "/etc/ssl/certs/ca-certificates.crt",  # Debian, Ubuntu, Arch, Alpine
    "/etc/pki/tls/certs/ca-bundle.crt",  # Fedora, RHEL
    "/etc/ssl/ca-bundle.pem",  # openSUSE
    "/etc/ssl/cert.pem",  # macOS, BSD
)
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


@cache
def trust_file() -> str:
    """Give the file of certificates that the system trusts; empty: the system is asked itself.

    `SSL_CERT_FILE` names another one, as it does for other programs.
    """
    named = os.environ.get("SSL_CERT_FILE", "")
    if named:
        return named
    if sys.platform in ("win32", "darwin"):
        return ""
    usual = ssl.get_default_verify_paths().cafile
    candidates = [usual] if usual else []
    return next((path for path in (*candidates, *_BUNDLES) if Path(path).is_file()), "")


def proxy_for(origin: Origin) -> str:
    """Give the proxy that the system or the environment names for an origin; empty: none.

    This machine itself is never reached through a proxy.
    """
    if origin.host in _LOOPBACK:
        return ""
    if urllib.request.proxy_bypass(origin.host):
        return ""
    proxies = urllib.request.getproxies()
    return proxies.get(origin.scheme) or proxies.get("all", "")
