/** @file Which model came of which: what records say of trainings, from a model that somebody else made to the last student. */
import { basename, dirname, join, normalize, resolve, sep } from 'node:path';
import { z } from 'zod';
import { SOURCE_FILE } from '../../hub/cache.js';
import { modelInput } from '../../hub/resolve.js';
import { packagedModels, statOf } from '../../hub/names.js';
import { ADAPTER_CONFIG } from '../../models/modelFiles.js';
import { own as ownOf } from '../../util/own.js';
import { recordOf } from '../../util/ownFolder.js';
import type { FoundFolder } from './folders.js';
import { readJson, settingsOf, shortened } from './json.js';
import { isWithin, locate } from './locate.js';

/** Where a model came from. */
export interface Origin {
  /** What it was before all trainings that records tell of: `SmolLM2-135M-Instruct`. No path of the machine. */
  base: string;
  /** Of its files, where a record says it. */
  digest?: string;
  /** The trainings since, the first first. */
  trainings: readonly { dir: string; name: string }[];
}

/** Commands whose results are models. */
const MAKERS = ['train', 'get', 'choose'];
/** Folders between a model and the record of what made it, at most, and models in a line. */
const [MOST_FOLDERS, LONGEST_LINE] = [3, 50];

/**
 * Knows whence models come. Where no record among the folders of a report says it, the record beside the model does: names of models may come
 * from anywhere, as tokenizers do, and rows may not.
 */
export class Lineage {
  readonly #makers: readonly FoundFolder[];
  readonly #known = new Map<string, Origin | undefined>();

  constructor(found: readonly FoundFolder[] = []) {
    this.#makers = found.filter(({ record }) => MAKERS.includes(record.command));
  }

  /** The origin of the model that a folder's record names; undefined where it names none. */
  of(folder: FoundFolder): Origin | undefined {
    const model = sourceOf(folder);
    if (model === undefined) return undefined;
    if (!this.#known.has(folder.dir)) this.#known.set(folder.dir, this.#follow(model, folder));
    return this.#known.get(folder.dir);
  }

  #follow(model: string, user: FoundFolder): Origin {
    const trainings: Origin['trainings'][number][] = [];
    let [name, folder, digest] = [model, user, digestOf(model, user)];
    for (let i = 0; i < LONGEST_LINE; i++) {
      const maker = this.#makerOf(name, folder.dir);
      const next = maker && sourceOf(maker);
      if (!maker || next === undefined) break;
      if (maker.record.command === 'train') trainings.unshift({ dir: maker.dir, name: maker.name });
      // What has only been fetched is what whoever used it has read.
      if (maker.record.command !== 'get') digest = digestOf(next, maker);
      [name, folder] = [next, maker];
    }
    return { base: modelName(name, folder.dir), ...(digest !== undefined && { digest }), trainings };
  }

  /** The folder whose result a path is: as it stands, then beside the record, then the one whose path ends most like it. */
  #makerOf(model: string, own: string): FoundFolder | undefined {
    const parts = partsOf(model);
    const places = Array.from({ length: Math.min(MOST_FOLDERS, parts.length - 1) }, (_, i) =>
      parts.slice(0, -1 - i),
    );
    const isAt = (dir: string) =>
      this.#makers.find((maker) => resolve(maker.dir) === resolve(dir) && isWithin(dir, resolve(model)));
    const asItStands = places.map((_, i) => isAt(join(model, ...Array<string>(i + 1).fill('..'))));
    const exact = asItStands.find((maker) => maker !== undefined);
    if (exact) return exact;
    const beside = places
      .map((place) => this.#makers.find(({ dir }) => resolve(dir) === resolve(own, '..', place.at(-1)!)))
      .find((maker) => maker !== undefined);
    return beside ?? this.#likest(places) ?? onDisk(model, own);
  }

