/** Label selectors, refused as a request is refused; their grammar is the protocol's. Pure. */
import { readSelector, type Selector } from '@opmas/protocol';
import { OpmasError } from '../../kernel/errors.ts';

export {
  type Labelled,
  matchesSelector,
  type Selector,
  type SelectorTerm,
  selectorLimits,
} from '@opmas/protocol';

/** @throws {OpmasError} OPMAS_INVALID_REQUEST with the place that cannot be read */
export function parseSelector(text: string): Selector {
  const reading = readSelector(text);
  if (reading.ok) return reading.selector;
  const { at, message } = reading;
  const near = JSON.stringify(text.slice(at, at + 20).trim());
  throw new OpmasError(
    'OPMAS_INVALID_REQUEST',
    `The selector ${message}, at character ${at + 1}${near === '""' ? '' : ` (${near})`}; write it as: type=wifi, site=berlin, tag!=old, name in (a, b)`,
    { errors: [{ path: 'selector', message }] },
  );
}
