/** Follows findings on the page's WebSocket. */
import { once } from 'node:events';
import { FeedMessage, FindingRecord, parse } from '@opmas/protocol';
import type { Product } from '../../e2e/product.ts';
import { MARK } from './lines.ts';

const mark = new RegExp(MARK);

/** Resolves when subscribed; `onFinding` gets the number in each finding's event. */
export async function followFeed(
  product: Product,
  onFinding: (mark: number) => void,
): Promise<{ close(): void }> {
  const socket = new WebSocket(`${product.url.replace('http', 'ws')}/api/v1/agents/ws`);
  await once(socket, 'open');
  const subscribed = new Promise<void>((resolve, reject) => {
    socket.addEventListener('close', ({ reason }) =>
      reject(new Error(`the feed closed: ${reason}`)),
    );
    socket.addEventListener('message', ({ data }) => {
      const message = parse(FeedMessage, JSON.parse(String(data)));
      if (!message.ok) throw new Error(`not a feed message: ${String(data).slice(0, 200)}`);
      if (message.value.type === 'snapshot') resolve();
      if (message.value.type !== 'finding') return;
      const finding = parse(FindingRecord, message.value.data);
      if (!finding.ok) throw new Error(`not a finding: ${JSON.stringify(finding.errors)}`);
      const found = mark.exec(JSON.stringify(finding.value.details));
      if (found !== null) onFinding(Number(found[1]));
    });
  });
  socket.send(JSON.stringify({ type: 'auth', token: product.token }));
  socket.send(JSON.stringify({ type: 'subscribe', topics: ['findings'] }));
  await subscribed;
  return { close: () => socket.close() };
}
