"""Filters and orders of run searches, checked with MLflow's own parser before the store is asked.

So a mistake is told apart from a failing store, names its field and comes with an example.
"""

from __future__ import annotations

from collections.abc import Sequence

from jupyter_mlkit.errors import InvalidInputError

EXAMPLE = "metrics.val_rmse < 2 and params.target = 'land_surface_temperature'"

#: Longer filters are somebody's mistake, and sqlparse is quadratic.
_LONGEST = 10_000


def check_filter(filter_string: str | None) -> None:
    """Raise ``invalid_filter`` where MLflow would not understand `filter_string`."""
    if not filter_string:
        return
    from mlflow.exceptions import MlflowException
    from mlflow.utils.search_utils import SearchUtils

    if len(filter_string) > _LONGEST:
        raise _invalid_filter(f"The filter is longer than {_LONGEST} characters.")
    try:
        SearchUtils.parse_search_filter(filter_string)
    except MlflowException as error:
        raise _invalid_filter(str(error.message)) from error
    except (ValueError, IndexError, KeyError, TypeError, AttributeError, RecursionError) as error:
        # The parser trips over some unfinished texts, as they come while somebody types.
        raise _invalid_filter("The filter is not complete.") from error


def check_order(order_by: Sequence[str]) -> None:
    """Raise ``invalid_order_by`` where MLflow would not understand one of `order_by`."""
    from mlflow.exceptions import MlflowException
    from mlflow.utils.search_utils import SearchUtils

    for clause in order_by:
        try:
            SearchUtils.parse_order_by_for_search_runs(clause)
        except (MlflowException, ValueError, IndexError, TypeError, AttributeError) as error:
            raise InvalidInputError(
                f"Runs cannot be sorted by {clause[:200]!r}: {getattr(error, 'message', error)}",
                code="invalid_order_by",
                field="order_by",
                hint="For example: metrics.val_rmse ASC, or attributes.start_time DESC",
            ) from error


def _invalid_filter(message: str) -> InvalidInputError:
    return InvalidInputError(
        message,
        code="invalid_filter",
        field="filter",
        hint=f"For example: {EXAMPLE}. Only AND joins conditions; texts need quotes; "
        "what can be asked: metrics, params, tags, attributes, datasets.",
    )
