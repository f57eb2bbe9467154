"""What one call of an operator costs from Python, and how fast matrix products run:

    python ops.py [--threads N] [--out FILE]

Prints {"overhead_us": {case: median microseconds a call}, "gemm_gflops": {"f32": {size: n}, "bf16": {…}}, …}.
Cases: add (two tensors of 4 floats), add_grad (the same, recorded for autograd), linear ([4, 8] by [8, 8]), cat8 (eight
tensors of 4 floats), item (a number out of a tensor). A product of size n counts 2n³ operations; median of repeats.
"""

import argparse
import statistics
import time

import torch
import torch.nn.functional as F
from measure import finish, versions

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--threads", type=int)
parser.add_argument("--out")
args = parser.parse_args()
if args.threads:
    torch.set_num_threads(args.threads)


def microseconds(call, calls=20_000, repeats=9):
    for _ in range(calls):
        call()
    samples = []
    for _ in range(repeats):
        begin = time.perf_counter()
        for _ in range(calls):
            call()
        samples.append((time.perf_counter() - begin) / calls * 1e6)
    return statistics.median(samples)


def gflops(size, dtype, seconds=0.5):
    a, b = (torch.randn(size, size).to(dtype) for _ in range(2))
    for _ in range(3):
        a @ b
    samples, end = [], time.perf_counter() + seconds
    while len(samples) < 5 or time.perf_counter() < end:
        begin = time.perf_counter()
        a @ b
        samples.append(time.perf_counter() - begin)
    return 2 * size**3 / statistics.median(samples) / 1e9


a, b = torch.randn(4), torch.randn(4)
recorded = torch.randn(4, requires_grad=True)
x, w = torch.randn(4, 8), torch.randn(8, 8)
eight = [torch.randn(4) for _ in range(8)]
one = torch.randn(())

finish(
    {
        "peer": "python",
        "overhead_us": {
            "add": microseconds(lambda: a + b),
            "add_grad": microseconds(lambda: recorded + b),
            "linear": microseconds(lambda: F.linear(x, w)),
            "cat8": microseconds(lambda: torch.cat(eight)),
            "item": microseconds(lambda: one.item()),
        },
        "gemm_gflops": {
            name: {str(size): gflops(size, dtype) for size in (512, 1024, 2048)}
            for name, dtype in (("f32", torch.float32), ("bf16", torch.bfloat16))
        },
        "versions": versions("torch"),
    },
    args.out,
)
