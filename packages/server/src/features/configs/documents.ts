/** Documents that people send: what of them may be stored, in the canonical form. */
import { type ConfigLayer, canonicalConfig, type Fault, parse, Type } from '@opmas/protocol';
import { OpmasError } from '../../kernel/errors.ts';
import { configLimits } from './limits.ts';
import type { ScopeRef } from './scopes.ts';
import { acceptSecrets, type FreshSecret } from './secret-values.ts';

/** What a running agent can take over at once. */
const RuntimeDocument = Type.Object(
  {
    monitoring: Type.Optional(
      Type.Object(
        {
          log_level: Type.Optional(Type.Unknown()),
          metrics_enabled: Type.Optional(Type.Unknown()),
          metrics_interval: Type.Optional(Type.Unknown()),
          heartbeat_interval: Type.Optional(Type.Unknown()),
        },
        { additionalProperties: false },
      ),
    ),
    rules_enabled: Type.Optional(Type.Unknown()),
  },
  { additionalProperties: false },
);

/** A document with ids in the place of its secrets, and the secrets that came with it. */
export interface StorableDocument {
  stored: ConfigLayer;
  fresh: readonly FreshSecret[];
}

/**
 * What was sent, as it may be stored; its rules are judged apart.
 * @param newId of a secret
 * @throws {OpmasError} OPMAS_INVALID_CONFIGURATION
 */
export function acceptDocument(
  ref: ScopeRef,
  given: ConfigLayer,
  current: ConfigLayer,
  newId: () => string,
): StorableDocument {
  const { $schema, ...rest } = given;
  const document = canonicalConfig(typeof $schema === 'string' ? rest : given);
  if (ref.scope === 'runtime') {
    const known = parse(RuntimeDocument, document);
    if (!known.ok) throw invalid(known.errors);
  }
  refuseLongKeys(document);
  const accepted = acceptSecrets(document, current, newId);
  if (!accepted.ok) throw invalid(accepted.errors);
  return accepted;
}

/** Stored documents, one over the other: ids of secrets go with them. */
export function mergeDocuments(below: ConfigLayer, above: ConfigLayer): ConfigLayer {
  const result: ConfigLayer = { ...below };
  for (const [key, value] of Object.entries(above)) {
    const under = result[key];
    const both = [under, value].every((each) => typeof each === 'object' && each !== null);
    result[key] =
      both && !Array.isArray(under) && !Array.isArray(value)
        ? mergeDocuments(under as ConfigLayer, value as ConfigLayer)
        : value;
  }
  return result;
}

function invalid(errors: readonly Fault[]): OpmasError {
  const { path = '', message = '' } = errors[0] ?? {};
  return new OpmasError(
    'OPMAS_INVALID_CONFIGURATION',
    `The configuration would not be valid: ${path} ${message}`,
    { errors },
  );
}

function refuseLongKeys(document: ConfigLayer): void {
  const errors: Fault[] = [];
  const visit = (value: unknown, path: string) => {
    if (typeof value !== 'object' || value === null) return;
    for (const [key, inner] of Object.entries(value)) {
      if (key.length <= configLimits.keyChars) visit(inner, path === '' ? key : `${path}.${key}`);
      else if (errors.length < configLimits.refusedAgents) {
        const shown = JSON.stringify(key.slice(0, 32));
        const message = `the key ${shown}… has more than ${configLimits.keyChars} characters`;
        errors.push({ path, message });
      }
    }
  };
  visit(document, '');
  if (errors.length > 0) throw invalid(errors);
}
