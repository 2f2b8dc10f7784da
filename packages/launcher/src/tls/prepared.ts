/** What the parts are given for TLS; apart from its making, which loads a large library. */
export interface ListenerFiles {
  cert: string;
  key: string;
}

export interface PreparedTls {
  http: ListenerFiles | undefined;
  syslog: (ListenerFiles & { port: number }) | undefined;
  clientCa: string | undefined;
  /** Of the embedded broker. */
  broker: { certFile: string; keyFile: string } | undefined;
  /** What clients of the broker verify it with; undefined: the well-known authorities. */
  natsCa: string | undefined;
  /** One file of every authority that is not well known and that our own processes and agents trust. */
  authorities: string | undefined;
  /** Renews, gathers and tells from now on; returns the way to end that. */
  keep(events: {
    onBrokerChanged: () => void;
    onFault: (text: string) => void;
    /** How often the files are looked at; absent: as the limits say. */
    checkMs?: number;
  }): () => void;
}

export const NO_TLS: PreparedTls = {
  http: undefined,
  syslog: undefined,
  clientCa: undefined,
  broker: undefined,
  natsCa: undefined,
  authorities: undefined,
  keep: () => () => {},
};
