from collections.abc import Callable
from typing import Annotated, Any, Literal

import pytest
from pydantic import Field, ValidationError

from spline_lstm.errors import ParameterError
from spline_lstm.spec import Flag, Floats, Integers, Names, Spec, StrictFloat, StrictInt, Text


class Inner(Spec):
    dim: Annotated[StrictInt, Field(ge=1)]


class Outer(Spec):
    kind: Literal["one", "two"] = "one"
    count: StrictInt = 1
    share: StrictFloat = 0.5
    flag: Flag = True
    text: Text = "text"
    names: Names = ()
    widths: Integers = ()
    shares: Floats = ()
    inner: tuple[Inner, ...] = ()


def parse(**values: Any) -> Outer:
    return Outer.parse(values, ParameterError, "parameter")


def test_an_unknown_key_is_refused_with_the_nearest_and_all_known(refuses: Callable[..., Any]) -> None:
    with refuses(ParameterError, 2, "parameter 'nmaes' is unknown; did you mean 'names'?", "known: kind, count, share"):
        parse(nmaes=["a"])


def test_an_unknown_key_inside_a_list_is_refused_with_its_path(refuses: Callable[..., Any]) -> None:
    with refuses(ParameterError, 2, "parameter 'inner.1.dimm' is unknown; did you mean 'dim'?"):
        parse(inner=[{"dim": 1}, {"dimm": 2}])


def test_an_unknown_key_is_reported_before_other_findings(refuses: Callable[..., Any]) -> None:
    with refuses(ParameterError, 2, "parameter 'cuont' is unknown"):
        parse(share="x", cuont=3)


def test_a_missing_key_is_named(refuses: Callable[..., Any]) -> None:
    with refuses(ParameterError, 2, "parameter 'inner.0.dim' is missing"):
        parse(inner=[{}])


def test_an_unknown_choice_is_refused_with_those_allowed_and_the_nearest(refuses: Callable[..., Any]) -> None:
    with refuses(ParameterError, 2, "'kind' is 'tow'; it should be 'one' or 'two'; did you mean 'two'?"):
        parse(kind="tow")


@pytest.mark.parametrize(
    ("values", "found"),
    [
        ({"count": True}, "'count' is True; it should be a valid integer"),
        ({"count": 1.0}, "'count' is 1.0; it should be a valid integer"),
        ({"count": "1"}, "'count' is '1'; it should be a valid integer"),
        ({"share": True}, "'share' is True; it should be a valid number"),
        ({"share": float("nan")}, "'share' is nan; it should be a finite number"),
        ({"share": float("inf")}, "'share' is inf; it should be a finite number"),
        ({"flag": 1}, "'flag' is 1; it should be a valid boolean"),
        ({"text": ""}, "'text' is ''; it should have at least 1 character"),
        ({"names": "a++b"}, "'names' is 'a++b'; a name is empty"),
        ({"names": ["a", "b", "a"]}, "'names' is ['a', 'b', 'a']; 'a' is given twice"),
        ({"names": [1]}, "'names.0' is 1; it should be a valid string"),
        ({"names": 1}, "'names' is 1; it should be a valid list"),
        ({"widths": "64+x"}, "'widths' is '64+x'; numbers joined by + are needed"),
        ({"widths": [6.5]}, "'widths.0' is 6.5; it should be a valid integer"),
        ({"widths": True}, "'widths' is True; it should be a valid list"),
        ({"inner": ["a"]}, "'inner.0' is 'a'; it should be a valid object"),
        ({"inner": [{"dim": 0}]}, "'inner.0.dim' is 0; it should be greater than or equal to 1"),
    ],
)
def test_a_value_of_the_wrong_kind_is_refused(values: dict[str, Any], found: str, refuses: Callable[..., Any]) -> None:
    with refuses(ParameterError, 2, f"parameter {found}"):
        parse(**values)


def test_a_long_value_is_shortened_in_the_message(refuses: Callable[..., Any]) -> None:
    with refuses(ParameterError, 2, "'count' is 'xxx", "xxx…; it should"):
        parse(count="x" * 1000)


@pytest.mark.parametrize("value", ["a+b", "a,b", " a + b ", ["a", "b"], ("a", "b")])
def test_names_come_as_a_list_or_joined(value: Any) -> None:
    assert parse(names=value).names == ("a", "b")


def test_the_sign_of_an_exponent_joins_nothing() -> None:
    assert parse(shares="0.8+9e-1+1e+0").shares == (0.8, 0.9, 1.0)


@pytest.mark.parametrize(("value", "widths"), [("64+32", (64, 32)), ([64, 32], (64, 32)), (64, (64,)), ("64", (64,))])
def test_integers_come_as_a_list_joined_or_alone(value: Any, widths: tuple[int, ...]) -> None:
    assert parse(widths=value).widths == widths


def test_shares_come_joined() -> None:
    assert parse(shares="0.7+0.15+0.15").shares == (0.7, 0.15, 0.15)


def test_settings_are_frozen() -> None:
    settings = parse()
    with pytest.raises(ValidationError, match="frozen"):
        settings.count = 2


def test_a_part_holds_the_fields_of_a_group() -> None:
    class Group(Spec):
        count: StrictInt
        names: Names

    assert parse(count=3, names="a+b").part(Group) == Group(count=3, names=("a", "b"))
