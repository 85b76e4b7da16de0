"""The errors that callers of the library meet. Each says what was wrong in words that an operator can use."""

from __future__ import annotations


class OpalmindError(Exception):
    """The root of every error that this package raises on purpose."""


class SettingsError(OpalmindError):
    """A setting cannot be used.

    Args:
        variable: name of the environment variable (or option).
        held: what it held, secrets already masked.
        accepted: what would have been accepted.
    """

    def __init__(self, variable: str, held: str, accepted: str) -> None:
        super().__init__(f"{variable}: cannot use {held}; accepted: {accepted}")
        self.variable = variable
        self.held = held
        self.accepted = accepted


class RefusedRequest(OpalmindError):
    """A tracking request that Matomo could never store was refused before it was queued.

    Args:
        field: the field at fault, in the caller's spelling.
        reason: why, in one sentence without the value itself where that may be private.
    """

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(f"{field}: {reason}")
        self.field = field
        self.reason = reason


class BadArgument(OpalmindError, ValueError):
    """A call was given a value that it cannot use; nothing was done.

    Args:
        field: the argument at fault, as the caller spells it.
        reason: what it would accept, in one sentence.
    """

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(f"{field}: {reason}")
        self.field = field
        self.reason = reason


class LeaseLost(OpalmindError):
    """A claim is not ours any more: its lease ran out and others took over, or the store knows nothing of it."""

    def __init__(self) -> None:
        super().__init__("The claim is not ours any more")


class StoreUnavailable(OpalmindError):
    """Redis did not do what it was asked to.

    Args:
        kind: short stable word, as in `storage.trouble`: ``refused``, ``timeout``, ``auth``, ``oom`` ...
        sentence: what is wrong, for people.
        remedy: what to do about it.
        falls_back: true where memory may take over (ruling 3), false where an operator must act first.
        in_doubt: true when the command may have run all the same, because only its answer is missing.
    """

    def __init__(
        self, kind: str, sentence: str, remedy: str, *, falls_back: bool = True, in_doubt: bool = False
    ) -> None:
        super().__init__(f"{sentence}. {remedy}")
        self.kind = kind
        self.sentence = sentence
        self.remedy = remedy
        self.falls_back = falls_back
        self.in_doubt = in_doubt

    def about(self, what: str) -> StoreUnavailable:
        """The same, of what it is about."""
        sentence = f"{self.sentence}: {what}"
        return StoreUnavailable(self.kind, sentence, self.remedy, falls_back=self.falls_back, in_doubt=self.in_doubt)


class ReadOnly(OpalmindError):
    """The engine was opened read-only and was asked to change something."""


class MatomoError(OpalmindError):
    """Matomo answered a report with an error, or did not answer.

    Args:
        kind: ``auth``, ``permission``, ``rate-limit``, ``client``, ``server``, ``network``, ``timeout``, ``parse``.
        message: Matomo's text with every secret masked, cut to 300 characters.
        status: HTTP status, if there was an answer.
        retry_after: seconds that Matomo asked to wait, if it did.
    """

    def __init__(self, kind: str, message: str, *, status: int | None = None, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.kind = kind
        self.message = message
        self.status = status
        self.retry_after = retry_after
