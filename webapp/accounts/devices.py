"""What a browser calls itself, in words that people recognize."""

BROWSERS = (
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser", "Samsung Internet"),
    ("Firefox", "Firefox"),
    ("FxiOS", "Firefox"),
    ("CriOS", "Chrome"),
    ("Chrome", "Chrome"),
    ("Safari", "Safari"),
    ("curl", "curl"),
)
SYSTEMS = (
    ("Android", "Android"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("CrOS", "ChromeOS"),
    ("Windows", "Windows"),
    ("Mac OS X", "macOS"),
    ("Linux", "Linux"),
)
POCKET = frozenset({"Android", "iPhone", "iPad"})


def device_of(user_agent: str) -> tuple[str, str]:
    """Return (words, icon) for a browser's own description: ("Firefox, Linux", "device-desktop")."""
    browser = next((name for mark, name in BROWSERS if mark in user_agent), "")
    system = next((name for mark, name in SYSTEMS if mark in user_agent), "")
    words = ", ".join(part for part in (browser, system) if part)
    return words or user_agent[:60], "device-mobile" if system in POCKET else "device-desktop"
