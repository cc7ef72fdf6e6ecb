"""Which names are names of secrets: ``api_key`` is one, ``tokenizer`` is none."""

from __future__ import annotations

import functools
import re


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


#: Words of a name: snake_case, kebab-case and camelCase.
_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
#: Names of what is never anything else; of these alone a number is a secret too.
_PASSWORDS = _set("password passwd passphrase passwort pwd secret")
_ALWAYS = _PASSWORDS | _set(
    "secrets credential credentials apikey apitoken authtoken accesskey secretkey privatekey "
    "accesstoken jwt bearer xsrf"
)
#: Secret alone or at the end; ``token_type`` and ``tokens`` are none.
_AT_THE_END = _set("token pw passcode authorization")
#: ``api_key`` and its like: the last word alone says nothing.
_BEFORE_KEY = _set(
    "api access private account secret auth encryption signing ssh subscription master service "
    "shared session client storage cds cdsapi wandb"
)
#: ``password_field`` and ``secret_name`` speak of a secret without being one.
_ABOUT = _set(
    "field fields file path name names type types url uri endpoint count counts length len size "
    "expires expiry expiration lifetime ttl label title help prompt placeholder widget input box "
    "regex pattern policy hash column col provider manager class func function index idx min max "
    "required enabled env var variable dim position positions mask embedding embeddings"
)
#: ``pad_token`` and its like are marks in a text, not keys to a door.
_MARKS = _set("pad eos bos unk mask sep cls special start end next first last num")


@functools.lru_cache(4096)
def is_secret_name(name: str, *, for_number: bool = False) -> bool:
    """Tell whether what has this name is a secret.

    Parameters
    ----------
    name : str
        A name in code, in settings or of an environment variable; of a dotted one the last part.
    for_number : bool
        The value is a number, as in ``max_token = 512``: only a password can be one.

    Examples
    --------
    >>> [is_secret_name(one) for one in ("HF_TOKEN", "apiKey", "tokenizer", "password_field")]
    [True, True, False, False]
    """
    words = [word.lower() for word in _WORDS.findall(name.rpartition(".")[2])]
    if not words or words[-1] in _ABOUT:
        return False
    if for_number:
        return not _PASSWORDS.isdisjoint(words)
    if not _ALWAYS.isdisjoint(words):
        return True
    if words[-1] in _AT_THE_END:
        return _MARKS.isdisjoint(words)
    if words[-1] == "id":  # ``access_key_id``
        words.pop()
    return len(words) > 1 and words[-1] == "key" and words[-2] in _BEFORE_KEY
