"""PyTorch eager, CPU: zero_grad, forward, cross-entropy, backward, fused Adam.   torch_step.py NET BATCH [channels_last]"""
import os
import sys

import torch
from torch import nn

import timing

NETS = {
    "article": ((3, 300, 300), 2, lambda: [
        nn.Conv2d(3, 10, 5), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(148 * 148 * 10, 2)]),
    "lenet5": ((1, 28, 28), 10, lambda: [
        nn.Conv2d(1, 6, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(6, 16, 5), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(400, 120), nn.ReLU(), nn.Linear(120, 84), nn.ReLU(), nn.Linear(84, 10)]),
}

net, batch, options = sys.argv[1], int(sys.argv[2]), sys.argv[3:]
torch.manual_seed(0)
torch.set_num_threads(os.cpu_count())
shape, classes, layers = NETS[net]
model = nn.Sequential(*layers())
x = torch.rand(batch, *shape) * 2 - 1
y = torch.arange(batch) % classes
if "channels_last" in options:
    model, x = model.to(memory_format=torch.channels_last), x.to(memory_format=torch.channels_last)
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3, fused=True)
loss_of = nn.CrossEntropyLoss()


def step():
    optimizer.zero_grad(set_to_none=True)
    loss_of(model(x), y).backward()
    optimizer.step()


timing.report(" ".join(["PyTorch eager", *options]), net, batch, step,
              f"torch {torch.__version__}, {sum(p.numel() for p in model.parameters())} parameters")
