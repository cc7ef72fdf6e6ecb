"""Fill the store of a server with every text in every field: ``seed.py KIND``.

``seed.py KIND JOB_ID`` makes each text the name, the error and the output of a copy of that job
instead. Both say in JSON what there is now.
"""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path
from typing import Any

from cube import make_cube
from jobs import copy_job
from store import Seeder
from texts import Fields, use


def fill(home: Path, fields: Fields) -> dict[str, Any]:
    """Make cube, experiments, runs, artifacts and models."""
    cube = home / "root" / "hostile.zarr"
    make_cube(cube, fields)
    folder = home / "hostile-artifacts"
    shutil.copytree(cube, folder / "cube.zarr")
    seeder = Seeder(fields)
    experiments = seeder.experiments()
    seeder.drop_checks(experiments[-1])
    everything = seeder.everything(experiments[0])
    runs = seeder.runs(experiments[0])
    artifacts = seeder.artifacts(everything, folder)
    # MLflow's own page breaks at the run that holds everything.
    seeder.client.log_artifacts(runs["img onerror"], str(folder / "all"), "all")
    return {
        "experiments": experiments,
        "everything": everything,
        "runs": runs,
        "artifacts": [path for path in artifacts if not path.startswith("cube.zarr")],
        "models": seeder.models(everything),
        "refused": seeder.refused,
    }


def main(kind: str, job_id: str | None = None) -> None:
    """Seed the server `kind`, or copy a job of it."""
    home, fields = use(kind), Fields()
    made = fill(home, fields) if job_id is None else {"jobs": copy_job(home, job_id, fields)}
    sys.stdout.write(json.dumps(made | {"fields": fields.counts()}))


if __name__ == "__main__":
    main(*sys.argv[1:])
