"""Reading Tocsin's pages as a browser does: elements, their attributes and their text; and sending their forms."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser

from django.http import HttpResponse
from django.test import Client

APART = {"div", "p", "li", "dt", "dd", "th", "td", "h1", "h2", "h3", "pre"}  # what stands in a box of its own
VOID = {"area", "br", "col", "hr", "img", "input", "link", "meta", "rect", "circle", "path"}


@dataclass(slots=True, kw_only=True)
class Element:
    """One element. `text` is all the text inside, white space made one blank."""

    tag: str
    attributes: dict[str, str]
    pieces: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        return " ".join("".join(self.pieces).split())


class Page(HTMLParser):
    """What an answer shows. Raises AssertionError when an element is closed that was not open."""

    def __init__(self, answer: HttpResponse) -> None:
        super().__init__()
        self.elements: list[Element] = []
        self._open: list[Element] = []
        self.feed(answer.content.decode())
        assert not self._open, [element.tag for element in self._open]

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        element = Element(tag=tag, attributes={name: value or "" for name, value in attributes})
        self.elements.append(element)
        if tag not in VOID:
            self._open.append(element)

    def handle_startendtag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.elements.append(Element(tag=tag, attributes={name: value or "" for name, value in attributes}))

    def handle_endtag(self, tag: str) -> None:
        assert self._open, f"</{tag}> closes nothing"
        for element in self._open:
            element.pieces.append(" " if tag in APART else "")
        opened = self._open.pop()
        assert opened.tag == tag, f"</{tag}> closes <{opened.tag}>"

    def handle_data(self, data: str) -> None:
        for element in self._open:
            element.pieces.append(data)

    def all(self, tag: str, **attributes: str) -> list[Element]:
        """Elements of a tag; `class_="x"` asks for that class among others, `name="q"` for that value."""
        return [element for element in self.elements if element.tag == tag and _has(element, attributes)]

    def one(self, tag: str, **attributes: str) -> Element:
        found = self.all(tag, **attributes)
        assert len(found) == 1, f"{len(found)} <{tag}> with {attributes}"
        return found[0]

    @property
    def text(self) -> str:
        return self.one("body").text

    @property
    def main(self) -> str:
        return self.one("main").text

    @property
    def menus(self) -> list[str]:
        """What opens a menu with a form."""
        return [summary.text for summary in self.all("summary", class_="button")]

    def values(self, name: str) -> list[str]:
        """What a field may be: the entries of a menu, the buttons of a choice."""
        choices = [element for element in self.all("input", type="radio") if element.attributes["name"] == name]
        return [choice.attributes["value"] for choice in choices]

    @property
    def buttons(self) -> list[str]:
        """What a person may press, outside the menus of the frame."""
        return [button.text for button in self.all("button", type="submit", name="action")]


def _has(element: Element, attributes: dict[str, str]) -> bool:
    for name, value in attributes.items():
        if name == "class_":
            if value not in element.attributes.get("class", "").split():
                return False
        elif element.attributes.get(name) != value:
            return False
    return True


def csrf_token(client: Client) -> str:
    """The token of a form that everybody has: signing out, or else in."""
    answer = client.get("/accounts/logout/", follow=True)
    return Page(answer).all("input", name="csrfmiddlewaretoken")[0].attributes["value"]


def press(client: Client, address: str, action: str, **fields: object) -> HttpResponse:
    """Send the form of an issue's page, as its button does."""
    form = {"csrfmiddlewaretoken": csrf_token(client), "action": action, **fields}
    answer: HttpResponse = client.post(address, form)
    return answer
