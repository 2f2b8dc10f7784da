/** The management API as typed functions; made from `docs/reference/openapi.json`. */
export {
  type Client,
  type Config as ClientConfig,
  createClient,
  createConfig,
} from './generated/client/index.ts';
export * from './generated/index.ts';
