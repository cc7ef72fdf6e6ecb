"""A tracking store that writes what is logged to the journal, and leaves all else to MLflow's."""

from __future__ import annotations

from .experiments import Experiments
from .logged import Logged
from .runs import Runs
from .searched import Searched
from .used import Used


class JournaledStore(Experiments, Runs, Searched, Logged, Used):
    """MLflow's store for a URI, with the journal before it.

    Parameters
    ----------
    uri : str
    make : callable
        Returns the real store, when it is first needed.
    """
