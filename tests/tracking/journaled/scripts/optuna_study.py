"""A study whose trials are runs, tried in threads."""

import mlflow
import optuna

mlflow.set_experiment("autologged")
optuna.logging.set_verbosity(optuna.logging.WARNING)
with mlflow.start_run(run_name="study") as parent:

    def objective(trial):
        """Return how far off a trial is."""
        x = trial.suggest_float("x", -1, 1)
        client = mlflow.MlflowClient()
        run = client.create_run(
            parent.info.experiment_id,
            tags={"mlflow.parentRunId": parent.info.run_id},
            run_name=f"trial {trial.number}",
        )
        client.log_param(run.info.run_id, "x", round(x, 1))
        for step in range(5):
            value = (x - 0.5) ** 2 / (step + 1)
            client.log_metric(run.info.run_id, "off", value, step=step)
            trial.report(value, step)
        client.set_terminated(run.info.run_id)
        return value

    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    study.optimize(objective, n_trials=6)
    mlflow.log_metric("best", study.best_value)
