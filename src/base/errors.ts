/* The two sorts of error that are expected. A programmer's error is an `AssertionError` from
 * assert.ts and ends its thread.
 */

/** One thing wrong with the configuration; collected, printed together, exit code 2. */
export interface Problem {
  readonly severity: 'error' | 'warning';
  /** The file as the user named it, `-` for standard input; empty where no file is to blame. */
  readonly file: string;
  /** 1-based; 0 where no line is to blame. */
  readonly line: number;
  /** Kind and name, such as `KafkaConnector/my-connector`; empty where it has none yet. */
  readonly resource: string;
  /** Field path, such as `spec.routes[2].mqttToKafka.qos`; empty for the document itself. */
  readonly path: string;
  /** What is wrong. */
  readonly message: string;
  /** What would be right. */
  readonly hint: string;
}

/** Wrong usage or configuration: printed as it is, exit code 2. */
export class UsageError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'UsageError';
  }
}

/** Something that failed at run time and has a code; printed without a stack trace, exit code 1. */
export class OperatingError extends Error {
  readonly code: `ERR_${string}`;
  constructor(code: `ERR_${string}`, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'OperatingError';
    this.code = code;
  }
}
