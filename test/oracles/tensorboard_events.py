"""Writes test/fixtures/tensorboard/: event files in the bytes of tensorboard's own writer, and what its own reader makes of them
(pip install tensorboard==2.21.0).

    python3 test/oracles/tensorboard_events.py            writes the fixtures
    python3 test/oracles/tensorboard_events.py FOLDER     prints what the reader makes of the files in FOLDER, as JSON

events.json     {"writer", "runs": [{"after", "clock": [seconds], "steps": [[step, {metric: value}]], "cut": bytes}],
                 "read": {tag: [[step, value]]}}
files/          a file a run: a run goes on after step "after", and the last "cut" bytes are missing, as where it was killed
"""

import json
import struct
import sys
from pathlib import Path

import tensorboard
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.compat.proto.event_pb2 import Event, SessionLog
from tensorboard.summary.writer.record_writer import RecordWriter

OUT = Path(__file__).parents[1] / "fixtures" / "tensorboard"


def metrics(step, shift):
    return {
        "epoch": step / 4,
        "loss": 1.5 / step + shift,
        "grad_norm": 3.25e-7 * step,
        "learning_rate": 1e-6 * (1 - step / 400),
        "num_tokens": 1_000_003 * step,
        "rewards/chosen": -0.1 * step,
        "logps/rejected": -1234.5678 - step,
        "eval_loss": 2.0 + shift,
    }


# The first run is killed while it writes step 7; the second goes on after step 4, the third after step 130.
RUNS = [
    dict(after=0, steps=range(1, 8), shift=0.0, cut=9),
    dict(after=4, steps=range(5, 133), shift=0.25, cut=0),
    dict(after=130, steps=[131, 132, 2_000_000], shift=0.5, cut=0),
]


def tag(name):
    return "eval/" + name[5:] if name.startswith("eval_") else "train/" + name


def write(path, after, steps, cut, clock):
    with path.open("wb") as file:
        records = RecordWriter(file)
        times = iter(clock)
        records.write(Event(wall_time=next(times), file_version="brain.Event:2").SerializeToString())
        if after > 0:
            start = SessionLog(status=SessionLog.START)
            records.write(Event(wall_time=next(times), step=after + 1, session_log=start).SerializeToString())
        for step, scalars in steps:
            event = Event(wall_time=next(times), step=step)
            for name, value in scalars.items():
                event.summary.value.add(tag=tag(name), simple_value=value)
            records.write(event.SerializeToString())
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) - cut])


def read(folder):
    events = EventAccumulator(str(folder), size_guidance={"scalars": 0})
    events.Reload()
    return {name: [[e.step, e.value] for e in events.Scalars(name)] for name in events.Tags()["scalars"]}


if len(sys.argv) > 1:
    print(json.dumps(read(sys.argv[1])))
    sys.exit()

files = OUT / "files"
files.mkdir(parents=True, exist_ok=True)
runs = []
for i, run in enumerate(RUNS):
    steps = [[step, metrics(step, run["shift"])] for step in run["steps"]]
    clock = [1_764_000_000.125 + 1000 * i + 0.5 * n for n in range(len(steps) + 2)]
    runs.append({"after": run["after"], "clock": clock, "steps": steps, "cut": run["cut"]})
    after = f".{run['after']}" if run["after"] else ""
    write(files / f"events.out.tfevents.{i + 1:05}{after}", run["after"], steps, run["cut"], clock)
found = read(files)
for name, scalars in found.items():
    steps = [step for step, _ in scalars]
    assert steps == [*range(1, 133), 2_000_000], (name, steps)
single = lambda x: struct.unpack("<f", struct.pack("<f", x))[0]
assert found["train/loss"][4][1] == single(1.5 / 5 + 0.25)
value = {"writer": f"tensorboard {tensorboard.__version__}", "runs": runs, "read": found}
(OUT / "events.json").write_text(json.dumps(value) + "\n")
