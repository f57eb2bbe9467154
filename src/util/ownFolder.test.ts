import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { afterAll, describe, expect, it } from 'vitest';
import { refuseFolderOverInputs, refuseOverInputs } from './overlap.js';
import { commandOf, removeKnown, removeKnownMeanwhile, removeOwn, withOwnFolder } from './ownFolder.js';
import { linkSync } from 'node:fs';

const root = mkdtempSync(join(tmpdir(), 'redistill-own-'));
afterAll(() => {
  rmSync(root, { recursive: true });
});

const use = {
  command: 'make',
  writes: ['a.jsonl', 'model/*.json', 'steps/step-*/w'],
  scratch: ['half/*'],
  record: { version: '1', settings: { seed: 1 } },
};
function put(folder: string, files: Readonly<Record<string, string>>): string {
  const path = join(root, folder);
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(path, name)), { recursive: true });
    writeFileSync(join(path, name), text);
  }
  return path;
}
const make = (folder: string, files: Readonly<Record<string, string>> = { 'a.jsonl': 'new' }) =>
  withOwnFolder(folder, use, () => Promise.resolve(put(folder.slice(root.length + 1), files)));
const text = (path: string) => readFileSync(path, 'utf8');

describe('a folder of results', () => {
  it('is new, or empty but for what file systems and people hide there, and says what made it', async () => {
    for (const [name, files] of Object.entries<Record<string, string>>({
      new: {},
      hidden: { '.git/config': 'x' },
    })) {
      const folder = put(name, files);
      await make(folder);
      expect(commandOf(folder)).toBe('make');
      expect(JSON.parse(text(join(folder, 'redistill.json')))).toEqual({
        ...{ made_by: 'redistill', command: 'make', version: '1', settings: { seed: 1 } },
      });
    }
  });

  it('is written by one at a time, and the second leaves the work of the first alone', async () => {
    const folder = put('busy', {});
    let finish: (() => void) | undefined;
    const told = new Promise<void>((resolve) => (finish = resolve));
    const first = withOwnFolder(folder, use, () => told.then(() => put('busy', { 'a.jsonl': 'first' })));
    while (commandOf(folder) === undefined) await setImmediate();
    await expect(make(folder, { 'a.jsonl': 'second' })).rejects.toThrow('Another process is writing into');
    expect(commandOf(folder)).toBe('make');
    finish!();
    await first;
    expect(text(join(folder, 'a.jsonl'))).toBe('first');
  });

  it('may be written again by the same command, and by no other', async () => {
    const folder = put('again', {});
    await make(folder);
    await make(folder, { 'a.jsonl': 'newer' });
    expect(text(join(folder, 'a.jsonl'))).toBe('newer');
    await expect(
      withOwnFolder(folder, { ...use, command: 'other' }, () => Promise.resolve()),
    ).rejects.toThrow('holds a result of `make`: name another folder for that of `other`');
  });

  it.each([
    ['with a file in it', { 'notes.txt': 'precious' }, 'it holds notes.txt'],
    ['with files of our names', { 'a.jsonl': 'precious' }, 'it holds a.jsonl'],
    ['with a record that is none', { 'redistill.json': '{"command": "make"}', b: 'precious' }, 'it holds b'],
  ])('is not ours %s', async (name, files, reason) => {
    const folder = put(name.replaceAll(' ', '-'), files);
    await expect(make(folder)).rejects.toThrow(reason);
    expect(readdirSync(folder).sort()).toEqual(Object.keys(files).sort());
    for (const [file, was] of Object.entries(files)) expect(text(join(folder, file))).toBe(was);
  });

  it('keeps the old record until there is a new result, and none where nothing came of it', async () => {
    const folder = put('failing', {});
    await make(folder);
    const fail = (path: string) =>
      withOwnFolder(path, { ...use, record: { version: '2' } }, () => Promise.reject(new Error('no')));
    await expect(fail(folder)).rejects.toThrow('no');
    expect(text(join(folder, 'redistill.json'))).toContain('"version": "1"');
    const fresh = join(root, 'fresh/one');
    await expect(fail(fresh)).rejects.toThrow('no');
    expect(existsSync(join(root, 'fresh'))).toBe(false);
    const empty = put('empty', {});
    mkdirSync(empty);
    await expect(fail(empty)).rejects.toThrow('no');
    expect(readdirSync(empty)).toEqual([]);
  });

  it('is cleared of what a killed run left, and of nothing else', async () => {
    const folder = put('killed', { 'half/1': 'x', 'half/2': 'x', 'mine/half/1': 'x' });
    writeFileSync(join(folder, 'redistill.json'), '{"made_by": "redistill", "command": "make"}');
    await make(folder);
    expect(existsSync(join(folder, 'half'))).toBe(false);
    expect(text(join(folder, 'mine/half/1'))).toBe('x');
  });

  it('is removed only where all in it was written by the command', async () => {
    const files = { 'a.jsonl': 'x', 'model/c.json': 'x', 'steps/step-12/w': 'x' };
    const folder = join(root, 'removed');
    await make(folder, files);
    for (const name of ['model/notes.txt', 'steps/other/w', 'deep/er', 'model/c.json.bak']) {
      put('removed', { [name]: 'precious' });
      expect(() => {
        removeOwn(folder, use);
      }).toThrow('is in the way: redistill has not written it');
      for (const kept of [...Object.keys(files), name]) expect(existsSync(join(folder, kept))).toBe(true);
      rmSync(join(folder, name));
      if (name.startsWith('steps/') || name.startsWith('deep'))
        rmSync(dirname(join(folder, name)), { recursive: true });
    }
    removeOwn(folder, use);
    expect(existsSync(folder)).toBe(false);
  });

  it('is not written or removed through a link to a folder of somebody else', async () => {
    const folder = join(root, 'linked');
    await make(folder);
    const theirs = put('theirs', { 'c.json': 'precious' });
    for (const place of ['model', 'half', 'steps']) {
      symlinkSync(theirs, join(folder, place));
      const reason = `${place} is a file or a link, and \`make\` makes a folder of that name`;
      await expect(make(folder)).rejects.toThrow(reason);
      expect(() => {
        removeOwn(folder, use);
      }).toThrow(reason);
      rmSync(join(folder, place));
    }
    const link = join(root, 'link-to-linked');
    symlinkSync(folder, link);
    expect(() => {
      removeOwn(link, use);
    }).toThrow('link-to-linked is a link, and the folder that it leads to would be replaced');
    expect(() => {
      removeKnown(link, ['a.jsonl', 'redistill.json']);
    }).toThrow('is a link');
    expect(text(join(folder, 'a.jsonl'))).toBe('new');
    expect(text(join(theirs, 'c.json'))).toBe('precious');
    await make(link, {}); // as --out a link leads where it leads
  });

  it('is removed meanwhile, or not touched where there is something else in it', async () => {
    const folder = put('large', { 'a.jsonl': 'x', 'model/b.json': 'y', 'model/notes.txt': 'mine' });
    const files = ['a.jsonl', 'model/*.json'];
    await expect(removeKnownMeanwhile(folder, files)).rejects.toThrow('model/notes.txt is in the way');
    expect(text(join(folder, 'a.jsonl'))).toBe('x');
    rmSync(join(folder, 'model/notes.txt'));
    await removeKnownMeanwhile(folder, files);
    expect(existsSync(folder)).toBe(false);
    await removeKnownMeanwhile(folder, files);
  });

  it('is the same for the check and for the files where .. comes after a link', async () => {
    const theirs = put('named', { 'a.jsonl': 'precious' });
    mkdirSync(join(root, 'far/named'), { recursive: true });
    mkdirSync(join(root, 'far/away'));
    symlinkSync(join(root, 'far/away'), join(root, 'away'));
    const path = `${root}/away/../named`; // far/named to the system, named to `join`
    const write = (folder: string) => () => {
      writeFileSync(join(folder, 'a.jsonl'), 'new');
      return Promise.resolve();
    };
    await expect(withOwnFolder(path, use, write(path))).rejects.toThrow('it holds a.jsonl');
    expect(text(join(theirs, 'a.jsonl'))).toBe('precious');
    expect(readdirSync(join(root, 'far/named'))).toEqual([]);
    const fresh = `${root}/nowhere/../away/../fresh-one`;
    await withOwnFolder(fresh, use, write(fresh));
    expect(readdirSync(join(root, 'fresh-one')).sort()).toEqual(['a.jsonl', 'redistill.json']);
    expect(() => {
      refuseFolderOverInputs(fresh, ['a.jsonl'], [join(root, 'fresh-one')]);
    }).toThrow('is read by this command');
  });

  it('is refused where a folder stands in the place of a file', async () => {
    const folder = join(root, 'places');
    await make(folder, {});
    mkdirSync(join(folder, 'a.jsonl'));
    await expect(make(folder, {})).rejects.toThrow(
      'a.jsonl is a folder, and `make` writes a file of that name',
    );
  });

  it('is refused where it is a file or a link to nothing', async () => {
    const file = join(put('kinds', { file: 'x' }), 'file');
    await expect(make(file)).rejects.toThrow(`${file} is a file: name a folder`);
    symlinkSync('nothing', join(root, 'kinds/link'));
    await expect(make(join(root, 'kinds/link'))).rejects.toThrow('is a link to nothing');
    await expect(make('/proc/never/ends')).rejects.toThrow('/proc/never/ends cannot be used');
  });
});

