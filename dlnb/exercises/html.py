"""How a verdict looks below a cell: plain HTML with Jupyter's own colours, readable without colours and by a screen reader."""

from html import escape

_SIGNS = {"right": ("✓", "Right.", "--jp-success-color1, #2e7d32"), "wrong": ("✗", "Not yet.", "--jp-warn-color1, #b25000"), "told": ("›", "", "--jp-brand-color1, #1565c0")}


def block(kind: str, head: str, words: str, hint: str = "", code: str = "") -> str:
    """A block with a coloured edge. kind: "right", "wrong" or "told". Texts are taken as texts; `…` in them is code."""
    sign, said, colour = _SIGNS[kind]
    parts = [f'<b><span aria-hidden="true">{sign}</span> {escape(head)}</b>']
    parts.append(f"<div>{f'<b>{said}</b> ' if said else ''}{_prose(words[:1].upper() + words[1:])}</div>")
    if hint:
        parts.append(f'<div style="margin-top:4px"><b>Hint.</b> {_prose(hint)}</div>')
    if code:
        parts.append(f'<pre style="margin:6px 0 0;white-space:pre-wrap">{escape(code)}</pre>')
    style = f"border-inline-start:4px solid var({colour});padding:4px 12px;margin:2px 0;color:var(--jp-content-font-color1, inherit);max-width:80ch"
    return f'<div role="status" style="{style}">{"".join(parts)}</div>'


def _prose(words: str) -> str:
    """Text with `code` in it, as HTML. A backtick without a second one stays as it is."""
    parts = words.split("`")
    if len(parts) % 2 == 0:
        parts[-2:] = ["`".join(parts[-2:])]
    return "".join(f"<code>{escape(part)}</code>" if i % 2 else escape(part).replace("\n", "<br>") for i, part in enumerate(parts))
