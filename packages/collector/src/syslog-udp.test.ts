/** The kernel's table of UDP sockets, read for the socket that is ours. */
import { expect, it } from 'vitest';
import { dropsIn } from './syslog-udp.ts';

const TABLE = `   sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops
  338: 0100007F:158A 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 24661 2 0000000000000000 1234
  339: 0200007F:158A 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 24662 2 0000000000000000 99
  340: 00000000:158B 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 24663 2 0000000000000000 7
`;

it.each([
  ['127.0.0.1', 5514, 1234],
  ['127.0.0.2', 5514, 99],
  ['0.0.0.0', 5515, 7],
  ['127.0.0.1', 5516, undefined],
])('%s:%d dropped %s', (address, port, drops) => {
  expect(dropsIn(TABLE, address, port)).toBe(drops);
});

it('answers nothing for a table it does not understand', () => {
  expect(dropsIn('', '127.0.0.1', 5514)).toBeUndefined();
  expect(dropsIn('a\nb', '::', 5514)).toBeUndefined();
});
