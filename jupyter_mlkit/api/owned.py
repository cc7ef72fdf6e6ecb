"""What belongs to somebody: how the owner of each kind of object is found.

An owner is what the server itself has written down (the tag ``mlkit.owner``, the job registry),
never what a client says.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..errors import NotFoundError

if TYPE_CHECKING:
    from .services import Services


@dataclass(frozen=True)
class Owned:
    """A kind of object that is changed through a route.

    Attributes
    ----------
    kind : str
        For people: ``"run"``.
    names : tuple of str
        Parameters of the path that name one.
    owner : callable
        Returns the owner's name, or None where nobody is known; raises ``NotFoundError`` where
        there is no such object. Blocks.
    """

    kind: str
    names: tuple[str, ...] = ()
    owner: Callable[[Services, Mapping[str, str]], str | None] | None = None

    def label(self, path: Mapping[str, str]) -> str:
        """Return what the audit calls the object."""
        return "/".join([self.kind, *(path[name] for name in self.names)])


def _owner_of_run(services: Services, path: Mapping[str, str]) -> str | None:
    owner, job_id = services.open_tracking().stamps(path["run_id"])
    if owner is None and job_id is not None:
        # The job may have ended while no server was there to stamp its run.
        try:
            job = services.jobs.job(job_id)
        except NotFoundError:
            return None
        return job.user if job.run_id == path["run_id"] else None
    return owner


def _owner_of_job(services: Services, path: Mapping[str, str]) -> str | None:
    return services.jobs.job(path["job_id"]).user


def _owner_of_model(services: Services, path: Mapping[str, str]) -> str | None:
    return services.open_registry().owner(path["name"])


def _owner_of_version(services: Services, path: Mapping[str, str]) -> str | None:
    return services.open_registry().version_owner(path["name"], path["version"])


#: Nothing that is there is changed: something new is made, or only computed.
NOTHING = Owned("")
RUN = Owned("run", ("run_id",), _owner_of_run)
JOB = Owned("job", ("job_id",), _owner_of_job)
MODEL = Owned("model", ("name",), _owner_of_model)
VERSION = Owned("version", ("name", "version"), _owner_of_version)
