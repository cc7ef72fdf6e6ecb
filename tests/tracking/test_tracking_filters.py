"""Laws of searching: a filter keeps exactly what it says, an order sorts."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from stores import Place

from jupyter_mlkit.errors import InvalidInputError
from jupyter_mlkit.tracking.filters import check_filter, check_order

pieces = st.sampled_from(
    ["metrics", "params", "tags", ".", "`", '"', "'", "a", " ", "<", "=", "!=", "1", "e5", "AND",
     "OR", "IN", "(", ")", ",", "LIKE", "IS NULL", "attributes.status", "\\", "%", "--", ";", "\n",
     "datasets", "ä", "\x00"]
)  # fmt: skip


@given(st.lists(pieces, max_size=12).map("".join) | st.text(max_size=30))
@settings(max_examples=300, deadline=None)
def test_any_text_is_a_filter_or_says_that_it_is_none(text: str) -> None:
    try:
        check_filter(text)
    except InvalidInputError as error:
        if (error.code, error.field) != ("invalid_filter", "filter"):
            raise
    try:
        check_order([text])
    except InvalidInputError as error:
        if (error.code, error.field) != ("invalid_order_by", "order_by"):
            raise


@pytest.fixture(scope="module")
def scores() -> dict[str, float]:
    return {}


@given(
    bound=st.integers(-5, 25),
    sign=st.sampled_from(["<", "<=", ">", ">=", "=", "!="]),
    rising=st.booleans(),
    size=st.integers(1, 7),
)
@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_filter_and_order_do_what_they_say(
    file_store: Place, scores: dict[str, float], bound: int, sign: str, rising: bool, size: int
) -> None:
    if not scores:
        for value in (3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5, 20):
            run_id = file_store.client.create_run("0").info.run_id
            file_store.client.log_metric(run_id, "s", float(value))
            scores[run_id] = float(value)
    compare = {
        "<": float.__lt__, "<=": float.__le__, ">": float.__gt__, ">=": float.__ge__,
        "=": float.__eq__, "!=": float.__ne__,
    }[sign]  # fmt: skip
    expected = sorted(v for v in scores.values() if compare(v, float(bound)))
    seen: list[float] = []
    token = None
    while True:
        page = file_store.backend.runs(
            ["0"],
            f"metrics.s {sign} {bound}",
            [f"metrics.s {'ASC' if rising else 'DESC'}"],
            max_results=size,
            page_token=token,
        )
        assert len(page.items) <= size
        seen += [scores[run.run_id] for run in page.items]
        token = page.next_page_token
        if token is None:
            break
    assert seen == (expected if rising else expected[::-1])
