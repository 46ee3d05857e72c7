"""A page as a browser would find it, for the tests of all reports."""

from __future__ import annotations

from html.parser import HTMLParser

WITHOUT_END = {"meta", "input", "br", "hr", "link"}


class Page(HTMLParser):
    """Elements, text, scripts and styles of a page; elements that do not nest are noted."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.misnested: list[str] = []
        self.code: list[str] = []
        self.words: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag not in WITHOUT_END:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            self.misnested.append(tag)

    def handle_data(self, data):
        inside = self.open[-1] if self.open else ""
        (self.code if inside in ("script", "style") else self.words).append(data)

    @property
    def nested(self) -> bool:
        """Whether every element is closed, in the order in which they were opened."""
        return not self.open and not self.misnested

    @property
    def written(self) -> str:
        """The text with its line breaks and blanks."""
        return "".join(self.words)

    @property
    def text(self) -> str:
        return " ".join(self.written.split())

    @property
    def handlers(self) -> list[str]:
        """Attributes that would run as code."""
        return [name for _, found in self.elements for name in found if name.startswith("on")]

    def attributes(self, name: str) -> list[str]:
        return [found[name] for _, found in self.elements if name in found]

    def count(self, tag: str, **wanted: str) -> int:
        return sum(kind == tag and wanted.items() <= found.items() for kind, found in self.elements)
