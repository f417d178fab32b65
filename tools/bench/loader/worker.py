"""How every Python loader answers driver.py: as loader_bench.cpp does."""
import json
import sys

import numpy as np


def serve(epoch, note, to_levels=lambda batch: batch):
    """epoch() yields the batches of one epoch. Makes one, prints a line of JSON (pictures, their mean level, note), and
    then as many epochs as each line of the input says; "done" after each line.
    to_levels(batch): its pixels as 0..255, for the mean."""
    images, levels = 0, 0.0
    for batch in epoch():
        images += len(batch)
        levels += float(np.mean(np.asarray(to_levels(batch)), dtype=np.float64)) * len(batch)
    print(json.dumps(dict(images=images, mean=round(levels / images, 3), note=note)), flush=True)
    for line in sys.stdin:
        for _ in range(int(line)):
            for _ in epoch():
                pass
        print("done", flush=True)
