/* ValuesRemover: takes values of secrets out of texts that somebody else has written: a server may repeat
 * what it was shown.
 */

/** What is shorter stands in any text by chance. */
const TELLING_LENGTH = 3;

/** How many earlier credentials are looked for too: a connection made with them may still speak. */
const EARLIER_MAX = 8;

interface Hidden {
  readonly of: object;
  readonly values: readonly string[];
}

export class ValuesRemover {
  #hidden: readonly Hidden[] = [];
  /** The longest first: a value may be the beginning of another. */
  #values: readonly string[] = [];

  /**
   * Looks for these values too from now on; those of the oldest credentials are forgotten in the end.
   *
   * @param of the credentials that they are of: the same ones again replace what they had
   */
  hide(of: object, values: readonly (string | undefined)[]): void {
    const telling = values.filter((value) => value !== undefined && value.length >= TELLING_LENGTH);
    const others = this.#hidden.filter((hidden) => hidden.of !== of);
    this.#hidden = [...others.slice(-EARLIER_MAX), { of, values: telling as string[] }];
    const all = new Set(this.#hidden.flatMap((hidden) => hidden.values));
    this.#values = [...all].sort((a, b) => b.length - a.length);
  }

  /** The text with `...` for each value. */
  clean(text: string): string {
    return this.#values.reduce((rest, value) => rest.replaceAll(value, () => '...'), text);
  }
}
