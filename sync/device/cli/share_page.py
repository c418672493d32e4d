"""A share on paper: one page with its code, for a wallet or a counter.

What it is: one file without script, font or anything fetched, for a browser to print. What it is not: the summary, and
no place for the passcode, which must not travel with the link.
"""

from __future__ import annotations

from html import escape

_STYLE = (
    "body{font:16px/1.4 sans-serif;color:#000;background:#fff;max-width:42em;margin:2em auto;padding:0 1em}"
    "h1{font-size:1.6em;margin:0 0 .3em}svg{width:9cm;height:9cm;display:block;margin:1em auto}"
    "code{font-size:.7em;overflow-wrap:anywhere}ol{padding-left:1.3em}"
    "@media print{body{margin:0}}"
)


def page(label: str | None, link: str, svg: str, end: str | None, *, asks_passcode: bool) -> bytes:
    """The page. `svg`: the link's code. `end`: when it ends, in words."""
    title = escape(label or "Patient summary")
    steps = ["Point a phone’s camera at the code and open the page that it names, or paste the link into a viewer."]
    steps.append("Type your name or that of your practice: the patient sees who opened it.")
    if asks_passcode:
        steps.append("Type the passcode. Ask the patient for it; it does not stand on this page.")
    lasts = f"The link opens until {escape(end)}." if end else "The link opens until the patient ends it."
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width">'
        '<meta name="referrer" content="no-referrer">'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">"
        f"<title>{title}</title><style>{_STYLE}</style></head><body>"
        f"<h1>{title}</h1><p>My health records for whoever treats me (SMART Health Link).</p>"
        f"{svg}<ol>{''.join(f'<li>{step}</li>' for step in steps)}</ol>"
        f"<p>{lasts} Whoever has this page can open it: keep it as you keep your bank card.</p>"
        f"<p><code>{escape(link)}</code></p></body></html>\n"
    ).encode()
