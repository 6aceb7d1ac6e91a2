"""The keys of a document, table by table: lists, choices, and tables with defaults of their own."""

from typing import Annotated, Literal

import pytest
from pydantic import Field

from sim.core.documents.fields import chosen_by, tables_in, values_in
from sim.core.documents.sections import Section, choice, number, table, text


class Fee(Section):
    cap: float = number(5.0, 0.0, 9.0, "gwei", "Cap.", source="usual")
    tip: float = number(1.0, 0.0, 9.0, "gwei", "Tip.", source="usual")


class Round(Section):
    shape: Literal["round"]
    radius: float = number(1.0, 0.0, 9.0, "m", "Radius.", source="any")


class Square(Section):
    shape: Literal["square"]
    side: float = number(2.0, 0.0, 9.0, "m", "Side.", source="any")


class Animal(Section):
    name: str = text(..., "Name.")
    body: Annotated[Round | Square, Field(discriminator="shape")] = choice(
        Round(shape="round"), "Body.", source="assumption"
    )


class File(Section):
    animals: tuple[Animal, ...] = ()
    fee: Fee = Fee()
    own_fee: Fee = table(Fee(cap=7.0), "Bids.", sources={"cap": "stated here"})


def test_every_table_has_its_place_parents_first():
    assert [one.place for one in tables_in(File)] == [
        "",
        "animals.0",
        "animals.0.body:round",
        "animals.0.body:square",
        "fee",
        "own_fee",
    ]


def test_a_table_with_defaults_of_its_own_brings_them_and_their_sources():
    tables = {one.place: one for one in tables_in(File)}
    assert tables["own_fee"].default == Fee(cap=7.0)
    assert dict(tables["own_fee"].sources) == {"cap": "stated here"}
    assert tables["own_fee"].path("cap") == "own_fee.cap"
    assert dict(tables["fee"].sources) == {}


def test_values_leave_out_tables_and_the_word_that_chooses():
    assert [name for name, _ in values_in(Round)] == ["radius"]
    assert [name for name, _ in values_in(Animal)] == ["name"]
    assert chosen_by(Square) == "square"
    with pytest.raises(TypeError, match="nothing tells it from others"):
        chosen_by(Fee)
