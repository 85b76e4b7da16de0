"""Base URL to addresses, as the reference does it."""

from __future__ import annotations

import pytest

from opalmind_tui.matomo.endpoints import credentials, reporting_url, tracking_url


@pytest.mark.parametrize(
    ("base", "tracking", "reporting"),
    [
        # The first eight are recorded (`client base URL ...`).
        ("http://127.0.0.1:7202", "http://127.0.0.1:7202/matomo.php", "http://127.0.0.1:7202/index.php"),
        ("http://127.0.0.1:7202/", "http://127.0.0.1:7202/matomo.php", "http://127.0.0.1:7202/index.php"),
        ("http://h:7202/matomo/", "http://h:7202/matomo/matomo.php", "http://h:7202/matomo/index.php"),
        ("http://h:7202/matomo/index.php", "http://h:7202/matomo/matomo.php", "http://h:7202/matomo/index.php"),
        ("http://h:7202/piwik/piwik.php", "http://h:7202/piwik/piwik.php", "http://h:7202/piwik/index.php"),
        ("http://h/matomo/index.php?module=x#frag", "http://h/matomo/matomo.php", "http://h/matomo/index.php"),
        ("http://h/ünïcode/", "http://h/%C3%BCn%C3%AFcode/matomo.php", "http://h/%C3%BCn%C3%AFcode/index.php"),
        ("http://h/andere-instanz", "http://h/andere-instanz/matomo.php", "http://h/andere-instanz/index.php"),
        ("https://Example.COM:443/m", "https://example.com/m/matomo.php", "https://example.com/m/index.php"),
        ("http://user:secret@h/m", "http://h/m/matomo.php", "http://h/m/index.php"),
        ("http://[::1]:8080", "http://[::1]:8080/matomo.php", "http://[::1]:8080/index.php"),
        ("  https://h/a b/ ", "https://h/a%20b/matomo.php", "https://h/a%20b/index.php"),
        ("https://h/%C3%BC", "https://h/%C3%BC/matomo.php", "https://h/%C3%BC/index.php"),
    ],
)
def test_addresses(base: str, tracking: str, reporting: str) -> None:
    assert (tracking_url(base), reporting_url(base)) == (tracking, reporting)


@pytest.mark.parametrize("base", ["", "h", "ftp://h/", "http://", "//h/x", "javascript:alert(1)"])
def test_what_is_no_web_address_is_refused(base: str) -> None:
    with pytest.raises(ValueError, match="http"):
        tracking_url(base)


def test_credentials_of_a_web_server_before_matomo() -> None:
    assert credentials("https://us%40er:p%2Fw@h/") == ("us@er", "p/w")
    assert credentials("https://h/") is None
