"""Runs gabor's loader and its peers in turns, one at a time while the others wait, and writes raw records and a table to
tools/bench/results/. Called by tools/bench/loader/run, which builds what this starts.

Every peer is one process that has made an epoch before anything is timed. A round gives each peer one turn of whole
epochs; a ratio is taken within a round, so that a machine that grows slower or busier slows both sides of it. CPU time is
that of the peer's whole process tree, in nanoseconds from the kernel's own clocks."""
import argparse
import dataclasses
import datetime
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tarfile
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.dirname(HERE))
from machine import BIN, CPUS, ROOT, VENVS, busy_seconds, commit, cpu_name

SIDE = 300
TURN_SECONDS = 1.0  # at least; short epochs are repeated
QUIET_PERCENT = 10  # of the machine, that others may take before figures by the clock are left out of the table
MEAN_LEVELS = 1.5   # of 255: by how much the mean of all pictures may differ between filters and decoders


@dataclasses.dataclass
class Kind:
    """One row of the table."""
    name: str
    command: list  # with {threads} in it
    form: str      # filter and output
    against: str   # the row of gabor's that it is compared with


def kinds(folder, tar, scratch):
    def gabor(kind, data=folder):
        return [f"{BIN}/loader-bench", kind, data, str(SIDE), "{threads}", f"{scratch}/{kind}-{{threads}}.pixels"]

    def python(environment, script, kind):
        return [f"{VENVS}/{environment}/bin/python", f"{HERE}/{script}.py", kind, folder, str(SIDE), "{threads}"]

    first, cached = "gabor, first epoch", "gabor, cached epoch"
    yield Kind(first, gabor("antialias"), "antialias, uint8", first)
    yield Kind("gabor, first epoch from a .tar", gabor("antialias", tar), "antialias, uint8", first)
    yield Kind("gabor, first epoch, writing the cache", gabor("write"), "antialias, uint8", first)
    yield Kind("entropy decoding alone (libjpeg)", gabor("huffman"), "no pixels: the floor", first)
    yield Kind("torchvision, DataLoader: Resize, ToTensor, Normalize", python("torch", "torch_loaders", "usual"),
               "antialias, float32", first)
    yield Kind("torchvision, DataLoader: Resize, PILToTensor", python("torch", "torch_loaders", "uint8"),
               "antialias, uint8", first)
    yield Kind("torchvision.io, DataLoader: decode_jpeg, Resize", python("torch", "torch_loaders", "io"),
               "antialias, uint8", first)
    yield Kind("Pillow, pool of threads", python("torch", "pool_loaders", "pillow"), "antialias, uint8", first)
    yield Kind("Pillow-SIMD, pool of threads", python("pillow-simd", "pool_loaders", "pillow"), "antialias, uint8", first)
    yield Kind("tf.data: decode_jpeg, resize", python("tensorflow", "tensorflow_loaders", "tf.data"),
               "antialias, float32", first)
    yield Kind("Keras image_dataset_from_directory", python("tensorflow", "tensorflow_loaders", "keras"),
               "not antialiased, float32", first)
    for name in "linear", "area":
        form = f"{'not antialiased' if name == 'linear' else 'mean of the area'}, uint8"
        ours = f"gabor, first epoch, --resize {name}"
        yield Kind(ours, gabor(name), form, ours)
        yield Kind(f"OpenCV in C++: imread, resize INTER_{name.upper()}", gabor(f"opencv-{name}"), form, ours)
        yield Kind(f"cv2 in Python: imread, resize INTER_{name.upper()}", python("torch", "pool_loaders", f"cv2-{name}"),
                   form, ours)
    yield Kind(cached, gabor("cached"), "antialias, uint8", cached)
    yield Kind("plain copy of the pictures' bytes, one thread", gabor("copy"), "the cache's floor", cached)
    yield Kind("gabor, first epoch (again, beside the cache)", gabor("antialias"), "antialias, uint8", cached)


