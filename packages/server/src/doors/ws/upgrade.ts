/** The WebSocket's address: what is refused before there is a connection. */
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { OpmasError } from '../../kernel/errors.ts';
import type { Feed } from './feed.ts';

const PATHS = ['/api/v1/agents/ws', '/agents/ws'];

/** `admit` throws when the address opens too many. The origin was checked with that of every other request. */
export function registerFeed(
  app: FastifyInstance,
  { feed, admit }: { feed: Feed; admit: (request: FastifyRequest) => Promise<void> },
): void {
  for (const path of PATHS) {
    const onRequest = async (request: FastifyRequest) => {
      refuseQuery(request.query);
      await admit(request);
    };
    app.get(path, { websocket: true, onRequest }, (socket) => feed.accept(socket));
  }
}

/** A token in an address ends up in logs and histories: it is refused, not just not read. */
function refuseQuery(query: unknown): void {
  const names = Object.keys(query as object).filter((name) => name !== 'api_version');
  if (names.length === 0) return;
  throw new OpmasError(
    'OPMAS_INVALID_REQUEST',
    'The feed takes no parameters: the token goes into the first message, {"type":"auth","token":"…"}',
  );
}
