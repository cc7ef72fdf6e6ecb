"""Identity of a cube that a function of the user's made from several sources."""

from __future__ import annotations

from collections.abc import Sequence

from .digest import digest_of
from .fingerprint import Fingerprint

_UNKNOWN = (
    "Identity unknown: the cube was made by code that cannot be identified, "
    "and its values were not read."
)


def fingerprint_prepared(
    sources: Sequence[Fingerprint],
    code_hash: str | None,
    values: Fingerprint | None = None,
) -> Fingerprint:
    """Identify what `prepare` returned.

    Parameters
    ----------
    sources : sequence of Fingerprint
        Of what the function was given, in its order.
    code_hash : str or None
        Digest of the function's source; None where it cannot be found.
    values : Fingerprint, optional
        Of the values of the cells that were used, where they have been read.

    Returns
    -------
    Fingerprint
        Of the sources and the code; else the one of the values; else ``unknown``, with the
        reason. Its kind is that of the source that is known least.
    """
    known = bool(sources) and all(source.kind not in ("unknown",) for source in sources)
    if known and code_hash is not None:
        parts = {
            f"source {number}": (source.kind, source.digest)
            for number, source in enumerate(sources)
        }
        weakest = Fingerprint.of(parts).kind
        reason = next((source.reason for source in sources if source.reason), None)
        ordered = [[source.kind, source.digest] for source in sources]
        return Fingerprint(weakest, digest_of("prepared", ordered, code_hash), {}, reason)
    if values is not None:
        return values
    return Fingerprint("unknown", "", {}, _UNKNOWN)
