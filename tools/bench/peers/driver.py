"""Runs gabor's step and its peers' one after the other, several passes over the list, and writes the raw records and one
table to tools/bench/results/. Called by tools/bench/peers/run, which builds what this starts.

Absolute times drift with the host (clock, neighbours), so only figures of one run are compared; every record carries the
machine's FMA and copy rates measured just before it, and the share of the CPU that other processes took meanwhile."""
import argparse
import datetime
import json
import os
import platform
import resource
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.dirname(HERE))
from machine import BIN, CPUS, ROOT, VENVS, busy_seconds, commit, cpu_name

QUIET_PERCENT = 5  # a record taken while others had more than this of the machine is used only if there is no other
WAIT_SECONDS = 60

ENVIRONMENT = dict(os.environ, OMP_NUM_THREADS=str(CPUS), CUDA_VISIBLE_DEVICES="")
# glibc hands every freed tensor above 32 MB back to the kernel, and each step faults it in again, zeroed. These
# settings keep the memory and ask for huge pages: what a user who knows that would do.
TUNED_MALLOC = dict(MALLOC_MMAP_MAX_="0", MALLOC_TRIM_THRESHOLD_="100000000000", MALLOC_TOP_PAD_="536870912",
                    GLIBC_TUNABLES="glibc.malloc.hugetlb=1")


def jobs(net, batch):
    """(label, command, extra environment) of everyone who runs this step."""
    keras = [f"{VENVS}/tensorflow/bin/python", f"{HERE}/keras_step.py", net, batch]
    torch = [f"{VENVS}/torch/bin/python", f"{HERE}/torch_step.py", net, batch]
    gabor = [f"{BIN}/gabor-bench", "step", "--model", net, "--batch", batch]
    yield "gabor", [*gabor, "--ops"], {}
    yield "gabor, uint8 pictures", [*gabor, "--input", "u8"], {}
    yield "Keras on TensorFlow", keras, {}
    yield "Keras on TensorFlow, tuned malloc", keras, TUNED_MALLOC
    yield "PyTorch", torch, {}
    yield "PyTorch channels_last", [*torch, "channels_last"], {}
    yield "PyTorch, tuned malloc", torch, TUNED_MALLOC
    yield "PyTorch channels_last, tuned malloc", [*torch, "channels_last"], TUNED_MALLOC


def own_seconds():
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def wait_until_quiet():
    end = time.time() + WAIT_SECONDS
    while time.time() < end:
        before = busy_seconds()
        time.sleep(1)
        if (busy_seconds() - before) / CPUS * 100 < QUIET_PERCENT:
            return


def measure(label, command, extra):
    """The records of one run of one program, with the state of the machine in each."""
    wait_until_quiet()
    peak = json.loads(subprocess.run([f"{BIN}/machine-peak"], env=ENVIRONMENT, capture_output=True, check=True).stdout)
    busy, own, start = busy_seconds(), own_seconds(), time.time()
    done = subprocess.run(command, env={**ENVIRONMENT, **extra}, capture_output=True, text=True, timeout=600)
    wall = time.time() - start
    others = max(0.0, (busy_seconds() - busy) - (own_seconds() - own)) / wall / CPUS * 100
    records = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    if done.returncode or not records:
        last = (done.stderr.strip().splitlines() or ["no output"])[-1]
        sys.exit(f"driver.py: {label} failed with status {done.returncode}: {last}")
    for record in records:
        record.update(peer=label, others_percent=round(others, 1), machine=peak,
                      at=datetime.datetime.now().isoformat(timespec="seconds"))
    return records


