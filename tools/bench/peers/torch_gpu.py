#!/usr/bin/env python3
"""Training steps (forward, backward, Adam) of PyTorch on a GPU, timed as `gabor-bench step --resident` times gabor's.

  python3 torch_gpu.py [--nets article,lenet5] [--math fp32,tf32] [--hows eager,graph,compile] [--seconds LIMIT]

The pictures are in the GPU's memory already, u8, and are scaled in the step. A round is so many steps that it takes about
30 ms by the wall clock, its end waited for; printed are the median, least and most of 7 to 40 rounds, in ms a step, as JSON
lines. eager: as written. graph: the step captured in a CUDA graph. compile: torch.compile, as it comes, and compile-max:
its max-autotune mode. Nothing is compared here: that is for who reads the lines.
"""
import argparse, json, statistics, sys, time

import torch
import torch.nn as nn
import torch.nn.functional as F


class Article(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv, self.fc = nn.Conv2d(3, 10, 5), nn.Linear(10 * 148 * 148, 2)

    def forward(self, x):
        return self.fc(F.max_pool2d(F.relu(self.conv(x)), 2).flatten(1))


class LeNet5(nn.Module):
    def __init__(self):
        super().__init__()
        self.convs = nn.Sequential(nn.Conv2d(1, 6, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2),
                                   nn.Conv2d(6, 16, 5), nn.ReLU(), nn.MaxPool2d(2))
        self.dense = nn.Sequential(nn.Linear(400, 120), nn.ReLU(), nn.Linear(120, 84), nn.ReLU(), nn.Linear(84, 10))

    def forward(self, x):
        return self.dense(self.convs(x).flatten(1))


NETS = {"article": (Article, (128, 3, 300, 300), 2), "lenet5": (LeNet5, (128, 1, 28, 28), 10)}


def rounds(step):
    def of(steps):
        torch.cuda.synchronize()
        begin = time.perf_counter()
        for _ in range(steps):
            step()
        torch.cuda.synchronize()
        return (time.perf_counter() - begin) * 1e3 / steps

    for _ in range(5):
        step()
    steps = max(1, int(30 / of(10)))
    times, begin = [], time.perf_counter()
    while len(times) < 7 or (len(times) < 40 and time.perf_counter() - begin < 3):
        times.append(of(steps))
    return times, steps


def make_step(net, how, math, channels_last):
    make, shape, classes = NETS[net]
    layout = torch.channels_last if channels_last else torch.contiguous_format
    torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = math == "tf32"
    torch.manual_seed(0)
    model = make().cuda().to(memory_format=layout)
    adam = torch.optim.Adam(model.parameters(), lr=1e-3, fused=True, capturable=how == "graph")
    pictures = torch.randint(0, 256, shape, dtype=torch.uint8, device="cuda").to(memory_format=layout)
    labels = torch.randint(0, classes, (shape[0],), device="cuda")

    def loss_of(u8, y):
        return F.cross_entropy(model(u8.float() / 127.5 - 1), y)

    loss = loss_of
    if how.startswith("compile"):
        loss = torch.compile(loss_of, mode="max-autotune-no-cudagraphs" if how == "compile-max" else None)

    def step():
        loss(pictures, labels).backward()
        adam.step()
        adam.zero_grad(set_to_none=how != "graph")

    if how != "graph":
        return step
    side = torch.cuda.Stream()
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):
        for _ in range(5):
            step()
    torch.cuda.current_stream().wait_stream(side)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        step()
    return graph.replay


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--nets", default="article,lenet5")
    options.add_argument("--math", default="fp32,tf32")
    options.add_argument("--hows", default="eager,graph,compile")
    options.add_argument("--seconds", type=float, default=1e9, help="begin nothing after so long")
    o = options.parse_args()
    if not torch.cuda.is_available():
        sys.exit("torch_gpu.py: no GPU that PyTorch can use")
    torch.backends.cudnn.benchmark = True
    begin = time.perf_counter()
    for how in o.hows.split(","):
        for net in o.nets.split(","):
            for math in o.math.split(","):
                for channels_last in (False, True):
                    if time.perf_counter() - begin > o.seconds:
                        continue
                    line = {"peer": "torch " + torch.__version__, "net": net, "batch": NETS[net][1][0], "how": how,
                            "math": math, "layout": "NHWC" if channels_last else "NCHW"}
                    try:
                        torch.cuda.reset_peak_memory_stats()
                        times, steps = rounds(make_step(net, how, math, channels_last))
                        line |= {"median_ms": round(statistics.median(times), 4), "min_ms": round(min(times), 4),
                                 "max_ms": round(max(times), 4), "steps": steps * len(times),
                                 "peak_mib": torch.cuda.max_memory_allocated() >> 20}
                    except Exception as e:  # said, and the others go on
                        line["failed"] = f"{type(e).__name__}: {str(e)[:200]}"
                    torch.cuda.empty_cache()
                    print(json.dumps(line), flush=True)


if __name__ == "__main__":
    main()
