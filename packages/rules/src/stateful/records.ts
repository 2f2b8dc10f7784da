/** How windows are kept outside: lines of JSON, of which later ones hold against earlier ones. */
import { check, type Static, Type } from '@opmas/protocol';
import { WindowDetails } from './firing.ts';
import { Entry, StoredState } from './key-state.ts';

/** A firing whose finding is not known to be stored. */
export const Unsettled = Type.Object({
  event_id: Type.String(),
  window: WindowDetails,
  timed: Type.Boolean(),
  text: Type.Optional(Type.String()),
  groups: Type.Optional(Type.Record(Type.String(), Type.String())),
});
export type Unsettled = Static<typeof Unsettled>;

const place = { rule: Type.String(), key: Type.String() };

/** One line; `rule` is the signature of a window. */
export const WindowRecord = Type.Union([
  Type.Object({ ...place, state: StoredState }),
  Type.Object({ ...place, latest: Type.Number(), add: Type.Array(Entry) }),
  Type.Object({ ...place, gone: Type.Literal(true) }),
  Type.Object({ ...place, fired: Unsettled }),
  Type.Object({ ...place, settled: Type.String() }),
  /** The rule went out of force: nothing that was counted for it before holds. `key` is empty. */
  Type.Object({ ...place, dropped: Type.Literal(true) }),
]);
export type WindowRecord = Static<typeof WindowRecord>;

/** Undefined for what is no record: a line that was being written when the machine went down. */
export function readRecord(line: string): WindowRecord | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return check(WindowRecord, value) ? value : undefined;
  } catch {
    return undefined;
  }
}