def step_table(records, net, batch):
    """Markdown: one row a peer, fastest first; times relative to gabor's."""
    rows = []
    for peer in dict.fromkeys(r["peer"] for r in records):
        mine = [r for r in records if (r["peer"], r["net"], r["batch"]) == (peer, net, batch) and "op" not in r]
        if mine:
            quiet = [r for r in mine if r["others_percent"] <= QUIET_PERCENT] or mine
            medians = [r["median_ms"] for r in quiet]
            rows.append((min(medians), max(medians), max(r["rss_mib"] for r in mine),
                         min(r["others_percent"] for r in quiet), peer))
    gabor = next(row[0] for row in rows if row[4] == "gabor")
    yield f"\n**{net}, N={batch}**, one training step (forward, backward, Adam)\n"
    yield "| | ms, best pass | worst pass | images/s | peak MiB | others' CPU % | time / gabor's |"
    yield "| --- | --- | --- | --- | --- | --- | --- |"
    for best, worst, memory, others, peer in sorted(rows):
        yield (f"| {peer} | {best:.2f} | {worst:.2f} | {batch * 1e3 / best:.0f} | {memory:.0f} | {others:.1f} "
               f"| {best / gabor:.2f} |")


def op_table(records, net, batch):
    """Markdown: where gabor's time goes, each op against the machine's FMA and copy rates of the same minute."""
    ops = [r for r in records if (r["peer"], r["net"], r["batch"]) == ("gabor", net, batch) and "op" in r]
    if not ops:
        return
    last = [r for r in ops if r["at"] == ops[-1]["at"]]
    yield f"\n**Where gabor's step goes: {net}, N={batch}**\n"
    yield "| op | ms | GFLOP/s | % of FMA peak | GB/s | % of copy peak |"
    yield "| --- | --- | --- | --- | --- | --- |"
    for r in last:
        gflops, gbs = r["gflop"] / r["median_ms"] * 1e3, r["mib"] * 1.048576 / r["median_ms"]
        yield (f"| {r['op']} | {r['median_ms']:.3f} | {gflops:.1f} | {gflops / r['machine']['fma_gflops'] * 100:.0f} "
               f"| {gbs:.1f} | {gbs / r['machine']['copy_gbs'] * 100:.0f} |")


def report(records, cases):
    peaks = [r["machine"] for r in records]
    yield f"# CPU peers, {records[0]['at'][:10]}, commit {commit()}\n"
    yield f"{cpu_name()}, {CPUS} CPUs, {platform.platform()}."
    for what, unit in (("fma_gflops", "GFLOP/s fp32 FMA"), ("copy_gbs", "GB/s copy")):
        values = [p[what] for p in peaks]
        yield f"Measured peak, all threads, over the run: {min(values):.0f} to {max(values):.0f} {unit}."
    notes = sorted({r["note"] for r in records if r.get("note")})
    yield "\n" + "\n".join(f"- {note}" for note in notes)
    for net, batch in cases:
        yield from step_table(records, net, int(batch))
        yield from op_table(records, net, int(batch))


def main():
    parser = argparse.ArgumentParser(prog="tools/bench/peers/run")
    parser.add_argument("cases", nargs="*", default=["article:32", "article:128", "lenet5:128"], metavar="NET:BATCH")
    parser.add_argument("--passes", type=int, default=3)
    arguments = parser.parse_args()
    cases = [case.split(":") for case in arguments.cases]

    out = f"{ROOT}/tools/bench/results/cpu-peers-{datetime.datetime.now():%Y%m%d-%H%M}"
    records = []
    with open(out + ".jsonl", "w") as raw:
        for number in range(arguments.passes):
            for net, batch in cases:
                for label, command, extra in jobs(net, batch):
                    new = measure(label, command, extra)
                    records += new
                    raw.writelines(json.dumps(r) + "\n" for r in new)
                    raw.flush()
                    step = next(r for r in new if "op" not in r)
                    print(f"pass {number + 1}, {net} N={batch}, {label}: {step['median_ms']:.2f} ms, "
                          f"others {step['others_percent']} %", file=sys.stderr, flush=True)
    text = "\n".join(report(records, cases)) + "\n"
    with open(out + ".md", "w") as table:
        table.write(text)
    print(text)


main()
