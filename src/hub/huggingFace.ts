/** @file Downloads the files of a model from the Hugging Face hub. */
import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream, renameSync, rmSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  type ListFileEntry,
  HubApiError,
  InvalidApiResponseFormatError,
  downloadFile,
  listFiles,
  modelInfo,
} from '@huggingface/hub';
import { requireSpace } from '../fetch/disk.js';
import { formatBytes, formatUnequalBytes } from '../util/bytes.js';
import { makeFolder } from '../util/folders.js';
import { UserError, messageOf } from '../util/errors.js';
import type { Progress } from '../util/progress.js';
import { redactUrl } from '../util/redact.js';
import { readWeightMap } from '../models/directory.js';
import { INDEX_FILE, SINGLE_FILE } from '../models/modelFiles.js';

/** Files that are fetched beside the weights, if the repository has them. */
const WANTED =
  /^(config|generation_config|tokenizer|tokenizer_config|special_tokens_map)\.json$|^chat_template\.(jinja|json)$|^additional_chat_templates\/tool_use\.jinja$|^(LICENSE|NOTICE)[\w.-]*$/i;
/** The only folder that is looked into. */
const TEMPLATES = 'additional_chat_templates';
const ATTEMPTS = 4;
const RETRY_MS = 500;

export interface HubRepository {
  /** `owner/name` */
  name: string;
  /** A branch, tag or commit. */
  revision: string;
}

interface Access {
  hubUrl: string;
  accessToken: string | undefined;
}

/**
 * Reads endpoint and token from HF_ENDPOINT and HF_TOKEN, the names that other tools use. White space at their ends, such
 * as the line end of a file, does not belong to them.
 */
function access(): Access {
  const hubUrl = (process.env.HF_ENDPOINT?.trim() || 'https://huggingface.co').replace(/\/+$/, '');
  const accessToken = process.env.HF_TOKEN?.trim() || undefined;
  const url = URL.canParse(hubUrl) ? new URL(hubUrl) : undefined;
  const shown = redactUrl(hubUrl);
  if (url === undefined || !/^https?:$/.test(url.protocol))
    throw new UserError(`HF_ENDPOINT is "${shown}", which is not an http(s) address`);
  if (url.username !== '' || url.password !== '')
    throw new UserError(
      `HF_ENDPOINT is "${shown}", with a user name or a password in it, which cannot be sent: remove them; HF_TOKEN says who you are`,
    );
  if (url.search !== '' || url.hash !== '')
    throw new UserError(`HF_ENDPOINT is "${shown}": remove what follows the path`);
  if (accessToken?.startsWith('hf_') === false) {
    throw new UserError('HF_TOKEN is not a Hugging Face token (they begin with hf_): correct or unset it');
  }
  if (accessToken !== undefined && !/^[\x21-\x7e]+$/.test(accessToken))
    throw new UserError(
      'HF_TOKEN has white space or other characters in it that no token has (several lines?): correct or unset it',
    );
  return { hubUrl, accessToken };
}

/** Milliseconds without an answer, or without a further byte of one, after which a request is given up. */
const PATIENCE_MS = 60_000;

/** What fetching needs besides the repository. */
export interface Connection {
  progress: Progress;
  patienceMs?: number;
}

/**
 * Makes a `fetch` that gives a request up where no answer comes. `whole` answers are read to their end within that time,
 * as the client does with lists; others are watched by who reads them.
 */
function patientFetch({ patienceMs = PATIENCE_MS }: Connection, whole: boolean): typeof fetch {
  return async (input, init) => {
    const controller = new AbortController();
    const timer = setTimeout(() => {
      controller.abort(new StalledError('no answer'));
    }, patienceMs);
    try {
      const response = await fetch(input, { ...init, signal: controller.signal });
      if (!whole) return response;
      const { status, headers } = response;
      return new Response(await response.arrayBuffer(), { status, headers });
    } finally {
      clearTimeout(timer);
    }
  };
}

/** There was no answer in time. */
class StalledError extends Error {}

/** Returns the commit that a revision names now. */
export async function resolveCommit(repository: HubRepository, connection: Connection): Promise<string> {
  const { name, revision } = repository;
  connection.progress.log(`Asking ${access().hubUrl} for ${describe(repository)}.`);
  const info = await explained(repository, () =>
    modelInfo({
      name,
      revision,
      additionalFields: ['sha'],
      ...access(),
      fetch: patientFetch(connection, true),
    }),
  );
  const { sha } = info as { sha?: unknown };
  if (typeof sha !== 'string' || !/^[0-9a-f]{7,64}$/.test(sha)) {
    throw new UserError(`${access().hubUrl} names no commit for ${name}@${revision}; check HF_ENDPOINT`);
  }
  return sha;
}

