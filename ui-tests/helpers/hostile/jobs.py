"""Jobs that have failed, with the texts wherever a job has words."""

from __future__ import annotations

import shutil
import sqlite3
from pathlib import Path

from files import spec_of
from texts import LINES, TEXTS, Fields


def copy_job(home: Path, job_id: str, fields: Fields) -> list[str]:
    """Make of two texts each a job like `job_id`: one page holds all of them; return ids."""
    import msgspec

    from jupyter_mlkit.jobs.store import JobStore
    from jupyter_mlkit.models import ErrorBody

    database = next(home.rglob("jobs.db"))
    folder = database.parent / "jobs"
    with sqlite3.connect(database) as connection:
        row = connection.execute("SELECT scope FROM jobs WHERE job_id = ?", (job_id,)).fetchone()
    store = JobStore(database, row[0])
    record = store.get(job_id)
    made = []
    for number in range(0, len(TEXTS), 2):
        pair = TEXTS[number : number + 2]
        text = " ".join(pair)
        for field in ("name", "experiment", "phase", "error", "hint", "code", "field"):
            for each in pair:
                fields.put(f"job.{field}", each)
        other = f"{job_id[:8]}-hostile-{number}"
        made.append(other)
        shutil.copytree(folder / job_id, folder / other)
        fields.put_all("job.output")
        (folder / other / "output.log").write_text(f"{text}\n{LINES}")
        store.add(
            msgspec.structs.replace(
                record,
                job_id=other,
                name=text,
                experiment=text,
                phase=text,
                spec=spec_of(pair, fields),
                error=ErrorBody(message=text, code=text, hint=text, field=text),
            )
        )
    store.close()
    return made
