"""No secret is stored, and code that has none stays as it is."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_mlkit.tracking.provenance.diffs import redact_diff
from jupyter_mlkit.tracking.provenance.secret_names import is_secret_name
from jupyter_mlkit.tracking.provenance.secrets import (
    MASK,
    known_secrets,
    redact_code,
    redact_settings,
)

#: What must be gone stands as ``canary`` or, where a shape makes it a secret, as said.
_JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.c2lnbmF0dXJl-canary"
_SECRET_CODE = [
    'password = "canary"',
    "db_password='canary'",
    'PASSWORD: str = "canary"',
    'self._token = "canary"',
    'client.api_key = "canary"',
    'apiKey="canary"',
    'connect(user="anna", passwd="canary", port=5432)',
    'options = {"secret_access_key": "canary", "region": "eu"}',
    "options = {'token':'canary'}",
    'storage_options=dict(key="k", secret="canary")',
    'os.environ["HUB_TOKEN"] = "canary"',
    'os.environ.setdefault("API_KEY", "canary")',
    'token = os.environ.get("HUB_TOKEN", "canary")',
    'os.putenv("DB_PASSWORD", "canary")',
    'token = os.environ.get("T") or "canary"',
    'token = "" if offline else "canary"',
    'token = "first-canary" if x else "canary"',
    'secret = ("canary"\n          "canary")',
    'secret = "canary" "canary"',
    'token = os.environ.get("T", "") or "canary"',
    'secrets = ["canary", "canary-2"]',
    'credentials = {"user": "canary", "other": "canary"}',
    'token = """\n    canary\n    canary\n"""',
    'token = r"canary"; token = b"canary"; token = f"canary-{x}-canary"',
    'password = "with \\" a quote canary"',
    'password = "canary',
    'password = """canary\ncanary',
    "password = 20251234",
    'if password == "canary": pass',
    'requests.get(url, auth=("anna", "canary"))',
    'HTTPBasicAuth("anna", "canary")',
    'copernicusmarine.login("anna", "canary")',
    'huggingface_hub.login("canary")',
    'wandb.login(key="canary")',
    'keyring.set_password("service", "anna", "canary")',
    'headers = {"Authorization": "Bearer canary"}',
    'headers["authorization"] = f"token canary-and-more"',
    'x = "Bearer canary-1-abcdefgh"',
    'create_engine("postgresql://anna:canary@db.example.org:5432/mlflow")',
    'url = "https://anna:p@ss-canary@example.org/x"',
    'url = "https://canary-canary-canary-canary@example.org/x.git"',
    'open("https://example.org/cube.zarr?sig=canary&se=2030")',
    'open("https://example.org/c?X-Amz-Signature=canary")',
    f'x = "{_JWT}"',
    'x = "ghp_canarycanarycanarycanarycanarycanary"',
    'x = "glpat-canarycanarycanaryca"',
    'x = "hf_canarycanarycanarycanarycanarycanary"',
    "%env API_TOKEN=canary",
    "%env API_TOKEN canary",
    "%set_env HUB_PASSWORD=canary",
    "!export TOKEN=canary && run",
    '!curl -H "Authorization: Bearer canary12345" https://example.org',
    "!curl -u anna:canary https://example.org",
    "!docker login -u anna -p canary registry.example.org",
    "!tool --token canary --level 3",
    "!tool --password=canary",
    "out = !tool --api-key canary",
    "%%bash\nexport DB_PASSWORD=canary\necho done",
    "%%writefile .env\nTOKEN=canary\nLEVEL=3",
    'print("token:", x); token = "canary"',
    '# token = "canary"',
    'k = """-----BEGIN RSA PRIVATE KEY-----\ncanary\ncanary=\n-----END RSA PRIVATE KEY-----"""',
    'k = "-----BEGIN PRIVATE KEY-----\\ncanary\\n-----END PRIVATE KEY-----\\n"',
    'k = "-----BEGIN OPENSSH PRIVATE KEY-----\\ncanary',
    'k = ("-----BEGIN PRIVATE KEY-----\\n"\n     "canary\\n"\n     "-----END PRIVATE KEY-----")',
    'İ = 1; password = "canary"',
]
_OTHER_SHAPES = [
    ('x = "AKIAIOSFODNN7EXAMPLE"', "AKIAIOSFODNN7EXAMPLE"),
    (
        'cdsapi.Client(url=u, key="0f0f0f0f-1111-2222-3333-444455556666")',
        "0f0f0f0f-1111-2222-3333-444455556666",
    ),
    (
        'cdsapi.Client(key="12345:0f0f0f0f-1111-2222-3333-444455556666")',
        "0f0f0f0f-1111-2222-3333-444455556666",
    ),
    ("password = 20251234", "20251234"),
]
_HARMLESS = [
    "tokenizer = AutoTokenizer.from_pretrained('bert-base')",
    "tokens = text.split(' ')",
    "tokens = ['a', 'b']",
    "max_tokens = 512",
    "token_count=5",
    "n_secrets = 3",
    "password_field=None",
    "password = None",
    "token: str | None = None",
    "password = getpass('Password: ')",
    'password = getpass("Your password: ")',
    'token = os.environ["HUB_TOKEN"]',
    'token = os.getenv("HUB_TOKEN")',
    "login(token=token, password=password)",
    "token = get_token()",
    'print("token: ", token, "end")',
    'print(f"password={password}")',
    'pad_token = "[PAD]"; eos_token = "</s>"',
    'mask_token = "<mask>"',
    'token_type = "bearer"',
    'password_file = "/run/secrets/db"',
    'secret_name = "db"',
    'headers = {"Authorization": f"Bearer {token}"}',
    'headers = {"Authorization": "Bearer {}".format(token)}',
    'url = f"postgresql://{user}:{password}@db/mlflow"',
    'url = "https://example.org/a?b=c&page=2"',
    'open("s3://bucket/cube.zarr", anon=True)',
    'clone("git@example.org:group/project.git")',
    'clone("ssh://git@example.org/project.git")',
    'if token == "NAME": pass',
    'ds = ds.rename({"key": "value"})',
    "sorted(x, key=len)",
    'd = {"key": "value", "monkey": "banana"}',
    'author = "Anna"; authority = "EPSG"',
    "secretary = 'Anna'",
    "compass = 'north'; bypass = 'yes'; passed = 'ok'",
    'def token(self) -> Token:\n    """The next one."""',
    "fingerprint = '3fa0c5b2d1e4f6a7b8c9d0e1f2a3b4c53fa0c5b2d1e4f6a7b8c9d0e1f2a3b4c5'",
    'token = "$HUB_TOKEN"; password = "<your password>"; secret = "..."; token = "***"',
    'x = "Basic authentication is used"',
    "!echo the token is here",
    "a % b != c",
    'NO_SECRET = "NO_SECRET"',
    "",
]


