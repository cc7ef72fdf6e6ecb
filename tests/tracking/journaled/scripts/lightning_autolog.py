"""A LightningModule under PyTorch's autologging."""

import lightning
import mlflow
import torch

mlflow.set_experiment("autologged")
mlflow.pytorch.autolog(log_models=False, checkpoint=False)
lightning.seed_everything(0)


class Model(lightning.LightningModule):
    """One layer."""

    def __init__(self):
        """Make the layer."""
        super().__init__()
        self.layer = torch.nn.Linear(3, 1)

    def training_step(self, batch, _):
        """Return the loss of a batch."""
        x, y = batch
        loss = torch.nn.functional.mse_loss(self.layer(x)[:, 0], y)
        self.log("loss", loss, on_step=True, on_epoch=True)
        return loss

    def configure_optimizers(self):
        """Descend."""
        return torch.optim.SGD(self.parameters(), lr=0.01)


X = torch.randn(64, 3)
batches = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(X, X.sum(dim=1)), batch_size=8)
lightning.Trainer(
    max_epochs=3, accelerator="cpu", logger=False, enable_checkpointing=False,
    enable_progress_bar=False, enable_model_summary=False, log_every_n_steps=2,
).fit(Model(), batches)  # fmt: skip
