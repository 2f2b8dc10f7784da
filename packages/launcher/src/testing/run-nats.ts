/** Test helper process: a broker on a data folder; prints its pid and waits to be killed. */
import { embeddedNats } from '../nats/embedded-nats.ts';

const nats = await embeddedNats({
  dataDir: process.argv[2] ?? '',
  hostId: 'local',
  bin: process.env['OPMAS_NATS_BIN'] || undefined,
  path: process.env['PATH'],
});
process.stdout.write(`${nats.pid()}\n`);