@pytest.mark.parametrize("code", _SECRET_CODE)
def test_secrets_are_gone_and_lines_stay(code: str) -> None:
    clean = redact_code(code)
    assert "canary" not in clean
    assert MASK in clean
    assert clean.count("\n") == code.count("\n")
    assert redact_code(clean) == clean


@pytest.mark.parametrize(("code", "secret"), _OTHER_SHAPES)
def test_secrets_are_known_by_their_shape(code: str, secret: str) -> None:
    assert secret not in redact_code(code)


@pytest.mark.parametrize("code", _HARMLESS)
def test_code_without_secrets_stays_as_it_is(code: str) -> None:
    assert redact_code(code) == code


@pytest.mark.parametrize("code", _SECRET_CODE)
def test_secrets_are_gone_in_the_diff_of_a_notebook_file(code: str) -> None:
    text = json.dumps({"cells": [{"source": code.splitlines(keepends=True)}]}, indent=1)
    diff = _diff("sea ice.ipynb", *(f"+{line}" for line in text.splitlines()))
    clean = redact_diff(diff)
    assert "canary" not in clean
    assert clean.count("\n") == diff.count("\n")
    # It is still what can be applied.
    added = "\n".join(line[1:] for line in clean.splitlines() if line.startswith("+"))
    source = json.loads(added.partition("\n")[2])["cells"][0]["source"]
    assert "".join(source).count("\n") == code.count("\n")


@pytest.mark.parametrize(
    "text",
    [
        "DB_PASSWORD=canary",
        "export HUB_TOKEN=canary # for the hub",
        "password: canary canary",
        "  api_key : canary",
        'secret_key = "canary"',
        "machine example.org login anna password canary",
        "url: https://anna:canary@example.org",
        "[default]\naws_access_key_id = AKIAIOSFODNN7EXAMPLE\naws_secret_access_key = canary/+x",
        "ENV HUB_TOKEN canary",
        "url: https://cds.example.org\nkey: 0f0f0f0f-1111-2222-3333-444455556666",
    ],
)
def test_settings(text: str) -> None:
    clean = redact_settings(text)
    assert "canary" not in clean
    assert "AKIA" not in clean
    assert "0f0f0f0f" not in clean
    assert clean.count("\n") == text.count("\n")


