"""``%mlkit_trust``: let the code that lies in a model run, for exactly its present files."""

from __future__ import annotations

import shlex

from IPython.core.error import UsageError
from IPython.core.magic import Magics, line_magic, magics_class


@magics_class
class TrustMagics(Magics):
    """A decision that is written down."""

    @line_magic
    def mlkit_trust(self, line: str) -> None:
        """Trust the files of a model, so that ``train.load_model`` runs the code in them.

        Usage: ``%mlkit_trust MODEL [REASON...]``
        """
        words = shlex.split(line)
        if not words:
            raise UsageError("Name the model: %mlkit_trust models:/name/1 from our own CI")
        from ..train.loading import trust_model

        found = trust_model(words[0], " ".join(words[1:]))
        author = found.author or "unknown"
        print(f"Trusted {found.uri}: sha256:{found.digest}, logged by {author}.")  # noqa: T201