/**
 * Fetches the files that are needed to run a model into `directory`, which may hold part of an earlier attempt at the
 * same commit. Each file is checked for the size (and, if it is large, the SHA-256) that the hub lists.
 * @throws UserError for a repository that is absent, closed or without a model of this kind, and for network failures
 */
export async function downloadModel(
  repository: HubRepository,
  commit: string,
  directory: string,
  connection: Connection,
): Promise<void> {
  const pinned = { name: repository.name, revision: commit };
  const top = await explained(repository, () => list(pinned, connection));
  const hasTemplates = top.some(({ type, path }) => type === 'directory' && path === TEMPLATES);
  const listed = hasTemplates
    ? [...top, ...(await explained(repository, () => list(pinned, connection, TEMPLATES)))]
    : top;
  const files = new Map(listed.filter(({ type }) => type === 'file').map((file) => [file.path, file]));
  const required = (path: string): ListFileEntry => {
    const file = files.get(path);
    if (file === undefined)
      throw new UserError(`${describe(repository)} has no ${path}: ${otherFormats(files)}`);
    return file;
  };
  const small = [...files.values()].filter(({ path }) => WANTED.test(path));
  required('config.json');
  required('tokenizer.json');
  makeFolder(directory);

  let weights: ListFileEntry[];
  if (files.has(INDEX_FILE) && !files.has(SINGLE_FILE)) {
    await fetchFiles(repository, pinned, [required(INDEX_FILE)], directory, connection);
    weights = [...new Set(Object.values(readWeightMap(join(directory, INDEX_FILE))))].sort().map(required);
  } else {
    weights = [required(SINGLE_FILE)];
  }
  await fetchFiles(repository, pinned, [...small, ...weights], directory, connection);
}

async function list(
  { name, revision }: HubRepository,
  connection: Connection,
  folder?: string,
): Promise<ListFileEntry[]> {
  const entries: ListFileEntry[] = [];
  for await (const entry of listFiles({
    repo: name,
    revision,
    ...(folder !== undefined && { path: folder }),
    ...access(),
    fetch: patientFetch(connection, true),
  })) {
    if (!isEntry(entry)) throw new TypeError('not a file');
    entries.push(entry);
    if (entries.length > 10_000)
      throw new UserError(`${name} lists more than 10,000 files; it is not a model repository`);
  }
  return entries;
}

/** Checks what the hub says about a file, whose type is only the client's word for it. */
function isEntry(value: unknown): value is ListFileEntry {
  const entry = value as Partial<Record<keyof ListFileEntry, unknown>> | null;
  const { path, size, lfs } = entry ?? {};
  const oid = (lfs as { oid?: unknown } | null | undefined)?.oid;
  return (
    typeof path === 'string' &&
    Number.isSafeInteger(size) &&
    (size as number) >= 0 &&
    (lfs === undefined || typeof oid === 'string')
  );
}

function otherFormats(files: ReadonlyMap<string, ListFileEntry>): string {
  const gguf = [...files.keys()].find((path) => path.endsWith('.gguf'));
  if (gguf !== undefined) return `download its ${gguf} and give that file instead`;
  return 'take a repository with config.json, tokenizer.json and safetensors weights';
}

async function fetchFiles(
  repository: HubRepository,
  pinned: HubRepository,
  files: readonly ListFileEntry[],
  directory: string,
  connection: Connection,
): Promise<void> {
  const total = files.reduce((sum, { size }) => sum + size, 0);
  const sizeSoFar = (path: string) => sizeOf(path) ?? sizeOf(partOf(path)) ?? 0;
  const present = files.reduce((sum, { path }) => sum + sizeSoFar(join(directory, path)), 0);
  requireSpace(directory, total - present, repository.name);
  let done = 0;
  for (const file of files) {
    const before = done;
    await fetchFile(repository, pinned, file, join(directory, file.path), connection, (bytes) => {
      connection.progress.update(before + bytes, total, `${file.path} (${formatBytes(file.size)})`);
    });
    done += file.size;
  }
}

/** Downloads one file, resuming where an earlier attempt stopped. */
async function fetchFile(
  repository: HubRepository,
  pinned: HubRepository,
  file: ListFileEntry,
  target: string,
  connection: Connection,
  onBytes: (bytes: number) => void,
): Promise<void> {
  if (sizeOf(target) === file.size) return;
  makeFolder(dirname(target));
  const part = partOf(target);
  for (let attempt = 1; ; attempt++) {
    try {
      await explained(repository, () => appendRest(pinned, file, part, connection, onBytes));
      break;
    } catch (error) {
      if (attempt === ATTEMPTS || !(error instanceof TransientError)) throw error;
      await sleep(RETRY_MS * 2 ** (attempt - 1));
    }
  }
  if (file.lfs !== undefined && (await sha256(part)) !== file.lfs.oid) {
    rmSync(part);
    throw new UserError(
      `${file.path} of ${describe(repository)} arrived damaged (wrong checksum): run the same command again`,
    );
  }
  renameSync(part, target);
}