def tree_of(pid):
    """A process and all below it."""
    parents = {}
    for entry in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{entry}/stat") as stat:
                parents[int(entry)] = int(stat.read().rpartition(")")[2].split()[1])
        except OSError:
            pass  # it has ended
    tree = [pid]
    for member in tree:
        tree += [child for child, parent in parents.items() if parent == member]
    return tree


def cpu_seconds(pids):
    return sum(time.clock_gettime((~pid << 3) | 2) for pid in pids)  # clock_getcpuclockid(3) of another process


class Peer:
    def __init__(self, kind, threads):
        self.kind, self.threads = kind, threads
        command = [part.replace("{threads}", str(threads)) for part in kind.command]
        environment = dict(os.environ, OMP_NUM_THREADS=str(threads), OMP_WAIT_POLICY="passive", CUDA_VISIBLE_DEVICES="")
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                                        text=True, env=environment)
        line = self.process.stdout.readline()
        if not line.startswith("{"):
            sys.exit(f"driver.py: {kind.name} failed: {' '.join(command)}")
        self.about = json.loads(line)
        self.tree = tree_of(self.process.pid)
        self.epochs = 1
        self.epochs = max(1, round(TURN_SECONDS / self.turn()["wall_s"]))

    def turn(self):
        """One turn: a record of its times, with the share of the machine that others took meanwhile."""
        busy, cpu, start = busy_seconds(), cpu_seconds(self.tree), time.perf_counter()
        self.process.stdin.write(f"{self.epochs}\n")
        self.process.stdin.flush()
        if self.process.stdout.readline() != "done\n":
            sys.exit(f"driver.py: {self.kind.name} ended in the middle of a turn")
        wall, cpu = time.perf_counter() - start, cpu_seconds(self.tree) - cpu
        others = max(0.0, busy_seconds() - busy - cpu) / wall / CPUS * 100
        images = self.about["images"] * self.epochs
        return dict(peer=self.kind.name, threads=self.threads, images=images, wall_s=round(wall, 4), cpu_s=round(cpu, 6),
                    others_percent=round(others, 1))


def check_same_pictures(peers):
    pictures = [p for p in peers if p.about["mean"] > 2]  # those that make pixels: the floors make none, or ones
    images = {p.about["images"] for p in peers}
    means = [p.about["mean"] for p in pictures]
    if len(images) != 1 or max(means) - min(means) > MEAN_LEVELS:
        sys.exit("driver.py: they do not load the same pictures: "
                 + ", ".join(f"{p.kind.name}: {p.about['images']}, mean {p.about['mean']}" for p in peers))


def summaries(peers, records):
    """One record a peer: medians over the rounds, least and greatest, and gabor's speed in units of the peer's."""
    def of(name, threads, figure):
        return [figure(r) for r in records if (r["peer"], r["threads"]) == (name, threads)]

    def per_cpu(r):
        return r["images"] / r["cpu_s"]

    def per_wall(r):
        return r["images"] / r["wall_s"]

    for p in peers:
        mine = {f: of(p.kind.name, p.threads, f) for f in (per_cpu, per_wall)}
        ratios = {f: statistics.median(a / b for a, b in zip(of(p.kind.against, p.threads, f), mine[f], strict=True))
                  for f in mine}
        yield dict(summary=p.kind.name, form=p.kind.form, threads=p.threads, images=p.about["images"],
                   rounds=len(mine[per_cpu]), images_per_cpu_s=round(statistics.median(mine[per_cpu])), least=round(min(mine[per_cpu])),
                   greatest=round(max(mine[per_cpu])), images_per_s=round(statistics.median(mine[per_wall])),
                   against=p.kind.against, gabors_ratio_cpu=round(ratios[per_cpu], 3),
                   gabors_ratio_wall=round(ratios[per_wall], 3), note=p.about["note"])


