import type { Problem } from '../base/errors.js';

/** Where a field is: keys of mappings and indexes of sequences, from the top of the document. */
export type Path = readonly (string | number)[];

/** What is wrong with one value, before anybody knows where the value was written. */
export interface Fault {
  readonly message: string;
  readonly hint: string;
}

/** The part of a document that problems need. */
export interface Lines {
  readonly file: string;
  lineAt(path: Path): number;
}

/** Collects the problems of one document under one resource's label. */
export interface Reporter {
  error(path: Path, fault: Fault): void;
  warning(path: Path, fault: Fault): void;
}

/** A reporter that appends to `problems`, each with the line of its path in `document`. */
export function reporterFor(problems: Problem[], document: Lines, resource: string): Reporter {
  const add = (severity: Problem['severity'], path: Path, fault: Fault) => {
    problems.push({
      severity,
      file: document.file,
      line: document.lineAt(path),
      resource,
      path: formatPath(path),
      message: fault.message,
      hint: fault.hint,
    });
  };
  return {
    error: (path, fault) => add('error', path, fault),
    warning: (path, fault) => add('warning', path, fault),
  };
}

const PLAIN_KEY = /^[A-Za-z_][A-Za-z0-9_-]*$/;

/** `spec.routes[1].mqttToKafka.qos`; a key that is no plain word stands in brackets and quotes. */
export function formatPath(path: Path): string {
  let text = '';
  for (const part of path) {
    if (typeof part === 'number') text += `[${part}]`;
    else if (!PLAIN_KEY.test(part)) text += `[${quote(part)}]`;
    else text += text === '' ? part : `.${part}`;
  }
  return text;
}

const QUOTED_LENGTH_MAX = 80;

/** A value from the user's file, short and on one line. Never for the values of secrets. */
export function quote(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  if (text.length <= QUOTED_LENGTH_MAX) return text;
  return `${text.slice(0, QUOTED_LENGTH_MAX)}... (${text.length} characters)`;
}

/** A problem that belongs to a file, or to no file at all, rather than to a field. */
export function fileProblem(
  file: string,
  line: number,
  fault: Fault,
  severity: Problem['severity'] = 'error',
): Problem {
  return { severity, file, line, resource: '', path: '', ...fault };
}

/** By file in the order in which they are first met, then by line. */
export function inOrder(problems: readonly Problem[]): readonly Problem[] {
  const files = [...new Set(problems.map(({ file }) => file))];
  return [...problems].sort(
    (a, b) => files.indexOf(a.file) - files.indexOf(b.file) || a.line - b.line,
  );
}
