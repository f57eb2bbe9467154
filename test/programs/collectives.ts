// One member of a process group, started with a launcher's environment; sends what the collectives gave it.
import { fromArray, toFloat64Array } from '../../src/torch/data.js';
import { ProcessGroup } from '../../src/torch/distributed.js';
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
  return {
    rank,
    world,
    allReduce: values(summed),
    allGather: values(gathered),
    reduceScatter: { shape: scattered.shape, values: values(scattered) },
    broadcast: values(copied),
    bf16: values(half),
  };
});
process.send!({ ...results, leaked: liveTensors() - before });
