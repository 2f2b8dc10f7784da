/** Test helper process: a part of OPMAS that becomes ready with what its environment says, and stops on SIGTERM. */
import { appendFileSync, writeSync } from 'node:fs';

const env = process.env;
const { PART_READY, PART_EXIT, PART_SAYS, PART_DEAF, PART_RECORD } = env;
console.log(PART_SAYS ?? `part ${process.pid}`);
if (PART_RECORD) appendFileSync(PART_RECORD, `${JSON.stringify(env)}\n`);
if (PART_EXIT !== undefined) process.exit(Number(PART_EXIT));
const details = {
  ready: true,
  url: `http://127.0.0.1:${env.OPMAS_HTTP_PORT === '0' ? 18_080 : (env.OPMAS_HTTP_PORT ?? 1)}`,
  setup_url: null,
  udp_port: Number(env.OPMAS_SYSLOG_PORT ?? 1),
  tcp_port: Number(env.OPMAS_SYSLOG_PORT ?? 1),
};
if (PART_READY !== 'never') writeSync(3, PART_READY ?? `${JSON.stringify(details)}\n`);
process.on('SIGTERM', () => {
  if (PART_DEAF === undefined) process.exit(0);
});
setInterval(() => {}, 60_000);
