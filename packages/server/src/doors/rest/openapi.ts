/** OpenAPI 3.1, made from the operations: what is served is what is validated. */
import { Problem } from '@opmas/protocol';
import type { TObject, TSchema } from 'typebox';
import type { Operation } from '../../operation.ts';
import { API_BASE, API_VERSION } from './routes.ts';

type Json = Record<string, unknown>;

/** The document, deterministic for the same operations. */
export function openApi(operations: readonly Operation[]): Json {
  const paths: Record<string, Json> = {};
  for (const operation of operations) {
    const path = `${API_BASE}${operation.rest.path}`;
    paths[path] = { ...paths[path], [operation.rest.method.toLowerCase()]: describe(operation) };
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'OPMAS',
      version: API_VERSION,
      description: 'Agent management for network operators.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    paths,
    components: {
      securitySchemes: { bearer: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT' } },
      schemas: { Problem: plain(Problem) },
    },
  };
}

function describe(operation: Operation): Json {
  const { rest } = operation;
  const status = String(rest.status ?? (operation.output === undefined ? 204 : 200));
  const open = operation.permission === 'open';
  return {
    operationId: operation.id.replaceAll('.', '_'),
    summary: operation.summary,
    tags: [rest.tag],
    ...(open
      ? { security: [] }
      : { security: [{ bearer: [] }], 'x-permission': operation.permission }),
    parameters: [
      ...parameters(operation.params, 'path'),
      ...parameters(operation.query, 'query'),
      ...(rest.etag === true && (rest.method === 'PUT' || rest.status === 202)
        ? [{ name: 'If-Match', in: 'header', required: false, schema: { type: 'string' } }]
        : []),
    ],
    ...requestBody(operation),
    responses: {
      [status]:
        operation.output === undefined
          ? { description: 'Done' }
          : {
              description: 'OK',
              content:
                operation.kind === 'stream'
                  ? { 'application/x-ndjson': { schema: { type: 'string' } } }
                  : { 'application/json': { schema: plain(operation.output) } },
            },
      default: {
        description: 'Error',
        content: {
          'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } },
        },
      },
    },
  };
}

function requestBody(operation: Operation): Json {
  const raw = operation.rest.rawBody;
  if (raw !== undefined) {
    const schema = operation.body === undefined ? {} : plain(operation.body);
    return {
      requestBody: {
        required: true,
        content: Object.fromEntries(
          raw.types.map((type) => [
            type,
            { schema: type.includes('ndjson') ? { type: 'string' } : schema },
          ]),
        ),
      },
    };
  }
  if (operation.body === undefined) return {};
  return {
    requestBody: {
      required: true,
      content: { 'application/json': { schema: plain(operation.body) } },
    },
  };
}

function parameters(schema: TObject | undefined, where: 'path' | 'query'): Json[] {
  if (schema === undefined) return [];
  const required = new Set<string>(schema.required ?? []);
  return Object.entries(schema.properties as Record<string, TSchema>).map(([name, property]) => ({
    name,
    in: where,
    required: where === 'path' || required.has(name),
    schema: plain(property),
  }));
}

/** A schema without the library's hidden marks. */
function plain(schema: TSchema): unknown {
  return JSON.parse(JSON.stringify(schema));
}