describe('outputs over inputs', () => {
  const dir = put('overlap', {
    'in.jsonl': 'x',
    'model/config.json': 'x',
    'out/a.jsonl': 'x',
    'out/data.jsonl': 'x',
  });
  symlinkSync('in.jsonl', join(dir, 'link'));
  linkSync(join(dir, 'in.jsonl'), join(dir, 'hard'));
  symlinkSync(dir, join(root, 'overlap-link'));
  const at = (name: string) => join(dir, name);

  it.each(['in.jsonl', 'link', 'hard', '../overlap-link/in.jsonl', 'model/../in.jsonl', 'model/config.json'])(
    'a file is refused as %s',
    (name) => {
      expect(() => {
        refuseOverInputs([at('new.jsonl'), at(name)], [at('model'), at('in.jsonl')]);
      }).toThrow('would be overwritten: name another place for the result');
    },
  );

  it.each(['model/new.json', 'model/deep/new.json', '../overlap-link/model/new.json', 'model/./..new'])(
    'a new file is refused in a folder that is read: %s',
    (name) => {
      const refuse = () => {
        refuseOverInputs([at(name)], [at('in.jsonl'), at('model')]);
      };
      expect(refuse).toThrow(`${at(name)} would be added to ${at('model')}, which this command reads`);
    },
  );

  it('other files are not, nor is what loses nothing', () => {
    refuseOverInputs([at('new.jsonl'), at('model/new.json'), at('model')], [at('in.jsonl'), at('nowhere')]);
    refuseOverInputs([at('model.jsonl'), at('..new')], [at('model'), at('out')]);
    refuseOverInputs(['/dev/null', '/dev/null'], ['/dev/null']);
    expect(() => {
      refuseOverInputs([at('new'), at('model/../new')], []);
    }).toThrow('is to be written twice');
  });

  it('a folder is refused where it is an input or its files are', () => {
    const refuse = (folder: string, input: string) => () => {
      refuseFolderOverInputs(at(folder), ['a.jsonl', 'model/x'], [at(input)]);
    };
    expect(refuse('model', 'model')).toThrow('is read by this command');
    expect(refuse('model/eval', 'model')).toThrow(`${at('model/eval')} lies in ${at('model')}`);
    expect(refuse('../overlap-link/model/a/b', 'model')).toThrow('lies in');
    refuse('model-2', 'model')();
    expect(refuse('out', 'out/a.jsonl')).toThrow('would write over it in');
    expect(refuse('.', 'model')).toThrow('would write over it in');
    expect(refuse('.', 'model/config.json')).toThrow('would write over it in');
    refuse('out', 'out/data.jsonl')();
    refuse('.', 'in.jsonl')();
  });
});
