"""A Trainer that reports to MLflow."""

import mlflow
import torch
import transformers

mlflow.set_experiment("autologged")
transformers.set_seed(0)


class Model(torch.nn.Module):
    """One layer, with its loss."""

    def __init__(self):
        """Make the layer."""
        super().__init__()
        self.layer = torch.nn.Linear(3, 1)

    def forward(self, x, labels):
        """Return the loss."""
        return {"loss": torch.nn.functional.mse_loss(self.layer(x)[:, 0], labels)}


X = torch.randn(32, 3)
rows = [{"x": x, "labels": x.sum()} for x in X]
arguments = transformers.TrainingArguments(
    output_dir="trained", num_train_epochs=2, per_device_train_batch_size=4, logging_steps=2,
    report_to=["mlflow"], save_strategy="no", use_cpu=True, disable_tqdm=True, run_name="trainer",
)  # fmt: skip
transformers.Trainer(Model(), arguments, train_dataset=rows).train()
mlflow.end_run()
