"""Fixed bytes that Matomo, or a proxy before it, answers."""

from __future__ import annotations

from base64 import b64decode

from opalmind_tui.demo.matomo.message import REASONS

GIF = b64decode("R0lGODlhAQABAIAAAAAAAAAAACH5BAEAAAAALAAAAAABAAEAAAICRAEAOw==")
"""The transparent pixel, 43 bytes."""

ENDPOINT_PAGE = (
    b"This resource is part of Matomo. Keep full control of your data with the leading free and open source "
    b"<a href='https://matomo.org' target='_blank' rel='noopener noreferrer nofollow'>web analytics & conversion "
    b"optimisation platform</a>.<br>\nThis file is the endpoint for the Matomo tracking API. If you want to access "
    b"the Matomo UI or use the Reporting API, please use <a href='index.php'>index.php</a> instead.\n"
)
"""What every failed single hit gets, whatever the reason."""

MAINTENANCE_PAGE = (
    b'<!DOCTYPE html>\n<html>\n<head>\n\t<meta charset="utf-8">\n'
    b"\t<title>Matomo is undergoing maintenance</title>\n</head>\n"
    b"<body><p>Matomo is down for maintenance. Please try again in a few minutes.</p></body>\n</html>\n"
)
LOGIN_PAGE = (
    b'<!DOCTYPE html>\n<html id="ng-app">\n<head>\n    <meta charset="utf-8">\n    <title>Sign in - Matomo</title>\n'
    b"</head>\n<body><h1>Sign in</h1></body>\n</html>\n"
)
NOT_INSTALLED = b"As Matomo is not installed yet, the Tracking API cannot proceed and will exit without error."

TRACKER_HEADERS = (("Access-Control-Allow-Origin", "*"), ("Access-Control-Allow-Credentials", "true"))


def proxy_page(status: int) -> bytes:
    """The short page of a proxy for a status."""
    title = f"{status} {REASONS[status]}"
    return f"<html>\n<head><title>{title}</title></head>\n<body><h1>{title}</h1></body>\n</html>\n".encode()
