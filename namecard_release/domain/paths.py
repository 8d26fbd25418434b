"""Request paths without what is of one request alone, so that they can be grouped. Routing does not belong here."""

from __future__ import annotations

import re

_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
# A number, a long hexadecimal or base64 word, an e-mail address: of one record, and not for everybody's eyes.
_OWN = re.compile(r"\d+|[0-9a-fA-F]{12,}|(?=[^/]*\d)[A-Za-z0-9_=-]{20,}|[^/@]+(@|%40)[^/@]+")
_VERSION = re.compile(r"v\d{1,3}")
_LONGEST = 200
ID = "{id}"


def template_path(path: str) -> str:
    """Give the path of a request with its stage and query cut off and every identifier in it written as `{id}`.

    `/staging/v1/cards/8f14...?limit=2` is `/v1/cards/{id}`.
    """
    plain = path.partition("?")[0].partition("#")[0].strip()
    parts = [part for part in plain[: 4 * _LONGEST].split("/") if part]
    # The stage stands before the version: /v1 begins the path that a route knows.
    if len(parts) > 1 and _VERSION.fullmatch(parts[1]) and not _VERSION.fullmatch(parts[0]):
        parts = parts[1:]
    told = "/".join(ID if _UUID.fullmatch(part) or _OWN.fullmatch(part) else part for part in parts)
    return f"/{told}"[:_LONGEST] if plain else ""


def service_of_path(path: str) -> str:
    """Name the service that a path or route (`ANY /v1/cards/{proxy+}`) belongs to; empty where it names none."""
    parts = [part for part in template_path(path.rpartition(" ")[2]).split("/") if part]
    return parts[1] if len(parts) > 1 and _VERSION.fullmatch(parts[0]) else ""
