/* Values of secrets on their way from thread to thread. In shared memory they are in no JSON, no log
 * line and no printed message: what holds them shows as an empty object.
 */

declare const contents: unique symbol;

/** Something with secrets in it; only `unseal` shows what. */
export type Sealed<T> = SharedArrayBuffer & { readonly [contents]?: T };

/** `value` must be what JSON can carry. */
export function seal<T>(value: T): Sealed<T> {
  const text = Buffer.from(JSON.stringify(value));
  const memory = new SharedArrayBuffer(text.byteLength);
  new Uint8Array(memory).set(text);
  text.fill(0);
  return memory;
}

export function unseal<T>(sealed: Sealed<T>): T {
  return JSON.parse(Buffer.from(sealed).toString('utf8')) as T;
}

/** Whether both hold the same; their fields must have been written in the same order. */
export function sameSealed<T>(a: Sealed<T>, b: Sealed<T>): boolean {
  return Buffer.from(a).equals(Buffer.from(b));
}
