"""A channel that keeps what it took, and answers as a test says."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from namecard_release.domain.delivery import Answer, Outcome, taken
from namecard_release.domain.messages import Message


@dataclass
class FakeSender:
    """Takes everything but what `answers` or `judge` say; one that is UNSURE and `loses` nothing has taken it."""

    per_minute: int = 1000
    answers: deque[Answer] = field(default_factory=deque)
    judge: Callable[[Message], Answer | None] = lambda _: None
    took: list[str] = field(default_factory=list)
    threads: dict[str, str | None] = field(default_factory=dict)
    loses: bool = False
    where: str = "a fake"

    def send(self, message: Message, thread: str | None) -> Answer:
        answer = self.judge(message) or (self.answers.popleft() if self.answers else taken(f"r-{message.key}"))
        self.threads[message.key] = thread
        if answer.outcome is Outcome.TAKEN or (answer.outcome is Outcome.UNSURE and not self.loses):
            self.took.append(message.key)
        return answer

    def find(self, message: Message, thread: str | None) -> Answer:
        return taken(f"r-{message.key}") if message.key in self.took else Answer(Outcome.NOT_TAKEN)

    def check(self) -> Answer:
        return self.answers.popleft() if self.answers else taken("")
