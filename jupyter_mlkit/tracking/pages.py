"""Paging: sizes and tokens, checked before a store sees them."""

from __future__ import annotations

from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from collections.abc import Sequence
from typing import TypeVar

import msgspec

from jupyter_mlkit.errors import InvalidInputError

T = TypeVar("T")

#: What the API hands out at most.
MOST = 1000


class _Offset(msgspec.Struct, forbid_unknown_fields=True):
    offset: int


def check_page(max_results: int, page_token: str | None) -> int:
    """Return the offset that `page_token` stands for.

    MLflow's tokens are base64 of ``{"offset": n}``; ours are the same.

    Raises
    ------
    InvalidInputError
        For a size outside 1 to 1000 or a token that is none.
    """
    if not 1 <= max_results <= MOST:
        raise InvalidInputError(
            f"max_results must be between 1 and {MOST}, not {max_results}.", field="max_results"
        )
    if not page_token:
        return 0
    try:
        raw = b64decode(page_token, validate=True)
        offset = msgspec.json.decode(raw, type=_Offset).offset
    except (Base64Error, ValueError, msgspec.MsgspecError):
        offset = -1
    if not 0 <= offset < 2**31:
        raise InvalidInputError(
            "This page token is not one that the server gave.",
            field="page_token",
            hint="Take next_page_token of the page before, or leave it out for the first page.",
        )
    return offset


def page_of(
    items: Sequence[T], max_results: int, page_token: str | None
) -> tuple[list[T], str | None]:
    """Cut a page out of a whole list and return it with the token of the next one."""
    start = check_page(max_results, page_token)
    end = start + max_results
    return list(items[start:end]), token_at(end) if end < len(items) else None


def token_at(offset: int) -> str:
    """Return the token of the page that begins with entry `offset`, also for MLflow."""
    return b64encode(msgspec.json.encode(_Offset(offset))).decode()
