/** @file Collects what the GPU check finds, and writes it after every line, so that nothing is lost where it is stopped. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export type Row = Record<string, string | number>;

/** Tables of figures by title, in the order in which they came. */
export class Report {
  readonly #tables = new Map<string, Row[]>();
  readonly #started = performance.now();

  /** @param machine what it runs on, for the head of both files */
  constructor(
    readonly folder: string,
    readonly machine: Row,
  ) {
    mkdirSync(folder, { recursive: true });
  }

  /** Seconds since it began. */
  get seconds(): number {
    return (performance.now() - this.#started) / 1000;
  }

  add(title: string, row: Row): void {
    const rows = this.#tables.get(title) ?? [];
    this.#tables.set(title, [...rows, row]);
    const line = Object.entries(row).map(([name, value]) => `${name} ${value}`);
    process.stdout.write(`${this.seconds.toFixed(0).padStart(4)} s  ${title}: ${line.join(', ')}\n`);
    this.#write();
  }

  #write(): void {
    const tables = Object.fromEntries(this.#tables);
    const json = { machine: this.machine, seconds: Math.round(this.seconds), ...tables };
    writeFileSync(join(this.folder, 'gpu.json'), `${JSON.stringify(json, null, 2)}\n`);
    const sections = [...this.#tables].map(([title, rows]) => {
      const names = [...new Set(rows.flatMap((row) => Object.keys(row)))];
      const line = (cells: readonly (string | number)[]) => `| ${cells.join(' | ')} |\n`;
      const body = rows.map((row) => line(names.map((name) => row[name] ?? '')));
      return `### ${title}\n\n${line(names)}${line(names.map(() => '---'))}${body.join('')}`;
    });
    const head = Object.entries(this.machine).map(([name, value]) => `${name} ${value}`);
    writeFileSync(join(this.folder, 'gpu.md'), `${head.join('; ')}\n\n${sections.join('\n')}`);
  }
}
