"""The page that a person sees who was taken for a crawler (design part 5.7).

Rule: whatever it shows is escaped, and the object that it embeds for machines cannot end its element.
"""

from __future__ import annotations

import html
from collections.abc import Mapping

import msgspec

_PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>{title}</title>
<style>
:root {{ color-scheme: light dark; }}
body {{ font: 1.1rem/1.6 system-ui, sans-serif; max-width: 40rem; margin: 3rem auto; padding: 0 1rem; }}
code {{ overflow-wrap: anywhere; }}
dt {{ font-weight: 600; }}
dd {{ margin: 0 0 .6rem; }}
</style>
</head>
<body>
<main>
<h1>{title}</h1>
<p>{detail}</p>
<h2>If you are a person</h2>
<p>This site answers AI crawlers with its terms. Something in your request named one, so this page came to you by
mistake. {wrongly}</p>
<dl>
<dt>Number of this answer</dt><dd><code>{instance}</code></dd>
{offers}</dl>
</main>
<script type="application/problem+json">{embedded}</script>
</body>
</html>
"""


def page(heading: str, problem: Mapping[str, object]) -> bytes:
    """The page (UTF-8) under `heading` for a problem details object (RFC 9457), which it embeds whole."""
    contact = problem.get("contact")
    wrongly = f"Write to {_anchor(str(contact))} and give the number below; no other detail is needed."
    if not contact:  # this file answers everybody (RFC 9116)
        where = _anchor("/.well-known/security.txt")
        wrongly = f"An address may stand in {where}, if the site has one; give the number below."
    offers = "".join(
        f"<dt>{label}</dt><dd>{_anchor(str(problem[key]))}</dd>\n"
        for key, label in (("terms", "Terms"), ("license", "License"), ("tdm_policy", "TDM policy"))
        if key in problem
    )
    # "<" in a script element could end it (HTML section 13.2.5.15); as \\u003c it is the same JSON.
    embedded = msgspec.json.encode(problem).decode().replace("<", "\\u003c")
    text = _PAGE.format(
        title=html.escape(heading),
        detail=html.escape(str(problem["detail"]).removeprefix(f"{heading}. ")),
        instance=html.escape(str(problem["instance"])),
        wrongly=wrongly,
        offers=offers,
        embedded=embedded,
    )
    return text.encode()


def _anchor(url: str) -> str:
    """A link to one of the owner's own URLs; the policy's loader lets only http, https, mailto and `/` through."""
    shown = html.escape(url.removeprefix("mailto:"))
    return f'<a href="{html.escape(url)}">{shown}</a>'