  /** The folder whose path has the longest end in common with one of these; none where several have, or where little is in common. */
  #likest(places: readonly string[][]): FoundFolder | undefined {
    const rated = this.#makers.flatMap((maker) => {
      const path = partsOf(resolve(maker.dir));
      return places.map((place) => {
        const common = commonEnd(path, place);
        return { maker, common, isEnough: common > 1 || (common > 0 && common === place.length) };
      });
    });
    const enough = rated.filter(({ isEnough }) => isEnough);
    const most = Math.max(...enough.map(({ common }) => common));
    const best = new Set(enough.filter(({ common }) => common === most).map(({ maker }) => maker));
    return best.size === 1 ? [...best][0] : undefined;
  }
}

const partsOf = (path: string): string[] =>
  normalize(path)
    .split(sep)
    .filter((part) => part !== '' && part !== '.');

function commonEnd(a: readonly string[], b: readonly string[]): number {
  let common = 0;
  while (common < Math.min(a.length, b.length) && a.at(-1 - common) === b.at(-1 - common)) common++;
  return common;
}

/** The folder above a model, within its path, that has the record of what made it. */
function onDisk(model: string, own: string): FoundFolder | undefined {
  let dir = locate(model, own) ?? resolve(model);
  for (let i = 0; i < Math.min(MOST_FOLDERS, partsOf(model).length - 1); i++) {
    dir = dirname(dir);
    const record = recordOf(dir);
    if (record) return MAKERS.includes(record.command) ? { dir, name: basename(dir), record } : undefined;
  }
  return undefined;
}

const inputs = z.record(z.string(), z.string().nullable());

/** What a record says of the files of the model that it names. */
function digestOf(model: string, { record }: FoundFolder): string | undefined {
  const read = inputs.safeParse(record.inputs).data;
  return ownOf(read, model) ?? ownOf(read, modelInput(model)) ?? undefined;
}

const choices = z.object({ chosen: z.string() });
const candidates = z.object({ among: z.array(z.looseObject({ name: z.string(), model: z.string() })) });

/** The model that a record names; of a choice that which was chosen. */
function sourceOf({ dir, record }: FoundFolder): string | undefined {
  const settings = settingsOf(record);
  if (record.command !== 'choose')
    return typeof settings.model === 'string' && settings.model !== '' ? settings.model : undefined;
  const chosen = readJson(join(dir, 'choice.json'), choices)?.chosen;
  return candidates.safeParse(settings).data?.among.find(({ name }) => name === chosen)?.model;
}

const source = z.object({ source: z.string(), origin: z.string() });
const adapter = z.looseObject({ base_model_name_or_path: z.string() });
const config = z.looseObject({ _name_or_path: z.string() });
const REPOSITORY = /^[\w-][\w.-]*\/[\w-][\w.-]*$/;

/** What people call a model that no training here has made, without the path of a machine. */
function modelName(model: string, own: string, depth = 0): string {
  const packaged = ownOf(packagedModels, model);
  if (packaged) return packaged.title;
  if (model.endsWith('.gguf')) return basename(model);
  const dir = locate(modelInput(model), own);
  if (dir === undefined || !statOf(dir)?.isDirectory()) return shortened(model);
  const found = readJson(join(dir, SOURCE_FILE), source);
  if (found?.source === 'package')
    return (
      Object.values(packagedModels).find(({ requirement }) => requirement === found.origin)?.title ??
      found.origin
    );
  if (found?.source === 'hub') return found.origin.replace(/@main$/, '');
  if (found?.source === 'gguf') return basename(found.origin);
  const below = readJson(join(dir, ADAPTER_CONFIG), adapter)?.base_model_name_or_path;
  if (below !== undefined && below !== '' && depth < MOST_FOLDERS)
    return modelName(below, join(dir, 'adapter'), depth + 1);
  const said = readJson(join(dir, 'config.json'), config)?._name_or_path;
  return said !== undefined && REPOSITORY.test(said) ? said : shortened(model);
}
