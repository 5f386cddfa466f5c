/* Whether what is printed may have colours. */

/** Of standard output: Node's own answer, which heeds NO_COLOR. */
export function showsColour(): boolean {
  return process.stdout.isTTY && process.stdout.hasColors();
}
