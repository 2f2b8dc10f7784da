/** What one syslog line says, in one shape for every dialect. */
/** Elements of RFC 5424 structured data by id, then parameter; objects without a prototype. */
export type StructuredData = Record<string, Record<string, string | string[]>>;

/** What a line says; what it does not say is undefined. `format` `raw`: nothing was recognised. */
export interface SyslogLine {
  format: 'rfc3164' | 'rfc5424' | 'logread' | 'raw';
  facility: string | undefined;
  severity: string | undefined;
  /** Milliseconds since 1970 UTC, by the sender's clock. */
  time: number | undefined;
  host: string | undefined;
  program: string | undefined;
  /** The program as sent, when that was an absolute path. */
  programPath: string | undefined;
  pid: number | undefined;
  /** The process id as sent, when that was no number. */
  procId: string | undefined;
  msgId: string | undefined;
  structured: StructuredData | undefined;
  message: string;
}
