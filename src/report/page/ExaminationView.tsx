/** @file What the doctor found in training rows: what is trained, what is masked, and each finding where it is. */
import { useEffect, useState } from 'preact/hooks';
import type { Examination, ExaminedPiece, ExaminedRow, Report } from '../model.js';
import { ask } from './ask.js';
import { count, plural } from './numbers.js';
import { address, change, go, type Route, withQuery } from './route.js';
import { Select } from './ProblemControls.js';
import { Table } from './table.js';
import { Name, short } from './text.js';
import { shownToken } from './TokenView.js';
import { Notes } from './Notes.js';

const PAGE = 10;

/** Where in a response findings of a kind are; others stand above it. */
const PLACES: Readonly<Record<string, 'begin' | 'boundary' | 'end' | 'special'>> = {
  ...{ 'control-token': 'special' },
  ...{ 'two-bos': 'begin', 'no-bos': 'begin', 'boundary-merge': 'boundary', 'prompt-not-prefix': 'boundary' },
  ...{
    'generation-prompt-trained': 'boundary',
    'empty-thought': 'boundary',
    'thinking-unopened': 'boundary',
  },
  ...{
    'end-not-trained': 'end',
    'end-not-a-stop': 'end',
    'cut-off': 'end',
    'thinking-unclosed': 'end',
    'empty-answer': 'end',
  },
};

type Found = ExaminedRow['findings'][number];

const Mark = ({ found }: { found: Found }) => (
  <span class={`finding ${found.severity === 'error' ? 'error' : 'warn'}`} role="note" title={found.detail}>
    ▲ {short(found.code, 40)}
  </span>
);

function Piece({ piece: { text, trained, special, skipped } }: { piece: ExaminedPiece }) {
  const kind = trained ? 'trained' : 'masked';
  if (skipped !== undefined) return <b class={`tok ${kind}`}> … {count(skipped)} tokens … </b>;
  return <span class={`tok ${kind}${special ? ' special' : ''}`}>{shownToken(text)}</span>;
}

/** Where in a response a finding is shown; undefined where it is the whole row's. */
function placeOf({ code }: Found, pieces: readonly ExaminedPiece[]): number | undefined {
  const boundary = pieces.findIndex(({ trained }) => trained);
  switch (PLACES[code]) {
    case 'begin':
      return 0;
    case 'boundary':
      return boundary < 0 ? pieces.length : boundary;
    case 'end':
      return pieces.length;
    case 'special': {
      const at = pieces.findIndex(({ special, trained }, i) => special && trained && i < pieces.length - 1);
      return at < 0 ? undefined : at;
    }
    default:
      return undefined;
  }
}

interface ResponseProps {
  response: ExaminedRow['responses'][number];
  findings: readonly Found[];
}

function Response({ response: { role, masked, trained, pieces }, findings }: ResponseProps) {
  const at = (place: number) =>
    findings
      .filter((found) => placeOf(found, pieces) === place)
      .map((found, i) => <Mark key={i} found={found} />);
  return (
    <section class="panel" aria-label={short(role)}>
      <h3>
        <Name of={role} length={30} />: {plural(masked, 'token')} of prompt, {count(trained)} trained
      </h3>
      <pre
        class={`tokens examined${role === 'rejected' ? ' rejected' : ''}`}
        tabIndex={0}
        role="group"
        aria-label={`Tokens of ${short(role)}`}
      >
        {pieces.map((piece, i) => (
          <>
            {at(i)}
            <Piece key={i} piece={piece} />
          </>
        ))}
        {at(pieces.length)}
      </pre>
    </section>
  );
}

function Row({ row }: { row: ExaminedRow }) {
  const ofSide = (role: string) => row.findings.filter(({ side }) => side === undefined || side === role);
  return (
    <section class="card examined-row">
      <h2>
        Line {count(row.line)}: {short(row.verdict, 20)}
        {row.id !== null && (
          <>
            {' '}
            <a class="note" href={address(['rows', row.id])}>
              fate of row {short(row.id, 40)}
            </a>
          </>
        )}
      </h2>
      {row.findings.length > 0 && (
        <ul class="verdicts">
          {row.findings.map((found, i) => (
            <li key={i}>
              <Mark found={found} /> {found.side === undefined ? '' : `${short(found.side, 30)}: `}
              {short(found.detail, 400)}
            </li>
          ))}
        </ul>
      )}
      <div class="panels">
        {row.responses.map((response, i) => (
          <Response key={i} response={response} findings={ofSide(response.role)} />
        ))}
      </div>
      {row.responses.length === 0 && <p class="note">This row could not be made into tokens.</p>}
    </section>
  );
}

