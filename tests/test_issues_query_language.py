"""The language in which issues are looked for: what is read out of what somebody types, and what is said when it makes no sense."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.sizes import size
from tocsin.errors import Invalid
from tocsin.issues.models import Status, Substatus
from tocsin.issues.queries.finding import MEANT, STATES
from tocsin.issues.queries.language import (
    BESIDE_STATUS,
    QUERY_MAX,
    READ,
    TAKES,
    TERMS_MAX,
    Key,
    Query,
    State,
    Term,
    parse,
)


@pytest.mark.parametrize(
    ("typed", "terms"),
    [
        ("", ()),
        (" \t\n\u3000 ", ()),
        ("zero", (("", "zero", False),)),
        ("division  by\u00a0zero", (("", "division", False), ("", "by", False), ("", "zero", False))),
        ('"division by zero"', (("", "division by zero", False),)),
        ('!"division by zero"', (("", "division by zero", True),)),
        ("!zero", (("", "zero", True),)),
        ("!", (("", "!", False),)),
        ("!!x", (("", "!x", True),)),
        ('"!x"', (("", "!x", False),)),
        ("is:unresolved", (("is", "unresolved", False),)),
        ("IS:Unresolved", (("is", "unresolved", False),)),
        ("is:ignored", (("is", "archived", False),)),
        ("!is:resolved", (("is", "resolved", True),)),
        ("assigned:me", (("assigned", "me", False),)),
        ("assigned:nobody", (("assigned", "none", False),)),
        ("assigned:Alice@Example.com", (("assigned", "alice@example.com", False),)),
        ("assigned:#Backend", (("assigned", "#backend", False),)),
        ("level:FATAL", (("level", "fatal", False),)),
        ("release:shop@1.4.2", (("release", "shop@1.4.2", False),)),
        ("release:latest", (("release", "latest", False),)),
        ('release:"1.0 beta"', (("release", "1.0 beta", False),)),
        ('environment:"a \\"b\\" \\\\ c"', (("environment", 'a "b" \\ c', False),)),
        ("project:Shop", (("project", "shop", False),)),
        ("KeyError: 'sku'", (("", "KeyError:", False), ("", "'sku'", False))),
        ('say"hi"', (("", 'say"hi"', False),)),
        ("shop.web:add", (("", "shop.web:add", False),)),
        (":x", (("", ":x", False),)),
        ("' OR 1=1 --", (("", "'", False), ("", "OR", False), ("", "1=1", False), ("", "--", False))),
        ("is:new level:error x", (("is", "new", False), ("level", "error", False), ("", "x", False))),
    ],
)
def test_what_is_typed_is_read(typed: str, terms: tuple[tuple[str, str, bool], ...]) -> None:
    assert tuple((term.key, term.value, term.is_negated) for term in parse(typed).terms) == terms


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("is:open", "is:open makes no sense. is: takes unresolved, resolved, archived, new,"),
        ("x is:", "is: lacks a value. is: takes unresolved,"),
        ('is:""', 'is:"" lacks a value. is: takes'),
        ('""', "Put a text between the quotes."),
        ("!level:loud", "!level:loud makes no sense. level: takes fatal, error, warning, info, debug."),
        ("assigned:alice", "assigned:alice makes no sense. assigned: takes me, none, an e-mail address, or a #team."),
        ("assigned:#", "assigned: takes me"),
        (
            "browser:firefox",
            "browser:firefox makes no sense. There is no browser: to search by, only is:, assigned:, level:,",
        ),
        ("http://localhost/", "stands in double quotes"),
        ('"zero', 'A quote is not closed: "zero. Put a " at its end.'),
        ('release:"1.0', 'A quote is not closed: release:"1.0.'),
        ('"zero\\"', "A quote is not closed"),
        ('"zero"x', 'Leave a blank after the closing quote: "zero"x'),
        ("x" * (QUERY_MAX + 1), "A search may have 500 characters, and this one has 501."),
        ("x " * (TERMS_MAX + 1), "A search may have 30 terms, and this one has 31."),
        ("a\x00b", "no character"),
        ("a\ud800b", "no character"),
        (f"is:{'x' * 300}", f"is:{'x' * 36}… makes no sense. is: takes"),
    ],
)
def test_what_makes_no_sense_is_said_with_the_term_and_what_may_stand_there(typed: str, said: str) -> None:
    with pytest.raises(Invalid) as refused:
        parse(typed)
    assert said in str(refused.value)
    assert refused.value.field == "query"
    assert len(str(refused.value)) < 400


@pytest.mark.parametrize(
    ("typed", "says"),
    [
        ("is:resolved", True),
        ("!is:archived", True),
        ("is:new", True),
        ("is:assigned", False),
        ("is:acknowledged x", False),
        ("resolved", False),
    ],
)
def test_a_query_knows_whether_it_speaks_of_the_status(typed: str, says: bool) -> None:
    assert parse(typed).says_status is says


def test_every_key_and_state_has_its_meaning() -> None:
    assert set(READ) == set(TAKES) == set(MEANT) == set(Key)
    assert set(STATES) == set(State)
    assert {str(state) for state in set(State) - BESIDE_STATUS} == {*Status.values, *Substatus.values} - {""}


PIECES = st.one_of(
    st.text(max_size=12),
    st.sampled_from([*(f"{key}:" for key in Key), "!", '"', "\\", " ", "me", "none", "#a", "a@b", *State, "latest"]),
)


@given(st.lists(PIECES, max_size=20).map("".join))
@settings(max_examples=size(20_000), deadline=None)
def test_whatever_is_typed_is_read_or_refused_in_words(typed: str) -> None:
    try:
        query = parse(typed)
    except Invalid:
        return
    assert parse(str(query)) == query
    assert all(term.value for term in query.terms)


TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), min_size=1, max_size=12)
OPEN = st.builds(
    Term, key=st.sampled_from([Key.TEXT, Key.RELEASE, Key.ENVIRONMENT]), value=TEXTS, is_negated=st.booleans()
)
CLOSED = st.builds(Term, key=st.just(Key.IS), value=st.sampled_from([*map(str, State)]), is_negated=st.booleans())


@given(st.lists(OPEN | CLOSED, max_size=10).map(lambda terms: Query(terms=tuple(terms))))
@settings(max_examples=size(10_000), deadline=None)
def test_a_query_that_is_written_is_read_as_the_same(query: Query) -> None:
    assert parse(str(query)) == query
