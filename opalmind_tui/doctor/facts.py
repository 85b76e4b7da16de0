"""What the checks are about."""

from __future__ import annotations

import shlex

from msgspec import Struct, field
from msgspec.structs import replace

from opalmind_tui import health
from opalmind_tui.errors import StoreUnavailable
from opalmind_tui.health.facts import known
from opalmind_tui.observe.examination import Examination
from opalmind_tui.observe.filling import Filling
from opalmind_tui.settings import Settings
from opalmind_tui.snapshot.model import CacheView, KeyCounts, PreviewPoint, ProcessView, QueueView, ServerView
from opalmind_tui.storage.slots import Node


class Place(Struct, frozen=True):
    """Where the Redis is, and how we talk to it.

    Args:
        address: for people.
        host, port, path, database: where; `path` is a Unix socket's.
        local: it is reached without a network.
        tls: it is reached by TLS.
        user: our ACL user, empty for the default one.
        authenticated: we give a password.
        ca, certificate, key: files that we use for TLS, empty where none is set.
    """

    address: str = "127.0.0.1:6379/0"
    host: str = "127.0.0.1"
    port: int = 6379
    path: str = ""
    database: int = 0
    local: bool = True
    tls: bool = False
    user: str = ""
    authenticated: bool = False
    ca: str = ""
    certificate: str = ""
    key: str = ""

    @property
    def node(self) -> str:
        """A node of a Cluster by its address."""
        return str(Node(self.host, self.port))

    def cli(self, product: str, *words: str) -> str:
        """A command line for the server, quoted for a shell; it asks for a password where one is needed."""
        program = "valkey-cli" if product == "valkey" else "redis-cli"
        where = ["-s", self.path] if self.path else ["-h", self.host, "-p", str(self.port)]
        how = ["--tls"] if self.tls else []
        for option, file in (("--cacert", self.ca), ("--cert", self.certificate), ("--key", self.key)):
            how += [option, file] if file else []
        how += ["--user", self.user] if self.user else []
        how += ["--askpass"] if self.authenticated else []
        return shlex.join([program, *where, *how, *words])


class Token(Struct, frozen=True):
    """What Matomo says of our token, found out without storing a hit.

    Args:
        super_user: it belongs to a super user; None where that could not be learnt.
        writes: sites that it may write to; None where that could not be learnt.
        in_bulks: Matomo knows it as a super user's in a bulk; None where that was not tried.
        bulk_error: what Matomo answered to the bulk instead.
    """

    super_user: bool | None = None
    writes: tuple[int, ...] | None = None
    in_bulks: bool | None = None
    bulk_error: str = ""


class Facts(Struct, frozen=True):
    """The input of every check.

    Args:
        state: what the health document is made of.
        trouble: why Redis does not serve; None while it does.
        place: where it is.
        examination: a closer look; None where the server could not be asked.
        processes: our processes on that Redis.
        matomo_kind: what kind of error Matomo answered with, as in `MatomoError`; empty for none.
        matomo_clock: seconds by which Matomo's clock is ahead of ours, and by how much that may be wrong; None where no
            answer told.
        token: None where it was not asked, as where Matomo refuses it.
        filling: records of what was sent, now and once the first ones expire; None where nothing can be said.
        nodes: of a Cluster, the same about each primary that answers, with its own server, place and examination.
        home: the queue is there; false for a node of a Cluster that does not have it.
        better: the best of the times to live that the look-ups were replayed with; None where nothing can be said.
    """

    state: health.Facts
    trouble: StoreUnavailable | None = None
    place: Place = field(default_factory=Place)
    examination: Examination | None = None
    processes: tuple[ProcessView, ...] = ()
    matomo_kind: str = ""
    matomo_clock: tuple[float, float] | None = None
    token: Token | None = None
    better: PreviewPoint | None = None
    filling: Filling | None = None
    nodes: tuple[Facts, ...] = ()
    home: bool = True

    @property
    def now(self) -> float:
        """Epoch seconds."""
        return self.state.now

    @property
    def settings(self) -> Settings:
        """What the process was told."""
        return self.state.settings

    @property
    def server(self) -> ServerView | None:
        """The server's figures, None where they could not be read."""
        return known(self.state.server)

    @property
    def queue(self) -> QueueView | None:
        """The queue, None where it could not be read."""
        return known(self.state.queue)

    @property
    def cache(self) -> CacheView | None:
        """The cache, None where it could not be read."""
        return known(self.state.cache)

    @property
    def keys(self) -> KeyCounts | None:
        """Keys by prefix, None where they could not be counted."""
        return known(self.state.keys)

    def config(self, name: str) -> str | None:
        """A setting of the server, None where it is not known."""
        return self.examination.config.get(name) if self.examination is not None else None

    def cli(self, *words: str) -> str:
        """A command line for the server, quoted for a shell."""
        return self.place.cli(self.server.product if self.server is not None else "redis", *words)

    def grant(self, *words: str) -> str:
        """A command line that gives our user rights. Ours may not do that to itself, so that it runs as the default
        user."""
        product = self.server.product if self.server is not None else "redis"
        user = self.place.user or "default"
        return replace(self.place, user="").cli(product, "acl", "setuser", user, *words)

    def limit_memory(self, megabytes: int) -> str:
        """The command that sets the memory limit, of a Cluster one for each node, which has its part of it."""
        parts = self.nodes or (self,)
        each = f"{-(-megabytes // len(parts))}mb"
        return "; ".join(part.cli("config", "set", "maxmemory", each) for part in parts)

    def clean(self, text: str, limit: int = 300) -> str:
        """Text from outside, fit to be shown and without secrets."""
        return self.state.clean(text, limit)
