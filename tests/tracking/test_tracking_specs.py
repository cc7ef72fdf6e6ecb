"""The spec of a run is read back from what the run has logged."""

from __future__ import annotations

import pytest
from stores import Place

from jupyter_mlkit.errors import MLKitError, NotFoundError, SpecError, TooLargeError
from jupyter_mlkit.spec import dump_yaml, load_spec
from jupyter_mlkit.tracking.specs import MAX_SPEC

SPEC = load_spec(
    {
        "sources": [{"uri": "cube.zarr"}],
        "target": "y",
        "features": ["x"],
        "split": {"kind": "block", "sizes": {"lat": "2 deg"}},
    }
)


def a_run(place: Place, text: str | None) -> str:
    run_id: str = place.client.create_run(place.experiment()).info.run_id
    if text is not None:
        place.client.log_text(run_id, text, "mlkit/spec.yaml")
    return run_id


def test_the_spec_comes_back(place: Place) -> None:
    answer = place.backend.spec(a_run(place, dump_yaml(SPEC)))
    assert load_spec(answer.spec) == SPEC


def test_a_run_without_one_says_so(place: Place) -> None:
    with pytest.raises(NotFoundError) as raised:
        place.backend.spec(a_run(place, None))
    assert raised.value.code == "spec_not_found"
    assert raised.value.hint


def test_a_run_that_is_not_there(place: Place) -> None:
    with pytest.raises(NotFoundError) as raised:
        place.backend.spec("0" * 32)
    assert raised.value.code == "not_found"


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("target: [", SpecError),
        ("target: y", SpecError),
        ("#" * (MAX_SPEC + 1), TooLargeError),
    ],
)
def test_what_is_no_spec_is_refused(file_store: Place, text: str, error: type[MLKitError]) -> None:
    with pytest.raises(error):
        file_store.backend.spec(a_run(file_store, text))
