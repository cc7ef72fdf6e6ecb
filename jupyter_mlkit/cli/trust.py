"""``jupyter mlkit trust``: let the code that lies in a model run, for exactly its present files."""

from __future__ import annotations


def trust(model: str, reason: str) -> int:
    """Note the decision and print what it is about."""
    from ..train.loading import trust_model
    from ..train.trust import trust_book

    found = trust_model(model, reason)
    print(f"Trusted {found.uri}")
    print(f"  files: sha256:{found.digest}")
    said = "recorded when they were logged" if found.recorded else "nobody recorded them before"
    print(f"  digest: {said}")
    print(f"  logged by: {found.author or 'unknown'}, run {found.run_id or 'unknown'}")
    print(f"Written down in {trust_book()}; without that line it is refused again.")
    return 0
