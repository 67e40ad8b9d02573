"""What a student wrote, as HTML that runs nothing and hides nothing: for feedback pages and formgrader.

Both are made by nbconvert's exporter; ``nbgrader_config.py`` puts these filters in place of its own, which let the HTML
in Markdown through as it is.
"""

import html
import re
from typing import Any

import bleach
from bleach.css_sanitizer import CSSSanitizer
from jinja2 import pass_context
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath

TAGS = (
    "a abbr b blockquote br code dd del details div dl dt em h1 h2 h3 h4 h5 h6 hr i img kbd li ol p pre s small span "
    "strong sub summary sup table tbody td tfoot th thead tr u ul"
)
STYLES = ["border-left", "color", "font-style", "font-weight", "padding", "text-align", "white-space"]
LINK = re.compile(r"(https?://|mailto:|#|[\w./%-]+$)", re.IGNORECASE)
PICTURE = re.compile(r"(https?://|data:image/(png|jpeg|gif|svg\+xml);base64,[\w+/=\s]+$|[\w./%-]+$)", re.IGNORECASE)
OF_HIGHLIGHTED_CODE = re.compile(r"highlight|hl-\w+|anchor-link|\w{1,3}")


def clean_html(text: Any) -> str:
    """HTML with only what shows text, tables, links and pictures; everything else is shown as the text that it is."""
    text = text.decode() if isinstance(text, bytes) else str(text)
    styles = CSSSanitizer(allowed_css_properties=STYLES)
    protocols = {"http", "https", "mailto", "data"}
    return bleach.clean(text, TAGS.split(), _allowed, protocols=protocols, css_sanitizer=styles)


@pass_context
def markdown2html(context: Any, source: str) -> str:
    """A cell's Markdown as clean HTML; what cannot be rendered is shown as it was written."""
    attachments = context.get("cell", {}).get("attachments", {})
    try:
        made = MarkdownWithMath(renderer=IPythonRenderer(escape=False, attachments=attachments)).render(source)
    except Exception:  # a picture that is not attached, and whatever else the renderer cannot do
        made = f"<pre>{html.escape(source)}</pre>"
    return clean_html(made)


def _allowed(tag: str, name: str, value: str) -> bool:
    if name == "class":  # others would dress as the page's own parts
        return all(OF_HIGHLIGHTED_CODE.fullmatch(one) for one in value.split())
    if (tag, name) == ("a", "href"):
        return LINK.match(value) is not None
    if (tag, name) == ("img", "src"):
        return PICTURE.match(value) is not None
    if tag == "img" and name in ("width", "height"):
        return value.isdigit()
    return name in ("style", "title", "alt") or (tag in ("td", "th") and name in ("colspan", "rowspan", "align"))
