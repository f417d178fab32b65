"""What the drivers of the benchmarks say about the machine and the tree."""
import os
import platform
import subprocess

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BIN, VENVS = f"{ROOT}/build/bin", f"{ROOT}/build/peers"
CPUS, TICKS = os.cpu_count(), os.sysconf("SC_CLK_TCK")


def busy_seconds():
    """CPU seconds that all processes together (and the hypervisor's other guests) have taken since boot."""
    with open("/proc/stat") as stat:
        ticks = [int(v) for v in stat.readline().split()[1:9]]
    idle, iowait = ticks[3], ticks[4]
    return (sum(ticks) - idle - iowait) / TICKS


def cpu_name():
    with open("/proc/cpuinfo") as info:
        return next((line.split(":")[1].strip() for line in info if line.startswith("model name")), platform.machine())


def commit():
    return subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True).stdout.strip()
