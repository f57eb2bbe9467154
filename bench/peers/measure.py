"""Measurements that the peers share."""

import importlib.metadata
import json
import os
import sys
import time
from pathlib import Path

import torch


def peak_rss_bytes():
    """VmHWM of this program alone: ru_maxrss would begin with the peak of the process that started us."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    raise RuntimeError("/proc/self/status has no VmHWM")


def versions(*packages):
    python = ".".join(map(str, sys.version_info[:3]))
    return {"python": python, **{name: importlib.metadata.version(name) for name in packages}}


def read_pairs(path, count):
    """The first `count` rows of a file of {"prompt", "chosen", "rejected"} as message lists."""
    rows = [json.loads(line) for line in Path(path).read_text().splitlines() if line]
    if len(rows) < count:
        sys.exit(f"{path} has {len(rows)} pairs, {count} are needed (steps x batch x accumulation)")
    return rows[:count]


class Steps:
    """Wall time and tokens of each optimizer step, from the end of one to the end of the next. The first is left out
    of the means: allocators and kernels warm up in it."""

    def __init__(self):
        self.seconds, self.tokens, self._tokens, self._begin = [], [], 0, None

    def begin(self):
        self._begin = time.perf_counter()

    def add_tokens(self, count):
        self._tokens += int(count)

    def end(self):
        now = time.perf_counter()
        self.seconds.append(now - self._begin)
        self.tokens.append(self._tokens)
        self._begin, self._tokens = now, 0

    def summary(self):
        seconds, tokens = self.seconds[1:], self.tokens[1:]
        return {
            "tokens_per_second": sum(tokens) / sum(seconds),
            "real_tokens": sum(tokens),
            "seconds_per_step": sum(seconds) / len(seconds),
            "steps": len(self.seconds),
            "measured_steps": len(seconds),
            "step_seconds": self.seconds,
            "step_tokens": self.tokens,
        }


def finish(result, out):
    result["peak_rss_bytes"] = peak_rss_bytes()
    result["threads"] = torch.get_num_threads()
    result["omp_wait_policy"] = os.environ.get("OMP_WAIT_POLICY")
    text = json.dumps(result)
    if out:
        Path(out).write_text(text + "\n")
    print(text)
