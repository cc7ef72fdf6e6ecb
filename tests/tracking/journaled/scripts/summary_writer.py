"""A loop that writes for TensorBoard, which MLflow forwards."""

import mlflow
import torch
from torch.utils.tensorboard import SummaryWriter

mlflow.set_experiment("autologged")
mlflow.pytorch.autolog()
torch.manual_seed(0)
layer = torch.nn.Linear(3, 1)
optimizer = torch.optim.SGD(layer.parameters(), lr=0.01)
X = torch.randn(32, 3)
with mlflow.start_run(), SummaryWriter("events") as writer:
    for step in range(50):
        optimizer.zero_grad()
        loss = torch.nn.functional.mse_loss(layer(X)[:, 0], X.sum(dim=1))
        loss.backward()
        optimizer.step()
        writer.add_scalar("loss/train", loss.item(), step)
    writer.add_hparams({"lr": 0.01}, {"final": loss.item()})
