"""Whether a hub or a server can be reached: asked in a moment, where its own client would try for minutes."""

import socket
import threading
import time
from functools import lru_cache
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

# to find the address and to connect
SECONDS = 3.0
# a hub that was out of reach may come back
ASK_AGAIN_SECONDS = 30
PORTS = {"https": 443, "http": 80}


def why_unreachable() -> str | None:
    """Why nothing can be had from the hub; None if somebody answers at its address, or at that of a proxy."""
    from huggingface_hub import constants

    if constants.is_offline_mode():
        return "HF_HUB_OFFLINE is set"
    return why_unreachable_at(constants.ENDPOINT)


def why_unreachable_at(url: str) -> str | None:
    """The same of any address of HTTP."""
    return _asked(url, int(time.monotonic() // ASK_AGAIN_SECONDS))


@lru_cache(maxsize=8)
def _asked(endpoint: str, _: int) -> str | None:
    url = urlsplit(endpoint)
    host = url.hostname or ""
    proxies = {} if proxy_bypass(host) else getproxies()
    proxy = proxies.get(url.scheme) or proxies.get("all")
    address = urlsplit(proxy if "://" in proxy else f"http://{proxy}") if proxy else url
    reason = _connection_fault(address.hostname or "", address.port or PORTS.get(str(address.scheme), 1080))
    through = f" (through the proxy {address.hostname})" if proxy else ""
    return None if reason is None else f"{endpoint} cannot be reached{through}: {reason}"


def _connection_fault(host: str, port: int) -> str | None:
    """What stands against a connection; a name server that does not answer is waited for no longer than the host."""
    found = ["no answer within a few seconds"]
    told = threading.Event()

    def connect() -> None:
        try:
            socket.create_connection((host, port), timeout=SECONDS).close()
            found[0] = ""
        except OSError as error:
            found[0] = error.strerror or str(error)
        told.set()

    # one that hangs must not keep the process
    threading.Thread(target=connect, name="hub-connection", daemon=True).start()
    told.wait(2 * SECONDS)
    return found[0] or None