async function appendRest(
  { name, revision }: HubRepository,
  { path, size }: ListFileEntry,
  part: string,
  connection: Connection,
  onBytes: (bytes: number) => void,
): Promise<void> {
  if ((sizeOf(part) ?? 0) > size) rmSync(part);
  const begin = sizeOf(part) ?? 0;
  if (begin < size || size === 0) {
    // Plain HTTP instead of the hub's chunk protocol can resume in the middle and works with every mirror.
    const blob = await downloadFile({
      repo: name,
      path,
      revision,
      xet: false,
      ...access(),
      fetch: patientFetch(connection, false),
    });
    if (blob?.size !== size) {
      throw new UserError(
        `${path} of ${name} has another size than the hub lists: run the same command again`,
      );
    }
    let position = begin;
    const rest = Readable.fromWeb(blob.slice(begin, size).stream());
    const stalled = new AbortController();
    const timer = setTimeout(() => {
      stalled.abort(new StalledError('no more data'));
    }, connection.patienceMs ?? PATIENCE_MS);
    rest.on('data', (chunk: Uint8Array) => {
      timer.refresh();
      position += chunk.length;
      onBytes(position);
    });
    await pipeline(rest, createWriteStream(part, { flags: 'a' }), { signal: stalled.signal })
      .catch((error: unknown) => {
        throw stalled.signal.aborted ? stalled.signal.reason : error;
      })
      .finally(() => {
        clearTimeout(timer);
      });
  }
  const arrived = sizeOf(part) ?? 0;
  if (arrived === size) return;
  // Too many bytes mean that the server sent the beginning again.
  if (arrived > size) rmSync(part);
  const [got, whole] = formatUnequalBytes(arrived, size);
  throw new TransientError(
    `the download of ${path} ended after ${got} of ${whole}: run the same command again to go on`,
  );
}

/** Where a file is until all of it has arrived. */
const partOf = (target: string): string => `${target}.part`;

async function sha256(path: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path), hash);
  return hash.digest('hex');
}

function sizeOf(path: string): number | undefined {
  return statSync(path, { throwIfNoEntry: false })?.size;
}

function describe({ name, revision }: HubRepository): string {
  return revision === 'main' ? name : `${name}@${revision}`;
}

/** A failure that a later attempt may not meet. */
export class TransientError extends UserError {}

/** Turns an error of the hub's client into one sentence for the user. */
async function explained<T>(repository: HubRepository, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw explain(repository, error);
  }
}

function explain(repository: HubRepository, error: unknown): unknown {
  const { hubUrl, accessToken } = access();
  const what = describe(repository);
  if (error instanceof HubApiError) {
    const { statusCode: status } = error;
    if (status === 401 || status === 403) {
      const remedy =
        accessToken === undefined
          ? 'set HF_TOKEN to a token of an account that may read it'
          : `accept its terms at ${hubUrl}/${repository.name} with the account of HF_TOKEN`;
      return new UserError(
        `${hubUrl} does not let you read ${what} (${status}), or it does not exist: ${remedy}`,
      );
    }
    if (status === 404) {
      return new UserError(`${hubUrl} has no ${what}: check the spelling of owner, name and revision`);
    }
    return new TransientError(`${hubUrl} answered ${status} when asked for ${what}: try again later`);
  }
  const code = error instanceof StalledError ? error.message : networkCode(error);
  if (code === undefined) {
    const strange = [TypeError, SyntaxError, InvalidApiResponseFormatError].some(
      (kind) => error instanceof kind,
    );
    if (!strange) return error;
    return new UserError(
      `${hubUrl} answered in another form than a Hugging Face hub when asked for ${what}: check HF_ENDPOINT`,
    );
  }
  return new TransientError(
    `cannot reach ${hubUrl} for ${what} (${code}): check the network or HF_ENDPOINT, or give a local directory`,
  );
}

/** Finds the reason of a failed fetch: undici hides it in the cause, and streams keep only its message. */
function networkCode(error: unknown): string | undefined {
  if (error instanceof UserError || !(error instanceof Error)) {
    return typeof error === 'string' ? error : undefined;
  }
  const cause = error.cause as { code?: unknown } | undefined;
  if (typeof cause?.code === 'string') return cause.code;
  const own = (error as NodeJS.ErrnoException).code;
  if (own?.startsWith('ECONN') === true || own?.startsWith('UND_ERR') === true) return own;
  return /fetch failed|terminated|aborted|other side closed/.test(error.message)
    ? messageOf(error)
    : undefined;
}
