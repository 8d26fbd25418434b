"""What serves requests, as values: functions, aliases, published versions, and the templates that made them.

Whether a fast path may change it is `fast_path`'s, whether it is a release's is `health`'s. Reading it is elsewhere.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class TemplateResource:
    """One resource of a stack's template: its type, and each property as canonical JSON text.

    `settings` are a function's literal settings by name (`Handler`, `Timeout`, `Environment.STAGE`), as text.
    """

    stack: str
    logical_id: str
    kind: str
    properties: Mapping[str, str] = field(default_factory=dict)
    settings: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class PublishedVersion:
    """One published version of a function: its number, its code's digest, and the settings it was published with."""

    number: int
    digest: str
    settings: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class ServedAlias:
    """An alias that serves: the version it points to with that version's digest, and the other versions it weighs in.

    `digest` is None where it could not be read, with the reason in `unread`; `revision` guards against two writers.
    """

    name: str
    version: str
    digest: str | None
    revision: str = ""
    weighs: tuple[str, ...] = ()
    unread: str = ""

    def serves(self, digest: str | None) -> bool:
        """Tell whether it serves that code, and nothing beside it."""
        return digest is not None and self.digest == digest and not self.weighs


@dataclass(frozen=True)
class ServedFunction:
    """One function as it is and as an assembly wants it; digests are as Lambda writes them, None where unread.

    `name` is the physical name, empty where the stack has no such function; `bucket` and `key` are where the
    assembly's code is published. `versions` are read where there is an alias.
    """

    stack: str
    logical_id: str
    name: str
    bucket: str
    key: str
    expected: str | None
    running: str | None
    revision: str = ""
    aliases: tuple[ServedAlias, ...] = ()
    versions: tuple[PublishedVersion, ...] = ()
    unread: str = ""


@dataclass(frozen=True)
class Serving:
    """An environment as CloudFormation believes it is (`before`), as an assembly has it (`after`), and as it serves."""

    before: tuple[TemplateResource, ...]
    after: tuple[TemplateResource, ...]
    functions: tuple[ServedFunction, ...]