def report(rows, records):
    others = statistics.median(r["others_percent"] for r in records)
    images = next(r["images"] for r in rows)
    yield f"# Loaders, {datetime.date.today()}, commit {commit()}\n"
    yield f"{cpu_name()}, {CPUS} CPUs, {platform.platform()}."
    yield (f"{images} JPEG files to {SIDE}x{SIDE} in batches of 32, files in the page cache; {rows[0]['rounds']} rounds, in "
           f"turns. Other processes took {others:.0f} % of the machine meanwhile (median).")
    quiet = others <= QUIET_PERCENT
    if not quiet:
        yield ("So only figures per CPU second are shown, and of these the ratios count: by the clock it would be told who "
               "got the CPUs, not who is fast.")
    yield "\n" + "\n".join(f"- {note}" for note in sorted({r["note"] for r in rows}))
    for threads in sorted({r["threads"] for r in rows}):
        yield f"\n**{threads} thread{'s' if threads > 1 else ''}** (DataLoader: worker processes)\n"
        yield ("| | filter, output | images per CPU s (least - greatest) | gabor's / this |"
               + (" images/s | gabor's / this |" if quiet else ""))
        yield "| --- | --- | --- | --- |" + (" --- | --- |" if quiet else "")
        for r in (r for r in rows if r["threads"] == threads):
            yield (f"| {r['summary']} | {r['form']} | {r['images_per_cpu_s']} ({r['least']} - {r['greatest']}) "
                   f"| {r['gabors_ratio_cpu']:.2f} |"
                   + (f" {r['images_per_s']} | {r['gabors_ratio_wall']:.2f} |" if quiet else ""))
    yield ("\n\"gabor's / this\": the speed of gabor's row of the same filter (`cached epoch` in the last three rows) over "
           "this row's, median of the ratios within a round.")


def unpack(tar, scratch):
    with tarfile.open(tar) as archive:
        archive.extractall(scratch, filter="data")
    folder = scratch
    while len(os.listdir(folder)) == 1 or "train" in os.listdir(folder):  # down to the class folders
        folder = os.path.join(folder, "train" if "train" in os.listdir(folder) else os.listdir(folder)[0])
    return folder


def main():
    parser = argparse.ArgumentParser(prog="tools/bench/loader/run")
    parser.add_argument("tar", help="class folders of JPEG files")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--threads", default="1,2")
    parser.add_argument("--only", default="", help="peers whose name contains this, and gabor")
    arguments = parser.parse_args()
    scratch = tempfile.mkdtemp(prefix="loader-", dir=f"{ROOT}/build")
    try:
        measure(arguments, scratch)
    finally:
        shutil.rmtree(scratch)


def measure(arguments, scratch):
    folder = unpack(arguments.tar, f"{scratch}/files")
    tar = f"{scratch}/files.tar"
    with tarfile.open(tar, "w") as archive:
        archive.add(folder, arcname="files")
    chosen = [k for k in kinds(folder, tar, scratch) if arguments.only in k.name or k.name == k.against]
    peers = []
    for threads in map(int, arguments.threads.split(",")):
        for kind in chosen:
            peers.append(Peer(kind, threads))
            print(f"ready: {kind.name}, {threads} threads", file=sys.stderr, flush=True)
    check_same_pictures(peers)
    records = []
    for number in range(1, arguments.rounds + 1):
        for peer in peers:
            records.append(dict(round=number, **peer.turn()))
        print(f"round {number} of {arguments.rounds}", file=sys.stderr, flush=True)
    rows = list(summaries(peers, records))
    for peer in peers:
        peer.process.stdin.close()
        peer.process.wait()
    out = f"{ROOT}/tools/bench/results/loader-{datetime.datetime.now():%Y%m%d-%H%M}"
    text = "\n".join(report(rows, records)) + "\n"
    with open(out + ".jsonl", "w") as raw:
        raw.writelines(json.dumps(r) + "\n" for r in [*rows, *records])
    with open(out + ".md", "w") as table:
        table.write(text)
    print(text)


main()
