/** What is wrong with a layer by itself, also where higher ones hide it. Pure. */
import {
  type ConfigLayer,
  canonicalJson,
  type Fault,
  isOfAbsence,
  isPlainObject,
} from '@opmas/protocol';
import { type EffectiveResult, effectiveConfig } from './layers.ts';
import type { PackageSchema } from './package-schema.ts';
import type { Told } from './stacks.ts';

/** A layer among those of one agent. */
export interface PlacedLayer {
  below: readonly ConfigLayer[];
  layer: ConfigLayer;
  above: readonly ConfigLayer[];
  schema: PackageSchema | undefined;
}

/** A layer for whichever agent, of which only the keys that all have can be judged. */
export const unplaced = (layer: ConfigLayer): PlacedLayer => ({
  below: [],
  layer,
  above: [],
  schema: undefined,
});

/** Undefined: the agent has no such layer. */
export function placeOf({ layers, schema }: Told, label: string): PlacedLayer | undefined {
  const at = layers.findIndex((each) => each.label === label);
  const layer = layers[at]?.document;
  if (layer === undefined) return undefined;
  const documents = layers.map(({ document }) => document);
  return { below: documents.slice(0, at), layer, above: documents.slice(at + 1), schema };
}

export type LayerJudge = ReturnType<typeof createLayerJudge>;

/** Of one change: the same layers in the same order are worked out once, however many agents have them. */
export function createLayerJudge() {
  const numbers = new Map<object, number>();
  const worked = new Map<string, EffectiveResult>();

  function numberOf(part: object): number {
    const number = numbers.get(part) ?? numbers.size;
    numbers.set(part, number);
    return number;
  }

  function outcome(
    layers: readonly ConfigLayer[],
    schema: PackageSchema | undefined,
  ): EffectiveResult {
    const parts = schema === undefined ? layers : [schema, ...layers];
    const key = `${schema === undefined ? '-' : '+'} ${parts.map(numberOf).join(' ')}`;
    const known = worked.get(key);
    if (known !== undefined) return known;
    const result = effectiveConfig(layers, schema);
    worked.set(key, result);
    return result;
  }

  /**
   * What the layers up to this one give, where the fault lies in what this one says. What only lacks
   * something that a higher layer brings is no fault.
   */
  function faultsOf({ below, layer, above, schema }: PlacedLayer): Fault[] {
    const upTo = outcome([...below, layer], schema);
    if (upTo.ok) return [];
    const said = upTo.errors.filter((fault) => {
      const value = valueAt(layer, fault.path);
      return value !== undefined && (value.isWhole || !isOfAbsence(fault));
    });
    if (said.length === 0 || above.length === 0) return said;
    const complete = outcome([...below, layer, ...above, layer], schema);
    const left = new Set(complete.ok ? [] : complete.errors.map(({ path }) => path));
    return said.filter(({ path }) => left.has(path));
  }

  return {
    faultsOf,

    /** Without what was so before: a value that stays as it is holds up no other change. */
    newFaults(now: PlacedLayer, before: PlacedLayer | undefined): Fault[] {
      const faults = faultsOf(now);
      if (faults.length === 0 || before === undefined) return faults;
      const old = new Set(faultsOf(before).map(textOf));
      return faults.filter(
        (fault) => !old.has(textOf(fault)) || !isSame(now.layer, before.layer, fault.path),
      );
    },
  };
}

export const textOf = ({ path, message }: Fault): string => `${path}\n${message}`;

interface Value {
  value: unknown;
  /** All of it is this layer's; an object's keys may come from several. */
  isWhole: boolean;
}

/** What a layer says at the path of a fault, or above it; undefined when it says nothing there. */
function valueAt(value: unknown, path: string, isWhole = false): Value | undefined {
  const isObject = isPlainObject(value);
  if (path === '') return { value, isWhole: isWhole || !isObject };
  if (!isObject && !Array.isArray(value)) return { value, isWhole: true };
  const isInList = isWhole || !isObject;
  for (const [key, inner] of Object.entries(value)) {
    // As the validator writes keys, which may hold dots and slashes, in paths.
    const name = key.replaceAll('~', '~0').replaceAll('/', '~1');
    for (const each of name === key ? [key] : [key, name]) {
      if (path !== each && !path.startsWith(`${each}.`)) continue;
      const found = valueAt(inner, path.slice(each.length + 1), isInList);
      if (found !== undefined) return found;
    }
  }
  return isInList ? { value, isWhole: true } : undefined;
}

function isSame(now: ConfigLayer, before: ConfigLayer, path: string): boolean {
  const [one, other] = [valueAt(now, path), valueAt(before, path)];
  if (one === undefined || other === undefined) return false;
  return one.isWhole ? canonicalJson(one.value) === canonicalJson(other.value) : true;
}
