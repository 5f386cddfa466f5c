/* The values in Secret and ConfigMap documents, sealed at once: all else in config/ knows keys only. */
import { type Sealed, seal } from '../secrets/sealed.js';
import type { InlineObjects, ObjectKind } from '../secrets/secret-source.js';
import type { SourceDocument } from './document.js';
import { fieldOf, nameOf } from './resource.js';

/** Of documents that are right; what is wrong in others is left out. */
export function sealInlineObjects(documents: readonly SourceDocument[]): Sealed<InlineObjects> {
  return seal<InlineObjects>({
    Secret: objectsOf(documents, 'Secret', 'stringData', 'data'),
    ConfigMap: objectsOf(documents, 'ConfigMap', 'data', 'binaryData'),
  });
}

/** Of a key in both fields the plain one counts, as in Kubernetes. */
function objectsOf(
  documents: readonly SourceDocument[],
  kind: ObjectKind,
  plainField: string,
  base64Field: string,
): InlineObjects[ObjectKind] {
  const named = documents.filter(({ value }) => fieldOf(value, 'kind') === kind);
  return Object.fromEntries(
    named.map((document) => {
      const base64 = stringsOf(fieldOf(document.value, base64Field));
      const plain = stringsOf(fieldOf(document.value, plainField)).map(
        ([key, value]) => [key, Buffer.from(value).toString('base64')] as const,
      );
      return [nameOf(document), Object.fromEntries([...base64, ...plain])];
    }),
  );
}

function stringsOf(data: unknown): (readonly [string, string])[] {
  if (typeof data !== 'object' || data === null) return [];
  return Object.entries(data).filter((entry): entry is [string, string] => {
    return typeof entry[1] === 'string';
  });
}
