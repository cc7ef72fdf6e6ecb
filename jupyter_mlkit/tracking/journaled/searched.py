"""Runs that are found: those of the store, and own ones that it does not have yet."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

from mlflow.entities import ViewType
from mlflow.store.entities.paged_list import PagedList
from mlflow.store.tracking import SEARCH_MAX_RESULTS_DEFAULT
from mlflow.utils.search_utils import SearchUtils

from ..journal.ids import is_local
from ..tags import RUN_KEY
from .own import Own
from .reach import UnreachableError

#: Begins the token of a page where own runs are shown too.
_PREFIX = "mlkit:"


class _Page(NamedTuple):
    """Where a page begins: behind so many own runs, and with this page of the store.

    The store's first page has no token, and `is_over` where no further one follows.
    """

    own: int = 0
    token: str | None = None
    is_over: bool = False

    @classmethod
    def of(cls, token: str | None) -> _Page:
        if token is None or not token.startswith(_PREFIX):
            return cls(token=token)
        return cls(*json.loads(token.removeprefix(_PREFIX)))

    def __str__(self) -> str:
        return _PREFIX + json.dumps(self)


class Searched(Own):
    """The part of a store that searches for runs."""

    def search_runs(
        self,
        experiment_ids: list[str],
        filter_string: str | None = "",
        run_view_type: int = ViewType.ACTIVE_ONLY,
        max_results: int = SEARCH_MAX_RESULTS_DEFAULT,
        order_by: list[str] | None = None,
        page_token: str | None = None,
    ) -> Any:
        """Return runs that match, each as it will be: of the store, and own ones that wait for it.

        Raises
        ------
        MlflowException
            The store cannot be asked, and one of the experiments may be in it.
        """
        page = _Page.of(page_token)
        there = [known for one in experiment_ids if (known := self._experiment_in_store(one))]

        def asked(most: int) -> Any:
            if page.is_over or (experiment_ids and not there):
                return PagedList([], None)
            return self._shown(
                lambda real: real.search_runs(
                    there, filter_string, run_view_type, most, order_by, page.token
                )
            )

        own = []
        if run_view_type != ViewType.DELETED_ONLY:
            waiting = self._waiting_in({*experiment_ids, *there})
            own = SearchUtils.sort(SearchUtils.filter(waiting, filter_string), order_by)
        found = asked(max_results)
        # It may have arrived meanwhile.
        arrived = {run.data.tags.get(RUN_KEY) for run in found}
        left = [run for run in own[page.own :] if run.info.run_id not in arrived]
        if not left:
            more = str(_Page(len(own), found.token)) if own and found.token else found.token
            return PagedList(found, more)

        of_own = {run.info.run_id for run in left}
        order = SearchUtils.sort([*left, *found], order_by)[:max_results]
        # The store's runs stay in its order, so that its next page begins after them.
        theirs = iter(found)
        shown = [run if run.info.run_id in of_own else next(theirs) for run in order]
        count = sum(run.info.run_id in of_own for run in order)
        token, is_over = found.token, not found.token
        if (taken := len(order) - count) < len(found):
            token, is_over = asked(taken).token if taken else page.token, False
        if is_over and count == len(left):
            return PagedList(shown, None)
        return PagedList(shown, str(_Page(page.own + count, token, is_over)))

    def _shown(self, search: Any) -> Any:
        """Return what the store finds, each run with what this process has logged to it."""
        waiting = {
            self._ids.in_store(kept.run_id) or kept.run_id: self._waiting_part(kept)
            for kept in self._all_known_here()
            if self._waits(kept)
        }
        found = search(self.real)
        runs = [
            waiting[run.info.run_id].over(run) if run.info.run_id in waiting else run
            for run in found
        ]
        return PagedList(runs, found.token)

    def _waiting_in(self, experiments: set[str]) -> list[Any]:
        """Return the own runs of experiments that the store does not have yet."""
        return [
            self._waiting_part(one).over(one.run)
            for one in self._all_known_here()
            if is_local(one.run_id)
            and one.run is not None
            and self._ids.in_store(one.run_id) is None
            # Of an experiment that was made meanwhile it still has the id that it was made with.
            and experiments & {one.run.info.experiment_id, self._known_id(one)}
        ]

    def _known_id(self, kept: Any) -> str:
        experiment: str = kept.run.info.experiment_id
        return self._ids.in_store(experiment) or experiment

    def _experiment_in_store(self, given: str) -> str | None:
        """Return the id in the store of an experiment; None where only this machine knows it."""
        if not is_local(given):
            return given
        name, known = self._ids.name_of(given), self._ids.in_store(given)
        if known is not None or name is None:
            return known or given
        try:
            found = self._reach.ask(lambda real: real.get_experiment_by_name(name))
        except UnreachableError:
            return None
        return None if found is None else str(found.experiment_id)
