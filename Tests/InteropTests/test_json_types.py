"""What JSON carries between Celery and Celeriac survives the round trip exactly."""

import datetime
import decimal
import math
import uuid

import pytest

UTC = datetime.timezone.utc


def echo(app, value):
    """The value as the worker returned it, having been an argument and a result."""
    answer = app.tasks["proj.echo"].delay(value, inside={"nested": [value]}).get(timeout=60)
    assert same(answer["kwargs"], {"inside": {"nested": [answer["args"][0]]}})
    return answer["args"][0]


def same(left, right):
    """Equality that counts NaN as equal to itself and tells 1 from 1.0 and True."""
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(same(left[key], right[key]) for key in left)
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(same, left, right))
    if isinstance(left, float) and isinstance(right, float) and math.isnan(left):
        return math.isnan(right)
    return type(left) is type(right) and left == right


@pytest.mark.parametrize(
    "value",
    [
        datetime.datetime(2024, 1, 2, 3, 4, 5, 678901, tzinfo=UTC),
        datetime.datetime(2024, 1, 2, 3, 4, 5, tzinfo=datetime.timezone(datetime.timedelta(hours=3))),
        datetime.datetime(2024, 1, 2, 3, 4, 5),
        datetime.date(2024, 2, 29),
        datetime.time(3, 4, 5, 6),
        decimal.Decimal("1.10"),
        decimal.Decimal("-1E+300"),
        decimal.Decimal("0.1000000000000000000000000000000000000001"),
        uuid.UUID("12345678-1234-5678-1234-567812345678"),
        b"abc",
        "ğüşıöç".encode(),
        b"\xff\xfe\x00",
    ],
    ids=repr,
)
def test_a_tagged_value_comes_back_as_the_same_python_value(app, value):
    assert same(echo(app, value), value)


@pytest.mark.parametrize(
    "number",
    [
        0, -1, 2**53 + 1, 2**63 - 1, -(2**63), 2**63, 2**64, 10**100, -(10**400),
        0.1, 1.0, -0.0, 1e22, 1e-07, 5e-324, 1.7976931348623157e308, 123456789.123456789,
        float("nan"), float("inf"), float("-inf"),
    ],
    ids=repr,
)
def test_a_number_keeps_its_type_and_every_digit(app, number):
    answer = echo(app, number)
    assert same(answer, number)
    assert isinstance(number, int) or math.copysign(1, answer) == math.copysign(1, number)


@pytest.mark.parametrize(
    "text",
    [
        "", "ğüşıöç İĞÜŞÖÇ", "日本語", "🎉👩‍👩‍👧", "\x00\x01\x1f\x7f", "\u2028\u2029", "\ud83d",
        "quote \" backslash \\ slash / newline \n tab \t", "é", "e\u0301", "x" * 200_000,
    ],
    ids=lambda text: ascii(text[:20]),
)
def test_text_keeps_every_character(app, text):
    # Compared by code points: no normalisation may happen on the way.
    assert [ord(character) for character in echo(app, text)] == [ord(character) for character in text]


def test_true_false_and_none_are_not_numbers(app):
    assert same(echo(app, [True, False, None, 1, 0]), [True, False, None, 1, 0])


def test_the_order_of_keys_is_kept(app):
    value = {"z": 1, "a": 2, "m": {"y": 1, "b": 2}, "": 3, "ı": 4}
    answer = echo(app, value)
    assert list(answer) == list(value) and list(answer["m"]) == ["y", "b"]


def test_keys_that_are_numbers_become_text_as_json_wants(app):
    assert echo(app, {7: "a", 2.5: "b", None: "c"}) == {"7": "a", "2.5": "b", "null": "c"}


def test_an_object_that_only_resembles_a_tagged_value_stays_an_object(app):
    value = {"__type__": "datetime", "__value__": "2024-01-02", "more": 1}
    assert echo(app, value) == value


def test_deep_but_reasonable_nesting_arrives(app):
    value = "leaf"
    for _ in range(60):
        value = [value]
    assert echo(app, value) == value


def test_sums_of_large_integers_are_exact(app):
    assert app.tasks["proj.add"].delay(2**62, 2**62).get(timeout=60) == 2**63


def test_a_sum_with_a_float_is_a_float(app):
    answer = app.tasks["proj.add"].delay(1, 1.0).get(timeout=60)
    assert same(answer, 2.0)
