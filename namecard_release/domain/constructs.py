"""Which construct of the platform's CDK app a logical id stands for: exactly, for names share prefixes."""

from __future__ import annotations

import re

# CDK ends a logical id in eight hexadecimal digits; a template written by hand, in fewer or none.
HASH = r"[0-9A-F]{0,8}"


def is_construct(logical_id: str, construct: str) -> bool:
    """Tell whether a logical id is a construct's own: its id, and CDK's hash or none after it, nothing else."""
    return logical_id.startswith(construct) and _HASH.fullmatch(logical_id, len(construct)) is not None


def is_service_function(logical_id: str, service: str) -> bool:
    """Tell whether a Lambda function is a service's own: `AuthServiceFunction` and not `AuthServiceXFunction`."""
    own = f"{service.capitalize()}Service"
    return is_construct(logical_id, f"{own}Function") or is_construct(logical_id, own)


_HASH = re.compile(HASH)