def test_settings_without_secrets_stay() -> None:
    text = "levels: 3\ntoken_url: http://example.org\npassword:\nsecret_name: db\nkey: value\n"
    assert redact_settings(text) == text


def _diff(name: str, *lines: str) -> str:
    body = "".join(f"{line}\n" for line in lines)
    return f"diff --git a/{name} b/{name}\n--- a/{name}\n+++ b/{name}\n@@ -1,2 +1,2 @@\n{body}"


def test_each_file_of_a_diff_is_read_as_what_it_is() -> None:
    code = _diff("a.py", " x = 1", "-token = old", '+token = "canary"', "+token = TOKEN")
    settings = _diff(".env", "-TOKEN=canary", "+TOKEN=canarynew", " LEVEL=3")
    quoted = _diff("conf/a b.yaml", "+password: canary")
    clean = redact_diff("# untracked: x.py\n" + code + settings + quoted)
    assert "canary" not in clean
    assert "+token = TOKEN" in clean
    assert f"-TOKEN={MASK}\n+TOKEN={MASK}\n LEVEL=3\n" in clean
    assert clean.startswith("# untracked: x.py\ndiff --git a/a.py")


def test_a_key_of_which_a_diff_shows_a_part() -> None:
    line = "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7VJTUt9Us8cKj"
    clean = redact_diff(_diff("id_rsa", f" {line}", f"-{line}", f"+{line[::-1]}"))
    assert line not in clean
    assert line[::-1] not in clean
    assert clean.endswith(f" {MASK}\n-{MASK}\n+{MASK}\n")
    digest = "3fa0c5b2d1e4f6a7b8c9d0e1f2a3b4c53fa0c5b2d1e4f6a7b8c9d0e1f2a3b4c5"
    same = _diff("sums", f"+{digest}")
    assert redact_diff(same) == same


def test_signs_of_a_diff_stay_where_a_secret_has_several_lines() -> None:
    diff = _diff("a.py", '+token = """', "+  canary", '+"""', " y = 1")
    assert redact_diff(diff).endswith(f'+token = """{MASK}\n+  \n+"""\n y = 1\n')


def test_what_the_environment_holds_is_a_secret_wherever_it_stands(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in {
        "HUB_TOKEN": "canary-0123",
        "LONG_TOKEN": "canary-0123-and-more",
        "SHORT_TOKEN": "abc",
        "WORD_PASSWORD": "password",
        "SECRET_FILE": "canary-in-a-file",
        "GOOGLE_CREDENTIALS": "/home/anna/key.json",
        "HOME_OF": "no-secret-at-all",
    }.items():
        monkeypatch.setenv(name, value)
    known = known_secrets()
    assert known.index("canary-0123-and-more") < known.index("canary-0123")
    assert not {"abc", "password", "canary-in-a-file", "/home/anna/key.json"} & set(known)
    code = 'x = "canary-0123-and-more" + password + "canary-0123"'
    assert redact_code(code, known) == f'x = "{MASK}" + password + "{MASK}"'


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        *[(name, True) for name in ("token", "HF_TOKEN", "hfToken", "x-api-key", "APIKey", "pwd")],
        *[(name, True) for name in ("aws_secret_access_key", "access_key_id", "a.b.password")],
        *[(name, False) for name in ("tokenizer", "tokens", "token_url", "key", "keys", "passed")],
        *[(name, False) for name in ("password.field", "secret_name", "cls_token", "", "___")],
    ],
)
def test_names(name: str, expected: bool) -> None:
    assert is_secret_name(name) is expected


@given(st.text(alphabet=st.sampled_from("token = \"'\\\n(){}[]:f#+-x%!@/&?.,0"), max_size=200))
def test_any_text_keeps_its_lines(text: str) -> None:
    for redact in (redact_code, redact_settings, redact_diff):
        assert redact(text).count("\n") == text.count("\n")


@pytest.mark.parametrize(
    "part", ["a.", "token=", 'token="', "token:", "a" * 50, "://", "'''", "\\"]
)
def test_no_text_takes_for_ever(part: str) -> None:
    # Quadratic time would take minutes here, and the test's own limit would end it.
    redact_code(part * (1_000_000 // len(part)))
    redact_settings(part * (1_000_000 // len(part)))
