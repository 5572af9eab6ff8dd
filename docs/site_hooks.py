"""What MkDocs does to a page's HTML, besides its theme.

A browser breaks lines after dashes, so that `--beam_size` may end a line as
`--`. No style forbids that and still breaks at spaces: here each word of inline
code that has a dash gets an element of its own, which site.css keeps whole.
"""

import re
from typing import Any

# A block stands in <pre>, or behind an empty <span> there.
_INLINE = re.compile(r"(?<!<pre>)(?<!</span>)<code>([^<]+)</code>")
_WORD = re.compile(r"[^\s<>]*-[^\s<>]*")


def on_page_content(html: str, **_: Any) -> str:
    """Marks the words of inline code."""
    return _INLINE.sub(
        lambda code: _WORD.sub(r"<span>\g<0></span>", code[0]), html
    )
