"""A request as a command that sends it by hand."""

from __future__ import annotations

import re
import shlex
from urllib.parse import quote

from opalmind_tui.snapshot.listing import Parameter, RequestDetail

TOKEN = "token_auth=•••"
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_PLAIN = re.compile(r"[ -~]*")


def as_curl(detail: RequestDetail) -> str:
    """The command, quoted for a shell, in printable ASCII but for what is masked. The token is not in it.

    What a shell or a terminal could misread travels percent-encoded, as it does on the wire.
    """
    words = ["curl", "--request POST", shlex.quote(detail.endpoint or "MATOMO_URL")]
    sent = [*detail.params, Parameter("rec", "", "1"), Parameter("apiv", "", "1")]
    words += [_argument(parameter) for parameter in sent if not parameter.masked or _NAME.fullmatch(parameter.name)]
    return " ".join([*words, f"--data-urlencode {shlex.quote(TOKEN)}"])


def _argument(parameter: Parameter) -> str:
    if parameter.masked:
        return f"--data-urlencode {shlex.quote(f'{parameter.name}=•••')}"
    if _NAME.fullmatch(parameter.name) and _PLAIN.fullmatch(parameter.value):
        return f"--data-urlencode {shlex.quote(f'{parameter.name}={parameter.value}')}"
    encoded = f"{quote(parameter.name, safe='')}={quote(parameter.value, safe='', errors='replace')}"
    return f"--data {shlex.quote(encoded)}"
