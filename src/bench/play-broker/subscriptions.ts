/* Subscriptions: what a client has subscribed to, and under which identifiers it is to get a topic. A tree
 * of topic levels, so that what a topic costs does not depend on how many filters there are. The generator
 * has its own: the routes' tree is part of what is measured.
 */

interface Level {
  readonly children: Map<string, Level>;
  /** A filter ends here; its Subscription Identifier, if it has one. */
  filter: { readonly id: number | undefined } | undefined;
}

function newLevel(): Level {
  return { children: new Map(), filter: undefined };
}

export class Subscriptions {
  readonly #root = newLevel();

  /** @param filter with or without `$share/<name>/` before it; one that is there already is replaced */
  add(filter: string, id: number | undefined): void {
    const levels = filter.split('/');
    let level = this.#root;
    for (const name of levels[0] === '$share' ? levels.slice(2) : levels) {
      let child = level.children.get(name);
      if (child === undefined) {
        child = newLevel();
        level.children.set(name, child);
      }
      level = child;
    }
    level.filter = { id };
  }

  /** The identifiers of all filters that match, in no order; undefined where none matches. */
  idsOf(topicName: string): number[] | undefined {
    const found: number[] = [];
    return collect(this.#root, topicName.split('/'), 0, found) ? found : undefined;
  }
}

/** Adds to `found`; whether anything matches. */
function collect(level: Level, names: readonly string[], index: number, found: number[]): boolean {
  const { children } = level;
  let matches = add(children.get('#')?.filter, found);
  const name = names[index];
  if (name === undefined) return add(level.filter, found) || matches;
  const exact = children.get(name);
  if (exact !== undefined) matches = collect(exact, names, index + 1, found) || matches;
  const any = children.get('+');
  if (any !== undefined) matches = collect(any, names, index + 1, found) || matches;
  return matches;
}

function add(filter: Level['filter'], found: number[]): boolean {
  if (filter?.id !== undefined) found.push(filter.id);
  return filter !== undefined;
}