/** The rows of an examination, which a live page asks for. */
function useExaminedRows({ asked, rows }: Examination): readonly ExaminedRow[] | Error | undefined {
  const [opened, setOpened] = useState<readonly ExaminedRow[] | Error>();
  useEffect(() => {
    if (asked === undefined) return;
    let isWanted = true;
    const show = (what: readonly ExaminedRow[] | Error) => {
      if (isWanted) setOpened(what);
    };
    ask<ExaminedRow[]>(`/examinations/${asked}`).then(show, (error: unknown) => {
      show(error instanceof Error ? error : new Error(String(error)));
    });
    return () => {
      isWanted = false;
    };
  }, [asked]);
  return asked === undefined ? rows : opened;
}

function Rows({ examination, route }: { examination: Examination; route: Route }) {
  const rows = useExaminedRows(examination);
  if (rows === undefined) return <p role="status">Reading rows …</p>;
  if (rows instanceof Error) return <p class="warning">{rows.message}</p>;
  if (rows.length === 0) return null;
  const codes = [...new Set(rows.flatMap(({ findings }) => findings.map(({ code }) => code)))];
  const code = route.query.get('code') ?? '';
  const chosen = rows.filter(({ findings }) => code === '' || findings.some((found) => found.code === code));
  const pages = Math.max(1, Math.ceil(chosen.length / PAGE));
  const page = Math.min(pages, Math.max(1, Number(route.query.get('page')) || 1));
  return (
    <>
      <h2>Rows</h2>
      <p class="note">
        <span class="tok masked">Grey text</span> is read and not trained,{' '}
        <span class="tok trained">coloured text</span> is trained; special tokens are framed.
      </p>
      {codes.length > 0 && (
        <div class="controls">
          <Select
            label="With"
            value={code}
            options={[['', 'any verdict'] as const, ...codes.map((one) => [one, one] as const)]}
            onChoose={(value) => {
              change({ code: value, page: undefined });
            }}
          />
        </div>
      )}
      {chosen.slice((page - 1) * PAGE, page * PAGE).map((row) => (
        <Row key={row.line} row={row} />
      ))}
      {pages > 1 && (
        <nav class="pages" aria-label="Pages of rows">
          {page > 1 && <a href={withQuery(route, { page: String(page - 1) })}>← before</a>} page {page} of{' '}
          {pages} {page < pages && <a href={withQuery(route, { page: String(page + 1) })}>next →</a>}
        </nav>
      )}
    </>
  );
}

export function ExaminationView({ report, route }: { report: Report; route: Route }) {
  const all = report.examinations ?? [];
  const [, id] = route.parts;
  const shown = id === undefined ? all[0] : all.find((one) => one.id.toWellFormed() === id);
  if (!shown)
    return (
      <>
        <h1>Doctor</h1>
        <p class={id === undefined ? 'note' : 'warning'}>
          There is no examination{id === undefined ? '' : ' of this name'} in the report.
        </p>
      </>
    );
  return (
    <>
      <h1>
        Doctor: <Name of={shown.name} />
      </h1>
      {all.length > 1 && (
        <div class="controls">
          <Select
            label="Examination"
            value={shown.id.toWellFormed()}
            options={all.map((one) => [one.id.toWellFormed(), one.name] as const)}
            onChoose={(value) => {
              go(address(['doctor', value]));
            }}
          />
        </div>
      )}
      <p>{short(shown.headline, 400)}</p>
      <Notes notes={shown.notes} />
      {shown.findings.length > 0 && (
        <Table
          name={`findings of ${shown.name}`}
          caption="Findings"
          rows={shown.findings}
          columns={[
            { name: 'severity', value: ({ severity }) => severity },
            { name: 'code', value: ({ code }) => code, show: ({ code }) => <Name of={code} length={40} /> },
            { name: 'rows', value: ({ rows }) => rows },
            {
              name: 'here',
              value: ({ detail }) => detail,
              show: ({ detail }) => <span class="words">{short(detail, 300)}</span>,
            },
            {
              name: 'meaning',
              value: ({ meaning }) => meaning,
              show: ({ meaning }) => <span class="words">{short(meaning, 300)}</span>,
            },
            {
              name: 'what to do',
              value: ({ advice }) => advice,
              show: ({ advice }) => <span class="words">{short(advice, 300)}</span>,
            },
          ]}
        />
      )}
      <Rows key={shown.id} examination={shown} route={route} />
    </>
  );
}
