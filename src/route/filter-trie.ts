/* FilterTrie: topic name -> what was stored under the filters that match it. Used where the broker
 * has no Subscription Identifiers, and by `explain`.
 */

interface Node<Value> {
  readonly children: Map<string, Node<Value>>;
  readonly values: Value[];
}

export class FilterTrie<Value> {
  readonly #root: Node<Value> = { children: new Map(), values: [] };

  /** @param filter without `$share/<group>/` */
  add(filter: string, value: Value): void {
    let node = this.#root;
    for (const level of filter.split('/')) {
      let child = node.children.get(level);
      if (child === undefined) {
        child = { children: new Map(), values: [] };
        node.children.set(level, child);
      }
      node = child;
    }
    node.values.push(value);
  }

  /** Values of every filter that matches, each as often as it was added. */
  match(topicName: string): Value[] {
    const found: Value[] = [];
    collect(this.#root, topicName.split('/'), 0, topicName.startsWith('$'), found);
    return found;
  }
}

function collect<Value>(
  node: Node<Value>,
  names: readonly string[],
  index: number,
  dollar: boolean,
  found: Value[],
): void {
  // Wildcards do not match a first level that begins with `$` [MQTT-4.7.2-1].
  const wildcards = index > 0 || !dollar;
  if (wildcards) found.push(...(node.children.get('#')?.values ?? []));
  const name = names[index];
  if (name === undefined) {
    found.push(...node.values);
    return;
  }
  const exact = node.children.get(name);
  if (exact !== undefined) collect(exact, names, index + 1, dollar, found);
  const plus = wildcards ? node.children.get('+') : undefined;
  if (plus !== undefined) collect(plus, names, index + 1, dollar, found);
}
