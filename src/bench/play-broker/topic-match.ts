/** Whether a topic name matches a topic filter, with or without `$share/<name>/` before it. The
 * generator has its own: the routes' trie is part of what is measured. */
export function matchesFilter(topicName: string, filter: string): boolean {
  const levels = filter.split('/');
  const wanted = levels[0] === '$share' ? levels.slice(2) : levels;
  const given = topicName.split('/');
  for (const [n, level] of wanted.entries()) {
    if (level === '#') return true;
    if (n >= given.length || (level !== '+' && level !== given[n])) return false;
  }
  return wanted.length === given.length;
}
