// One member of a process group, started with a launcher's environment; sends what the collectives gave it.
import { readFileSync, writeFileSync } from 'node:fs';
import { fromArray, toFloat64Array } from '../../src/torch/data.js';
import { MESSAGE_NUMBERS, ProcessGroup } from '../../src/torch/distributed.js';
import { launchEnvironment } from '../../src/torch/launch.js';
import * as ops from '../../src/torch/ops.js';
import { setThreads } from '../../src/torch/runtime.js';
import { liveTensors, scope, type Tensor } from '../../src/torch/tensor.js';

setThreads(1);
using group = new ProcessGroup(launchEnvironment()!, 60);
const { rank, world } = group;
const values = (tensor: Tensor) => [...toFloat64Array(tensor)];

const before = liveTensors();
const results = scope(() => {
  const mine = () => fromArray(Float32Array.of(rank + 1, 10 * (rank + 1)));
  const summed = mine();
  group.allReduce(summed);
  const gathered = group.allGather(mine());
  const scattered = group.reduceScatter(
    fromArray(
      Float32Array.of(1, 2, 3, 4).map((x) => x * (rank + 1)),
      [4, 1],
    ),
  );
  const copied = mine();
  group.broadcast(copied, 1);
  const half = ops.toDtype(mine(), 'bf16');
  group.allReduce(half);
  // Parts of more than a message each, of which the first, the last and those at its seam are looked at.
  const own = MESSAGE_NUMBERS + 256;
  const seen = [0, MESSAGE_NUMBERS / 2, MESSAGE_NUMBERS - 1, MESSAGE_NUMBERS, own - 1];
  const numbered = (scale: number) =>
    fromArray(Float32Array.from({ length: own }, (_, i) => scale * (1 + seen.indexOf(i))));
  const at = (tensor: Tensor) => {
    const all = toFloat64Array(tensor);
    return Array.from({ length: tensor.elements / own }, (_, member) =>
      seen.map((i) => all[member * own + i]!),
    );
  };
  const mineOfTwo = ops.cat([numbered(rank + 1), numbered(10 * (rank + 1))], 0);
  const summedPart = at(group.sumParts(mineOfTwo));
  const whole = ops.zeros([world * own], { dtype: 'f32' });
  group.gatherParts(numbered(rank + 1), whole);
  const first = group.toFirst(numbered(rank + 1));
  return {
    summedPart,
    gatheredParts: at(whole),
    first: first && at(first),
    rank,
    world,
    allReduce: values(summed),
    allGather: values(gathered),
    reduceScatter: { shape: scattered.shape, values: values(scattered) },
    broadcast: values(copied),
    bf16: values(half),
  };
});
/** Bytes that the process has at most beside what it had, where large tensors go to and fro. */
const grown = scope(() => {
  const kilobytes = (name: string) =>
    Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(readFileSync('/proc/self/status', 'utf8'))?.[1]);
  const part = ops.ones([4 * MESSAGE_NUMBERS], { dtype: 'f32' });
  const whole = ops.ones([world * part.elements], { dtype: 'f32' });
  writeFileSync('/proc/self/clear_refs', '5'); // the peak begins anew
  const before = kilobytes('VmRSS');
  group.sumParts(whole);
  group.gatherParts(part, whole);
  if (rank > 0) group.toFirst(part);
  const peak = kilobytes('VmHWM');
  if (rank === 0) group.toFirst(part); // it has all of it
  return 1024 * (peak - before);
});
process.send!({ ...results, grown, leaked: liveTensors() - before });
