/** @file Opens the graders that an evaluation names: those of the list, and those of modules of the user's. */
import { basename } from 'node:path';
import { inspect } from 'node:util';
import { UserError } from '../../util/errors.js';
import { thrownBy, importFrom } from '../../util/modules.js';
import { graderNames, graderOf, type Grade, type Grader, type GraderName } from './index.js';

/** A grader of the list by its name, or the JavaScript file that exports one. */
export type GraderSetting = GraderName | { module: string };

/** A grader with the name that its grades are stored under; that of a module is the name of its file. */
export interface NamedGrader {
  name: string;
  grade: Grader;
}

export const graderName = (setting: GraderSetting): string =>
  typeof setting === 'string' ? setting : basename(setting.module);

/** @throws UserError naming the module that cannot be loaded or exports no function, or a name that occurs twice */
export async function openGraders(settings: readonly GraderSetting[]): Promise<NamedGrader[]> {
  const graders: NamedGrader[] = [];
  for (const setting of settings) {
    const name = graderName(setting);
    const grade = typeof setting === 'string' ? graderOf(setting) : await fromModule(setting.module);
    if (graders.some((other) => other.name === name))
      throw new UserError(
        `there are two graders named ${name}, the name of their file: rename one of the files`,
      );
    graders.push({ name, grade });
  }
  return graders;
}

/** What the grades are stored under that a row's own grader gave. */
const OF_THE_ROW = 'row';

/**
 * The graders of a row. Where rows name one, it takes the place of the first, which grades the rows that name none.
 * @param field the field that names it
 * @throws the error of `fail` where the name is not a grader's
 */
export function gradersOfRow(
  graders: readonly NamedGrader[],
  field: string | undefined,
  row: Readonly<Record<string, unknown>>,
  fail: (problem: string) => Error,
): readonly NamedGrader[] {
  const [first, ...others] = graders;
  if (field === undefined || !first) return graders;
  const name = row[field] ?? first.name;
  const own = graders.find((grader) => grader.name === name)?.grade ?? listed(name);
  if (own) return [{ name: OF_THE_ROW, grade: own }, ...others];
  const names = [...new Set([...graders.map((grader) => grader.name), ...graderNames])];
  throw fail(`"${field}" must name a grader, ${names.join(', ')}, and not ${JSON.stringify(name)}`);
}

const listed = (name: unknown): Grader | undefined =>
  graderNames.some((one) => one === name) ? graderOf(String(name)) : undefined;

async function fromModule(module: string): Promise<Grader> {
  const exported = await importFrom(module, 'grader', 'grader');
  if (typeof exported !== 'function')
    throw new UserError(
      `grader ${module} exports something that is not a function: export one that takes { golds, response, cutOff } and returns { correct, extracted }`,
    );
  return checked(exported as Grader, module);
}

/** Wraps the grader of a module so that what it throws or returns cannot end up in results unseen. */
function checked(grader: Grader, module: string): Grader {
  return (item) => {
    const about = `the response ${JSON.stringify(item.response.slice(0, 60))}`;
    let grade: unknown;
    try {
      grade = grader({ ...item, golds: [...item.golds] });
    } catch (error) {
      throw new UserError(`grader ${module} threw at ${about}: ${thrownBy(error, module)}`);
    }
    const { correct, extracted, reason, stage } = (grade ?? {}) as Partial<Record<keyof Grade, unknown>>;
    const fits =
      typeof correct === 'boolean' &&
      (extracted === null || typeof extracted === 'string') &&
      [reason, stage].every((text) => text === undefined || typeof text === 'string');
    if (!fits)
      throw new UserError(
        `grader ${module} returned ${shown(grade)} for ${about}: it must return { correct: true or false, extracted: a text or null }, and may add the texts reason and stage`,
      );
    return {
      correct,
      extracted,
      ...(reason !== undefined && { reason: reason as string }),
      ...(stage !== undefined && { stage: stage as string }),
    };
  };
}

/** What a grader has returned, in a line. */
function shown(grade: unknown): string {
  if (!(grade instanceof Promise))
    return inspect(grade, { compact: true, breakLength: Infinity, depth: 1, maxStringLength: 60 });
  grade.catch(() => undefined); // what it comes to is no matter any more
  return 'a promise, as async functions do,';
}
