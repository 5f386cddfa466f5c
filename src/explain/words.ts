/* How explanations of both directions are put into lines for people. Pure. */
import { printable } from '../base/printable.js';
import type { Bytes } from './explanation.js';

const LABEL_WIDTH = 15;

export function bytesText(value: Bytes): string {
  return 'text' in value ? quoted(value.text) : `${value.base64} (base64)`;
}

export function list(names: readonly string[]): string {
  return names.map(printable).join(', ');
}

export function field(label: string, value: string): string {
  return `    ${label.padEnd(LABEL_WIDTH)}${value}`;
}

export function quoted(text: string): string {
  return printable(JSON.stringify(text));
}
