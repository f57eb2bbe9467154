import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Sandbox, torchFiles } from './sandbox.js';
import { makeWheel } from './zip.js';

export const CPU_LIBRARIES = ['libtorch_cpu.so', 'libc10.so', 'libgomp.so.1'];
const LIBRARIES = [...CPU_LIBRARIES, 'libtorch_cuda.so', 'libc10_cuda.so', 'libtorch_python.so', 'libshm.so'];

/** As torch 2.11.0's own, shortened. */
export const TORCH_METADATA = [
  'Requires-Dist: filelock',
  'Requires-Dist: cuda-toolkit[cublas,cudart]==13.0.2; platform_system == "Linux"',
  'Requires-Dist: cuda-bindings<14,>=13.0.3; platform_system == "Linux"',
  'Requires-Dist: nvidia-cudnn-cu13==9.19.0.56; platform_system == "Linux"',
  'Requires-Dist: triton==3.6.0; platform_system == "Linux"',
  'Requires-Dist: nvidia-other==1; extra == "other"',
];

/** A wheel of torch with one file of each kind that a real one holds. */
export function torchWheel(metadata: readonly string[] = TORCH_METADATA): Buffer {
  const files = [
    ...torchFiles('2.11.0', LIBRARIES).map(({ name, data }) => ({ name: `torch/${name}`, data })),
    { name: 'torch/__init__.py', data: 'raise' },
    { name: 'torch/bin/protoc', data: 'elf' },
    { name: 'torch/test/test_x.py', data: '' },
  ];
  return makeWheel('torch-2.11.0', files, metadata);
}

/** Wheels with one header each, as they have it. */
const HEADER_WHEELS = [
  ['nvidia_cuda_crt-13.0.88', 'crt/host_defines.h'],
  ['nvidia_cuda_cccl-13.0.85', 'nv/target'],
  ['nvidia_nccl_cu13-2.28.9', 'nccl.h'],
  ['nvidia_cublas-13.1.0.3', 'cublas_v2.h'],
  ['nvidia_cusparse-12.6.3.3', 'cusparse.h'],
] as const;

function nvidiaWheel(distribution: string, library: string): Buffer {
  return makeWheel(distribution, [
    { name: `nvidia/cu13/lib/${library}`, data: library },
    { name: `nvidia/cu13/include/${library}.h`, data: '' },
    { name: 'nvidia/__init__.py', data: '' },
  ]);
}

/**
 * Installs a `pip3` that "downloads" wheels from a folder of the sandbox. `before` is JavaScript that runs at each
 * `download`, where `say(line)` writes to standard error and `fail(line)` also exits with 1.
 */
export function installPip(sandbox: Sandbox, before = '', torch: Uint8Array = torchWheel()): void {
  const index = join(sandbox.root, 'index');
  mkdirSync(index, { recursive: true });
  writeFileSync(join(index, 'torch-2.11.0-cp311-cp311-manylinux_2_28_x86_64.whl'), torch);
  const companions = {
    'nvidia_cuda_runtime-13.0.96': 'libcudart.so.13',
    'nvidia_cuda_cupti-13.0.85': 'libcupti.so.13',
    'cuda_toolkit-13.0.2': 'libcublas.so.13',
    'nvidia_cudnn_cu13-9.19.0.56': 'libcudnn.so.9',
  };
  for (const [name, header] of HEADER_WHEELS)
    writeFileSync(
      join(index, `${name}-py3-none-any.whl`),
      makeWheel(name, [
        { name: `nvidia/cu13/include/${header}`, data: name },
        { name: 'nvidia/cu13/lib/large.so', data: '' },
      ]),
    );
  for (const [name, library] of Object.entries(companions)) {
    writeFileSync(join(index, `${name}-py3-none-any.whl`), nvidiaWheel(name, library));
  }
  sandbox.program(
    'pip3',
    `
if (args[0] === '--version') { console.log('pip 23.0'); process.exit(0); }
const say = (line) => fs.writeSync(2, line + '\\n');
const fail = (line) => { say(line); process.exit(1); };
${before}
const folder = args[args.indexOf('-d') + 1], index = ${JSON.stringify(index)};
for (const requirement of args.filter((a) => a.includes('=='))) {
  const wanted = requirement.replace(/\\[.*\\]/, '').replaceAll('-', '_').replace('==', '-');
  const wheel = fs.readdirSync(index).find((name) => name.startsWith(wanted + '-'));
  if (!wheel) fail('ERROR: No matching distribution found for ' + requirement);
  fs.copyFileSync(path.join(index, wheel), path.join(folder, wheel));
}`,
  );
}
