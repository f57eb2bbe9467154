import { Worker } from 'node:worker_threads';

/** A worker thread that runs a TypeScript file. (`--import tsx` does nothing in a worker of Node 20.) */
export function typescriptWorker(file: URL, workerData: unknown): Worker {
  const start = `import('tsx/esm/api').then(({ tsImport }) => tsImport(${JSON.stringify(file.href)}, ${JSON.stringify(import.meta.url)}))`;
  return new Worker(start, { eval: true, workerData });
}
