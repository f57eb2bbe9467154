/** @file What chooses the problems of a set: two columns, a grader, a filter, an order, and a search. */
import { useEffect, useState } from 'preact/hooks';
import type { EvaluationSet } from '../model.js';
import { FILTERS, MEANINGS, ORDERS, type Filter, type Looking, type Order } from './filters.js';
import { change, go, withQuery, type Route } from './route.js';
import { SearchField } from './SearchField.js';
import { short } from './text.js';

interface SelectProps {
  label: string;
  value: string;
  options: readonly (readonly [value: string, words: string])[];
  onChoose: (value: string) => void;
}

export function Select({ label, value, options, onChoose }: SelectProps) {
  return (
    <label class="select">
      <span>{label}</span>{' '}
      <select
        aria-label={label}
        value={value}
        onChange={(event) => {
          onChoose(event.currentTarget.value);
        }}
      >
        {options.map(([one, words]) => (
          <option key={one} value={one} selected={one === value}>
            {short(words, 50)}
          </option>
        ))}
      </select>
    </label>
  );
}

/** A number of tokens that is written into the address when it is finished. */
function TokensField({ route, name, of }: { route: Route; name: 'from' | 'to'; of: string }) {
  const given = route.query.get(name) ?? '';
  // What is being typed stays while the page is drawn anew.
  const [typed, setTyped] = useState(given);
  useEffect(() => {
    setTyped(given);
  }, [given]);
  return (
    <label class="select">
      <span>{name === 'from' ? `${of} from` : 'to'}</span>{' '}
      <input
        type="number"
        class="tokens-field"
        min="0"
        aria-label={`${of} ${name}`}
        value={typed}
        onInput={(event) => {
          setTyped(event.currentTarget.value);
        }}
        onChange={(event) => {
          change({ [name]: event.currentTarget.value, page: undefined });
        }}
      />
    </label>
  );
}

export interface ControlsProps {
  set: EvaluationSet;
  route: Route;
  looking: Looking;
  filter: Filter;
  order: Order;
  /** How many problems pass each filter. */
  counts: Readonly<Record<Filter, number>>;
}

export function ProblemControls({ set, route, looking, filter, order, counts }: ControlsProps) {
  const choose = (name: string) => (value: string) => {
    go(withQuery(route, { [name]: value, page: undefined }), true);
  };
  const columns = set.columns.map(({ id, name }) => [id.toWellFormed(), name] as const);
  const isSingle = columns.length < 2;
  const filters = (Object.keys(FILTERS) as Filter[]).filter(
    (name) =>
      !(isSingle && ['changed', 'gained', 'lost'].includes(name)) &&
      !(set.graders.length < 2 && name === 'disputed'),
  );
  return (
    <div class="controls problems-controls">
      {!isSingle && (
        <Select label="A" value={columns[looking.a]![0]} options={columns} onChoose={choose('a')} />
      )}
      {!isSingle && (
        <Select label="B" value={columns[looking.b]![0]} options={columns} onChoose={choose('b')} />
      )}
      {set.graders.length > 1 && (
        <Select
          label="Grader"
          value={looking.grader}
          options={set.graders.map((name) => [name.toWellFormed(), name] as const)}
          onChoose={choose('grader')}
        />
      )}
      <Select
        label="Order"
        value={order}
        options={Object.entries(ORDERS).filter(([name]) => !isSingle || name !== 'change')}
        onChoose={choose('order')}
      />
      <span class="lengths">
        <TokensField route={route} name="from" of={isSingle ? 'tokens' : 'tokens in B'} />{' '}
        <TokensField route={route} name="to" of={isSingle ? 'tokens' : 'tokens in B'} />
      </span>
      <SearchField
        route={route}
        label="Search ids and beginnings of problems; Enter searches all texts"
        hasTexts
      />
      <div class="chips" role="group" aria-label="Filter">
        {filters.map((name) => (
          <button
            key={name}
            type="button"
            title={MEANINGS[name]}
            aria-pressed={name === filter}
            onClick={() => {
              choose('show')(name === 'all' ? '' : name);
            }}
          >
            {isSingle ? FILTERS[name].replace(' in B', '') : FILTERS[name]} <b>{counts[name]}</b>
          </button>
        ))}
      </div>
    </div>
  );
}
