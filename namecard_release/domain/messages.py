"""What is told to people through a channel, and in which order it goes out. Sending does not belong here."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

# PagerDuty takes 255 characters of a dedup_key; an index of every database takes this.
LONGEST_KEY = 200


class Channel(StrEnum):
    """Where a message goes."""

    PAGERDUTY = "pagerduty"
    SLACK = "slack"
    NOTION = "notion"


class MessageKind(StrEnum):
    """What a message is for; each channel makes of it what it can."""

    PAGE = "page"
    ACKNOWLEDGE = "acknowledge"
    RESOLVE = "resolve"
    ESCALATE = "escalate"
    STATUS = "status"
    SUMMARY = "summary"
    REMINDER = "reminder"
    CHECKLIST = "checklist"
    NOTE = "note"


class MessageState(StrEnum):
    """How far a message is: not yet taken by its channel, taken, refused for good, or dropped: nobody needs it."""

    WAITING = "waiting"
    SENT = "sent"
    REFUSED = "refused"
    DROPPED = "dropped"


@dataclass(frozen=True)
class Message:
    """One message, once: a key that was queued before is ignored, so `key` names the occasion and never a try.

    `subject` is the incident or promotion that it is about: PagerDuty's dedup_key, a thread in Slack, a page in Notion.
    A subject's messages on a channel arrive in the order in which they were queued. Raises ValueError for a key or
    subject that is empty or longer than 200 characters, and for a moment without a time zone.
    """

    key: str
    channel: Channel
    subject: str
    kind: MessageKind
    title: str
    text: str
    at: datetime
    fields: tuple[tuple[str, str], ...] = ()

    def __post_init__(self) -> None:
        for name, value in (("key", self.key), ("subject", self.subject)):
            if not 0 < len(value) <= LONGEST_KEY:
                raise ValueError(f"a message's {name} has 1 to {LONGEST_KEY} characters, not {len(value)}")
        if self.at.tzinfo is None:
            raise ValueError(f"the moment of message {self.key} needs a time zone")


@dataclass(frozen=True)
class QueuedMessage:
    """A message as the outbox keeps it; `number` is its place in the order, `receipt` the channel's own id for it.

    `unsure`: a try began and nobody recorded its end, so the channel may have taken it. `since`: when its state began.
    """

    message: Message
    number: int
    state: MessageState
    attempts: int
    unsure: bool
    since: datetime
    next_try: datetime | None = None
    reason: str = ""
    receipt: str = ""


@dataclass(frozen=True)
class ClosedChannel:
    """A channel that took nothing the last so many times: why, and when it is tried again."""

    until: datetime
    reason: str
    failures: int


@dataclass(frozen=True)
class Acknowledgement:
    """Who acknowledged what about a subject, and when, as its channel tells."""

    subject: str
    who: str
    at: datetime


@dataclass(frozen=True)
class Backlog:
    """What a channel still has to take: how many wait, since when the oldest does, and how many it refused lately."""

    waiting: int
    oldest: datetime | None
    refused: int
