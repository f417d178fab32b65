"""Writes optimizers.txt: 100 steps of each optimizer as PyTorch makes them, in double (run once, with PyTorch 2.15).

The loss is sum over i of a_i/2 (w_i - c_i)^2, so the gradient is a_i (w_i - c_i). All constants are exact in binary;
the hyper-parameters are floats, widened, because gabor's OptimizerProblem holds floats.
"""
import struct
import torch

def f32(x):
    return struct.unpack("f", struct.pack("f", x))[0]

N, LR = 8, 1 / 64
a = torch.tensor([(i + 1) / 8 for i in range(N)], dtype=torch.float64)
c = torch.tensor([(i - 3) / 4 for i in range(N)], dtype=torch.float64)
betas = (f32(0.9), f32(0.999))

for wd in (0.0, f32(0.01)):
    for name, make in {
        "sgd": lambda w: torch.optim.SGD([w], lr=LR, weight_decay=wd),
        "momentum": lambda w: torch.optim.SGD([w], lr=LR, momentum=f32(0.9), weight_decay=wd),
        "nesterov": lambda w: torch.optim.SGD([w], lr=LR, momentum=f32(0.9), nesterov=True, weight_decay=wd),
        "adam": lambda w: torch.optim.Adam([w], lr=LR, betas=betas, eps=f32(1e-7), weight_decay=wd),
        "adamw": lambda w: torch.optim.AdamW([w], lr=LR, betas=betas, eps=f32(1e-7), weight_decay=wd),
    }.items():
        w = torch.tensor([(i % 3 - 1) / 2 for i in range(N)], dtype=torch.float64)
        optimizer = make(w)
        for step in range(1, 101):
            w.grad = a * (w - c)
            optimizer.step()
            if step in (1, 10, 100):
                print(name, "decay" if wd else "plain", step, *(float(v).hex() for v in w))
