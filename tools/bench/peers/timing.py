"""How every Python peer is timed: as tools/bench/gabor_bench.cpp times gabor."""
import json
import resource
import statistics
import time

WARM_UP, MIN_STEPS, MAX_STEPS, SECONDS = 3, 7, 40, 6.0


def report(peer, net, batch, step, note):
    """Times step() and prints one JSON line: median, least and greatest milliseconds, peak memory of the process."""
    for _ in range(WARM_UP):
        step()
    times, used = [], 0.0
    while len(times) < MIN_STEPS or (len(times) < MAX_STEPS and used < SECONDS):
        start = time.perf_counter()
        step()
        seconds = time.perf_counter() - start
        times.append(seconds * 1e3)
        used += seconds
    print(json.dumps(dict(
        peer=peer, net=net, batch=batch, median_ms=round(statistics.median(times), 3), min_ms=round(min(times), 3),
        max_ms=round(max(times), 3), steps=len(times),
        rss_mib=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024, note=note)), flush=True)
