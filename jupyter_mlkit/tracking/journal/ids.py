"""Ids that are given while a store cannot be asked, and what they are in the store later."""

from __future__ import annotations

import hashlib
import re
import uuid
from pathlib import Path

import msgspec

from ..disk import private_folder, replace_file

#: Every id of ours begins so; no store makes such ones.
LOCAL = "local-"
_LOCAL_ID = re.compile(r"local-[0-9a-f]{32}")


def new_id() -> str:
    """Return an id for a run that no store has yet."""
    return LOCAL + uuid.uuid4().hex


def is_local(name: str) -> bool:
    """Return whether an id was given without a store."""
    return _LOCAL_ID.fullmatch(name) is not None


class _Known(msgspec.Struct, frozen=True, omit_defaults=True):
    id: str | None = None
    name: str | None = None


_decode = msgspec.json.Decoder(_Known).decode
_encode = msgspec.json.Encoder().encode


class Ids:
    """The ids of one store that were given without it. A file each, which is kept for ever.

    Parameters
    ----------
    folder : Path
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def in_store(self, local: str) -> str | None:
        """Return what an id is in the store; None where it is not there yet."""
        return self._known(local).id

    def name_of(self, local: str) -> str | None:
        """Return the name of an experiment; None where the id is not that of one."""
        return self._known(local).name

    def experiment(self, name: str) -> str:
        """Return the id of an experiment that could not be looked for: the same for each name."""
        local = LOCAL + hashlib.sha256(name.encode()).hexdigest()[:32]
        if self.name_of(local) is None:
            self._write(local, _Known(name=name))
        return local

    @property
    def is_known(self) -> bool:
        """Whether anything of here is in the store already."""
        return any(self.in_store(one.name) is not None for one in self.folder.glob(f"{LOCAL}*"))

    def keep(self, local: str, in_store: str) -> None:
        """Note what an id is in the store.

        Raises
        ------
        OSError
            It cannot be written.
        """
        self._write(local, _Known(in_store, self.name_of(local)))

    def _known(self, local: str) -> _Known:
        if not is_local(local):
            return _Known()
        try:
            return _decode((self.folder / local).read_bytes())
        except FileNotFoundError:
            return _Known()

    def _write(self, local: str, known: _Known) -> None:
        private_folder(self.folder)
        replace_file(self.folder / local, _encode(known))
